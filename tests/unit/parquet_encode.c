#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#undef fail		/* cmocka's; ours is in fail.h */

#include "columns.h"
#include "dictionary.h"
#include "encode.h"
#include "minmax.h"
#include "thrift.h"

static uint64_t seed = 1;

static uint32_t
rnd(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % n;
}

/* ---- thrift ---- */

static void
thrift_bytes_are_those_of_the_specification(void **state)
{
	/* fields 1 (i32 150), 4 (true), 20 (list of 2 i32), 21 (struct{1: "ab"}) */
	static const unsigned char want[] = { 0x15, 0xac, 0x02, 0x31, 0x09, 0x28, 0x25, 0x02, 0x01, 0x1c, 0x18, 0x02, 'a', 'b', 0x00, 0x00 };
	struct buf b = { 0 };
	struct thrift_out t;

	(void)state;
	thrift_start(&t, &b);
	thrift_i32(&t, 1, 150);
	thrift_bool(&t, 4, 1);
	thrift_list(&t, 20, THRIFT_I32, 2);
	thrift_item_i32(&t, 1);
	thrift_item_i32(&t, -1);
	thrift_begin(&t, 21);
	thrift_text(&t, 1, "ab");
	thrift_end(&t);
	thrift_end(&t);
	assert_int_equal(t.failed, 0);
	assert_int_equal(b.n, sizeof want);
	assert_memory_equal(b.p, want, sizeof want);
	buf_free(&b);
}

static void
thrift_long_lists_have_their_length_behind(void **state)
{
	struct buf b = { 0 };
	struct thrift_out t;

	(void)state;
	thrift_start(&t, &b);
	thrift_list(&t, 1, THRIFT_STRUCT, 300);
	assert_memory_equal(b.p, "\x19\xfc\xac\x02", 4);
	buf_free(&b);
}

/* ---- RLE and bit packing, read back by the plainest decoder there is ---- */

static uint64_t
varint(const unsigned char **p)
{
	uint64_t v = 0;

	for (unsigned shift = 0;; shift += 7) {
		v |= (uint64_t)(**p & 0x7f) << shift;
		if (!(*(*p)++ & 0x80))
			return v;
	}
}

static void
decode(const unsigned char *p, const unsigned char *end, unsigned width, uint32_t *out, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint64_t h;

		assert_true(p < end);
		h = varint(&p);
		if (h & 1) {
			for (uint64_t k = 0; k < (h >> 1) * 8; k++) {
				uint32_t v = 0;

				for (unsigned b = 0; b < width; b++)
					v |= (uint32_t)(p[(k * width + b) / 8] >> (k * width + b) % 8 & 1) << b;
				if (i < n)
					out[i++] = v;
				else
					assert_int_equal(v, 0);
			}
			p += (h >> 1) * width;
		} else {
			uint32_t v = 0;

			for (unsigned b = 0; b < width; b += 8)
				v |= (uint32_t)*p++ << b;
			for (uint64_t k = 0; k < h >> 1; k++) {
				assert_true(i < n);
				out[i++] = v;
			}
		}
	}
	assert_ptr_equal(p, end);
}

static void
indices_come_back(void **state)
{
	static uint32_t in[5000], out[5000];
	struct buf b = { 0 };

	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		unsigned width = 1 + rnd(21), runs = rnd(3);
		size_t n = rnd(round % 2 ? 40 : 5000);

		for (size_t i = 0; i < n;) {
			uint32_t v = rnd(1u << width);
			size_t k = runs == 0 ? 1 : 1 + rnd(runs == 1 ? 20 : 300);

			for (; k && i < n; k--)
				in[i++] = v;
		}
		b.n = 0;
		assert_int_equal(encode_indices(&b, in, n, width), 0);
		assert_int_equal((unsigned char)b.p[0], width);
		decode((unsigned char *)b.p + 1, (unsigned char *)b.p + b.n, width, out, n);
		assert_memory_equal(in, out, n * sizeof *in);
	}
	buf_free(&b);
}

static void
levels_come_back(void **state)
{
	static uint32_t out[3000];
	static uint8_t in[3000];
	struct buf b = { 0 };
	uint32_t len;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		unsigned max = 1 + rnd(7), width = encode_width(max);
		size_t n = 1 + rnd(3000);

		for (size_t i = 0; i < n;)
			for (size_t k = 1 + rnd(round % 3 ? 40 : 2), v = rnd(max + 1); k && i < n; k--)
				in[i++] = (uint8_t)v;
		b.n = 0;
		assert_int_equal(encode_levels(&b, in, n, width), 0);
		memcpy(&len, b.p, 4);
		assert_int_equal(len, b.n - 4);
		decode((unsigned char *)b.p + 4, (unsigned char *)b.p + b.n, width, out, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(in[i], out[i]);
	}
	buf_free(&b);
}

static void
a_constant_level_is_one_run(void **state)
{
	static uint8_t in[20000];
	struct buf b = { 0 };

	(void)state;
	memset(in, 1, sizeof in);
	assert_int_equal(encode_levels(&b, in, sizeof in, 1), 0);
	assert_int_equal(b.n, 4 + 3 + 1);
	buf_free(&b);
}

static void
booleans_go_low_bit_first(void **state)
{
	static const uint8_t in[] = { 1, 0, 0, 0, 0, 0, 0, 1, 1, 1 };
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(encode_bools(&b, in, sizeof in), 0);
	assert_int_equal(b.n, 2);
	assert_memory_equal(b.p, "\x81\x03", 2);
	buf_free(&b);
}

/* ---- dictionary ---- */

static void
a_dictionary_numbers_values_as_they_come(void **state)
{
	static const char *const text[] = { "", "a", "b", "a", "abcdefgh", "abcdefgi", "abcdefgh", "0123456789abcdef", "0123456789abcdefX",
		"0123456789abcdefX", "\0", "abc", "acc", "abc" };
	static const uint32_t want[] = { 0, 1, 2, 1, 3, 4, 3, 5, 6, 6, 0, 7, 8, 7 };
	struct parquet_column *root = columns_parse("s:string");
	struct parquet_bytes s[14];
	struct parquet_values v = { .n_values = 14, .bytes = s };
	struct dictionary d;
	uint32_t index[14], n;
	size_t budget = 1 << 20;

	(void)state;
	for (int i = 0; i < 14; i++)
		s[i] = (struct parquet_bytes){ text[i], (uint32_t)strlen(text[i]) };
	dictionary_init(&d, column_leaf(root, 0), 1 << 20, &budget);
	assert_int_equal(dictionary_put(&d, &v, 0, 14, index), 14);
	assert_memory_equal(index, want, sizeof want);
	assert_int_equal(d.n, 9);
	assert_memory_equal(dictionary_entry(&d, 6, &n), "0123456789abcdefX", 17);
	assert_int_equal(n, 17);
	assert_true(budget < 1 << 20);
	dictionary_free(&d);
	assert_int_equal(budget, 1 << 20);
	columns_free(root);
}

static void
a_dictionary_stops_at_its_limits(void **state)
{
	static int64_t x[200000];
	static uint32_t index[200000];
	struct parquet_column *root = columns_parse("l:long");
	struct parquet_values v = { .n_values = 200000, .i64 = x };
	struct dictionary d;
	size_t budget = 64 << 20;

	(void)state;
	for (int64_t i = 0; i < 200000; i++)
		x[i] = i * 3;
	dictionary_init(&d, column_leaf(root, 0), 800, &budget);		/* bytes */
	assert_int_equal(dictionary_put(&d, &v, 0, 200000, index), 100);
	dictionary_free(&d);
	dictionary_init(&d, column_leaf(root, 0), 64 << 20, &budget);		/* entries */
	assert_int_equal(dictionary_put(&d, &v, 0, 200000, index), DICTIONARY_ENTRIES);
	dictionary_free(&d);
	budget = 30000;
	dictionary_init(&d, column_leaf(root, 0), 64 << 20, &budget);		/* memory of all */
	assert_in_range(dictionary_put(&d, &v, 0, 200000, index), 100, 3000);
	dictionary_free(&d);
	assert_int_equal(budget, 30000);
	columns_free(root);
}

/* ---- bounds ---- */

static void
bounds_of(const char *type, const struct parquet_values *v, struct parquet_bound *lo, struct parquet_bound *hi, int iceberg)
{
	struct parquet_column *root;
	struct minmax mm = { 0 };
	char text[64];

	snprintf(text, sizeof text, "x:%s", type);
	root = columns_parse(text);
	minmax_add(&mm, column_leaf(root, 0), v, 0, v->n_values);
	(iceberg ? minmax_iceberg : minmax_parquet)(&mm, column_leaf(root, 0), lo, hi);
	columns_free(root);
}

static void
assert_bound(const struct parquet_bound *b, const char *p, size_t n)
{
	assert_int_equal(b->has, 1);
	assert_int_equal(b->n, n);
	assert_memory_equal(b->b, p, n);
}

static void
decimals_are_big_endian_and_short(void **state)
{
	int64_t x[] = { -500, 9999999999 };
	int32_t y[] = { 345, 345, -12345, 0 };
	uint8_t z[18] = { [0] = 0xff, [1] = 0xff, [2] = 0xff, [3] = 0xff, [4] = 0xff, [5] = 0xff, [6] = 0xff, [7] = 0xfe, [8] = 0x0c };
	struct parquet_bound lo, hi;

	(void)state;
	bounds_of("decimal(10,2)", &(struct parquet_values){ .n_values = 2, .i64 = x }, &lo, &hi, 1);
	assert_bound(&lo, "\xfe\x0c", 2);
	assert_bound(&hi, "\x02\x54\x0b\xe3\xff", 5);
	bounds_of("decimal(9,2)", &(struct parquet_values){ .n_values = 2, .i32 = y }, &lo, &hi, 1);
	assert_bound(&lo, "\x01\x59", 2);
	bounds_of("decimal(9,2)", &(struct parquet_values){ .n_values = 1, .i32 = y + 3 }, &lo, &hi, 1);
	assert_bound(&lo, "\0", 1);
	bounds_of("decimal(20,2)", &(struct parquet_values){ .n_values = 2, .fixed = z }, &lo, &hi, 1);
	assert_bound(&lo, "\xfe\x0c", 2);			/* -5.00 is below 0.00 */
	assert_bound(&hi, "\0", 1);
}

static void
doubles_leave_nan_out_and_give_zero_both_signs(void **state)
{
	double x[] = { NAN, 0.0, NAN }, y[] = { NAN };
	struct parquet_bound lo, hi;

	(void)state;
	bounds_of("double", &(struct parquet_values){ .n_values = 3, .f64 = x }, &lo, &hi, 1);
	assert_bound(&lo, "\0\0\0\0\0\0\0\x80", 8);
	assert_bound(&hi, "\0\0\0\0\0\0\0\0", 8);
	bounds_of("double", &(struct parquet_values){ .n_values = 1, .f64 = y }, &lo, &hi, 1);
	assert_int_equal(lo.has | hi.has, 0);
}

static void
strings_are_cut_at_code_points_and_rounded_up(void **state)
{
	static const struct { const char *in, *lo, *hi; } t[] = {
		{ "short", "short", "short" },
		{ "sixteen letters.", "sixteen letters.", "sixteen letters." },
		{ "sixteen letters.!", "sixteen letters.", "sixteen letters/" },
		{ "äöüäöüäöüäöüäöüäX", "äöüäöüäöüäöüäöüä", "äöüäöüäöüäöüäöüå" },
		{ "aaaaaaaaaaaaaaa\xed\x9f\xbf" "b", "aaaaaaaaaaaaaaa\xed\x9f\xbf", "aaaaaaaaaaaaaaa\xee\x80\x80" },	/* no surrogates */
		{ "aaaaaaaaaaaaaa\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf" "b", "aaaaaaaaaaaaaa\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", "aaaaaaaaaaaaab" },
		{ "aaaaaaaaaaaaaaa\x7f" "b", "aaaaaaaaaaaaaaa\x7f", "aaaaaaaaaaaaaaa\xc2\x80" },
	};
	struct parquet_bytes s;
	struct parquet_values v = { .n_values = 1, .bytes = &s };
	struct parquet_bound lo, hi;
	char top[17 * 4 + 1] = "";

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		s = (struct parquet_bytes){ t[i].in, (uint32_t)strlen(t[i].in) };
		bounds_of("string", &v, &lo, &hi, 1);
		assert_bound(&lo, t[i].lo, strlen(t[i].lo));
		assert_bound(&hi, t[i].hi, strlen(t[i].hi));
		assert_int_equal(lo.exact, strlen(t[i].lo) == s.n);
	}
	for (int i = 0; i < 17; i++)
		strcat(top, "\xf4\x8f\xbf\xbf");
	s = (struct parquet_bytes){ top, sizeof top - 1 };
	bounds_of("string", &v, &lo, &hi, 1);
	assert_bound(&lo, top, 64);
	assert_int_equal(hi.has, 0);			/* nothing is above */
}

static void
parquet_statistics_say_when_they_are_cut(void **state)
{
	char a[65], b[66];
	struct parquet_bytes s[2] = { { a, 64 }, { b, 65 } };
	struct parquet_values v = { .n_values = 2, .bytes = s };
	struct parquet_bound lo, hi;

	(void)state;
	memset(a, 'x', sizeof a);
	memset(b, 'x', sizeof b);
	bounds_of("string", &v, &lo, &hi, 0);
	assert_bound(&lo, a, 64);
	assert_int_equal(lo.exact, 1);
	b[63] = 'y';
	assert_bound(&hi, b, 64);
	assert_int_equal(hi.exact, 0);
	memset(b, 0xff, sizeof b);
	bounds_of("binary", &v, &lo, &hi, 0);
	assert_int_equal(hi.has, 0);
}

static void
bounds_of_parts_are_bounds_of_all(void **state)
{
	struct parquet_column *root = columns_parse("x:binary");
	const struct parquet_column *leaf = column_leaf(root, 0);

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct minmax all = { 0 }, parts[3] = { { 0 } }, sum = { 0 };
		char text[40][80];
		struct parquet_bytes s[40];
		struct parquet_bound a[2], b[2];

		for (int i = 0; i < 40; i++) {
			s[i] = (struct parquet_bytes){ text[i], round % 2 ? rnd(80) : 63 + rnd(4) };
			for (uint32_t k = 0; k < s[i].n; k++)
				text[i][k] = (char)(k < 60 ? 'a' : "\1\x7f\x80\xff"[rnd(4)]);
		}
		for (uint32_t i = 0; i < 40; i++) {
			struct parquet_values v = { .n_values = 40, .bytes = s };

			minmax_add(&all, leaf, &v, i, i + 1);
			minmax_add(&parts[i % 3], leaf, &v, i, i + 1);
		}
		for (int i = 0; i < 3; i++)
			minmax_merge(&sum, leaf, &parts[i]);
		minmax_parquet(&all, leaf, &a[0], &a[1]);
		minmax_parquet(&sum, leaf, &b[0], &b[1]);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(a[i].has, b[i].has);
			assert_int_equal(a[i].exact, b[i].exact);
			assert_int_equal(a[i].n, b[i].n);
			assert_memory_equal(a[i].b, b[i].b, a[i].n);
		}
		for (int i = 0; i < 40; i++)
			assert_true(memcmp(a[0].b, text[i], a[0].n < s[i].n ? a[0].n : s[i].n) <= 0);
	}
	columns_free(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thrift_bytes_are_those_of_the_specification),
		cmocka_unit_test(thrift_long_lists_have_their_length_behind),
		cmocka_unit_test(indices_come_back),
		cmocka_unit_test(levels_come_back),
		cmocka_unit_test(a_constant_level_is_one_run),
		cmocka_unit_test(booleans_go_low_bit_first),
		cmocka_unit_test(a_dictionary_numbers_values_as_they_come),
		cmocka_unit_test(a_dictionary_stops_at_its_limits),
		cmocka_unit_test(decimals_are_big_endian_and_short),
		cmocka_unit_test(doubles_leave_nan_out_and_give_zero_both_signs),
		cmocka_unit_test(strings_are_cut_at_code_points_and_rounded_up),
		cmocka_unit_test(parquet_statistics_say_when_they_are_cut),
		cmocka_unit_test(bounds_of_parts_are_bounds_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
