/*
 * schema - what is not in the public suite: words and pointers, compile errors, limits, columns against tape.
 */
#include "config.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dec.h"
#include "doc.h"
#include "scan.h"
#include "jsonschema.h"
#include "weir.h"

#include <cmocka.h>		/* last: it has a macro named fail */

#define COLS	64

static struct schema *
compile(const char *text, int format_assert)
{
	const struct schema_options o = { .draft = SCHEMA_2020_12, .format_assert = format_assert, .seed = 7 };
	struct fail f = { 0 };
	struct schema *s = schema_compile("file:///dir/s.json", text, strlen(text), &o, &f);

	if (!s)
		fail_msg("%s: %s", text, f.text);
	return s;
}

static int
check(struct schema *s, const char *json, struct schema_fault *why)
{
	struct buf b = { 0 };
	int r;

	assert_int_equal(buf_puts(&b, json), 0);
	r = schema_check(s, b.p, b.n, why);
	buf_free(&b);
	return r;
}

static void
words(void **state)
{
	static const struct {
		const char *schema, *json, *code, *instance, *at, *message;
	} cases[] = {
		{ "{\"properties\":{\"amount\":{\"type\":\"number\"}}}", "{\"amount\":\"n/a\"}", "type", "/amount", "/properties/amount/type",
		    "expected number, got string \"n/a\"" },
		{ "{\"required\":[\"id\",\"t\"]}", "{\"id\":1}", "required", "", "/required", "member \"t\" is missing" },
		{ "{\"properties\":{\"a\":{\"enum\":[\"x\",1,null]}}}", "{\"a\":\"y\"}", "enum", "/a", "/properties/a/enum",
		    "expected one of \"x\", 1, null, got string \"y\"" },
		{ "{\"additionalProperties\":false}", "{\"a/b\":1}", "additionalProperties", "/a~1b", "/additionalProperties",
		    "member \"a/b\" is not allowed here" },
		{ "{\"properties\":{\"a\":{\"items\":{\"maximum\":3}}}}", "{\"a\":[1,4]}", "maximum", "/a/1", "/properties/a/items/maximum",
		    "expected a number not above 3, got 4" },
		{ "{\"$defs\":{\"p\":{\"minLength\":2}},\"properties\":{\"a\":{\"$ref\":\"#/$defs/p\"}}}", "{\"a\":\"\xc3\xbc\"}", "minLength", "/a",
		    "/$defs/p/minLength", "expected at least 2 characters, got 1" },
		{ "{\"properties\":{\"a\":{\"anyOf\":[{\"type\":\"null\"},{\"properties\":{\"b\":{\"const\":1}}}]}}}", "{\"a\":{\"b\":2}}", "anyOf", "/a",
		    "/properties/a/anyOf", "matches no schema of anyOf; nearest: /a/b: expected 1, got number 2" },
		{ "{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}", "propertyNames", "/ab", "/propertyNames/propertyNames",
		    "the member's name is not allowed (maxLength)" },
		{ "{\"properties\":{\"a\":{\"uniqueItems\":true}}}", "{\"a\":[1,2,1.0]}", "uniqueItems", "/a/2", "/properties/a/uniqueItems",
		    "this item stands twice, and items must be unique" },
		{ "{\"properties\":{\"a\":{\"pattern\":\"^(a+)+$\"}}}", "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}",
		    "pattern-limit", "/a", "/properties/a", "the pattern needs more than 100000 steps on this text" },
		{ "{\"not\":{\"properties\":{\"a\":{\"pattern\":\"^(a+)+$\"}}}}", "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}",
		    "pattern-limit", "/a", "/not/properties/a", "the pattern needs more than 100000 steps on this text" },
		{ "{\"$ref\":\"#\"}", "{}", "nesting", "", "", "more than 4096 schemas inside each other" },
		{ "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", "dependentRequired", "", "/dependentRequired",
		    "member \"b\" is missing, another member needs it" },
		{ "{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":1.5}", "type", "/a", "/properties/a/type", "expected integer, got number 1.5" },
		{ "{\"properties\":{\"a\":{\"multipleOf\":0.01}}}", "{\"a\":19.905}", "multipleOf", "/a", "/properties/a/multipleOf",
		    "expected a number that is a multiple of 0.01, got 19.905" },
		{ "{\"unevaluatedProperties\":false,\"properties\":{\"a\":true}}", "{\"a\":1,\"b\":2}", "unevaluatedProperties", "/b",
		    "/unevaluatedProperties", "member \"b\" is not allowed here" },
		{ "{\"properties\":{\"a\":{\"format\":\"uuid\"}}}", "{\"a\":\"123\"}", "format", "/a", "/properties/a/format",
		    "expected a UUID (uuid), got string \"123\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct schema *s = compile(cases[i].schema, 1);
		struct schema_fault why;

		assert_int_equal(check(s, cases[i].json, &why), 0);
		assert_string_equal(why.code, cases[i].code);
		assert_string_equal(why.instance, cases[i].instance);
		assert_string_equal(why.message, cases[i].message);
		if (strcmp(cases[i].code, "propertyNames"))
			assert_string_equal(why.schema, cases[i].at);
		schema_free(s);
	}
}

static void
compile_errors(void **state)
{
	static const struct {
		const char *schema, *error;
	} cases[] = {
		{ "{\n\"properties\": {\n\"x\": {\"type\": \"strin\"}}}", "/dir/s.json:3: /properties/x/type: " },
		{ "{\"pattern\": \"(\"}", "/dir/s.json:1: /pattern: no regular expression: " },
		{ "{\"$ref\": \"#/$defs/none\"}", "/dir/s.json:1: /$ref: #/$defs/none points to nothing" },
		{ "{\"$ref\": \"#none\"}", "/dir/s.json:1: /$ref: no anchor 'none' in file:///dir/s.json" },
		{ "{\"$ref\": \"https://example.com/x.json\"}",
		    "/dir/s.json:1: /$ref: no document for https://example.com/x.json: nothing is fetched; name its folder with --schema-map URI-PREFIX=DIR" },
		{ "{\"$schema\": \"http://json-schema.org/draft-04/schema#\"}", "/dir/s.json:1: /$schema: http://json-schema.org/draft-04/schema# is not supported" },
		{ "{\"minLength\": -1}", "/dir/s.json:1: /minLength: " },
		{ "{\"multipleOf\": 0}", "/dir/s.json:1: /multipleOf: " },
		{ "[]", "/dir/s.json:1: a schema is an object, true or false" },
		{ "{\n\"a\": 1,\n}", "/dir/s.json:3: " },
		{ "", "/dir/s.json:1: " },
	};
	const struct schema_options o = { .draft = SCHEMA_2020_12 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fail f = { 0 };

		assert_null(schema_compile("file:///dir/s.json", cases[i].schema, strlen(cases[i].schema), &o, &f));
		assert_int_equal(f.code, WEIR_ECONFIG);
		if (strncmp(f.text, cases[i].error, strlen(cases[i].error)))
			fail_msg("%s: %s", cases[i].schema, f.text);
	}
}

static int
want(void *arg, const char *path)
{
	return scan_want(arg, path);
}

/* Every single-member damage of a good event gets the same verdict from columns and from the tape. */
static void
columns(void **state)
{
	static const char schema[] = "{\"type\":\"object\",\"required\":[\"id\",\"user\",\"tags\"],\"properties\":{\"id\":{\"type\":\"string\",\"format\":"
	    "\"uuid\"},\"user\":{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1},\"geo\":{\"type\":"
	    "\"object\",\"properties\":{\"lat\":{\"type\":\"number\",\"maximum\":90}}}}},\"tags\":{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\\n\"]}},"
	    "\"odd key\":{\"const\":\"q\"},\"any\":true}}";
	static const char *const id[] = { "\"9f8b6c1e-1111-4222-8333-444455556666\"", "\"9f8b\"", "1", NULL };
	static const char *const user[] = { "{\"n\":1}", "{\"n\":1.0,\"geo\":{\"lat\":3}}", "{\"n\":1,\"geo\":{\"lat\":91}}", "{\"n\":1,\"geo\":3}", "{\"n\":0}",
		"{}", "[]", NULL };
	static const char *const tags[] = { "[]", "[\"a\",\"b\\n\"]", "[\"a\",\"\\u0062\\u000a\"]", "[\"c\"]", "\"a\"", NULL };
	static const char *const odd[] = { "\"q\"", "\"\\u0071\"", "1", NULL };
	const struct scan_limits limits = { .max_depth = 128 };
	struct weir_value value[COLS], *col[COLS];
	struct schema *s = compile(schema, 1);
	struct scan *scan = scan_new(&limits);
	struct buf b = { 0 };
	int valid = 0, all = 0;

	(void)state;
	assert_non_null(scan);
	assert_int_equal(schema_columns(s, want, scan), 1);
	assert_true(scan_n_cols(scan) <= COLS);
	for (int i = 0; i < COLS; i++)
		col[i] = &value[i];
	for (int i = 0; i < 4; i++) for (int u = 0; u < 8; u++) for (int t = 0; t < 6; t++) for (int o = 0; o < 4; o++) {
		struct schema_fault why;
		struct scan_fault fault;
		unsigned marks;
		int by_tape, by_columns;

		b.n = 0;
		assert_int_equal(buf_puts(&b, "{\"x\":0"), 0);
		if (id[i])
			assert_int_equal(buf_printf(&b, ",\"id\":%s", id[i]), 0);
		if (user[u])
			assert_int_equal(buf_printf(&b, ",\"user\":%s", user[u]), 0);
		if (tags[t])
			assert_int_equal(buf_printf(&b, ",\"tags\":%s", tags[t]), 0);
		if (odd[o])
			assert_int_equal(buf_printf(&b, ",\"odd key\":%s", odd[o]), 0);
		assert_int_equal(buf_putc(&b, '}'), 0);
		assert_int_equal(scan_event(scan, b.p, b.n, col, 0, &marks, &fault), 0);
		by_tape = schema_check(s, b.p, b.n, &why);
		by_columns = schema_check_columns(s, col, 0);
		if (by_tape != by_columns)
			fail_msg("%.*s: tape %d, columns %d", (int)b.n, b.p, by_tape, by_columns);
		valid += by_tape;
		all++;
	}
	assert_int_equal(all, 4 * 8 * 6 * 4);
	assert_int_equal(valid, 1 * 2 * 3 * 3);
	buf_free(&b);
	scan_free(scan);
	schema_free(s);
	s = compile("{\"additionalProperties\":false,\"properties\":{\"a\":true},\"required\":[\"a\"]}", 0);
	assert_int_equal(schema_columns(s, want, NULL), 0);
	schema_free(s);
}

static int
cmp(const char *a, const char *b)
{
	const int r = dec_cmp(a, strlen(a), b, strlen(b));

	assert_int_equal(dec_cmp(b, strlen(b), a, strlen(a)), -r);
	if (!r)
		assert_true(dec_hash(a, strlen(a), 3) == dec_hash(b, strlen(b), 3));
	return r;
}

static int
multiple(const char *a, const char *b)
{
	struct dec_divisor m;

	assert_int_equal(dec_divisor(b, strlen(b), &m), 0);
	return dec_is_multiple(a, strlen(a), &m);
}

static void
decimals(void **state)
{
	struct dec_divisor m;
	int64_t coef;
	int scale;

	(void)state;
	assert_int_equal(cmp("1", "1.0"), 0);
	assert_int_equal(cmp("100", "1e2"), 0);
	assert_int_equal(cmp("0.00100", "1e-3"), 0);
	assert_int_equal(cmp("-0", "0.0e9"), 0);
	assert_int_equal(cmp("-1", "0"), -1);
	assert_int_equal(cmp("-2", "-1"), -1);
	assert_int_equal(cmp("10", "9"), 1);
	assert_int_equal(cmp("0.1", "0.09"), 1);
	assert_int_equal(cmp("12345678901234567890123456789012345678901", "12345678901234567890123456789012345678900"), 1);
	assert_int_equal(cmp("1e99999999999999999999", "1e5"), 1);
	assert_int_equal(cmp("1e-99999999999999999999", "0"), 1);
	assert_true(multiple("19.90", "0.01"));
	assert_false(multiple("19.905", "0.01"));
	assert_true(multiple("1e308", "0.123456789") == 0);
	assert_true(multiple("1e300", "0.00000000000000000005"));
	assert_true(multiple("300", "100"));
	assert_false(multiple("350", "100"));
	assert_true(multiple("36893488147419103232", "18446744073709551616"));		/* above 64 bits */
	assert_false(multiple("36893488147419103233", "18446744073709551616"));
	assert_true(multiple("0", "7"));
	assert_true(multiple("1e1000000000000", "7") == 0);
	assert_int_equal(dec_divisor("-1", 2, &m), -1);
	assert_int_equal(dec_divisor("0.0", 3, &m), -1);
	assert_int_equal(dec_divisor("12345678901234567890123456789012345678", 38, &m), -1);
	assert_true(dec_is_integer("1.0", 3) && dec_is_integer("1e3", 3) && dec_is_integer("120e-1", 6) && !dec_is_integer("12e-1", 5));
	assert_int_equal(dec_small("-19.90", 6, &coef, &scale), 0);
	assert_true(coef == -1990 && scale == 2);
	assert_int_equal(dec_small("1e2", 3, &coef, &scale), -1);
	assert_int_equal(dec_small("1234567890123456789", 19, &coef, &scale), -1);
	assert_int_equal(dec_small("99999999999999999999", 20, &coef, &scale), -1);
}

/* A long array, all alike but one, and two equal ones far apart: neither slow nor wrong. */
static void
unique_items(void **state)
{
	struct schema *s = compile("{\"uniqueItems\":true}", 0);
	struct schema_fault why;
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_puts(&b, "[{\"a\":1,\"b\":[true]}"), 0);
	for (int i = 0; i < 50000; i++)
		assert_int_equal(buf_printf(&b, ",%d", i), 0);
	assert_int_equal(buf_putc(&b, ']'), 0);
	assert_int_equal(schema_check(s, b.p, b.n, &why), 1);
	b.n--;
	assert_int_equal(buf_puts(&b, ",{\"b\":[true],\"a\":1.0}]"), 0);
	assert_int_equal(schema_check(s, b.p, b.n, &why), 0);
	assert_string_equal(why.instance, "/50001");
	buf_free(&b);
	schema_free(s);
}

/* Every byte value at every place of a UUID: 8 bytes are looked at together, and must not disturb each other. */
static void
uuid(void **state)
{
	struct schema *s = compile("{\"format\":\"uuid\"}", 1);
	char text[] = "\"01234567-89ab-cdef-ABCD-EF0123456789\"";
	struct schema_fault why;

	(void)state;
	for (size_t i = 1; i <= 36; i++)
		for (int c = 1; c < 256; c++) {
			const char was = text[i];
			const int dash = was == '-', hex = c < 128 && strchr("0123456789abcdefABCDEF", c) != NULL;

			if (c == '"' || c == '\\')
				continue;		/* another string */
			text[i] = (char)c;
			assert_int_equal(check(s, text, &why), dash ? c == '-' : hex);
			text[i] = was;
		}
	schema_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words), cmocka_unit_test(compile_errors), cmocka_unit_test(columns), cmocka_unit_test(decimals),
		cmocka_unit_test(unique_items), cmocka_unit_test(uuid),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
