/* Typed readings of literals, exact numbers, instants, and what is written back. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emit.h"
#include "iso.h"
#include "number.h"
#include "value.h"

static struct weir_value
v(const char *literal)
{
	return value_of(literal, strlen(literal));
}

static void
strings(void **state)
{
	static const struct { const char *in, *plain, *text; } c[] = {
		{ "\"abc\"", "\"abc\"", "abc" },
		{ "\"\\u0061\\/b\"", "\"a/b\"", "a/b" },
		{ "\"\\u00fc\\ud834\\udd1e\"", "\"\xc3\xbc\xf0\x9d\x84\x9e\"", "\xc3\xbc\xf0\x9d\x84\x9e" },
		{ "\"\\u0022\\\\\\u000a\\u001F\"", "\"\\\"\\\\\\n\\u001f\"", "\"\\\n\x1f" },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct weir_value x = v(c[i].in);
		size_t n = value_plain(&x, out);

		assert_true(n <= x.n);
		assert_int_equal(n, strlen(c[i].plain));
		assert_memory_equal(out, c[i].plain, n);
		n = value_text(&x, out);
		assert_int_equal(n, strlen(c[i].text));
		assert_memory_equal(out, c[i].text, n);
	}
}

static void
times(void **state)
{
	static const struct { const char *in; int unit, ok; int64_t us; } c[] = {
		{ "\"1970-01-01T00:00:00Z\"", WEIR_UNIT_ISO, 1, 0 },
		{ "\"2026-11-22T10:11:12.345678901+02:30\"", WEIR_UNIT_ISO, 1, INT64_C(1795333272345678) },
		{ "\"1969-12-31 23:59:59.5z\"", WEIR_UNIT_ISO, 1, -500000 },
		{ "\"0001-01-01T00:00:00Z\"", WEIR_UNIT_ISO, 1, ISO_MIN_US },
		{ "\"9999-12-31T23:59:59.999999Z\"", WEIR_UNIT_ISO, 1, ISO_MAX_US },
		{ "\"9999-12-31T23:59:59.999999-00:01\"", WEIR_UNIT_ISO, 0, 0 },
		{ "\"2026-02-29T00:00:00Z\"", WEIR_UNIT_ISO, 0, 0 },
		{ "\"2000-02-29T00:00:00Z\"", WEIR_UNIT_ISO, 1, INT64_C(951782400000000) },
		{ "\"2026-11-22T10:11:12\"", WEIR_UNIT_ISO, 0, 0 },
		{ "\"2026-11-22T24:00:00Z\"", WEIR_UNIT_ISO, 0, 0 },
		{ "\"2026-11-22T10:11:12.Z\"", WEIR_UNIT_ISO, 0, 0 },
		{ "1795333272", WEIR_UNIT_ISO, 0, 0 },
		{ "1795333272", WEIR_UNIT_S, 1, INT64_C(1795333272000000) },
		{ "1795333272.5", WEIR_UNIT_S, 1, INT64_C(1795333272500000) },
		{ "1.795333272e9", WEIR_UNIT_S, 1, INT64_C(1795333272000000) },
		{ "-1", WEIR_UNIT_NS, 1, -1 },
		{ "-1.5", WEIR_UNIT_MS, 1, -1500 },
		{ "1999", WEIR_UNIT_NS, 1, 1 },
		{ "1e300", WEIR_UNIT_S, 0, 0 },
		{ "253402300800", WEIR_UNIT_S, 0, 0 },
	};
	char text[ISO_SIZE];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct weir_value x = v(c[i].in);

		if ((value_time(&x, c[i].unit, &us) == 0) != c[i].ok || (c[i].ok && us != c[i].us))
			fail_msg("%s: got %lld", c[i].in, (long long)us);
	}
	for (int64_t t = ISO_MIN_US; t < ISO_MAX_US - INT64_C(86400000000) * 500; t += INT64_C(86399999999) * 499) {
		size_t n = iso_format(t, text);

		assert_int_equal(iso_parse(text, n, &us), 0);
		assert_true(us == t);
	}
	assert_int_equal(iso_format(INT64_C(1795333272340000), text), 24);
	assert_memory_equal(text, "2026-11-22T07:41:12.340Z", 24);
	assert_int_equal(iso_parse_loose("2026-11-22", 10, &us), 0);
	assert_int_equal(iso_parse_loose("2026-11-22 09:00", 16, &us), 0);
}

static void
numbers(void **state)
{
	static const struct { const char *in, *out; } c[] = {
		{ "1.50", "1.50" }, { "-0.0", "0.0" }, { "1e3", "1000" }, { "12e-3", "0.012" }, { "0e99", "0" }, { "100e-1", "10.0" },
		{ "99999999999999999999999999999999999999", "99999999999999999999999999999999999999" },
		{ "100000000000000000000000000000000000000", NULL }, { "1e38", NULL }, { "1e37", "10000000000000000000000000000000000000" },
		{ "1e-38", "0.00000000000000000000000000000000000001" }, { "1e-39", NULL }, { "1e999999999999", NULL },
		{ "0.10000000000000000000000000000000000000000000", "0.10000000000000000000000000000000000000" },
	};
	struct number a, b;
	char text[NUMBER_SIZE];
	__int128 coef;
	int64_t i64;
	double d;

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		int e = number_parse(c[i].in, strlen(c[i].in), &a);

		assert_int_equal(e == 0, c[i].out != NULL);
		if (e == 0) {
			size_t n = number_format(&a, text);

			if (n != strlen(c[i].out) || memcmp(text, c[i].out, n))
				fail_msg("%s: got %.*s", c[i].in, (int)n, text);
		}
	}
	a = (struct number){ 0 };
	number_parse("0.1", 3, &b);
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(number_add(&a, &b), 0);
	assert_int_equal(number_rescale(&a, 0, &coef), 0);
	assert_true(coef == 100000);
	number_parse("99999999999999999999999999999999999999", 38, &a);
	b = a;
	assert_int_equal(number_add(&a, &b), -1);
	number_parse("1.5", 3, &a);
	number_parse("1.4999999999999999999999999999999999999", 39, &b);
	assert_true(number_cmp(&a, &b) > 0);
	assert_true(number_cmp(&b, &a) < 0);
	number_parse("15e20", 5, &b);
	assert_true(number_cmp(&a, &b) < 0);
	struct weir_value x = v("9007199254740993");
	assert_int_equal(value_int64(&x, &i64), 0);
	assert_true(i64 == INT64_C(9007199254740993));
	x = v("-9223372036854775808");
	assert_int_equal(value_int64(&x, &i64), 0);
	assert_true(i64 == INT64_MIN);
	x = v("9223372036854775808");
	assert_int_equal(value_int64(&x, &i64), -1);
	x = v("1.0");
	assert_int_equal(value_int64(&x, &i64), 0);
	x = v("1.5");
	assert_int_equal(value_int64(&x, &i64), -1);
	x = v("1e400");
	assert_int_equal(value_double(&x, &d), -1);
	static const char *const doubles[] = { "0.1", "299.99", "1e-5", "123456789012345678", "5e-324", "-0.0", "1.7976931348623157e308", "2.2250738585072011e-308" };
	for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
		double want = strtod(doubles[i], NULL);

		x = v(doubles[i]);
		assert_int_equal(value_double(&x, &d), 0);
		assert_memory_equal(&d, &want, sizeof d);
	}
}

static void
emitted(void **state)
{
	struct buf b = { 0 };

	(void)state;
	emit_string(&b, "a\"\\\n\x01\xc3\xbc\xff", 8);
	emit_int(&b, INT64_MIN);
	emit_double(&b, 0.1);
	emit_base64(&b, "a", 1);
	emit_base64(&b, "ab", 2);
	emit_base64(&b, "abc", 3);
	buf_putc(&b, '\0');
	assert_string_equal(b.p, "\"a\\\"\\\\\\n\\u0001\xc3\xbc\xef\xbf\xbd\"-92233720368547758080.1\"YQ==\"\"YWI=\"\"YWJj\"");
	buf_free(&b);
	b.max = 100;
	assert_int_equal(buf_put(&b, "x", 1), 0);
	assert_int_equal(buf_reserve(&b, 100), -1);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(strings), cmocka_unit_test(times), cmocka_unit_test(numbers), cmocka_unit_test(emitted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
