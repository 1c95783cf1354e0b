/*
 * The tables of enrich: in memory against a model, and from files of each kind.
 *
 * WEIR_BENCH=1 prints the time of a find among 100,000 rows instead.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lookup.h"
#include "rows.h"
#include "weir.h"		/* before cmocka.h, which makes fail() a macro */

#include <cmocka.h>
#include <sqlite3.h>

#define SEED	UINT64_C(0x0123456789abcdef)

static char dir[] = "/tmp/weir-lookup-XXXXXX";

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	static const char *const files[] = { "t.csv", "t.ndjson", "t.db" };

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		(void)unlink(files[i]);
	return rmdir(dir);
}

static void
put_file(const char *name, const char *text)
{
	char tmp[64];
	FILE *f;

	snprintf(tmp, sizeof tmp, "%s.new", name);
	f = fopen(tmp, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(tmp, name), 0);
}

/* --- rows --- */

static void
many_rows(void **state)
{
	struct rows *r = rows_new(SEED, 2, 64 << 20, 0);
	struct rows_value out[2];
	uint32_t before = 0;
	char key[32], a[32];

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		size_t n = (size_t)snprintf(key, sizeof key, "key-%u", i), m = (size_t)snprintf(a, sizeof a, "\"v%u\"", i * 7);
		struct rows_value v[2] = { { a, (uint32_t)m }, { "null", i % 3 ? 4 : 0 } };

		assert_int_equal(rows_add(r, key, n, 0, v, i + 2, &before), 0);
	}
	assert_int_equal(rows_count(r), 100000);
	for (uint32_t i = 0; i < 100000; i++) {
		size_t n = (size_t)snprintf(key, sizeof key, "key-%u", i), m = (size_t)snprintf(a, sizeof a, "\"v%u\"", i * 7);

		assert_int_equal(rows_find(r, key, n, 0, out), 1);
		assert_int_equal(out[0].n, m);
		assert_memory_equal(out[0].p, a, m);
		assert_int_equal(out[1].n, i % 3 ? 4 : 0);
		assert_int_equal(rows_find(r, key, n - 1, 0, out), n > 5);	/* "key-12" of "key-123" */
		key[3] = '_';
		assert_int_equal(rows_find(r, key, n, 0, out), 0);
	}
	assert_int_equal(rows_find(r, "", 0, 0, out), 0);
	assert_int_equal(rows_add(r, "key-17", 6, 0, out, 5, &before), ROWS_DUPLICATE);
	assert_int_equal(before, 19);
	rows_free(r);
}

static void
ceiling_of_rows(void **state)
{
	struct rows *r = rows_new(SEED, 1, 1 << 20, 0);
	struct rows_value v = { "\"0123456789\"", 12 };
	uint32_t before, i;
	char key[32];
	int e = 0;

	(void)state;
	for (i = 0; i < 1000000 && e == 0; i++)
		e = rows_add(r, key, (size_t)snprintf(key, sizeof key, "%u", i), 0, &v, i, &before);
	assert_int_equal(e, ROWS_FULL);
	assert_in_range(i, 10000, 30000);
	assert_int_equal(rows_find(r, "9999", 4, 0, &v), 1);
	rows_free(r);
}

static void
versions(void **state)
{
	static const int64_t from[] = { 30, INT64_MIN, 10, 20 };
	struct rows *r = rows_new(SEED, 1, 1 << 20, 1);
	struct rows_value v;
	uint32_t before;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		v = (struct rows_value){ "abcd" + i, 1 };
		assert_int_equal(rows_add(r, "k", 1, from[i], &v, i, &before), 0);
	}
	assert_int_equal(rows_add(r, "k", 1, 20, &v, 9, &before), ROWS_DUPLICATE);
	assert_int_equal(before, 3);
	for (int64_t t = 0; t < 50; t++) {
		assert_int_equal(rows_find(r, "k", 1, t, &v), 1);
		assert_int_equal(*v.p, t >= 30 ? 'a' : t >= 20 ? 'd' : t >= 10 ? 'c' : 'b');
	}
	v = (struct rows_value){ "x", 1 };
	assert_int_equal(rows_add(r, "late", 4, 100, &v, 0, &before), 0);
	assert_int_equal(rows_find(r, "late", 4, 99, &v), 0);
	assert_int_equal(rows_find(r, "late", 4, 100, &v), 1);
	rows_free(r);
}

/* --- the option --- */

static void
options(void **state)
{
	static const char *const bad[] = {
		"users", "=csv:f", "u=csv", "u=csv:", "u=xml:f", "u:csv=f", "u=csv:f,refresh=soon", "u=csv:f,key=", "u=csv:f,table=t", "u=csv:,key=a"
	};
	struct lookup l;
	struct fail f;

	(void)state;
	assert_int_equal(lookup_parse(&l, "u=csv:a,b.csv,key=id,refresh=5m", &f), 0);
	assert_string_equal(l.name, "u");
	assert_string_equal(l.where, "a,b.csv");
	assert_string_equal(l.key, "id");
	assert_int_equal(l.refresh_us, 300000000);
	assert_true(l.kind == &lookup_csv);
	assert_int_equal(lookup_want(&l, "a", &f), 0);
	assert_int_equal(lookup_want(&l, "a:number", &f), 1);
	assert_int_equal(lookup_want(&l, NULL, &f), 2);
	assert_int_equal(lookup_want(&l, "a", &f), 0);
	assert_int_equal(lookup_want(&l, NULL, &f), 2);
	assert_int_equal(lookup_want(&l, "a:b", &f), 3);	/* no type: a column with a colon */
	assert_string_equal(l.want[3].column, "a:b");
	assert_string_equal(l.want[1].column, "a");
	lookup_close(&l);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (lookup_parse(&l, bad[i], &f) != WEIR_EUSAGE)
			fail_msg("%s was taken", bad[i]);
		lookup_close(&l);
	}
	assert_int_equal(lookup_parse(&l, "u=ndjson:f,key=id", &f), 0);
	assert_int_equal(lookup_want(&l, "a:number", &f), WEIR_EUSAGE);
	lookup_close(&l);
}

/* --- files --- */

/* Open `spec` wanting the columns (a "" is the whole row).  Returns the code; the text is in f. */
static int
open_lookup(struct lookup *l, const char *spec, const char *const *column, struct fail *f)
{
	assert_int_equal(lookup_parse(l, spec, f), 0);
	l->seed = SEED;
	l->max_bytes = 16 << 20;
	l->versioned = l->valid_from != NULL;
	for (int i = 0; column[i]; i++)
		assert_int_equal(lookup_want(l, *column[i] ? column[i] : NULL, f), i);
	return lookup_open(l, f);
}

/* What stands at a key: "literal literal ...", or NULL. */
static const char *
at(const struct lookup *l, const char *key)
{
	static char out[1024];
	struct rows_value v[LOOKUP_WANTS_MAX];
	size_t n = 0;

	if (!lookup_find(l, key, strlen(key), 0, v))
		return "none";
	for (uint32_t i = 0; i < l->n_want; i++)
		n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s", i ? " " : "", (int)v[i].n, v[i].p);
	return out;
}

static void
fails_with(const char *spec, const char *const *column, int code, const char *text)
{
	struct lookup l;
	struct fail f;
	int e = open_lookup(&l, spec, column, &f);

	if (e != code || strcmp(f.text, text))
		fail_msg("%s: %d %s", spec, e, e < 0 ? f.text : "");
	lookup_close(&l);
}

#define COLS(...)	((const char *const[]){ __VA_ARGS__, NULL })

static void
from_csv(void **state)
{
	struct lookup l;
	struct fail f;

	(void)state;
	put_file("t.csv", "id,name,seats,on\r\n17,\"A \"\"B\"\"\",5,true\r\n18,B\xc3\xbc,,\n");
	assert_int_equal(open_lookup(&l, "u=csv:t.csv", COLS("name", "seats:number", "seats", "on:boolean", ""), &f), 0);
	assert_string_equal(at(&l, "17"), "\"A \\\"B\\\"\" 5 \"5\" true {\"id\":\"17\",\"name\":\"A \\\"B\\\"\",\"seats\":\"5\",\"on\":\"true\"}");
	assert_string_equal(at(&l, "18"), "\"B\xc3\xbc\" null \"\" null {\"id\":\"18\",\"name\":\"B\xc3\xbc\",\"seats\":\"\",\"on\":\"\"}");
	assert_string_equal(at(&l, "19"), "none");
	lookup_close(&l);
	assert_int_equal(open_lookup(&l, "u=csv:t.csv,key=name", COLS("id"), &f), 0);
	assert_string_equal(at(&l, "A \"B\""), "\"17\"");
	lookup_close(&l);

	fails_with("u=csv:t.csv", COLS("nam"), WEIR_ECONFIG, "t.csv:1: no column 'nam'; there are: id, name, seats, on");
	fails_with("u=csv:t.csv,key=ID", COLS("name"), WEIR_ECONFIG, "t.csv:1: no column 'ID'; there are: id, name, seats, on");
	fails_with("u=csv:t.csv", COLS("name:number"), WEIR_ECONFIG, "t.csv:2: column 'name' is no JSON number: 'A \"B\"'");
	fails_with("u=csv:no.csv", COLS("name"), WEIR_ECONFIG, "cannot open no.csv: No such file or directory");
	fails_with("u=csv:/", COLS("name"), WEIR_ECONFIG, "/ is a directory: name a file");
	put_file("t.csv", "id,v\n1,a\n\n\"2\",b\n1,c\n");
	fails_with("u=csv:t.csv", COLS("v"), WEIR_ECONFIG, "t.csv:5: key '1' stands in line 2 too: keys must be unique");
	put_file("t.csv", "id,v\n1,a\n2\n");
	fails_with("u=csv:t.csv", COLS("v"), WEIR_ECONFIG, "t.csv:3: 1 fields, but the header line has 2");
	put_file("t.csv", "id,v,id\n");
	fails_with("u=csv:t.csv", COLS("v"), WEIR_ECONFIG, "t.csv:1: column 'id' stands twice");
	put_file("t.csv", "");
	fails_with("u=csv:t.csv", COLS("v"), WEIR_ECONFIG, "t.csv is empty: its first line must name the columns");
	put_file("t.csv", "id,v\n1,012\n");
	fails_with("u=csv:t.csv", COLS("v:number"), WEIR_ECONFIG, "t.csv:2: column 'v' is no JSON number: '012'");
	put_file("t.csv", "id,v\n1,\"[1,\n2]\"\n");
	fails_with("u=csv:t.csv", COLS("v:json"), WEIR_ECONFIG, "t.csv:2: column 'v' is no JSON value in one line: '[1,\n2]'");
}

static void
versioned_csv(void **state)
{
	struct rows_value v;
	struct lookup l;
	struct fail f;

	(void)state;
	put_file("t.csv", "id,plan,since\n1,free,\n1,pro,2026-01-02\n1,max,2026-01-03T12:00:00Z\n");
	assert_int_equal(open_lookup(&l, "u=csv:t.csv,valid_from=since", COLS("plan"), &f), 0);
	assert_int_equal(lookup_find(&l, "1", 1, INT64_C(1767311999999999), &v), 1);	/* 2026-01-01T23:59:59.999999Z */
	assert_memory_equal(v.p, "\"free\"", 6);
	assert_int_equal(lookup_find(&l, "1", 1, INT64_C(1767312000000000), &v), 1);
	assert_memory_equal(v.p, "\"pro\"", 5);
	assert_int_equal(lookup_find(&l, "1", 1, INT64_C(1767441600000000), &v), 1);
	assert_memory_equal(v.p, "\"max\"", 5);
	lookup_close(&l);
	put_file("t.csv", "id,plan,since\n1,free,soon\n");
	fails_with("u=csv:t.csv,valid_from=since", COLS("plan"), WEIR_ECONFIG, "t.csv:2: column 'since' is no ISO 8601 time: 'soon'");
}

static void
from_ndjson(void **state)
{
	struct lookup l;
	struct fail f;

	(void)state;
	put_file("t.ndjson", "\xef\xbb\xbf{\"id\":17,\"a\":{\"b\":[1,2]},\"n\":1.50}\r\n\n  {\"id\":\"\\u0061\",\"n\":null}");
	assert_int_equal(open_lookup(&l, "u=ndjson:t.ndjson,key=id", COLS("a.b", "n", ""), &f), 0);
	assert_string_equal(at(&l, "17"), "[1,2] 1.50 {\"id\":17,\"a\":{\"b\":[1,2]},\"n\":1.50}");
	assert_string_equal(at(&l, "a"), "null null {\"id\":\"\\u0061\",\"n\":null}");
	lookup_close(&l);

	fails_with("u=ndjson:t.ndjson", COLS("n"), WEIR_EUSAGE, "--lookup u: ndjson has no first column: add ,key=PATH");
	fails_with("u=ndjson:t.ndjson,key=id", COLS("m"), WEIR_ECONFIG, "t.ndjson: no line has 'm'");
	put_file("t.ndjson", "{\"id\":1}\n{\"id\":null}\n");
	fails_with("u=ndjson:t.ndjson,key=id", COLS(""), WEIR_ECONFIG, "t.ndjson:2: 'id' is null");
	put_file("t.ndjson", "{\"id\":1}\n{\"id\":[1]}\n");
	fails_with("u=ndjson:t.ndjson,key=id", COLS(""), WEIR_ECONFIG, "t.ndjson:2: 'id' is no string, number or truth value");
	put_file("t.ndjson", "{\"id\":1}\n{\"id\":\"1\"}\n");
	fails_with("u=ndjson:t.ndjson,key=id", COLS(""), WEIR_ECONFIG, "t.ndjson:2: key '1' stands in line 1 too: keys must be unique");
}

static void
sql(sqlite3 *db, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
}

static void
from_sqlite(void **state)
{
	struct lookup l;
	struct fail f;
	sqlite3 *db;

	(void)state;
	(void)unlink("t.db");
	assert_int_equal(sqlite3_open("t.db", &db), SQLITE_OK);
	fails_with("u=sqlite:t.db", COLS("x"), WEIR_ECONFIG, "t.db has 0 tables: add ,table=NAME to --lookup u");
	sql(db, "CREATE TABLE users (id INTEGER, name TEXT, score REAL, raw BLOB, none TEXT);"
	    "INSERT INTO users VALUES (17, 'A\"B', 2.5, x'00ff', NULL), (9007199254740993, 'big', 1e300, NULL, NULL), (NULL, 'nobody', 0, NULL, NULL)");
	assert_int_equal(open_lookup(&l, "u=sqlite:t.db", COLS("name", "score", "raw", "none", ""), &f), 0);
	assert_string_equal(at(&l, "17"),
	    "\"A\\\"B\" 2.5 \"AP8=\" null {\"id\":17,\"name\":\"A\\\"B\",\"score\":2.5,\"raw\":\"AP8=\",\"none\":null}");
	assert_string_equal(at(&l, ""), "none");
	lookup_close(&l);
	assert_int_equal(open_lookup(&l, "u=sqlite:t.db,table=users,key=name", COLS("id"), &f), 0);
	assert_string_equal(at(&l, "big"), "9007199254740993");
	lookup_close(&l);

	fails_with("u=sqlite:t.db", COLS("nam"), WEIR_ECONFIG, "t.db: table users has no column 'nam'; there are: id, name, score, raw, none");
	fails_with("u=sqlite:t.db,table=user", COLS("name"), WEIR_ECONFIG, "t.db: no table 'user'; there are: users");
	fails_with("u=sqlite:no.db", COLS("name"), WEIR_ECONFIG, "cannot open no.db: No such file or directory");
	sql(db, "CREATE TABLE \"odd \"\"one\" (id)");
	fails_with("u=sqlite:t.db", COLS("name"), WEIR_ECONFIG, "t.db has 2 tables: add ,table=NAME to --lookup u; there are: odd \"one, users");
	assert_int_equal(open_lookup(&l, "u=sqlite:t.db,table=odd \"one", COLS(""), &f), 0);
	lookup_close(&l);
	sql(db, "INSERT INTO users VALUES (17, 'again', 0, NULL, NULL)");
	fails_with("u=sqlite:t.db,table=users", COLS("name"), WEIR_ECONFIG, "t.db, row 4: key '17' stands in row 1 too: keys must be unique");
	sql(db, "BEGIN EXCLUSIVE");
	fails_with("u=sqlite:t.db,table=users", COLS("name"), WEIR_EAGAIN, "t.db is locked by another program (waited 2 s): run again when it is free");
	sql(db, "COMMIT");
	sqlite3_close(db);
	put_file("t.db", "this is no database, however long it is made to be");
	fails_with("u=sqlite:t.db", COLS("name"), WEIR_ECONFIG, "t.db: file is not a database");
}

static void
reload(void **state)
{
	struct lookup l;
	struct fail f;
	int64_t now = 1000000;

	(void)state;
	put_file("t.csv", "id,v\n1,a\n");
	assert_int_equal(open_lookup(&l, "u=csv:t.csv,refresh=10s", COLS("v"), &f), 0);
	assert_int_equal(lookup_refresh(&l, now, &f), 0);
	put_file("t.csv", "id,v\n1,b\n");
	assert_int_equal(lookup_refresh(&l, now += 9999999, &f), 0);		/* not yet */
	assert_string_equal(at(&l, "1"), "\"a\"");
	assert_int_equal(lookup_refresh(&l, now += 1, &f), 1);
	assert_string_equal(at(&l, "1"), "\"b\"");
	assert_int_equal(lookup_refresh(&l, now += 10000000, &f), 0);		/* as before */
	put_file("t.csv", "id,v\n1,\"c\n");
	assert_int_equal(lookup_refresh(&l, now += 10000000, &f), WEIR_ECONFIG);
	assert_string_equal(f.text, "t.csv:2: the quote that opens here is never closed");
	assert_string_equal(at(&l, "1"), "\"b\"");
	assert_int_equal(lookup_refresh(&l, now += 10000000, &f), 0);		/* said once */
	assert_int_equal(unlink("t.csv"), 0);
	assert_int_equal(lookup_refresh(&l, now += 10000000, &f), WEIR_ECONFIG);
	assert_string_equal(at(&l, "1"), "\"b\"");
	assert_int_equal(lookup_refresh(&l, now += 10000000, &f), 0);
	put_file("t.csv", "id,v\n1,d\n");
	assert_int_equal(lookup_refresh(&l, now += 10000000, &f), 1);
	assert_string_equal(at(&l, "1"), "\"d\"");
	lookup_close(&l);
}

static int
bench(void)
{
	struct rows *r = rows_new(SEED, 3, UINT64_C(1) << 30, 0);
	struct rows_value v[3] = { { "\"DE\"", 4 }, { "\"enterprise\"", 12 }, { "\"spring-2026\"", 13 } }, out[3];
	uint64_t rnd = 88172645463325252, hits = 0, n = 20000000;
	struct timespec a, b;
	uint32_t before;
	char (*key)[8] = calloc(100000, sizeof *key);

	if (!r || !key)
		return 1;
	for (uint32_t i = 0; i < 100000; i++) {
		snprintf(key[i], sizeof *key, "%u", 100000 + i);
		if (rows_add(r, key[i], 6, 0, v, i, &before) < 0)
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (uint64_t i = 0; i < n; i++) {
		rnd ^= rnd << 13;
		rnd ^= rnd >> 7;
		rnd ^= rnd << 17;
		hits += (uint64_t)rows_find(r, key[rnd % 100000], 6, 0, out);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("100000 rows, %.1f MB: %.1f ns a find, %ju found\n", (double)rows_bytes(r) / 1e6,
	    ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)n, (uintmax_t)hits);
	rows_free(r);
	free(key);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_rows),
		cmocka_unit_test(ceiling_of_rows),
		cmocka_unit_test(versions),
		cmocka_unit_test(options),
		cmocka_unit_test(from_csv),
		cmocka_unit_test(versioned_csv),
		cmocka_unit_test(from_ndjson),
		cmocka_unit_test(from_sqlite),
		cmocka_unit_test(reload),
	};

	if (getenv("WEIR_BENCH"))
		return bench();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
