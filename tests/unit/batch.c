/* A batch and the members that stages set: what is written is what was set, column and bytes alike. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static const struct scan_limits limits = { .max_depth = 128 };
static struct scan *scan;
static struct batch b;
static struct fail f;
static char input[4096];
static int col_a, col_deep, col_odd;

static int
setup(void **state)
{
	(void)state;
	if (!(scan = scan_new(&limits)))
		return -1;
	col_a = scan_want(scan, "a");
	col_deep = scan_want(scan, "a.b.c");
	col_odd = scan_want(scan, ".\"q\\\"\\n\\\\\"");
	return batch_open(&b, scan, 0, &f);
}

static int
teardown(void **state)
{
	(void)state;
	batch_close(&b);
	scan_free(scan);
	return 0;
}

/* Lines, each with its newline, as the batch's events. */
static void
load(const char *lines)
{
	struct scan_fault fault;
	unsigned marks;

	assert_true(strlen(lines) + SCAN_PAD < sizeof input);
	memset(input, 0, sizeof input);
	strcpy(input, lines);
	batch_reset(&b, input);
	for (char *p = input, *nl; (nl = strchr(p, '\n')); p = nl + 1)
		assert_int_equal(batch_add(&b, p, (size_t)(nl - p), 0, &marks, &fault, &f), 1);
}

static void
written(uint32_t i, const char *want)
{
	size_t room = batch_room(&b, i), n;
	char *p = malloc(room);	/* as much as was asked for: the sanitizer looks on */

	assert_non_null(p);
	n = batch_write(&b, i, p);
	assert_true(n <= room);
	if (n != strlen(want) + 1 || memcmp(p, want, n - 1) || p[n - 1] != '\n')
		fail_msg("%.*s is not %s", (int)n - 1, p, want);
	free(p);
}

static void
column_is(int col, uint32_t i, const char *want)
{
	const struct weir_value *v = &b.col[col][i];

	if (!want) {
		assert_int_equal(v->kind, WEIR_ABSENT);
		return;
	}
	assert_int_not_equal(v->kind, WEIR_ABSENT);
	assert_int_equal(v->n, strlen(want));
	assert_memory_equal(v->p, want, v->n);
}

static void
set(uint32_t i, int col, const char *json)
{
	char *copy = strdup(json);	/* the batch keeps a copy of its own */

	if (batch_set(&b, i, col, copy, strlen(copy), &f))
		fail_msg("%s", f.text);
	memset(copy, '!', strlen(copy));
	free(copy);
}

static void
untouched(void **state)
{
	(void)state;
	load("{ \"a\" : {\"b\":{\"c\":7}} }\n{}\n");
	assert_int_equal(b.pub.n, 2);
	column_is(col_a, 0, "{\"b\":{\"c\":7}}");
	column_is(col_deep, 0, "7");
	column_is(col_a, 1, NULL);
	written(0, "{ \"a\" : {\"b\":{\"c\":7}} }");
	written(1, "{}");
}

/* A member that is new goes to the end, whatever blanks stand there. */
static void
added(void **state)
{
	static const struct { const char *in, *out; } c[] = {
		{ "{\"x\":1}", "{\"x\":1,\"a\":2}" }, { "{}", "{\"a\":2}" }, { "{ \t}", "{ \t\"a\":2}" }, { " { } ", " { \"a\":2} " },
		{ "{\"x\":1 } ", "{\"x\":1 ,\"a\":2} " }, { "{\"x\":\"}\"}", "{\"x\":\"}\",\"a\":2}" }, { "{\"x\":{}}", "{\"x\":{},\"a\":2}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		char line[64];

		snprintf(line, sizeof line, "%s\n", c[i].in);
		load(line);
		set(0, col_a, "2");
		column_is(col_a, 0, "2");
		written(0, c[i].out);
		assert_int_equal(b.n_edits, 1);
	}
}

static void
overwritten(void **state)
{
	const char *p;
	size_t n;

	(void)state;
	load("{\"x\":1,\"a\":{\"b\":{\"c\":7}},\"y\":2}\n{\"a\":1}\n{ \"\\u0061\" : 1 , \"z\" : 3 }\n");
	set(0, col_a, "8");
	column_is(col_deep, 0, NULL);	/* the columns below go with it */
	written(0, "{\"x\":1,\"y\":2,\"a\":8}");
	set(0, col_a, "{\"b\":{\"c\":\"new\"}}");
	column_is(col_deep, 0, "\"new\"");
	written(0, "{\"x\":1,\"y\":2,\"a\":{\"b\":{\"c\":\"new\"}}}");
	set(1, col_a, "null");
	written(1, "{\"a\":null}");
	set(2, col_a, "2");	/* a key by any spelling */
	written(2, "{\"z\":3,\"a\":2}");
	/* Bytes that were put together are a line like another. */
	p = batch_event(&b, 0, &n);
	assert_int_equal(n, 35);
	assert_memory_equal(p, "{\"x\":1,\"y\":2,\"a\":{\"b\":{\"c\":\"new\"}}}", 35);
}

static void
materialised(void **state)
{
	const char *p;
	size_t n;

	(void)state;
	load("{\"x\":1}\n");
	set(0, col_a, "1");
	p = batch_event(&b, 0, &n);
	assert_int_equal(n, 13);
	assert_memory_equal(p, "{\"x\":1,\"a\":1}", n);
	p = batch_event(&b, 0, &n);	/* and again */
	assert_memory_equal(p, "{\"x\":1,\"a\":1}", n);
	set(0, col_a, "22");
	written(0, "{\"x\":1,\"a\":22}");
	set(0, col_odd, "3");
	p = batch_event(&b, 0, &n);
	assert_memory_equal(p, "{\"x\":1,\"a\":22,\"q\\\"\\n\\\\\":3}", n);
}

static void
odd_keys(void **state)
{
	(void)state;
	load("{}\n{\"q\\u0022\\u000a\\u005c\":0,\"x\":1}\n");
	column_is(col_odd, 1, "0");
	set(0, col_odd, "1");
	set(0, col_a, "2");
	written(0, "{\"q\\\"\\n\\\\\":1,\"a\":2}");
	set(1, col_odd, "9");
	written(1, "{\"x\":1,\"q\\\"\\n\\\\\":9}");
}

static void
replaced(void **state)
{
	char json[] = "{\"a\":{\"b\":{\"c\":5}},\"n\":1}";

	(void)state;
	load("{\"a\":1}\n");
	set(0, col_a, "2");
	assert_int_equal(batch_replace(&b, 0, json, strlen(json), &f), 0);
	memset(json, '!', sizeof json - 1);
	column_is(col_deep, 0, "5");
	written(0, "{\"a\":{\"b\":{\"c\":5}},\"n\":1}");
	set(0, col_a, "3");
	written(0, "{\"n\":1,\"a\":3}");
	assert_int_equal(batch_replace(&b, 0, "{}", 2, &f), 0);
	column_is(col_a, 0, NULL);
	set(0, col_a, "4");
	written(0, "{\"a\":4}");
	assert_int_equal(batch_replace(&b, 0, "[1]", 3, &f), WEIR_EDATA);
	assert_int_equal(batch_replace(&b, 0, "{\"a\":}", 6, &f), WEIR_EDATA);
	assert_int_equal(batch_replace(&b, 0, "", 0, &f), WEIR_EDATA);
}

/* JSON may hold newlines between tokens; an event is one line. */
static void
one_line(void **state)
{
	(void)state;
	load("{\"x\":1}\n");
	set(0, col_a, "{\n\"b\":\n1}");
	written(0, "{\"x\":1,\"a\":{ \"b\": 1}}");
	assert_int_equal(batch_replace(&b, 0, "{\n  \"a\": \"\\n\"\n}\n", 16, &f), 0);
	written(0, "{   \"a\": \"\\n\" } ");
	column_is(col_a, 0, "\"\\n\"");
}

static void
only_the_top(void **state)
{
	(void)state;
	load("{}\n");
	assert_int_equal(batch_set(&b, 0, col_deep, "1", 1, &f), WEIR_ECONFIG);
	written(0, "{}");
}

static void
refused(void **state)
{
	struct scan_fault fault;
	unsigned marks;

	(void)state;
	memset(input, 0, sizeof input);
	strcpy(input, "{\"a\":1}\n{\"a\":}\n{\"@weir\":1}\n");
	batch_reset(&b, input);
	assert_int_equal(batch_add(&b, input, 7, 0, &marks, &fault, &f), 1);
	assert_int_equal(marks, 0);
	assert_int_equal(batch_add(&b, input + 8, 6, 0, &marks, &fault, &f), 0);
	assert_string_equal(fault.code, "not-json");
	assert_int_equal(b.pub.n, 1);
	assert_int_equal(batch_add(&b, input + 8, 6, 1, &marks, &fault, &f), 0);
	assert_int_equal(b.pub.n, 2);
	assert_int_equal(b.pub.verdict[1], WEIR_REJECTED);
	assert_int_equal(batch_add(&b, input + 15, 11, 0, &marks, &fault, &f), 1);
	assert_int_equal(marks, 1);
	assert_int_equal(b.n_marked, 1);
	assert_int_equal(b.count[WEIR_PASSED], 2);
	assert_int_equal(b.count[WEIR_REJECTED], 1);
	batch_reset(&b, input);
	assert_int_equal(b.pub.n + b.count[WEIR_PASSED] + b.n_marked, 0);
}

/* More events than the first room, and a batch with bytes of its own: each event is found again. */
static void
own_bytes(void **state)
{
	enum { CAP = 4096 };
	char line[64], *great;
	struct scan_fault fault;
	struct batch own;
	const char *p;
	unsigned marks, n = 0;

	(void)state;
	assert_int_equal(batch_open(&own, scan, CAP, &f), 0);
	for (int round = 0; round < 3; round++) {
		batch_reset(&own, NULL);
		for (n = 0;; n++) {
			int k = snprintf(line, sizeof line, "{\"a\":%u}", n);

			if (!(p = batch_copy(&own, line, (size_t)k, &f)))
				break;
			assert_int_equal(batch_add(&own, p, (size_t)k, 0, &marks, &fault, &f), 1);
		}
		assert_int_equal(f.code, 0);	/* full, and no more */
		assert_true(n > 300);
		for (unsigned i = 0; i < n; i++) {
			int k = snprintf(line, sizeof line, "%u", i);

			assert_int_equal(own.col[col_a][i].n, k);
			assert_memory_equal(own.col[col_a][i].p, line, k);
		}
	}
	/* One event may be larger than the room, alone. */
	great = malloc(3 * CAP);
	memset(great, ' ', 3 * CAP);
	great[0] = '{';
	great[3 * CAP - 1] = '}';
	assert_null(batch_copy(&own, great, 3 * CAP, &f));
	batch_reset(&own, NULL);
	assert_non_null(p = batch_copy(&own, great, 3 * CAP, &f));
	assert_int_equal(batch_add(&own, p, 3 * CAP, 0, &marks, &fault, &f), 1);
	free(great);
	batch_close(&own);
}

static void
many_events(void **state)
{
	enum { N = 5000 };
	char *text = calloc(1, N * 16 + SCAN_PAD), *p = text;
	struct scan_fault fault;
	unsigned marks;

	(void)state;
	batch_reset(&b, text);
	for (unsigned i = 0; i < N; i++) {
		int k = sprintf(p, "{\"a\":%u}\n", i) - 1;

		assert_int_equal(batch_add(&b, p, (size_t)k, 0, &marks, &fault, &f), 1);
		p += k + 1;
	}
	for (unsigned i = 0; i < N; i++) {
		char want[32];

		sprintf(want, "{\"a\":%u}", i);
		written(i, want);
	}
	free(text);
}

int
main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(untouched), TEST(added), TEST(overwritten), TEST(materialised), TEST(odd_keys), TEST(replaced), TEST(one_line), TEST(only_the_top),
		TEST(refused), TEST(own_bytes), TEST(many_events),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
