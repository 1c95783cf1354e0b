/*
 * The scanner against the JSON test suite, against itself at every cut, and on
 * what the suite does not cover: wanted paths, duplicate keys, limits.
 */
#include "config.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "scan.h"
#include "shared.h"
#include "value.h"

#define N_Y	95
#define N_N	188
#define N_I	35
#define PAD	"                                                                "

/* The suite is about the grammar, which lets a key stand twice; by default we do not. */
static const struct scan_limits usual = { .max_depth = 128 }, grammar = { .max_depth = 128, .last_wins = 1 };

/* What we answer where RFC 8259 leaves it open, and why. */
static const struct {
	const char *name, *code, *why;
} open_question[] = {
	{ "i_number_double_huge_neg_exp", NULL, "a number keeps its literal until a sink types it" },
	{ "i_number_huge_exp", NULL, "the same" },
	{ "i_number_neg_int_huge_exp", NULL, "the same" },
	{ "i_number_pos_double_huge_exp", NULL, "the same" },
	{ "i_number_real_neg_overflow", NULL, "the same" },
	{ "i_number_real_pos_overflow", NULL, "the same" },
	{ "i_number_real_underflow", NULL, "the same" },
	{ "i_number_too_big_neg_int", NULL, "the same" },
	{ "i_number_too_big_pos_int", NULL, "the same" },
	{ "i_number_very_big_negative_int", NULL, "the same" },
	{ "i_object_key_lone_2nd_surrogate", "not-json", "half a pair is no character and has no UTF-8" },
	{ "i_string_1st_surrogate_but_2nd_missing", "not-json", "the same" },
	{ "i_string_1st_valid_surrogate_2nd_invalid", "not-json", "the same" },
	{ "i_string_incomplete_surrogate_and_escape_valid", "not-json", "the same" },
	{ "i_string_incomplete_surrogate_pair", "not-json", "the same" },
	{ "i_string_incomplete_surrogates_escape_valid", "not-json", "the same" },
	{ "i_string_invalid_lonely_surrogate", "not-json", "the same" },
	{ "i_string_invalid_surrogate", "not-json", "the same" },
	{ "i_string_inverted_surrogates_U+1D11E", "not-json", "the same" },
	{ "i_string_lone_second_surrogate", "not-json", "the same" },
	{ "i_string_UTF-16LE_with_BOM", "not-json", "RFC 8259 8.1: UTF-8 only" },
	{ "i_string_utf16BE_no_BOM", "not-json", "the same" },
	{ "i_string_utf16LE_no_BOM", "not-json", "the same" },
	{ "i_structure_UTF-8_BOM_empty_object", "not-json", "RFC 8259 8.1: no byte order mark in what is sent" },
	{ "i_string_UTF-8_invalid_sequence", "utf-8", "RFC 3629" },
	{ "i_string_UTF8_surrogate_U+D800", "utf-8", "RFC 3629" },
	{ "i_string_invalid_utf-8", "utf-8", "RFC 3629" },
	{ "i_string_iso_latin_1", "utf-8", "RFC 3629" },
	{ "i_string_lone_utf8_continuation_byte", "utf-8", "RFC 3629" },
	{ "i_string_not_in_unicode_range", "utf-8", "RFC 3629" },
	{ "i_string_overlong_sequence_2_bytes", "utf-8", "RFC 3629" },
	{ "i_string_overlong_sequence_6_bytes", "utf-8", "RFC 3629" },
	{ "i_string_overlong_sequence_6_bytes_null", "utf-8", "RFC 3629" },
	{ "i_string_truncated-utf-8", "utf-8", "RFC 3629" },
	{ "i_structure_500_nested_arrays", "depth", "--max-depth is 128 unless said otherwise" },
};

/* Exactly n bytes and the padding on the heap, so that ASan sees a step too far; the padding is hostile. */
static int
verdict(const char *p, size_t n, int pad, struct scan_fault *f)
{
	char *copy = malloc(n + SCAN_PAD);
	int e;

	assert_non_null(copy);
	memcpy(copy, p, n);
	memset(copy + n, pad, SCAN_PAD);
	e = scan_document(copy, n, &grammar, f);
	free(copy);
	return e;
}

static void
read_file(const char *dir, const char *name, struct buf *b)
{
	char path[8192];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "rb"));
	b->n = 0;
	do {
		assert_int_equal(buf_reserve(b, 65536), 0);
		b->n += n = fread(b->p + b->n, 1, 65536, f);
	} while (n);
	fclose(f);
}

#define SUITE	"conformance/json/test_parsing"

static void
json_test_suite(void **state)
{
	unsigned y = 0, n = 0, open = 0, twice = 0;
	char path[4096];
	struct buf b = { 0 };
	struct dirent *d;
	DIR *dir;

	(void)state;
	snprintf(path, sizeof path, "%s/" SUITE, getenv("WEIR_SHARED"));
	assert_non_null(dir = opendir(path));
	while ((d = readdir(dir))) {
		struct scan_fault f = { 0 };
		size_t k;
		int e;

		if (d->d_name[0] == '.')
			continue;
		read_file(path, d->d_name, &b);
		e = verdict(b.p, b.n, ' ', &f);
		for (const char *pad = "\"]}0,a\\"; *pad; pad++)
			if (verdict(b.p, b.n, *pad, &f) != e)
				fail_msg("%s: the verdict depends on what stands behind the text", d->d_name);
		switch (d->d_name[0]) {
		case 'y':
			y++;
			if (e)
				fail_msg("%s: refused: %s", d->d_name, f.message);
			buf_reserve(&b, SCAN_PAD);
			if (scan_document(b.p, b.n, &usual, &f) < 0) {
				assert_string_equal(f.code, "duplicate-key");
				twice++;
			}
			break;
		case 'n':
			n++;
			if (!e)
				fail_msg("%s: accepted", d->d_name);
			break;
		default:
			for (k = 0; k < sizeof open_question / sizeof *open_question; k++)
				if (!strncmp(open_question[k].name, d->d_name, strlen(open_question[k].name)) &&
				    !strcmp(d->d_name + strlen(open_question[k].name), ".json"))
					break;
			if (k == sizeof open_question / sizeof *open_question)
				fail_msg("%s: no answer written down", d->d_name);
			if ((open_question[k].code != NULL) != (e < 0) || (e < 0 && strcmp(open_question[k].code, f.code)))
				fail_msg("%s: expected %s, got %s", d->d_name, open_question[k].code ? open_question[k].code : "accepted",
				    e < 0 ? f.code : "accepted");
			open++;
		}
		/* A text cut short is never accepted, but where a shorter number or blanks remain. */
		for (size_t cut = 0; b.n < 200 && cut < b.n; cut++)
			verdict(b.p, cut, '"', &f);
	}
	closedir(dir);
	buf_free(&b);
	print_message("# JSON test suite: %u y_ accepted, %u n_ refused, %u i_ as written down\n", y, n, open);
	assert_int_equal(twice, 2);		/* y_object_duplicated_key, y_object_duplicated_key_and_value */
	assert_int_equal(y, N_Y);
	assert_int_equal(n, N_N);
	assert_int_equal(open, N_I);
}

struct fixture {
	struct scan		*scan;
	struct weir_value	 value[8], *col[8];
	char			 text[65536];
	struct scan_fault	 fault;
	unsigned		 marks;
};

static int
event(struct fixture *t, const char *s)
{
	size_t n = strlen(s);

	assert_true(n < sizeof t->text - SCAN_PAD);
	memcpy(t->text, s, n + 1);
	return scan_event(t->scan, t->text, n, t->col, 0, &t->marks, &t->fault);
}

static int
setup(void **state)
{
	struct fixture *t = calloc(1, sizeof *t);

	for (int i = 0; i < 8; i++)
		t->col[i] = &t->value[i];
	t->scan = scan_new(&usual);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *t = *state;

	scan_free(t->scan);
	free(t);
	return 0;
}

static void
is(struct fixture *t, int c, const char *want)
{
	const struct weir_value *v = &t->value[c];

	if (!want)
		assert_int_equal(v->kind, WEIR_ABSENT);
	else if (v->n != strlen(want) || memcmp(v->p, want, v->n))
		fail_msg("column %d: expected %s, got %.*s", c, want, (int)v->n, v->p);
}

static void
wanted_paths(void **state)
{
	struct fixture *t = *state;

	assert_int_equal(scan_want(t->scan, "user.id"), 0);
	assert_int_equal(scan_want(t->scan, "items[1].sku"), 1);
	assert_int_equal(scan_want(t->scan, ".\"odd.\\u0061 key\""), 2);
	assert_int_equal(scan_want(t->scan, "user"), 3);
	assert_int_equal(scan_want(t->scan, "user.id"), 0);
	assert_int_equal(scan_want(t->scan, "a_long_key_name"), 4);
	assert_int_equal(scan_want(t->scan, ""), -1);
	assert_int_equal(scan_want(t->scan, "a..b"), -1);
	assert_int_equal(scan_want(t->scan, "a["), -1);
	assert_int_equal(scan_want(t->scan, "a.\"x"), -1);
	assert_int_equal(event(t, "{\"user\":{\"id\":1.50,\"x\":[{}]},\"items\":[{\"sku\":\"a\"}, {\"sku\":\"\\u00e9\"}],"
	    "\"odd.a key\":null,\"a_long_key_name\":[1]}"), 0);
	is(t, 0, "1.50");
	is(t, 1, "\"\\u00e9\"");
	is(t, 2, "null");
	is(t, 3, "{\"id\":1.50,\"x\":[{}]}");
	is(t, 4, "[1]");
	assert_int_equal(t->value[1].flags, WEIR_ESCAPED);
	assert_int_equal(event(t, "{\"\\u0075ser\":{\"i\\u0064\":7},\"a_long_key_nam\":1}"), 0);
	is(t, 0, "7");
	assert_int_equal(t->value[0].flags, WEIR_INTEGER);
	is(t, 1, NULL);
	is(t, 4, NULL);
	assert_int_equal(event(t, " {\"user\":3} "), 0);
	is(t, 0, NULL);
	is(t, 3, "3");
	/* A member put in by a stage has members of its own. */
	strcpy(t->text, "{\"id\":9}");
	assert_int_equal(scan_member(t->scan, 3, t->text, 8, t->col, 0), 0);
	is(t, 0, "9");
}

static void
duplicate_keys(void **state)
{
	struct fixture *t = *state;
	char many[60000];
	size_t n;

	scan_want(t->scan, "a.b");
	assert_int_equal(event(t, "{\"a\":1,\"\\u0061\":2}"), -1);
	assert_string_equal(t->fault.code, "duplicate-key");
	assert_int_equal(event(t, "{\"x\":{\"y\":1,\"z\":2},\"y\":1,\"z\":[{\"y\":1},{\"y\":1}]}"), 0);
	/* More keys than are compared one by one; large objects nested in one another; keys that share hashes. */
	for (int twice = 0; twice < 2; twice++)
		for (int k = 30; k < 3000; k += 97) {
			n = (size_t)sprintf(many, "{\"o\":{");
			for (int i = 0; i < k; i++)
				n += (size_t)sprintf(many + n, "\"k%d\":%s,", i, i % 50 ? "1" : "{\"k1\":1,\"k2\":2}");
			n += (size_t)sprintf(many + n, "\"%s\":1},\"k1\":1,\"p\":2}", twice ? "k17" : "last");
			assert_int_equal(event(t, many), twice ? -1 : 0);
		}
	scan_set_limits(t->scan, &(struct scan_limits){ .max_depth = 128, .last_wins = 1 });
	assert_int_equal(event(t, "{\"a\":{\"b\":1},\"a\":{\"b\":2}}"), 0);
	is(t, 0, "2");
	assert_int_equal(event(t, "{\"a\":{\"b\":1},\"a\":{\"c\":2}}"), 0);
	is(t, 0, NULL);
	assert_int_equal(event(t, "{\"a\":{\"b\":1},\"a\":5}"), 0);
	is(t, 0, NULL);
}

static void
refusals(void **state)
{
	struct fixture *t = *state;

	assert_int_equal(event(t, "[1]"), -1);
	assert_string_equal(t->fault.code, "not-object");
	assert_int_equal(event(t, ""), -1);
	assert_string_equal(t->fault.code, "not-json");
	assert_int_equal(event(t, "{\"a\":\"\xc3\x28\"}"), -1);
	assert_string_equal(t->fault.code, "utf-8");
	assert_int_equal(t->fault.at, 6);
	assert_int_equal(event(t, "{\"@weir\":1,\"\\u0040\":2,\"b\":{\"@weir\":1}}"), 0);
	assert_int_equal(t->marks, 2);
	scan_set_limits(t->scan, &(struct scan_limits){ .max_depth = 2 });
	assert_int_equal(event(t, "{\"a\":[1]}"), 0);
	assert_int_equal(event(t, "{\"a\":[{}]}"), -1);
	assert_string_equal(t->fault.code, "depth");
}

static void
walking(void **state)
{
	static const char text[] = "{ \"a\" : [1, {\"x\":\"]\\\"}\"}] , \"b\":-1.5e3,\"c\":{} }" PAD;
	static const char *const want[] = { "\"a\"", "[1, {\"x\":\"]\\\"}\"}]", "\"b\"", "-1.5e3", "\"c\"", "{}" };
	struct weir_value key, value;
	size_t at = 0, n = strlen(text) - SCAN_PAD, k = 0;

	(void)state;
	while (scan_next(text, n, &at, &key, &value)) {
		assert_int_equal(key.n, strlen(want[k]));
		assert_memory_equal(key.p, want[k], key.n);
		assert_int_equal(value.n, strlen(want[k + 1]));
		assert_memory_equal(value.p, want[k + 1], value.n);
		k += 2;
	}
	assert_int_equal(k, 6);
	at = 0;
	assert_int_equal(scan_next("[]" PAD, 2, &at, &key, &value), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wanted_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(duplicate_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
		cmocka_unit_test(walking),
		cmocka_unit_test(json_test_suite),
	};

	return _cmocka_run_group_tests("scan", tests, sizeof tests / sizeof *tests - (size_t)shared_lacks(SUITE), NULL, NULL);
}
