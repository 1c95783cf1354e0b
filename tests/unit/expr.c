/*
 * expr - the native form against libjq, and what expr_run() keeps of numbers.
 */
#include "config.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "scan.h"

#include <cmocka.h>		/* last: it has a macro named fail */

#define COLS	128

/* A host of one event. */
struct fake {
	struct weir_ctx		 ctx;
	struct scan		*scan;
	struct weir_value	*col[COLS], value[COLS];
	char			 event[1024];
	size_t			 n;
};

static int
fake_want(struct weir_ctx *c, const char *path)
{
	return scan_want(((struct fake *)c)->scan, path);
}

static const char *
fake_event(struct weir_ctx *c, const struct weir_batch *b, uint32_t i, size_t *n)
{
	(void)b;
	(void)i;
	*n = ((struct fake *)c)->n;
	return ((struct fake *)c)->event;
}

static const struct weir_host host = { .abi = WEIR_ABI, .size = sizeof host, .want = fake_want, .event = fake_event };

static void
fake_open(struct fake *k)
{
	const struct scan_limits limits = { .max_depth = 128 };

	memset(k, 0, sizeof *k);
	k->ctx.host = &host;
	k->scan = scan_new(&limits);
	assert_non_null(k->scan);
	for (int i = 0; i < COLS; i++)
		k->col[i] = &k->value[i];
}

static void
fake_scan(struct fake *k, const char *event)
{
	struct scan_fault fault;
	unsigned marks;

	k->n = strlen(event);
	memset(k->event, 0, sizeof k->event);
	memcpy(k->event, event, k->n);
	if (scan_event(k->scan, k->event, k->n, k->col, 0, &marks, &fault) < 0)
		fail_msg("%s: %s", event, fault.message);
}

static const char *const events[] = {
	"{}", "{\"a\":null}", "{\"a\":true}", "{\"a\":false}", "{\"a\":0}", "{\"a\":1}", "{\"a\":1.0}", "{\"a\":1.5}", "{\"a\":-1}", "{\"a\":\"\"}",
	"{\"a\":\"x\"}", "{\"a\":\"xy\"}", "{\"a\":\"\\u0078\"}", "{\"a\":\"\\u00fc\"}", "{\"a\":\"1\"}", "{\"a\":[]}", "{\"a\":[1,2]}", "{\"a\":{}}",
	"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":null}}", "{\"a\":{\"b\":{\"c\":\"z\"}}}", "{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":2}", "{\"a\":\"x\",\"b\":\"x\"}",
	"{\"a\":[1],\"b\":[1]}", "{\"a\":[1],\"b\":[2]}", "{\"a\":{\"x\":1,\"y\":2},\"b\":{\"y\":2,\"x\":1}}", "{\"a\":[{\"b\":3}]}", "{\"b\":5}",
	"{\"odd key\":3,\"a\":3}", "{\"a\":1e2}", "{\"a\":100}", "{\"a\":1e400}", "{\"a\":12345678901234567890}", "{\"a\":{\"b\":\"q\\\"\\n\"}}",
};

static const char *const native_tests[] = {
	".a", ".a == 1", ".a != 1", ".a < 1", ".a <= 1", ".a > 1", ".a >= 1", ".a == \"x\"", ".a < \"xx\"", ".a >= \"x\"", ".a == null", ".a != null",
	".a == true", ".a == false", ".a > false", ".a.b == 1", ".a.b", ".a.b.c == \"z\"", ".a[0] == 1", ".a[0].b == 3", ".a[1] > .a[0]", "has(\"a\")",
	".a | has(\"b\")", ".a.b | has(\"c\")", "has(\"odd key\")", ".\"odd key\" == 3", ".[\"odd key\"] == .a", ".a[\"b\"] == 1", ".a == .b", ".a < .b",
	".a != .b", ".a and .b", ".a or .b", ".a == 1 and .b == 2", ".a == 1 or .b == 5", "(.a == 1 or .b == 5) and (.b | not)", ".a | not",
	"has(\"a\") | not", "select(.a == 1)", "select(.a) | select(.b)", "select(.a) | .b == 2", "(.a)", "1 < .a", "\"x\" == .a", ".a == -1",
	".a == 1.5", ".a == 1e2", "1 == 1", "true", "null", ".a==1 and .b==2", ".a.b == \"q\\\"\\n\"", " .a  ==\n1 ", "null == .a", ".a == \"\\u00fc\" | not",
};

/* Only these are left to libjq; one of the list above may be too, as long as the answers agree. */
static const char *const jq_tests[] = {
	".a?", ".a // 1", ".a + 1 == 2", "[.a] == [1]", ".a | length > 1", ".a == (1,2)", "empty", ".a[-1:]", "..|numbers", "select(.a==1).b", ".",
	"try error(\"x\") catch .", "if .a then 1 else null end", ".a | test(\"x\")?", ".a == \"\\(1)\"", "any(.a; . == 1)?", "-.b == -5",
};

static void
one(const char *text, const char *event, int must_be_native)
{
	struct fail f = { 0 }, g = { 0 };
	struct weir_batch b = { .n = 1 };
	struct expr *e = expr_compile(text, &f);
	struct fake k;
	int want, got;

	if (!e)
		fail_msg("%s: %s", text, f.text);
	if (must_be_native)
		assert_true(expr_is_native(e));
	fake_open(&k);
	assert_int_equal(expr_want(e, &k.ctx), 0);
	fake_scan(&k, event);
	b.col = k.col;
	want = expr_test(e, k.event, k.n, &f);
	got = expr_test_event(e, &k.ctx, &b, 0, &g);
	if (want != got)
		fail_msg("%s on %s: jq %d (%s), native %d (%s)", text, event, want, f.text, got, g.text);
	if (got == EXPR_ERROR)
		assert_true(f.text[0] && g.text[0]);
	expr_free(e);
	scan_free(k.scan);
}

static void
native_agrees_with_jq(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof native_tests / sizeof *native_tests; i++)
		for (size_t k = 0; k < sizeof events / sizeof *events; k++)
			one(native_tests[i], events[k], !strstr(native_tests[i], "\\u"));
}

static void
the_rest_is_jq(void **state)
{
	struct fail f;

	(void)state;
	for (size_t i = 0; i < sizeof jq_tests / sizeof *jq_tests; i++) {
		struct expr *e = expr_compile(jq_tests[i], &f);

		assert_non_null(e);
		if (expr_is_native(e))
			fail_msg("%s is native", jq_tests[i]);
		expr_free(e);
		for (size_t k = 0; k < sizeof events / sizeof *events; k++)
			one(jq_tests[i], events[k], 0);
	}
}

static int
test_on(const char *text, const char *event)
{
	struct weir_batch b = { .n = 1 };
	struct fail f;
	struct expr *e = expr_compile(text, &f);
	struct fake k;
	int r;

	assert_non_null(e);
	fake_open(&k);
	assert_int_equal(expr_want(e, &k.ctx), 0);
	fake_scan(&k, event);
	b.col = k.col;
	r = expr_test_event(e, &k.ctx, &b, 0, &f);
	expr_free(e);
	scan_free(k.scan);
	return r;
}

/* Where the native form is deliberately better than jq 1.6. */
static void
integers_are_exact(void **state)
{
	(void)state;
	assert_int_equal(test_on(".a == 9007199254740993", "{\"a\":9007199254740993}"), EXPR_TRUE);
	assert_int_equal(test_on(".a == 9007199254740993", "{\"a\":9007199254740992}"), EXPR_FALSE);
	assert_int_equal(test_on(".a < 9223372036854775807", "{\"a\":9223372036854775806}"), EXPR_TRUE);
}

static void
errors(void **state)
{
	struct fail f;
	char *big = malloc(EXPR_TEXT_MAX + 2);

	(void)state;
	assert_non_null(big);
	memset(big, ' ', EXPR_TEXT_MAX + 1);
	big[EXPR_TEXT_MAX + 1] = '\0';
	assert_null(expr_compile(big, &f));
	assert_int_equal(f.code, WEIR_ECONFIG);
	free(big);
	assert_null(expr_compile(".a ==", &f));
	assert_int_equal(f.code, WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "syntax error"));
	assert_null(expr_compile("nosuch(1)", &f));
	assert_non_null(strstr(f.text, "nosuch"));
	assert_int_equal(test_on(".a.b == 1", "{\"a\":\"x\"}"), EXPR_ERROR);
	assert_int_equal(test_on("error(\"boom\")", "{}"), EXPR_ERROR);
	assert_int_equal(test_on("halt", "{}"), EXPR_ERROR);
}

static void
run(const char *text, const char *event, int want, const char *out)
{
	struct buf b = { .max = 4096 };
	struct fail f;
	struct expr *e = expr_compile(text, &f);

	assert_non_null(e);
	for (int twice = 0; twice < 2; twice++) {	/* a program is used for every event */
		const int r = expr_run(e, event, strlen(event), &b, &f);

		if (r != want || b.n != strlen(out) || memcmp(b.p ? b.p : "", out, b.n))
			fail_msg("%s on %s: %d %.*s (%s)", text, event, r, (int)b.n, b.p ? b.p : "", r < 0 ? f.text : "");
		b.n = 0;
	}
	buf_free(&b);
	expr_free(e);
}

static void
runs(void **state)
{
	(void)state;
	run(".", "{\"a\":12345678901234567890,\"b\":1.50,\"c\":[1e2,{\"d\":0.1000}]}", EXPR_TRUE,
	    "{\"a\":12345678901234567890,\"b\":1.50,\"c\":[1e2,{\"d\":0.1000}]}");
	run(".x = .a + 1", "{\"a\":1,\"big\":9007199254740993}", EXPR_TRUE, "{\"a\":1,\"big\":9007199254740993,\"x\":2}");
	run(".a += 3", "{\"a\":9007199254740993}", EXPR_TRUE, "{\"a\":9007199254740996}");	/* computed: a double, rounded twice */
	run("del(.a)", "{\"a\":1,\"b\":\"\\u00fc\\n\"}", EXPR_TRUE, "{\"b\":\"\xc3\xbc\\n\"}");
	run("select(.a == 2)", "{\"a\":1}", EXPR_FALSE, "");
	run(".a", "{\"a\":1}", EXPR_ERROR, "");
	run("., .", "{\"a\":1}", EXPR_ERROR, "");
	run(".a.b", "{\"a\":\"x\"}", EXPR_ERROR, "");
	run("{s: (\"x\" * 5000)}", "{}", EXPR_ERROR, "");			/* out->max */
	run("{s: .a}", "{\"a\":\"1.50\"}", EXPR_TRUE, "{\"s\":\"1.50\"}");
	run(".s |= tonumber", "{\"s\":\"0x1\",\"n\":1.0}", EXPR_ERROR, "");
	run(".s |= tonumber", "{\"s\":\" 7\",\"n\":1.0}", EXPR_TRUE, "{\"s\":7,\"n\":1.0}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native_agrees_with_jq), cmocka_unit_test(the_rest_is_jq), cmocka_unit_test(integers_are_exact),
		cmocka_unit_test(errors), cmocka_unit_test(runs),
	};

	return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}
