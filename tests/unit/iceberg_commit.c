/* Tables, appends and their races, on both catalogs; stores; manifests there and back. */
#include "config.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail		/* base/fail.h has a function of that name */
#define wrong(...)	(print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

#include "commit.h"
#include "ocf.h"
#include "plan.h"
#include "weir.h"

static char dir[64];
static struct fail f;

static int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/weir-unit.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int
drop_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

static void
ok(int e)
{
	if (e < 0)
		wrong("%d: %s", e, f.text);
}

static struct catalog *
open_catalog(const char *kind)
{
	struct catalog *c;
	char uri[128];

	snprintf(uri, sizeof uri, strcmp(kind, "sqlite") ? "file:%s/lake" : "sqlite:%s/lake/catalog.db?timeout=200", dir);
	ok(catalog_open(uri, NULL, 1, &c, &f));
	return c;
}

static struct table *
make_table(struct catalog *c, const char *name)
{
	struct commit_table t = { .name = name, .now_ms = 1700000000000 };
	struct schema *s = schema_new();
	struct spec *spec;
	struct table *table;

	schema_add(&s->root, "id", SCHEMA_LONG, 1);
	schema_add(&s->root, "region", SCHEMA_STRING, 0);
	ok(schema_number(s, &t.last_column_id, &f));
	ok(spec_from_text("region, bucket(4, id) as b", s, &spec, &f));
	t.schema = s;
	t.spec = spec;
	ok(commit_create(c, &t, &f));
	assert_int_equal(table_load(c, name, &table, &f), 1);
	assert_int_equal(commit_create(c, &t, &f), 1);		/* there is one already */
	schema_free(s);
	spec_free(spec);
	return table;
}

static int check_code, n_checks;

static int
check(void *arg, const struct table *t, struct fail *why)
{
	(void)arg;
	(void)t;
	n_checks++;
	return check_code < 0 ? fail(why, check_code, "said the check") : check_code;
}

/* Append one file of `rows` rows that is not really there. */
static int
append(struct table *t, int64_t rows, int64_t *id)
{
	struct datum tuple[2] = { { .s = { "eu/west", 7 } }, { .i = 3 } };
	struct manifest_metric metric = { 1, 100, rows, 0, -1, "\1\0\0\0\0\0\0\0", "\5\0\0\0\0\0\0\0", 8, 8 };
	int64_t split = 4;
	struct manifest_file d = { .status = MANIFEST_ADDED, .path = "file:///nowhere/x.parquet", .format = "PARQUET", .records = rows, .bytes = 1000,
		.n_partition = 2, .partition = tuple, .n_metric = 1, .metric = &metric, .n_split = 1, .split = &split, .sort_order = 0 };
	struct commit c = { .ref = "main", .now_ms = 1700000001000, .file = &d, .n_files = rows > 0, .check = check };

	c.spec = metadata_spec(t->meta, -1);
	ok(catalog_snapshot_id(&c.snapshot_id, &f));
	*id = c.snapshot_id;
	{
		struct spec *spec = spec_dup(c.spec);		/* the table's own goes with each reload */
		int e;

		c.spec = spec;
		e = commit_append(t, &c, &f);
		spec_free(spec);
		return e < 0 ? e : c.already;
	}
}

static void
appends(const char *kind)
{
	struct catalog *c = open_catalog(kind);
	struct table *t = make_table(c, "ns.a");
	const struct metadata_snapshot *s;
	struct plan plan;
	int64_t first, second;

	check_code = 0;
	assert_int_equal(append(t, 10, &first), 0);
	assert_int_equal(append(t, 5, &second), 0);
	assert_int_equal(append(t, 0, &second), 0);		/* an empty one */
	assert_int_equal(t->meta->n_snapshot, 3);
	assert_int_equal(t->meta->current_snapshot_id, second);
	s = metadata_snapshot(t->meta, second);
	assert_int_equal(s->sequence, 3);
	assert_string_equal(metadata_summary(s, "total-records"), "15");
	assert_string_equal(metadata_summary(s, "total-data-files"), "2");
	assert_null(metadata_summary(s, "added-records"));
	assert_int_equal(s->schema_id, 0);
	ok(plan_files(t, second, NULL, &plan, &f));
	assert_int_equal(plan.n_data, 2);
	assert_int_equal(plan.data[0].sequence, 2);
	assert_int_equal(plan.data[1].sequence, 1);
	assert_int_equal(plan.data[1].snapshot_id, first);
	assert_int_equal(plan.data[1].records, 10);
	assert_memory_equal(plan.data[1].partition[0].s.p, "eu/west", 7);
	assert_int_equal(plan.data[1].partition[1].i, 3);
	assert_int_equal(plan.data[1].metric[0].values, 10);
	assert_int_equal(plan.data[1].metric[0].nans, -1);
	assert_memory_equal(plan.data[1].metric[0].upper, "\5\0\0\0\0\0\0\0", 8);
	assert_int_equal(plan.data[1].split[0], 4);
	plan_free(&plan);
	ok(plan_added(t, first, second, 0, &plan, &f));
	assert_int_equal(plan.n_data, 1);
	assert_int_equal(plan.data[0].records, 5);
	plan_free(&plan);
	assert_int_equal(plan_added(t, 12345, second, 0, &plan, &f), WEIR_EOFFSET);
	table_free(t);
	catalog_close(c);
}

static void
appends_sqlite(void **state)
{
	(void)state;
	appends("sqlite");
}

static void
appends_file(void **state)
{
	(void)state;
	appends("file");
}

static void
checked_every_time(void **state)
{
	struct catalog *c = open_catalog("sqlite");
	struct table *t = make_table(c, "ns.a");
	int64_t id;

	(void)state;
	check_code = WEIR_EFENCED;
	assert_int_equal(append(t, 1, &id), WEIR_EFENCED);
	assert_string_equal(f.text, "said the check");
	check_code = 1;
	assert_int_equal(append(t, 1, &id), 1);
	check_code = 0;
	ok(table_reload(t, &f));
	assert_int_equal(t->meta->n_snapshot, 0);
	table_free(t);
	catalog_close(c);
}

/* Eight processes append 5 times each: nobody's append is lost, nobody's is doubled. */
static void
race(const char *kind)
{
	struct catalog *c = open_catalog(kind);
	struct table *t = make_table(c, "ns.race");
	int64_t id, total = 0;
	int status;

	check_code = 0;
	catalog_close(c);
	table_free(t);
	for (int p = 0; p < 8; p++)
		if (fork() == 0) {
			struct catalog *mine;
			struct table *tt;
			char uri[128];

			snprintf(uri, sizeof uri, strcmp(kind, "sqlite") ? "file:%s/lake" : "sqlite:%s/lake/catalog.db", dir);
			if (catalog_open(uri, NULL, 0, &mine, &f) < 0 || table_load(mine, "ns.race", &tt, &f) != 1)
				_exit(1);
			for (int i = 0; i < 5; i++)
				if (append(tt, 1 + p, &id) != 0) {
					fprintf(stderr, "%s\n", f.text);
					_exit(2);
				}
			table_free(tt);
			catalog_close(mine);
			_exit(0);
		}
	for (int p = 0; p < 8; p++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	c = open_catalog(kind);
	assert_int_equal(table_load(c, "ns.race", &t, &f), 1);
	assert_int_equal(t->meta->n_snapshot, 40);
	for (size_t i = 0; i < 40; i++) {
		const char *n = metadata_summary(&t->meta->snapshot[i], "added-records");

		total += n ? atoi(n) : 0;
		assert_int_equal(t->meta->snapshot[i].sequence, i + 1);
	}
	assert_int_equal(total, 5 * 36);
	assert_string_equal(metadata_summary(metadata_snapshot(t->meta, t->meta->current_snapshot_id), "total-records"), "180");
	table_free(t);
	catalog_close(c);
}

static void
race_sqlite(void **state)
{
	(void)state;
	race("sqlite");
}

static void
race_file(void **state)
{
	(void)state;
	race("file");
}

static void
keeps_the_unknown(void **state)
{
	struct catalog *c = open_catalog("file");
	struct table *t = make_table(c, "ns.a");
	struct buf text = { 0 };
	int64_t id;
	char path[256];

	(void)state;
	/* another program, of a later version */
	json_object_set_new(t->meta->doc, "future", json_pack("{s:I}", "x", (json_int_t)9007199254740993));
	json_object_set_new(json_object_get(t->meta->doc, "properties"), "theirs", json_string("kept"));
	ok(metadata_text(t->meta, &text));
	snprintf(path, sizeof path, "%s/lake/ns/a/metadata/v2.metadata.json", dir);
	ok(t->store->ops->put(t->store, path, text.p, text.n, &f));
	check_code = 0;
	assert_int_equal(append(t, 1, &id), 0);
	assert_string_equal(t->metadata_location + strlen(t->metadata_location) - 16, "v3.metadata.json");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(t->meta->doc, "future"), "x")), 9007199254740993);
	assert_string_equal(metadata_property(t->meta, "theirs"), "kept");
	buf_free(&text);
	table_free(t);
	catalog_close(c);
}

/* Another program holds the catalog's lock for longer than we wait: nothing is committed, and it says so. */
static void
locked(void **state)
{
	struct catalog *c = open_catalog("sqlite");
	struct table *t = make_table(c, "ns.a");
	char path[128];
	sqlite3 *other;
	int64_t id;

	(void)state;
	snprintf(path, sizeof path, "%s/lake/catalog.db", dir);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	check_code = 0;
	assert_int_equal(append(t, 1, &id), WEIR_EAGAIN);
	assert_non_null(strstr(f.text, "locked by another program"));
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	assert_int_equal(append(t, 1, &id), 0);
	assert_int_equal(t->meta->n_snapshot, 1);
	table_free(t);
	catalog_close(c);
}

/* ---------------------------------------------------------------- store */

static void
stores(void **state)
{
	struct store_stream *s, *rival;
	struct store_source *in;
	struct store *store;
	struct buf b = { 0 };
	uint64_t n;
	char uri[128], path[128], back[4];

	(void)state;
	snprintf(uri, sizeof uri, "file://%s/a/b/c", dir);
	snprintf(path, sizeof path, "%s/a/b/c", dir);
	ok(store_open(uri, &store, &f));
	ok(store->ops->create(store, uri, &s, &f));
	ok(store->ops->write(s, "hello", 5, &f));
	assert_int_equal(access(path, F_OK), -1);		/* nothing to see before finish() */
	ok(store->ops->create(store, path, &rival, &f));
	ok(store->ops->finish(s, &f));
	assert_int_equal(store->ops->finish(rival, &f), WEIR_EFENCED);
	assert_int_equal(store->ops->put_if_absent(store, uri, "x", 1, &f), 1);
	ok(store->ops->get(store, uri, &b, &f));
	assert_int_equal(b.n, 5);
	assert_memory_equal(b.p, "hello", 5);
	ok(store->ops->open(store, uri, &in, &n, &f));
	assert_int_equal(n, 5);
	ok(store->ops->read(in, 1, back, 4, &f));
	assert_memory_equal(back, "ello", 4);
	assert_int_equal(store->ops->read(in, 3, back, 4, &f), WEIR_ESTATE);
	store->ops->shut(in);
	ok(store->ops->put(store, uri, "new", 3, &f));
	b.n = 0;
	ok(store->ops->get(store, uri, &b, &f));
	assert_int_equal(b.n, 3);
	ok(store->ops->remove(store, uri, &f));
	ok(store->ops->remove(store, uri, &f));
	assert_int_equal(store->ops->get(store, uri, &b, &f), WEIR_EGONE);
	b.n = 0;
	ok(store_uri("/a//b/./c/", &b, &f));
	assert_int_equal(b.n, strlen("file:///a/b/c"));
	assert_memory_equal(b.p, "file:///a/b/c", b.n);
	assert_true(store_same("file:/a/b", "file:///a/b"));
	store->ops->close(store);
	assert_int_equal(store_open("s3://bucket/x", &store, &f), WEIR_ECONFIG);
	buf_free(&b);
}

/* ---------------------------------------------------------------- avro */

static void
damaged_avro(void **state)
{
	struct catalog *c = open_catalog("file");
	struct table *t = make_table(c, "ns.a");
	struct manifest *list;
	struct buf b = { 0 };
	size_t n;
	char *copy;
	int64_t id;

	(void)state;
	check_code = 0;
	assert_int_equal(append(t, 3, &id), 0);
	ok(t->store->ops->get(t->store, metadata_snapshot(t->meta, id)->manifest_list, &b, &f));
	/* cut at every byte: an error or fewer entries, never a crash (an empty list is right where no block has begun) */
	for (size_t cut = 0; cut < b.n; cut++) {
		copy = malloc(cut ? cut : 1);
		memcpy(copy, b.p, cut);
		if (manifest_list_read(copy, cut, &list, &n, &f) == 0) {
			assert_int_equal(n, 0);
			free(list);
		}
		free(copy);
	}
	/* every byte changed in turn */
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 0x55;
		if (manifest_list_read(b.p, b.n, &list, &n, &f) == 0) {
			while (n)
				manifest_free(&list[--n]);
			free(list);
		}
		b.p[i] ^= 0x55;
	}
	buf_free(&b);
	table_free(t);
	catalog_close(c);
}

static void
bounds(void **state)
{
	char out[80];
	size_t n;

	(void)state;
	assert_int_equal(datum_lower(SCHEMA_STRING, "abcdefghijklmnopqr", 18, 16), 16);
	n = datum_upper(SCHEMA_STRING, "abcdefghijklmnopqr", 18, 16, out);
	assert_int_equal(n, 16);
	assert_memory_equal(out, "abcdefghijklmnoq", 16);
	/* the last character is the greatest there is: the one before it goes up */
	n = datum_upper(SCHEMA_STRING, "ab\xF4\x8F\xBF\xBFz", 7, 3, out);
	assert_int_equal(n, 2);
	assert_memory_equal(out, "ac", 2);
	/* over the gap of the surrogates */
	n = datum_upper(SCHEMA_STRING, "a\xED\x9F\xBFz", 5, 2, out);
	assert_int_equal(n, 4);
	assert_memory_equal(out, "a\xEE\x80\x80", 4);
	assert_int_equal(datum_upper(SCHEMA_BINARY, "\xFF\xFF\xFF", 3, 2, out), 0);
}

int
main(void)
{
#define T(fn)	cmocka_unit_test_setup_teardown(fn, make_dir, drop_dir)
	const struct CMUnitTest tests[] = {
		T(appends_sqlite), T(appends_file), T(checked_every_time), T(race_sqlite), T(race_file), T(keeps_the_unknown), T(locked), T(stores),
		T(damaged_avro), cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("iceberg_commit", tests, NULL, NULL);
}
