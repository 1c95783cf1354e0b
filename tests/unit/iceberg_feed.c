/* The guards of a feed, decided by metadata alone; batches; what JSON Schema and events make of columns. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail		/* base/fail.h has a function of that name */

#include "batches.h"
#include "feed.h"
#include "infer.h"
#include "jsonschema.h"
#include "weir.h"

static struct fail f;

static const char off_10[] = "{\"cluster\":\"C\",\"topics\":{\"t\":{\"id\":\"T\",\"next\":{\"0\":\"10\",\"1\":\"7\"}}}}";

/* A table with snapshots 1 <- 2 <- 3 (sequence 1 to 3); main is `head`; the feed "p" committed snapshot 2 with token r/2. */
static struct metadata *
table(int head, int with_property, int with_summary, const char *off)
{
	json_t *snapshots = json_array(), *properties = json_object(), *s, *doc, *entry;
	struct metadata *m;
	char *text;

	for (int i = 1; i <= 3; i++) {
		s = json_pack("{s:i, s:i, s:i, s:s, s:{s:s}, s:i}", "snapshot-id", i, "sequence-number", i, "timestamp-ms", 1000 + i, "manifest-list", "x",
		    "summary", "operation", "append", "schema-id", 0);
		if (i > 1)
			json_object_set_new(s, "parent-snapshot-id", json_integer(i - 1));
		if (with_summary && i <= 2) {
			json_t *sum = json_object_get(s, "summary");

			json_object_set_new(sum, "weir.pipe", json_string("p"));
			json_object_set_new(sum, "weir.shard", json_string("0/1"));
			json_object_set_new(sum, "weir.token", json_string(i == 1 ? "r/1" : "r/2"));
			json_object_set_new(sum, "weir.off", json_string(i == 1 ? "{\"topics\":{\"t\":{\"next\":{\"0\":\"5\"}}}}" : off));
			json_object_set_new(sum, "weir.chain", json_string("validate:1;"));
		}
		json_array_append_new(snapshots, s);
	}
	if (with_property) {
		entry = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s}", "chain", "validate:1;", "hash", "h", "off", json_loads(off, 0, NULL), "prev",
		    "r/1", "seq", "2", "snapshot", "2", "token", "r/2", "v", "1");
		text = json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS);
		json_object_set_new(properties, "weir.feed.p/0/1/main", json_string(text));
		free(text);
		json_decref(entry);
	}
	doc = json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:[{s:s, s:i, s:[]}], s:i, s:[{s:i, s:[]}], s:i, s:i, s:[], s:o, s:i, s:o}",
	    "format-version", 2, "table-uuid", "U", "location", "/l", "last-sequence-number", 3, "last-updated-ms", 2000, "last-column-id", 0,
	    "current-schema-id", 0, "schemas", "type", "struct", "schema-id", 0, "fields", "default-spec-id", 0, "partition-specs", "spec-id", 0,
	    "fields", "last-partition-id", 999, "default-sort-order-id", 0, "sort-orders", "properties", properties, "current-snapshot-id", head,
	    "snapshots", snapshots);
	assert_non_null(doc);
	if (metadata_from(doc, &m, &f) < 0)
		print_error("%s\n", f.text);
	return m;
}

static struct feed
who(int rollback)
{
	return (struct feed){ .table = "ns.t", .pipe = "p", .shard = "0/1", .ref = "main", .rollback = rollback };
}

/* The token that is found, or the code. */
static int
found(struct metadata *m, int rollback, const char *token)
{
	struct feed feed = who(rollback);
	struct feed_state s;
	int e = feed_find(m, &feed, &s, &f);

	if (!e)
		assert_string_equal(s.at.token, token);
	feed_state_free(&s);
	metadata_free(m);
	return e;
}

static void
finding(void **state)
{
	(void)state;
	assert_int_equal(found(table(3, 0, 0, off_10), FEED_STOP, "none"), 0);
	assert_int_equal(found(table(3, 1, 0, off_10), FEED_STOP, "r/2"), 0);		/* foreign snapshot 3 on top */
	assert_int_equal(found(table(3, 0, 1, off_10), FEED_STOP, "r/2"), 0);		/* the property was lost: the summary tells */
	assert_int_equal(found(table(1, 1, 1, off_10), FEED_STOP, NULL), WEIR_ESTATE);	/* rolled back below our commit */
	assert_non_null(strstr(f.text, "--after-rollback replay"));
	assert_non_null(strstr(f.text, "t/0:10"));
	assert_non_null(strstr(f.text, "t/0:5"));
	assert_int_equal(found(table(1, 1, 1, off_10), FEED_REPLAY, "r/1"), 0);
	assert_int_equal(found(table(1, 1, 1, off_10), FEED_KEEP, "r/2"), 0);
	assert_int_equal(found(table(-1, 1, 0, off_10), FEED_STOP, NULL), WEIR_ESTATE);
}

/* The same table, in which snapshot `id` has expired. */
static struct metadata *
without(struct metadata *m, int id)
{
	json_t *doc = json_incref(m->doc), *snapshots = json_object_get(doc, "snapshots"), *s;
	struct metadata *out;
	size_t i;

	json_array_foreach(snapshots, i, s)
		if (json_integer_value(json_object_get(s, "snapshot-id")) == id)
			assert_int_equal(json_array_remove(snapshots, i--), 0);
	metadata_free(m);
	assert_int_equal(metadata_from(doc, &out, &f), 0);
	return out;
}

static struct metadata *
with_entry(const char *value)
{
	struct metadata *m = table(3, 0, 1, off_10);

	json_object_set_new(json_object_get(m->doc, "properties"), "weir.feed.p/0/1/main", json_string(value));
	return m;
}

/* What nobody can tell any more is not taken for nothing, which would load all rows again. */
static void
lost_history(void **state)
{
	(void)state;
	assert_int_equal(found(without(table(3, 1, 1, off_10), 2), FEED_STOP, "r/2"), 0);	/* the commit's snapshot has expired: the entry holds */
	assert_int_equal(found(without(table(2, 1, 1, off_10), 1), FEED_STOP, "r/2"), 0);
	/* snapshot 1 (ours) has expired, 3 (ours too) was rolled back to 2: how much of ours is below 2? */
	{
		struct metadata *m = with_entry("{\"off\":{},\"seq\":\"3\",\"snapshot\":\"3\",\"token\":\"r/3\",\"v\":\"1\"}");
		json_t *s = json_array_get(json_object_get(m->doc, "snapshots"), 1);

		json_object_set_new(m->doc, "current-snapshot-id", json_integer(2));
		json_object_clear(json_object_get(s, "summary"));
		json_object_set_new(json_object_get(s, "summary"), "operation", json_string("append"));
		assert_int_equal(found(without(m, 1), FEED_REPLAY, NULL), WEIR_ESTATE);
		assert_non_null(strstr(f.text, "have expired"));
	}
	assert_int_equal(found(with_entry("{\"off\":{},\"seq\":\"2\",\"snapshot\":\"2\",\"token\":\"r/2\",\"v\":\"1\"}"), FEED_STOP, "r/2"), 0);
	assert_int_equal(found(with_entry("{\"off\":{},\"seq\":\"2\",\"snapshot\":\"2\",\"token\":\"r/2\",\"v\":\"2\"}"), FEED_STOP, NULL), WEIR_ESTATE);
	assert_non_null(strstr(f.text, "newer weir"));
	assert_int_equal(found(with_entry("{\"off\":{},\"seq\":\"2\",\"snapshot\":\"2\",\"v\":\"1\"}"), FEED_STOP, NULL), WEIR_ESTATE);
	assert_int_equal(found(with_entry("{\"off\":{}"), FEED_STOP, NULL), WEIR_ESTATE);
	assert_non_null(strstr(f.text, "is damaged"));
}

static void
keys(void **state)
{
	char pipe[FEED_NAME_BYTES], shard[FEED_NAME_BYTES];

	(void)state;
	assert_int_equal(feed_split_key("weir.feed.a/b/12/16/feature/x", "feature/x", pipe, shard, sizeof pipe), 0);
	assert_string_equal(pipe, "a/b");
	assert_string_equal(shard, "12/16");
	assert_int_equal(feed_split_key("weir.feed.a/b/12/16/feature/x", "x", pipe, shard, sizeof pipe), -1);
	assert_int_equal(feed_split_key("weir.feed.a/0/1/main", "dev", pipe, shard, sizeof pipe), -1);
	assert_int_equal(feed_split_key("weir.feed.0/1/main", "main", pipe, shard, sizeof pipe), -1);
	assert_int_equal(feed_split_key("weir.feed./0/1/main", "main", pipe, shard, sizeof pipe), -1);
	assert_int_equal(feed_split_key("weir.feed.main", "main", pipe, shard, sizeof pipe), -1);
	assert_int_equal(feed_split_key("weir.batches", "main", pipe, shard, sizeof pipe), -1);
}

static int
guard_as(struct metadata *m, struct feed feed, const char *prev, const char *off, const char *chain, int explicit_pipe, int accept_change)
{
	json_t *o = json_loads(off, 0, NULL);
	const struct position_stream stream = { .sink = "iceberg-out", .store = feed.table, .pipe = feed.pipe, .prev = prev, .chain = chain, .off = o,
		.explicit_pipe = explicit_pipe, .accept_change = accept_change };
	struct feed_state s;
	int e;

	assert_non_null(o);
	assert_int_equal(feed_find(m, &feed, &s, &f), 0);
	e = feed_guard(m, &feed, &s, &stream, &f);
	feed_state_free(&s);
	json_decref(o);
	metadata_free(m);
	return e;
}

static int
guard(struct metadata *m, struct feed feed, const char *prev, const char *off, const char *chain)
{
	return guard_as(m, feed, prev, off, chain, 0, 0);
}

static void
guards(void **state)
{
	static const char added[] = "{\"cluster\":\"C\",\"topics\":{\"t\":{\"id\":\"T\",\"next\":{\"0\":\"10\",\"1\":\"7\",\"2\":\"0\"}}}}";
	static const char late[] = "{\"cluster\":\"C\",\"topics\":{\"t\":{\"id\":\"T\",\"next\":{\"0\":\"10\",\"1\":\"7\",\"2\":\"4\"}}}}";
	static const char back[] = "{\"cluster\":\"C\",\"topics\":{\"t\":{\"id\":\"T\",\"next\":{\"0\":\"9\",\"1\":\"7\"}}}}";
	static const char made_again[] = "{\"cluster\":\"C\",\"topics\":{\"t\":{\"id\":\"T2\",\"next\":{\"0\":\"10\",\"1\":\"7\"}}}}";
	static const char elsewhere[] = "{\"cluster\":\"D\",\"topics\":{\"t\":{\"next\":{\"0\":\"0\"}}}}";
	static const char chain[] = "validate:1;";
	struct feed p = who(FEED_STOP), q = p;

	(void)state;
	assert_int_equal(guard(table(3, 1, 0, off_10), p, "r/2", off_10, chain), 0);
	assert_int_equal(guard(table(3, 1, 0, off_10), p, "r/2", added, chain), 0);
	assert_int_equal(guard(table(3, 1, 0, off_10), p, "r/2", late, chain), WEIR_EFENCED);
	assert_int_equal(guard(table(3, 1, 0, off_10), p, "r/2", back, chain), WEIR_EFENCED);
	assert_int_equal(guard(table(3, 1, 0, off_10), p, "r/2", made_again, chain), WEIR_EFENCED);
	assert_int_equal(guard(table(3, 1, 0, off_10), p, "r/1", off_10, chain), WEIR_EFENCED);
	assert_int_equal(guard(table(3, 1, 0, off_10), p, "none", off_10, chain), WEIR_EFENCED);
	assert_non_null(strstr(f.text, "--resume '{\"off\":"));
	assert_int_equal(guard(table(3, 0, 0, off_10), p, "r/2", off_10, chain), WEIR_EFENCED);	/* the table knows nothing */
	/* other stages */
	assert_int_equal(guard(table(3, 1, 0, off_10), p, "r/2", off_10, "validate:2;"), WEIR_ECONFIG);
	assert_int_equal(guard_as(table(3, 1, 0, off_10), p, "r/2", off_10, "validate:2;", 1, 0), 1);
	assert_int_equal(guard_as(table(3, 1, 0, off_10), p, "r/2", off_10, "validate:2;", 0, 1), 0);
	/* a second feed with the same partitions; of another cluster; another number of shards */
	q = p;
	q.pipe = "second";
	assert_int_equal(guard(table(3, 1, 0, off_10), q, "none", back, chain), WEIR_EFENCED);
	assert_int_equal(guard(table(3, 1, 0, off_10), q, "none", elsewhere, chain), 0);
	q.as_new_feed = 1;
	assert_int_equal(guard(table(3, 1, 0, off_10), q, "none", back, chain), 0);
	q = p;
	q.shard = "0/2";
	assert_int_equal(guard(table(3, 1, 0, off_10), q, "none", elsewhere, chain), WEIR_EFENCED);
	assert_non_null(strstr(f.text, "number of shards"));
}

static void
positions(void **state)
{
	struct metadata *m = table(3, 1, 0, off_10);
	struct buf b = { 0 };
	json_t *summary = json_object(), *properties = json_object();
	struct feed p = who(FEED_STOP);
	const struct feed_commit c = { "r/3", "r/2", "h3", "{\"b\":1,\"a\":2}", "{}", "c", 9007199254740993, 4 };

	(void)state;
	assert_int_equal(feed_recover(m, "ns.t", NULL, NULL, "main", FEED_STOP, &b, &f), 0);
	assert_int_equal(buf_putc(&b, '\0'), 0);
	assert_string_equal(b.p, "{\"off\":{\"cluster\":\"C\",\"topics\":{\"t\":{\"id\":\"T\",\"next\":{\"0\":\"10\",\"1\":\"7\"}}}},\"pipe\":\"p\",\"token\":\"r/2\"}");
	b.n = 0;
	assert_int_equal(feed_recover(m, "ns.t", "q", "", "main", FEED_STOP, &b, &f), 0);
	assert_int_equal(b.n, 4);
	assert_memory_equal(b.p, "none", 4);
	b.n = 0;
	assert_int_equal(feed_recover(m, "ns.t", "p", "1/2", "main", FEED_STOP, &b, &f), 0);	/* another shard's position is none of ours */
	assert_int_equal(b.n, 4);
	assert_memory_equal(b.p, "none", 4);
	b.n = 0;
	assert_int_equal(feed_recover(m, "ns.t", "p", "0/1", "main", FEED_STOP, &b, &f), 0);
	assert_true(b.n > 4);
	assert_int_equal(feed_fill(&p, &c, summary, properties), 0);
	assert_string_equal(json_string_value(json_object_get(properties, "weir.feed.p/0/1/main")),
	    "{\"chain\":\"c\",\"hash\":\"h3\",\"off\":{\"a\":2,\"b\":1},\"prev\":\"r/2\",\"seq\":\"4\",\"snapshot\":\"9007199254740993\",\"token\":\"r/3\",\"v\":\"1\"}");
	assert_string_equal(json_string_value(json_object_get(summary, "weir.token")), "r/3");
	json_decref(summary);
	json_decref(properties);
	buf_free(&b);
	metadata_free(m);
}

static void
batches(void **state)
{
	struct metadata *m = table(3, 0, 0, off_10);
	json_t *summary = json_object(), *properties = json_object(), *p = json_object_get(m->doc, "properties");
	int64_t snapshot, rows;
	char id[16];

	(void)state;
	for (int i = 0; i <= BATCHES_MAX; i++) {		/* one more than are kept */
		snprintf(id, sizeof id, "b%d", i);
		assert_int_equal(batches_find(m, id, "h", &snapshot, &rows, &f), 0);
		assert_int_equal(batches_fill(m, id, "h", i, i, summary, properties), 0);
		json_object_set(p, BATCHES_KEY, json_object_get(properties, BATCHES_KEY));
	}
	assert_int_equal(batches_find(m, "b0", "h", &snapshot, &rows, &f), 0);
	assert_int_equal(batches_find(m, "b1", "h", &snapshot, &rows, &f), 1);
	assert_int_equal(batches_find(m, "b1000", "h", &snapshot, &rows, &f), 1);
	assert_int_equal(rows, 1000);
	assert_int_equal(batches_find(m, "b1000", "other", &snapshot, &rows, &f), WEIR_EFENCED);
	json_decref(summary);
	json_decref(properties);
	metadata_free(m);
}

/* ---------------------------------------------------------------- columns */

static void
told(struct schema *s, const char *want)
{
	struct buf b = { 0 };

	assert_non_null(s);
	assert_int_equal(infer_tell(s, &b), 0);
	assert_int_equal(buf_putc(&b, '\0'), 0);
	assert_string_equal(b.p, want);
	buf_free(&b);
	schema_free(s);
}

static void
from_events(void **state)
{
	static const char *const event[] = {
		"{\"i\":1,\"d\":1,\"t\":\"2026-01-01T00:00:00Z\",\"day\":\"2026-01-01\",\"s\":\"2026-01-01T00:00:00Z\",\"n\":null,\"o\":{\"a\":1},\"l\":[1],\"m\":1,\"e\":[]}",
		"{\"i\":2,\"d\":1.5,\"t\":\"2026-01-01T00:00:00+01:00\",\"day\":\"2026-12-31\",\"s\":\"x\",\"o\":{\"b\":true},\"l\":[2.5],\"m\":{},\"big\":9223372036854775808,"
		"\"z\":\"\\u0000\"}",
	};
	struct infer *r = infer_new(NULL);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char padded[512] = "";

		memcpy(padded, event[i], strlen(event[i]));
		assert_int_equal(infer_add(r, padded, strlen(event[i]), &f), 0);
	}
	told(infer_schema(r, &f), "i long, d double, t timestamptz, day date, s string, o struct<a long, b boolean>, l list<double>, m string (JSON text), "
	    "e string (JSON text), big string (JSON text), z string (JSON text)");
	infer_free(r);
	r = infer_new(NULL);
	assert_null(infer_schema(r, &f));
	infer_free(r);
}

static void
from_json_schema(void **state)
{
	static const char text[] = "{\"type\":\"object\",\"required\":[\"id\",\"x\"],\"properties\":{\"id\":{\"type\":\"integer\"},\"x\":{\"type\":[\"number\",\"null\"]},"
	    "\"ref\":{\"$ref\":\"#/$defs/p\"},\"opt\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\",\"format\":\"date\"}]},\"tags\":{\"type\":\"array\",\"items\":"
	    "{\"type\":\"string\"}},\"free\":true,\"e\":{\"enum\":[\"a\",\"b\"]},\"mix\":{\"type\":[\"string\",\"integer\"]},\"m\":{\"type\":\"object\","
	    "\"additionalProperties\":{\"type\":\"integer\"}}},\"allOf\":[{\"properties\":{\"more\":{\"type\":\"boolean\"}}}],"
	    "\"$defs\":{\"p\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"format\":\"uuid\"}}}}}";
	static const char loop[] = "{\"properties\":{\"a\":{\"$ref\":\"#\"}}}", away[] = "{\"properties\":{\"a\":{\"$ref\":\"#/nowhere\"}}}",
	    endless[] = "{\"properties\":{\"a\":{\"type\":\"string\"}},\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}";
	struct buf notes = { 0 };
	struct schema *s = NULL;

	(void)state;
	assert_int_equal(jsonschema_read(text, strlen(text), "f", &s, &notes, &f), 0);
	assert_true(schema_by_path(s, "id")->required);
	assert_false(schema_by_path(s, "x")->required);
	assert_int_equal(schema_by_path(s, "ref.a")->kind, SCHEMA_UUID);
	told(s, "id long, x double, ref struct<a uuid>, opt date, tags list<string>, free string (JSON text), e string, mix string (JSON text), "
	    "m map<string, long>, more boolean");
	assert_int_equal(buf_putc(&notes, '\0'), 0);
	assert_non_null(strstr(notes.p, "column free:"));
	assert_non_null(strstr(notes.p, "column mix:"));
	assert_int_equal(jsonschema_read(loop, strlen(loop), "f", &s, &notes, &f), WEIR_ECONFIG);
	assert_int_equal(jsonschema_read(endless, strlen(endless), "f", &s, &notes, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "does one lead to itself?"));
	assert_int_equal(jsonschema_read(away, strlen(away), "f", &s, &notes, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "'#/nowhere'"));
	buf_free(&notes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finding), cmocka_unit_test(lost_history), cmocka_unit_test(keys), cmocka_unit_test(guards),
		cmocka_unit_test(positions), cmocka_unit_test(batches), cmocka_unit_test(from_events), cmocka_unit_test(from_json_schema),
	};

	return cmocka_run_group_tests_name("iceberg_feed", tests, NULL, NULL);
}
