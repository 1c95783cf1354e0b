/*
 * The core of iceberg-in on a real table in a folder of its own: every row, columns that came later, filters and what they need not
 * open, position deletes, and what is refused.
 */
#include "config.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#undef fail

#include "commit.h"
#include "filter.h"
#include "plan.h"
#include "rows.h"
#include "weir.h"
#include "write.h"

#define NAME	"db.t"
#define N	1000		/* rows of a file */
#define DELETE_PATH_ID	2147483546
#define DELETE_POS_ID	2147483545

static char folder[64];
static struct catalog *catalog;
static struct table *table;
static struct plan plan;
static struct fail why;

static void
must(int e)
{
	if (e < 0) {
		print_error("%s\n", why.text);
		_fail(__FILE__, __LINE__);
	}
}

static int
to_file(void *arg, const void *p, size_t n, struct fail *f)
{
	(void)f;
	return fwrite(p, 1, n, arg) == n ? 0 : -1;
}

/* One Parquet file of a long and a string column; rows group_rows at a time. */
static int64_t
write_file(const char *path, struct parquet_column *child, const int64_t *number, const struct parquet_bytes *text, uint32_t n, uint32_t group_rows)
{
	struct parquet_column root = { .name = "table", .kind = COLUMN_STRUCT, .required = 1, .n_children = 2, .child = child };
	struct parquet_sink sink = { .write = to_file };
	struct parquet_options options = { .page_rows = 100 };
	struct parquet_writer *w;
	struct parquet_result result;

	must(column_layout(&root, &why));
	assert_non_null(sink.arg = fopen(path, "w"));
	assert_non_null(w = parquet_writer_new(&root, &options, &sink, &why));
	for (uint32_t at = 0; at < n; at += group_rows) {
		uint32_t k = n - at < group_rows ? n - at : group_rows, taken;
		struct parquet_values v[2] = { { .n_levels = k, .n_values = k, .i64 = number + at }, { .n_levels = k, .n_values = k, .bytes = text + at } };

		must(parquet_writer_append(w, v, k, &taken, &why));
		must(parquet_writer_flush(w, &why));
	}
	must(parquet_writer_finish(w, &result, &why));
	n = (uint32_t)result.file_size;
	parquet_writer_free(w);
	assert_int_equal(fclose(sink.arg), 0);
	return n;
}

static const struct parquet_bytes eu = { "eu", 2 }, us = { "us", 2 };

/* Rows first .. first + N - 1: even ids in "eu", odd ones in "us"; four row groups. */
static void
data_file(struct manifest_file *m, const char *path, int64_t first, char *lower, char *upper)
{
	struct parquet_column child[] = { { .name = "id", .field_id = 1, .type = COLUMN_LONG, .required = 1 },
		{ .name = "region", .field_id = 2, .type = COLUMN_STRING, .required = 1 } };
	static struct manifest_metric metric[2];
	static int64_t id[N];
	static struct parquet_bytes region[N];
	int64_t last = first + N - 1;

	for (int i = 0; i < N; i++) {
		id[i] = first + i;
		region[i] = (first + i) % 2 ? us : eu;
	}
	memcpy(lower, &first, 8);
	memcpy(upper, &last, 8);
	*m = (struct manifest_file){ .status = MANIFEST_ADDED, .snapshot_id = -1, .sequence = -1, .file_sequence = -1, .path = (char *)(uintptr_t)path,
	    .format = "PARQUET", .records = N, .sort_order = -1, .content_at = -1, .content_bytes = -1, .first_row_id = -1 };
	m->bytes = write_file(path, child, id, region, N, 250);
	metric[first != 0] = (struct manifest_metric){ .id = 1, .bytes = -1, .values = N, .nulls = 0, .nans = -1, .lower = lower, .n_lower = 8,
	    .upper = upper, .n_upper = 8 };
	m->metric = &metric[first != 0];
	m->n_metric = 1;
}

static int
setup(void **state)
{
	struct schema *s = schema_new();
	struct commit_table create = { .name = NAME, .now_ms = 1000 };
	struct commit c = { .ref = "main", .snapshot_id = 77, .now_ms = 2000, .n_files = 2 };
	static struct manifest_file file[2];
	static char path[2][128], bound[4][8];
	char uri[128];
	int32_t last = 0;

	(void)state;
	strcpy(folder, "/tmp/weir-rows.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(uri, sizeof uri, "sqlite:%s/catalog.db", folder);
	must(catalog_open(uri, NULL, 1, &catalog, &why));
	assert_non_null(schema_add(&s->root, "id", SCHEMA_LONG, 1));
	assert_non_null(schema_add(&s->root, "region", SCHEMA_STRING, 1));
	assert_non_null(schema_add(&s->root, "later", SCHEMA_INT, 0));
	must(schema_number(s, &last, &why));
	create.schema = s;
	create.last_column_id = last;
	must(commit_create(catalog, &create, &why));
	schema_free(s);
	assert_int_equal(table_load(catalog, NAME, &table, &why), 1);
	for (int i = 0; i < 2; i++) {
		snprintf(path[i], sizeof path[i], "%s/%d.parquet", folder, i);
		data_file(&file[i], path[i], i * N, bound[2 * i], bound[2 * i + 1]);
	}
	c.file = file;
	c.spec = metadata_spec(table->meta, -1);
	must(commit_append(table, &c, &why));
	must(plan_files(table, table->meta->current_snapshot_id, NULL, &plan, &why));
	assert_int_equal(plan.n_data, 2);
	return 0;
}

static int
remove_one(const char *path, const struct stat *s, int flag, struct FTW *at)
{
	(void)s;
	(void)flag;
	(void)at;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	plan_free(&plan);
	table_free(table);
	catalog_close(catalog);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The rows as one text; their number or an error. */
static int64_t
read_rows(const struct plan *p, const char *where, struct buf *out)
{
	const struct schema *schema = metadata_schema(table->meta, -1);
	struct filter *filter = NULL;
	struct columns columns;
	struct rows *r = NULL;
	int64_t n = 0;
	int e = where ? filter_parse(where, schema, &filter, &why) : 0;

	out->n = 0;
	if (e < 0)
		return e;
	must(columns_make(&columns, schema, NULL, &why));
	if ((e = rows_open(table, p, &columns.root, filter, &r, &why)) == 0)
		for (; (e = rows_next(r, out, &why)) > 0; n++)
			must(buf_putc(out, '\n'));
	rows_free(r);
	columns_free(&columns);
	filter_free(filter);
	must(buf_putc(out, '\0'));
	return e < 0 ? e : n;
}

static void
test_all(void **state)
{
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(read_rows(&plan, NULL, &out), 2 * N);
	assert_memory_equal(out.p, "{\"id\":0,\"region\":\"eu\",\"later\":null}\n{\"id\":1,\"region\":\"us\",\"later\":null}\n", 72);
	assert_non_null(strstr(out.p, "{\"id\":1999,\"region\":\"us\",\"later\":null}\n"));
	buf_free(&out);
}

static void
test_where(void **state)
{
	static const struct {
		const char	*where;
		int64_t		 n;
	} cases[] = {
		{ "id = 5", 1 }, { "id != 5", 2 * N - 1 }, { "id < 5", 5 }, { "id <= 5", 6 }, { "id > 1990", 9 }, { "id >= 1990", 10 },
		{ "id >= 10 and id < 20 and region = 'eu'", 5 }, { "region > eu", N }, { "later is null", 2 * N }, { "later is not null", 0 },
		{ "later = 1", 0 }, { "id = 2000", 0 }, { "id = 5.0", 1 }, { "id > 4.5 and id<5.5", 1 }, { "region = 'e''u'", 0 },
		{ "id == x", WEIR_EUSAGE }, { "id", WEIR_EUSAGE }, { "id = 1 or id = 2", WEIR_EUSAGE }, { "nope = 1", WEIR_ECONFIG }, { "", WEIR_EUSAGE },
		{ "region = 'open", WEIR_EUSAGE }, { "id = null", WEIR_EUSAGE },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (read_rows(&plan, cases[i].where, &out) != cases[i].n) {
			print_error("%s: %s\n", cases[i].where, out.n ? out.p : why.text);
			_fail(__FILE__, __LINE__);
		}
	buf_free(&out);
}

/* A file whose bounds exclude a match is not even opened: it may be gone. */
static void
test_prune(void **state)
{
	char moved[160];
	struct buf out = { 0 };

	(void)state;
	snprintf(moved, sizeof moved, "%s.away", plan.data[0].path);
	assert_int_equal(rename(plan.data[0].path, moved), 0);
	assert_int_equal(read_rows(&plan, "id >= 1500", &out), 500);
	assert_int_equal(read_rows(&plan, "id >= 999", &out), WEIR_ESTATE);
	assert_non_null(strstr(why.text, "does not exist"));
	assert_int_equal(rename(moved, plan.data[0].path), 0);
	buf_free(&out);
}

/* Positions 0, 3, 999 of the first file are deleted, one of them twice, in two files. */
static void
test_position_deletes(void **state)
{
	struct parquet_column child[] = { { .name = "pos", .field_id = DELETE_POS_ID, .type = COLUMN_LONG, .required = 1 },
		{ .name = "file_path", .field_id = DELETE_PATH_ID, .type = COLUMN_STRING, .required = 1 } };
	const char *first = plan.data[0].path;
	struct parquet_bytes of_first = { first, (uint32_t)strlen(first) }, other = { "/else", 5 };
	int64_t pos[] = { 3, 0, 7, 999 }, again[] = { 3 };
	struct parquet_bytes path[] = { of_first, of_first, other, of_first };
	struct manifest_file deletes[2] = { { .content = MANIFEST_POSITION_DELETES, .sequence = 1, .format = "PARQUET", .content_at = -1 },
		{ .content = MANIFEST_POSITION_DELETES, .sequence = 5, .format = "PARQUET", .content_at = -1 } };
	struct plan with = plan;
	struct buf out = { 0 };
	char a[128], b[128];

	(void)state;
	snprintf(a, sizeof a, "%s/deletes-a.parquet", folder);
	snprintf(b, sizeof b, "%s/deletes-b.parquet", folder);
	write_file(a, child, pos, path, 4, 2);
	write_file(b, child, again, &of_first, 1, 1);
	deletes[0].path = a;
	deletes[1].path = b;
	with.deletes = deletes;
	with.n_deletes = 2;
	assert_int_equal(read_rows(&with, NULL, &out), 2 * N - 3);
	assert_memory_equal(out.p, "{\"id\":1,", 8);
	assert_null(strstr(out.p, "{\"id\":3,"));
	assert_null(strstr(out.p, "{\"id\":999,"));
	assert_non_null(strstr(out.p, "{\"id\":7,"));
	assert_int_equal(read_rows(&with, "id >= 990", &out), 10 + N - 1);	/* positions hold though row groups are passed over */
	deletes[0].sequence = 0;		/* older than the data: about other rows */
	with.n_deletes = 1;
	assert_int_equal(read_rows(&with, NULL, &out), 2 * N);
	buf_free(&out);
}

static void
test_refused(void **state)
{
	struct manifest_file d = { .content = MANIFEST_EQUALITY_DELETES, .sequence = 2, .format = "PARQUET", .content_at = -1, .path = "/d" };
	struct plan with = plan;
	struct buf out = { 0 };
	char format[8];

	(void)state;
	with.deletes = &d;
	with.n_deletes = 1;
	assert_int_equal(read_rows(&with, NULL, &out), WEIR_ECONFIG);
	assert_non_null(strstr(why.text, "equality deletes"));
	d.sequence = 1;				/* about what was there before */
	assert_int_equal(read_rows(&with, NULL, &out), 2 * N);
	d.content = MANIFEST_POSITION_DELETES;
	d.content_at = 4;
	assert_int_equal(read_rows(&with, NULL, &out), WEIR_ECONFIG);
	assert_non_null(strstr(why.text, "deletion vectors"));
	memcpy(format, plan.data[1].format, sizeof format);
	strcpy(plan.data[1].format, "ORC");
	assert_int_equal(read_rows(&plan, NULL, &out), WEIR_ECONFIG);
	assert_non_null(strstr(why.text, "only Parquet"));
	memcpy(plan.data[1].format, format, sizeof format);
	buf_free(&out);
}

static void
test_columns(void **state)
{
	struct {
		struct weir_list	list;
		const char		*item[3];
	} chosen = { { 2 }, { "region", "id" } }, bad = { { 1 }, { "id.x" } };
	struct columns c;

	(void)state;
	must(columns_make(&c, metadata_schema(table->meta, -1), &chosen.list, &why));
	assert_int_equal(c.root.n_children, 2);
	assert_string_equal(c.root.child[0].name, "region");
	assert_int_equal(c.root.child[1].field_id, 1);
	columns_free(&c);
	assert_int_equal(columns_make(&c, metadata_schema(table->meta, -1), &bad.list, &why), WEIR_ECONFIG);
	assert_string_equal(why.text, "the table has no column id.x; it has id, region, later");
	columns_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all), cmocka_unit_test(test_where), cmocka_unit_test(test_prune), cmocka_unit_test(test_position_deletes),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
