#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "payload.h"

#define MEMBER		"\"_k\":{\"o\":1}"

static const struct scan_limits limits = { 128, 0 };

static void
newlines_become_blanks_between_tokens_only(void **state)
{
	struct buf b = { 0 };
	struct scan_fault fault;
	const char *p = "{\n \"a\"\n:\n[1,\n2]}";

	(void)state;
	assert_int_equal(payload_one_line(&b, p, strlen(p), &limits, &fault), 0);
	assert_int_equal(b.n, strlen(p));
	assert_memory_equal(b.p, "{  \"a\" : [1, 2]}", b.n);
	p = "{\"a\":\"x\ny\"}";
	b.n = 3;
	assert_int_equal(payload_one_line(&b, p, strlen(p), &limits, &fault), 1);
	assert_int_equal(b.n, 3);
	assert_string_equal(fault.code, "not-json");
	buf_free(&b);
	b.max = 8;
	assert_int_equal(payload_one_line(&b, "{\"a\":12345678\n}", 15, &limits, &fault), -1);
	buf_free(&b);
}

static void
white_space_at_the_end_is_no_newline(void **state)
{
	size_t n;

	(void)state;
	n = 10;
	assert_int_equal(payload_has_newline("{\"a\":1} \r\n", &n), 0);
	assert_int_equal(n, 7);
	n = 7;
	assert_int_equal(payload_has_newline("{\"a\":1}", &n), 0);
	assert_int_equal(n, 7);
	n = 8;
	assert_int_equal(payload_has_newline("{\n\"a\":1}", &n), 1);
	n = 3;
	assert_int_equal(payload_has_newline("\n\n\n", &n), 0);
	assert_int_equal(n, 0);
}

static void
a_member_is_added_at_the_end(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "{" MEMBER "}" }, { "{ \n}", "{ \n" MEMBER "}" }, { "{\"a\":1}", "{\"a\":1," MEMBER "}" }, { " {\"a\":{}} \t", " {\"a\":{}," MEMBER "}" },
		{ "{\"a\":\"{\"}", "{\"a\":\"{\"," MEMBER "}" }, { "{\"a\":1 }", "{\"a\":1 ," MEMBER "}" },
	};
	static const char *const other[] = { "", " ", "}", " }", "[1]", "7", "null", "{", "{\"a\":1", "\"}" , "{}x" };
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		b.n = 0;
		assert_int_equal(payload_splice(&b, cases[i][0], strlen(cases[i][0]), MEMBER, strlen(MEMBER)), 0);
		assert_int_equal(b.n, strlen(cases[i][1]));
		assert_memory_equal(b.p, cases[i][1], b.n);
	}
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		b.n = 0;
		if (payload_splice(&b, other[i], strlen(other[i]), MEMBER, strlen(MEMBER)))
			assert_int_equal(b.n, 0);
	}
	buf_free(&b);
	b.max = 4;
	assert_int_equal(payload_splice(&b, "{}", 2, MEMBER, strlen(MEMBER)), -1);
	buf_free(&b);
}

/* 1 when p[0..n) is one JSON object. */
static int
is_object(struct buf *pad, const char *p, size_t n)
{
	struct scan_fault fault;
	size_t at = 0;

	pad->n = 0;
	assert_int_equal(buf_put(pad, p, n), 0);
	buf_reserve(pad, BUF_PAD);
	while (at < n && strchr(" \t\r\n", p[at]))
		at++;
	return at < n && p[at] == '{' && scan_document(pad->p, n, &limits, &fault) == 0;
}

/* Whatever comes in: a splice is an object exactly when the payload was one. */
static void
no_splice_makes_good_of_bad(void **state)
{
	static const char *const seeds[] = {
		"{\"a\":{\"b\":[1,{}]},\"c\":\"x}\"}", "{}", "{ }", "{\"a\":\"\\\"}\"}", "{\"a\":[{\"b\":{}}]}", "[{\"a\":1}]", "{\"a\":-1.5e3,\"b\":null}",
	};
	static const char alphabet[] = "{}[]\",:\\ \n1ae.";
	struct buf b = { 0 }, pad = { 0 };
	uint64_t x = 88172645463325252ULL;
	size_t n_good = 0, n_bad = 0;

	(void)state;
	for (int round = 0; round < 400000; round++) {
		char p[96];
		size_t n;
		int was;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		strcpy(p, seeds[x % 7]);
		n = strlen(p);
		for (uint64_t k = x >> 8 & 3; k; k--) {		/* change, leave out or add a byte */
			size_t at = (x >> (k * 9)) % (n + 1);
			char c = alphabet[(x >> (k * 7 + 20)) % (sizeof alphabet - 1)];

			switch (x >> (k * 5 + 3) & 3) {
			case 0:
				memmove(p + at + 1, p + at, n - at);
				p[at] = c;
				n++;
				break;
			case 1:
				if (at < n)
					memmove(p + at, p + at + 1, n-- - at - 1);
				break;
			default:
				if (at < n)
					p[at] = c;
			}
		}
		was = is_object(&pad, p, n);
		b.n = 0;
		if (payload_splice(&b, p, n, MEMBER, strlen(MEMBER))) {
			assert_false(was);
			continue;
		}
		assert_int_equal(is_object(&pad, b.p, b.n), was);
		n_good += (size_t)was;
		n_bad += (size_t)!was;
	}
	assert_true(n_good > 10000 && n_bad > 10000);
	buf_free(&b);
	buf_free(&pad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newlines_become_blanks_between_tokens_only), cmocka_unit_test(white_space_at_the_end_is_no_newline),
		cmocka_unit_test(a_member_is_added_at_the_end), cmocka_unit_test(no_splice_makes_good_of_bad),
	};

	return cmocka_run_group_tests_name("kcat_payload", tests, NULL, NULL);
}
