#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#undef fail		/* cmocka's; ours is in fail.h */

#include "buf.h"
#include "columns.h"
#include "scan.h"
#include "shred.h"

#define EVENTS	16
#define COLS	64

struct world {
	struct parquet_column	*root;
	struct scan		*scan;
	struct shred		*shred;
	struct weir_batch	 batch;
	struct weir_value	*col[COLS];
	uint32_t		 line[EVENTS + 1];
	uint8_t			 verdict[EVENTS];
	struct shredded		 s;
	struct buf		 bytes, said;	/* said: what reject() and unknown() heard */
	int			 late;		/* no new columns */
	int			 answer;	/* of unknown() */
};

static int
want(void *arg, const char *path)
{
	struct world *w = arg;

	return w->late ? -1 : scan_want(w->scan, path);
}

static const char *
event(void *arg, uint32_t i, size_t *n)
{
	struct world *w = arg;

	*n = w->line[i + 1] - w->line[i] - 1;
	return w->bytes.p + w->line[i];
}

/* Every event is looked at. */
static int
known(void *arg, uint32_t i)
{
	(void)arg;
	(void)i;
	return 0;
}

static int
reject(void *arg, uint32_t i, const char *code, const char *path, const char *text)
{
	struct world *w = arg;

	w->verdict[i] = WEIR_REJECTED;
	return buf_printf(&w->said, "%u %s %s: %s\n", i, code, path, text);
}

static int
unknown(void *arg, uint32_t i, const char *path, const struct weir_value *v)
{
	struct world *w = arg;

	return buf_printf(&w->said, "%u %s=%.*s\n", i, path, (int)v->n, v->p) < 0 ? -1 : w->answer;
}

static void
make(struct world *w, const char *columns, const struct shred_source *source, struct shred_options o)
{
	struct shred_hooks hooks = { .want = want, .event = event, .known = known, .reject = reject, .unknown = unknown, .arg = w };
	struct scan_limits limits = { .max_depth = 100 };
	struct fail f;

	w->root = columns_parse(columns);
	w->scan = scan_new(&limits);
	w->shred = shred_new(w->root, source, &o, &hooks, &f);
	if (!w->shred)
		print_message("%s\n", f.text);
	assert_non_null(w->shred);
	assert_true(scan_n_cols(w->scan) < COLS);
	for (size_t i = 0; i < COLS; i++)
		w->col[i] = calloc(EVENTS, sizeof **w->col);
}

/* One event a line. */
static void
run(struct world *w, const char *events)
{
	struct scan_fault fault;
	struct fail f;
	unsigned marks;

	w->bytes.n = w->said.n = 0;
	assert_int_equal(buf_puts(&w->bytes, events), 0);
	w->batch = (struct weir_batch){ .bytes = w->bytes.p, .line = w->line, .col = w->col, .verdict = w->verdict };
	memset(w->verdict, 0, sizeof w->verdict);
	for (size_t at = 0; at < w->bytes.n; w->batch.n++) {
		char *e = memchr(w->bytes.p + at, '\n', w->bytes.n - at);

		assert_true(w->batch.n < EVENTS);
		w->line[w->batch.n] = (uint32_t)at;
		assert_int_equal(scan_event(w->scan, w->bytes.p + at, (size_t)(e - w->bytes.p) - at, w->col, w->batch.n, &marks, &fault), 0);
		at = (size_t)(e - w->bytes.p) + 1;
		w->line[w->batch.n + 1] = (uint32_t)at;
	}
	if (!strncmp(events, "{\"skip", 6))
		w->verdict[0] = WEIR_FILTERED;
	assert_int_equal(shred_batch(w->shred, &w->batch, &w->s, &f), 0);
	assert_int_equal(buf_putc(&w->said, '\0'), 0);
}

static void
end(struct world *w)
{
	shred_free(w->shred);
	scan_free(w->scan);
	columns_free(w->root);
	for (size_t i = 0; i < COLS; i++)
		free(w->col[i]);
	buf_free(&w->bytes);
	buf_free(&w->said);
}

/* A leaf as text, "rep/def:value ...". */
static const char *
leaf(const struct world *w, uint32_t i)
{
	static char out[4096];
	const struct parquet_column *c = column_leaf(w->root, i);
	const struct parquet_values *v = &w->s.v[i];
	uint32_t value = 0;
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t k = 0; k < v->n_levels; k++) {
		unsigned def = v->def ? v->def[k] : c->max_def;

		n += (size_t)sprintf(out + n, "%s%u/%u", k ? " " : "", v->rep ? v->rep[k] : 0, def);
		if (def < c->max_def)
			continue;
		if (c->physical == PARQUET_INT64)
			n += (size_t)sprintf(out + n, ":%ld", (long)v->i64[value]);
		else if (c->physical == PARQUET_INT32)
			n += (size_t)sprintf(out + n, ":%d", v->i32[value]);
		else if (c->physical == PARQUET_BYTE_ARRAY)
			n += (size_t)sprintf(out + n, ":%.*s", (int)v->bytes[value].n, v->bytes[value].p);
		else
			n += (size_t)sprintf(out + n, ":?");
		value++;
	}
	assert_int_equal(value, v->n_values);
	return out;
}

static void
structs_and_nulls_have_their_levels(void **state)
{
	struct world w = { 0 };

	(void)state;
	make(&w, "id:long!,user:struct<id:long!,mail:string,at:struct<day:date>>", NULL, (struct shred_options){ 0 });
	run(&w, "{\"id\":1,\"user\":{\"id\":7,\"mail\":\"a\\u00e4\",\"at\":{\"day\":\"1970-01-03\"}}}\n"
	    "{\"user\":null,\"id\":2}\n{\"id\":3}\n{\"id\":4,\"user\":{\"id\":8,\"at\":null}}\n{\"id\":5,\"user\":{\"at\":{},\"id\":9}}\n");
	assert_string_equal(w.said.p, "");
	assert_int_equal(w.s.n_rows, 5);
	assert_string_equal(leaf(&w, 0), "0/0:1 0/0:2 0/0:3 0/0:4 0/0:5");
	assert_string_equal(leaf(&w, 1), "0/1:7 0/0 0/0 0/1:8 0/1:9");
	assert_string_equal(leaf(&w, 2), "0/2:a\xc3\xa4 0/0 0/0 0/1 0/1");
	assert_string_equal(leaf(&w, 3), "0/3:2 0/0 0/0 0/1 0/2");
	end(&w);
}

static void
lists_and_maps_have_dremels_levels(void **state)
{
	struct world w = { 0 };

	(void)state;
	make(&w, "l:list<list<int>>,s:list<struct<a:int!,b:list<string>>>,m:map<long,string>", NULL, (struct shred_options){ 0 });
	run(&w, "{\"l\":[[1,2],[],null,[3]],\"s\":[{\"a\":1,\"b\":[\"x\",null]},null,{\"b\":[],\"a\":2}],\"m\":{\"5\":\"v\",\"-6\":null}}\n"
	    "{\"l\":[],\"s\":null,\"m\":{}}\n{\"s\":[]}\n");
	assert_string_equal(w.said.p, "");
	assert_string_equal(leaf(&w, 0), "0/5:1 2/5:2 1/3 1/2 1/5:3 0/1 0/0");
	assert_string_equal(leaf(&w, 1), "0/3:1 1/2 1/3:2 0/0 0/1");
	assert_string_equal(leaf(&w, 2), "0/6:x 2/5 1/2 1/4 0/0 0/1");
	assert_string_equal(leaf(&w, 3), "0/2:5 1/2:-6 0/1 0/0");
	assert_string_equal(leaf(&w, 4), "0/3:v 1/2 0/1 0/0");
	end(&w);
}

static void
a_bad_event_leaves_nothing_behind(void **state)
{
	struct world w = { 0 };

	(void)state;
	make(&w, "id:long!,n:int,l:list<int>,s:struct<a:int!>", NULL, (struct shred_options){ 0 });
	run(&w, "{\"id\":1,\"n\":10,\"l\":[1]}\n"
	    "{\"id\":2,\"n\":3000000000,\"l\":[2]}\n"
	    "{\"n\":30,\"l\":[3]}\n"
	    "{\"id\":4,\"n\":40,\"l\":[4,4,\"x\"]}\n"
	    "{\"id\":5,\"s\":7}\n{\"id\":6,\"s\":{\"a\":null}}\n{\"id\":7,\"zz\":{\"top\":1}}\n{\"id\":8,\"s\":{\"a\":1,\"b\":2}}\n"
	    "{\"id\":9,\"l\":[9,9],\"s\":{\"a\":3}}\n");
	assert_int_equal(w.s.n_rows, 2);
	assert_int_equal(w.s.row[0], 0);
	assert_int_equal(w.s.row[1], 8);
	assert_string_equal(leaf(&w, 0), "0/0:1 0/0:9");
	assert_string_equal(leaf(&w, 1), "0/1:10 0/0");
	assert_string_equal(leaf(&w, 2), "0/3:1 0/3:9 1/3:9");
	assert_string_equal(leaf(&w, 3), "0/0 0/1:3");
	assert_non_null(strstr(w.said.p, "1 type n: is 3000000000, a number; its column (int) takes an integer from -2147483648 to 2147483647\n"));
	assert_non_null(strstr(w.said.p, "2 required id: is missing, but its column (long) is required\n"));
	assert_non_null(strstr(w.said.p, "3 type l[2]: is \"x\", a string; its column (int) takes"));
	assert_non_null(strstr(w.said.p, "4 type s: is 7, a number; its column (struct) takes an object\n"));
	assert_non_null(strstr(w.said.p, "5 required s.a: is null, but its column (int) is required\n"));
	assert_non_null(strstr(w.said.p, "6 unknown-member zz: is no column of the table"));
	assert_non_null(strstr(w.said.p, "7 unknown-member s.b: "));
	for (int i = 1; i < 8; i++)
		assert_int_equal(w.verdict[i], WEIR_REJECTED);
	run(&w, "{\"id\":1}\n");			/* and the next batch is clean */
	assert_string_equal(leaf(&w, 0), "0/0:1");
	assert_string_equal(leaf(&w, 2), "0/0");
	end(&w);
}

static void
only_events_that_passed_are_taken(void **state)
{
	struct world w = { 0 };

	(void)state;
	make(&w, "skip:string,id:long", NULL, (struct shred_options){ 0 });
	run(&w, "{\"skip\":\"not a number\",\"id\":\"x\"}\n{\"id\":2}\n");
	assert_string_equal(w.said.p, "");
	assert_int_equal(w.s.n_rows, 1);
	assert_int_equal(w.s.row[0], 1);
	assert_string_equal(leaf(&w, 1), "0/1:2");
	end(&w);
}

static void
sources_rename_and_read_units(void **state)
{
	struct shred_source source[] = { { .path = "meta.at", .unit = WEIR_UNIT_MS }, { .path = "user.\"odd key\"" }, { .path = "items[1].sku" } };
	struct world w = { 0 };

	(void)state;
	make(&w, "ts:timestamptz!,name:string,sku:int", source, (struct shred_options){ 0 });
	run(&w, "{\"meta\":{\"at\":1500},\"user\":{\"odd key\":\"k\"},\"items\":[{},{\"sku\":5}]}\n{\"meta\":{\"at\":1.5,\"by\":1}}\n"
	    "{\"meta\":{\"at\":\"2026-01-01T00:00:00Z\"}}\n{\"meta\":{\"at\":2},\"user\":5}\n");
	assert_string_equal(leaf(&w, 0), "0/0:1500000");
	assert_string_equal(leaf(&w, 1), "0/1:k");
	assert_string_equal(leaf(&w, 2), "0/1:5");
	assert_non_null(strstr(w.said.p, "1 unknown-member meta.by: "));
	assert_non_null(strstr(w.said.p, "2 type meta.at: is \"2026-01-01T00:00:00Z\", a string"));
	assert_non_null(strstr(w.said.p, "3 unknown-member user: "));		/* not lost without a word */
	end(&w);
}

static void
the_rest_goes_to_its_column(void **state)
{
	struct world w = { 0 };

	(void)state;
	make(&w, "id:long!,rest:string,s:struct<a:int>,l:list<struct<a:int>>", NULL,
	    (struct shred_options){ .unknown = SHRED_UNKNOWN_REST, .rest = 1 });
	run(&w, "{\"id\":1,\"x\":[1, 2],\"s\":{\"a\":1,\"b\":true},\"l\":[{},{\"c\":\"d\"}]}\n{\"id\":2}\n{\"id\":\"bad\",\"l\":[{\"y\":1}]}\n"
	    "{ \"i\\u0064\" : 4 , \"rest\" : \"r\" , \"odd.key\" : null }\n");
	assert_int_equal(w.s.n_rows, 3);
	assert_string_equal(leaf(&w, 0), "0/0:1 0/0:2 0/0:4");
	assert_string_equal(leaf(&w, 1), "0/1:{\"x\":[1, 2],\"s.b\":true,\"l[1].c\":\"d\"} 0/0 0/1:{\"rest\":\"r\",\"\\\"odd.key\\\"\":null}");
	end(&w);
}

static void
the_hook_hears_of_what_is_unknown(void **state)
{
	struct world w = { 0 };

	(void)state;
	make(&w, "id:long!,l:list<struct<a:int>>", NULL, (struct shred_options){ .unknown = SHRED_UNKNOWN_TELL });
	run(&w, "{\"id\":1,\"n\":{\"k\":1}}\n{\"id\":2,\"l\":[{\"b\":[3]}]}\n");
	assert_string_equal(w.said.p, "1 l[0].b=[3]\n0 n={\"k\":1}\n");
	assert_int_equal(w.s.n_rows, 2);
	w.answer = 1;
	run(&w, "{\"id\":1,\"n\":2}\n{\"id\":2}\n");
	assert_int_equal(w.s.n_rows, 1);
	end(&w);
}

static void
late_columns_are_found_all_the_same(void **state)
{
	struct world w = { .late = 1 };

	(void)state;
	make(&w, "id:long!,s:struct<t:string>,l:list<int>", NULL, (struct shred_options){ 0 });
	run(&w, "{\"id\":1,\"s\":{\"t\":\"u\"},\"l\":[1,2]}\n{\"id\":2,\"new\":1}\n{\"s\":{\"t\":\"v\",\"w\":1},\"id\":3}\n{\"id\":4}\n");
	assert_string_equal(leaf(&w, 0), "0/0:1 0/0:4");
	assert_string_equal(leaf(&w, 1), "0/2:u 0/0");
	assert_string_equal(leaf(&w, 2), "0/3:1 1/3:2 0/0");
	assert_non_null(strstr(w.said.p, "1 unknown-member new: "));
	assert_non_null(strstr(w.said.p, "2 unknown-member s.w: "));
	end(&w);
}

/* ---- single values ---- */

static int
one(const char *type, int unit, const char *json, void *out)
{
	struct convert c = { .block = NULL };
	struct parquet_column *root;
	struct weir_value v = { .p = json, .n = (uint32_t)strlen(json) };
	char text[64];
	int rc;

	snprintf(text, sizeof text, "x:%s", type);
	root = columns_parse(text);
	v.kind = *json == '"' ? WEIR_STRING : *json == 't' ? WEIR_TRUE : *json == '{' ? WEIR_OBJECT : WEIR_NUMBER;
	v.flags = *json == '"' ? (strchr(json, '\\') ? WEIR_ESCAPED : 0) : strpbrk(json, ".eE") ? 0 : WEIR_INTEGER;
	rc = convert_one(&c, column_leaf(root, 0), unit, &v, out);
	convert_free(&c);
	columns_free(root);
	return rc;
}

static void
values_fit_exactly_or_not_at_all(void **state)
{
	static const struct { const char *type, *json; int rc; int64_t want; } t[] = {
		{ "int", "2147483647", 0, 2147483647 }, { "int", "2147483648", CONVERT_RANGE, 0 }, { "int", "1e3", 0, 1000 },
		{ "int", "\"1\"", CONVERT_KIND, 0 }, { "int", "true", CONVERT_KIND, 0 },
		{ "long", "-9223372036854775808", 0, INT64_MIN }, { "long", "9223372036854775808", CONVERT_RANGE, 0 },
		{ "long", "9007199254740993", 0, 9007199254740993 }, { "long", "0.5", CONVERT_RANGE, 0 },
		{ "decimal(9,2)", "1.5", 0, 150 }, { "decimal(9,2)", "-9999999.99", 0, -999999999 },
		{ "decimal(9,2)", "10000000", CONVERT_RANGE, 0 }, { "decimal(9,2)", "0.001", CONVERT_RANGE, 0 },
		{ "decimal(9,2)", "1.500", 0, 150 }, { "decimal(9,2)", "15e-1", 0, 150 }, { "decimal(9,2)", "\"-0.05\"", 0, -5 },
		{ "decimal(9,2)", "\"0x5\"", CONVERT_FORM, 0 }, { "decimal(9,2)", "\"01\"", CONVERT_FORM, 0 },
		{ "decimal(9,2)", "\"\"", CONVERT_FORM, 0 }, { "decimal(9,2)", "\"-\"", CONVERT_FORM, 0 },
		{ "decimal(18,0)", "999999999999999999", 0, 999999999999999999 }, { "decimal(18,0)", "1000000000000000000", CONVERT_RANGE, 0 },
		{ "decimal(18,18)", "0.123456789012345678", 0, 123456789012345678 },
		{ "date", "\"1970-01-02\"", 0, 1 }, { "date", "\"1969-12-31\"", 0, -1 }, { "date", "\"2023-02-29\"", CONVERT_FORM, 0 },
		{ "date", "\"2023-2-9\"", CONVERT_FORM, 0 }, { "date", "19000", CONVERT_KIND, 0 },
		{ "time", "\"23:59:59.999999\"", 0, 86399999999 }, { "time", "\"00:00:00\"", 0, 0 }, { "time", "\"24:00:00\"", CONVERT_FORM, 0 },
		{ "time", "\"00:00\"", CONVERT_FORM, 0 }, { "time", "\"00:00:00.\"", CONVERT_FORM, 0 }, { "time", "\"00:00:00Z\"", CONVERT_FORM, 0 },
		{ "timestamptz", "\"1970-01-01T00:00:01Z\"", 0, 1000000 }, { "timestamptz", "\"1970-01-01T01:00:01.5+01:00\"", 0, 1500000 },
		{ "timestamptz", "\"1969-12-31T23:59:59.999Z\"", 0, -1000 }, { "timestamptz", "\"1970-01-01T00:00:01\"", CONVERT_FORM, 0 },
		{ "timestamptz", "1", CONVERT_KIND, 0 }, { "timestamptz", "\"1970-01-01T00:00:60Z\"", CONVERT_FORM, 0 },
		{ "timestamp", "\"1970-01-01T00:00:01\"", 0, 1000000 }, { "timestamp", "\"1970-01-01T00:00:01Z\"", CONVERT_FORM, 0 },
		{ "timestamp", "\"1970-01-01T00:00:01+01:00\"", CONVERT_FORM, 0 }, { "timestamp", "\"1970-01-01\"", CONVERT_FORM, 0 },
		{ "boolean", "1", CONVERT_KIND, 0 }, { "string", "1", CONVERT_KIND, 0 }, { "string", "\"a\\u0000\"", CONVERT_NUL, 0 },
		{ "uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785e\"", CONVERT_FORM, 0 },
		{ "uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785eg\"", CONVERT_FORM, 0 },
		{ "uuid", "\"f79c3e09x677c-4bbd-a479-3f349cb785e7\"", CONVERT_FORM, 0 },
		{ "binary", "\"QQ=\"", CONVERT_FORM, 0 }, { "binary", "\"QR==\"", CONVERT_FORM, 0 }, { "binary", "\"Q===\"", CONVERT_FORM, 0 },
		{ "binary", "\"QQ==QQ==\"", CONVERT_FORM, 0 }, { "binary", "\"Q Q=\"", CONVERT_FORM, 0 },
		{ "fixed(2)", "\"QUI=\"", 0, 0x4241 }, { "fixed(2)", "\"QUJD\"", CONVERT_RANGE, 0 },
		{ "float", "3.5e38", CONVERT_RANGE, 0 }, { "double", "1e309", CONVERT_RANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		int64_t out[2] = { 0 };
		int rc = one(t[i].type, 0, t[i].json, out);
		int narrow = !strcmp(t[i].type, "int") || !strcmp(t[i].type, "date") || !strcmp(t[i].type, "decimal(9,2)");

		if (rc != t[i].rc || (!rc && (narrow ? (int64_t)(int32_t)out[0] : out[0]) != t[i].want))
			print_message("%s %s: %d, %ld\n", t[i].type, t[i].json, rc, (long)out[0]);
		assert_int_equal(rc, t[i].rc);
		if (!rc)
			assert_true((narrow ? (int64_t)(int32_t)out[0] : out[0]) == t[i].want);
	}
}

static void
wide_values_are_big_endian(void **state)
{
	uint8_t out[32] = { 0 };

	(void)state;
	assert_int_equal(one("uuid", 0, "\"F79c3e09-677c-4bbd-a479-3f349cb785e7\"", out), 0);
	assert_memory_equal(out, "\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c\xb7\x85\xe7", 16);
	assert_int_equal(one("decimal(20,2)", 0, "-5", out), 0);
	assert_memory_equal(out, "\xff\xff\xff\xff\xff\xff\xff\xfe\x0c", 9);
	assert_int_equal(one("decimal(38,0)", 0, "99999999999999999999999999999999999999", out), 0);
	assert_memory_equal(out, "\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x3f\xff\xff\xff\xff", 16);
	assert_int_equal(one("decimal(38,0)", 0, "1e38", out), CONVERT_RANGE);
}

static void
the_day_that_is_remembered_is_the_right_one(void **state)
{
	struct convert c = { .block = NULL };
	struct parquet_column *root = columns_parse("x:timestamptz");
	static const struct { const char *json; int64_t want; } t[] = {
		{ "\"1970-01-02T00:00:00Z\"", 86400000000 }, { "\"1970-01-02T23:59:59.5Z\"", 172799500000 },
		{ "\"1970-01-02T00:30:00+01:00\"", 84600000000 }, { "\"1970-01-02T01:00:00Z\"", 90000000000 },
		{ "\"1969-12-31T12:00:00Z\"", -43200000000 }, { "\"1969-12-31T00:00:00.000001Z\"", -86399999999 },
		{ "\"1970-01-03T00:00:00Z\"", 172800000000 }, { "\"1970-01-03t00:00:01z\"", 172801000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct weir_value v = { .p = t[i].json, .n = (uint32_t)strlen(t[i].json), .kind = WEIR_STRING };
		int64_t us;

		assert_int_equal(convert_one(&c, column_leaf(root, 0), 0, &v, &us), 0);
		assert_true(us == t[i].want);
	}
	columns_free(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_and_nulls_have_their_levels),
		cmocka_unit_test(lists_and_maps_have_dremels_levels),
		cmocka_unit_test(a_bad_event_leaves_nothing_behind),
		cmocka_unit_test(only_events_that_passed_are_taken),
		cmocka_unit_test(sources_rename_and_read_units),
		cmocka_unit_test(the_rest_goes_to_its_column),
		cmocka_unit_test(the_hook_hears_of_what_is_unknown),
		cmocka_unit_test(late_columns_are_found_all_the_same),
		cmocka_unit_test(values_fit_exactly_or_not_at_all),
		cmocka_unit_test(wide_values_are_big_endian),
		cmocka_unit_test(the_day_that_is_remembered_is_the_right_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
