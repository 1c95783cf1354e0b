/*
 * The Parquet reader: the encodings alone, the conformance files with their expected values, columns chosen by a schema, and files
 * damaged in every place, which must never crash, hang or take more memory than the reader's ceiling.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#undef fail

#include "decode.h"
#include "read.h"
#include "thrift_read.h"
#include "uncompress.h"
#include "weir.h"

/* cmocka has fail() and fail_msg() as macros over each other; the first is also the name of our own function, in base/fail.h */
#define flunk(...)	(print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

#define FUZZ_SECONDS	8
#define FUZZ_SEED	UINT64_C(0x9e3779b97f4a7c15)

/* ---- files in memory ---- */

struct memory {
	uint8_t	*p;
	size_t	 n;
};

static int
memory_at(void *arg, uint64_t offset, void *p, size_t n, struct fail *f)
{
	struct memory *m = arg;

	if (offset > m->n || n > m->n - offset)
		return fail(f, WEIR_EIO, "the reader reads outside its file: %zu bytes at %llu", n, (unsigned long long)offset);
	memcpy(p, m->p + offset, n);
	return 0;
}

static struct memory
load(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct memory m = { 0 };
	long n;

	if (!f)
		flunk("%s: %s", path, strerror(errno));
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	assert_true((n = ftell(f)) >= 0);
	rewind(f);
	m.p = malloc((size_t)n + 1);		/* exactly as long as the file, so that ASan sees a step too far */
	m.n = (size_t)n;
	assert_int_equal(fread(m.p, 1, m.n, f), m.n);
	fclose(f);
	return m;
}

static struct parquet_read *
open_memory(struct memory *m, const char *name, struct fail *f)
{
	struct chunk_source s = { .at = memory_at, .arg = m, .size = m->n, .name = name };

	f->code = 0;
	return parquet_read_open(&s, f);
}

/* All rows as lines.  The number of rows, or the error. */
static int64_t
read_all(struct parquet_read *r, struct buf *out, int64_t most, struct fail *f)
{
	const struct tail *m = parquet_read_footer(r);
	int64_t rows = 0;

	for (uint32_t g = 0; g < m->n_groups; g++) {
		int e = parquet_read_group(r, g, f);

		if (e < 0)
			return e;
		while ((e = parquet_read_next(r, f)) > 0) {
			if (rows == most)
				return rows;
			if ((e = parquet_read_json(r, out, f)) < 0)
				return e;
			if (buf_putc(out, '\n') < 0)
				return fail(f, WEIR_EAGAIN, "the rows are too long");
			rows++;
		}
		if (e < 0)
			return e;
	}
	return rows;
}

/* The conformance folder, or NULL after a loud skip. */
static const char *
conformance(void)
{
	static char path[PATH_MAX];
	const char *shared = getenv("WEIR_SHARED"), *ci = getenv("CI");

	if (!shared) {
		if (ci && strcmp(ci, "true") == 0)
			flunk("WEIR_SHARED is not set: the Parquet conformance files are missing");
		fprintf(stderr, "# SKIPPED: WEIR_SHARED is not set, the Parquet conformance files are not read\n");
		return NULL;
	}
	snprintf(path, sizeof path, "%s/conformance/parquet", shared);
	return path;
}

/* ---- encodings ---- */

static void
test_rle(void **state)
{
	/* a run of five 3s; a group of eight: 0 1 2 3 4 5 6 7 (Encodings.md's own example); width 3 */
	static const uint8_t bytes[] = { 10, 3, 3, 0x88, 0xc6, 0xfa };
	static const uint32_t want[] = { 3, 3, 3, 3, 3, 0, 1, 2, 3, 4, 5, 6, 7 };
	static const uint8_t wide[] = { 4, 9 };
	struct decode_rle r;
	uint32_t v[13];

	(void)state;
	decode_rle_init(&r, bytes, bytes + sizeof bytes, 3);
	assert_null(decode_rle(&r, v, 2));
	assert_null(decode_rle(&r, v + 2, 11));
	assert_memory_equal(v, want, sizeof want);
	assert_non_null(decode_rle(&r, v, 1));			/* the end */
	decode_rle_init(&r, wide, wide + sizeof wide, 3);
	assert_non_null(decode_rle(&r, v, 1));			/* 9 has no three bits */
	decode_rle_init(&r, bytes, bytes, 0);			/* width 0 needs no bytes */
	assert_null(decode_rle(&r, v, 13));
	assert_int_equal(v[12], 0);
}

static void
test_bits_msb(void **state)
{
	static const uint8_t bytes[] = { 0x05, 0x39, 0x77 };	/* Encodings.md: 0 1 2 3 4 5 6 7 */
	uint32_t v[8];

	(void)state;
	decode_bits_msb(bytes, 0, 3, v, 8);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(v[i], i);
	decode_bits_msb(bytes, 5, 3, v, 3);
	assert_int_equal(v[0], 5);
	assert_int_equal(v[2], 7);
}

static void
test_delta(void **state)
{
	/* Encodings.md: 7 5 3 1 2 3 4 5 as one block of 128 in 4 miniblocks; deltas -2 -2 -2 1 1 1 1, least -2, width 2 */
	static const uint8_t bytes[] = { 0x80, 0x01, 0x04, 0x08, 0x0e, 0x03, 0x02, 0x00, 0x00, 0x00, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0, 0x77 };
	static const int64_t want[] = { 7, 5, 3, 1, 2, 3, 4, 5 };
	static const uint8_t zero_blocks[] = { 0x00, 0x04, 0x08, 0x0e }, bad_blocks[] = { 0x80, 0x01, 0x03, 0x08, 0x0e };
	struct decode_delta d;
	const uint8_t *end;
	int64_t v[9];

	(void)state;
	assert_null(decode_delta_init(&d, bytes, bytes + sizeof bytes));
	assert_null(decode_delta_end(&d, &end));
	assert_ptr_equal(end, bytes + 18);
	assert_null(decode_delta(&d, v, 3));
	assert_null(decode_delta(&d, v + 3, 5));
	assert_memory_equal(v, want, sizeof want);
	assert_non_null(decode_delta(&d, v, 1));
	assert_non_null(decode_delta_init(&d, zero_blocks, zero_blocks + sizeof zero_blocks));
	assert_non_null(decode_delta_init(&d, bad_blocks, bad_blocks + sizeof bad_blocks));
	assert_null(decode_delta_init(&d, bytes, bytes + 10));	/* cut off */
	assert_non_null(decode_delta(&d, v, 8));
}

static void
test_split(void **state)
{
	static const uint8_t bytes[] = { 0xaa, 0x00, 0xbb, 0x11, 0xcc, 0x22, 0xdd, 0x33 };
	struct buf arena = { 0 };
	struct decode d = { .physical = PARQUET_INT32, .encoding = DECODE_BYTE_STREAM_SPLIT, .arena = &arena };
	union decode_cell c[2];
	size_t got;

	(void)state;
	assert_null(decode_open(&d, bytes, bytes + sizeof bytes));
	assert_null(decode_values(&d, c, 2, &got));
	assert_int_equal(got, 2);
	assert_int_equal((uint32_t)c[0].i, 0xddccbbaa);
	assert_int_equal((uint32_t)c[1].i, 0x33221100);
	assert_non_null(decode_values(&d, c, 1, &got));
	assert_non_null(decode_open(&d, bytes, bytes + 7));
	buf_free(&arena);
}

static void
test_blocks(void **state)
{
	/* snappy: 11 bytes, literal "abc", copy of 8 from 3 before; lz4: literal "abc", match of 8 from 3 before, literal "!" */
	static const uint8_t snappy[] = { 11, 2 << 2, 'a', 'b', 'c', (8 - 4) << 2 | 1, 3 }, lz4[] = { 0x34, 'a', 'b', 'c', 3, 0, 0x10, '!' };
	static const uint8_t before[] = { 4, 0x01, 5 }, zero[] = { 5, 0, 'a', 0x01, 0 };
	uint8_t out[12];

	(void)state;
	assert_int_equal(uncompress_snappy(snappy, sizeof snappy, out, 11), 0);
	assert_memory_equal(out, "abcabcabcab", 11);
	assert_int_equal(uncompress_snappy(snappy, sizeof snappy, out, 12), -1);
	assert_int_equal(uncompress_snappy(snappy, sizeof snappy - 1, out, 11), -1);
	assert_int_equal(uncompress_snappy(before, sizeof before, out, 4), -1);	/* refers to what is not there */
	assert_int_equal(uncompress_snappy(zero, sizeof zero, out, 5), -1);
	assert_int_equal(uncompress_lz4(lz4, sizeof lz4, out, 12), 0);
	assert_memory_equal(out, "abcabcabcab!", 12);
	assert_int_equal(uncompress_lz4(lz4, sizeof lz4 - 1, out, 12), -1);
	assert_int_equal(uncompress_lz4(lz4, sizeof lz4, out, 11), -1);
}

static void
test_thrift(void **state)
{
	static const uint8_t deep[256] = { [0 ... 255] = 0x1c };	/* a structure in a structure in ... */
	static const uint8_t list[] = { 0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f };	/* 4 G integers */
	struct thrift_read t = { .p = deep, .end = deep + sizeof deep };
	struct thrift_read_field f = { 0 }, element;

	(void)state;
	assert_int_equal(thrift_read_next(&t, &f), 1);
	thrift_read_skip(&t, &f);
	assert_string_equal(t.bad, "structures are nested too deeply");
	t = (struct thrift_read){ .p = list, .end = list + sizeof list };
	f.id = 0;
	assert_int_equal(thrift_read_next(&t, &f), 1);
	assert_int_equal(thrift_read_list(&t, &f, &element), 0);
	assert_string_equal(t.bad, "a list is longer than what holds it");
}

/* ---- how values look ---- */

static void
shows(const struct tail_node *n, const struct parquet_column *want, union decode_cell c, const char *text)
{
	struct buf out = { 0 };
	struct show s;
	const char *bad = show_pick(&s, n, want);

	if (!bad)
		bad = show_json(&s, &c, &out);
	if (bad)
		assert_string_equal(bad, text);
	else {
		assert_int_equal(buf_putc(&out, '\0'), 0);
		assert_string_equal(out.p, text);
	}
	buf_free(&out);
}

static void
test_show(void **state)
{
	static const uint8_t ones[16] = { [0 ... 15] = 0xff };
	static const uint8_t big[16] = { 0x4b, 0x3b, 0x4c, 0xa8, 0x5a, 0x86, 0xc4, 0x7a, 0x09, 0x8a, 0x22, 0x3f, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t uuid[16] = { 0xf7, 0x9c, 0x3e, 0x09, 0x67, 0x7c, 0x4b, 0xbd, 0xa4, 0x79, 0x3f, 0x34, 0x9c, 0xb7, 0x85, 0xe7 };
	struct tail_node ts = { .physical = PARQUET_INT64, .logical = LOGICAL_TIMESTAMP, .unit = TAIL_US, .utc = 1 };
	struct tail_node ns = { .physical = PARQUET_INT64, .logical = LOGICAL_TIMESTAMP, .unit = TAIL_NS };
	struct tail_node date = { .physical = PARQUET_INT32, .logical = LOGICAL_DATE };
	struct tail_node clock = { .physical = PARQUET_INT64, .logical = LOGICAL_TIME, .unit = TAIL_US };
	struct tail_node dec = { .physical = PARQUET_FIXED, .length = 16, .logical = LOGICAL_DECIMAL, .precision = 38, .scale = 2 };
	struct tail_node small = { .physical = PARQUET_INT32, .logical = LOGICAL_DECIMAL, .precision = 9, .scale = 3 };
	struct tail_node u64 = { .physical = PARQUET_INT64, .logical = LOGICAL_INTEGER, .bits = 64, .is_unsigned = 1 };
	struct tail_node u32 = { .physical = PARQUET_INT32, .logical = LOGICAL_INTEGER, .bits = 32, .is_unsigned = 1 };
	struct tail_node flt = { .physical = PARQUET_FLOAT }, dbl = { .physical = PARQUET_DOUBLE }, bin = { .physical = PARQUET_BYTE_ARRAY };
	struct tail_node id = { .physical = PARQUET_FIXED, .length = 16 }, i32 = { .physical = PARQUET_INT32 };
	struct parquet_column want = { .name = "x", .type = COLUMN_UUID };

	(void)state;
	shows(&ts, NULL, (union decode_cell){ .i = 0 }, "\"1970-01-01T00:00:00Z\"");
	shows(&ts, NULL, (union decode_cell){ .i = -1 }, "\"1969-12-31T23:59:59.999999Z\"");
	shows(&ts, NULL, (union decode_cell){ .i = 1500 * 1000 }, "\"1970-01-01T00:00:01.500Z\"");
	shows(&ts, NULL, (union decode_cell){ .i = INT64_MAX }, "\"+294247-01-10T04:00:54.775807Z\"");
	shows(&ns, NULL, (union decode_cell){ .i = 1 }, "\"1970-01-01T00:00:00.000000001\"");
	shows(&date, NULL, (union decode_cell){ .i = 18993 }, "\"2022-01-01\"");
	shows(&date, NULL, (union decode_cell){ .i = -719529 }, "\"-0001-12-31\"");
	shows(&clock, NULL, (union decode_cell){ .i = INT64_C(81068123400) }, "\"22:31:08.123400\"");
	shows(&clock, NULL, (union decode_cell){ .i = INT64_C(86400000000) }, "a time of day is none");
	shows(&dec, NULL, (union decode_cell){ .b = { ones, 16 } }, "-0.01");
	shows(&dec, NULL, (union decode_cell){ .b = { big, 16 } }, "999999999999999999999999999999999999.99");
	shows(&small, NULL, (union decode_cell){ .i = -5 }, "-0.005");
	shows(&u64, NULL, (union decode_cell){ .i = -1 }, "18446744073709551615");
	shows(&u32, NULL, (union decode_cell){ .i = -1 }, "4294967295");
	shows(&flt, NULL, (union decode_cell){ .d = (double)1.1f }, "1.1");
	shows(&dbl, NULL, (union decode_cell){ .d = 0.1 }, "0.1");
	shows(&dbl, NULL, (union decode_cell){ .d = -1.0 / 0.0 }, "\"-Infinity\"");
	shows(&bin, NULL, (union decode_cell){ .b = { ones, 2 } }, "\"//8=\"");
	shows(&id, &want, (union decode_cell){ .b = { uuid, 16 } }, "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"");
	want.type = COLUMN_STRING;
	shows(&bin, &want, (union decode_cell){ .b = { (const uint8_t *)"a\"b", 3 } }, "\"a\\\"b\"");
	shows(&i32, &want, (union decode_cell){ .i = 1 }, "string");
	want.type = COLUMN_LONG;
	shows(&i32, &want, (union decode_cell){ .i = INT32_MIN }, "-2147483648");
	want.type = COLUMN_DOUBLE;
	shows(&flt, &want, (union decode_cell){ .d = (double)1.5f }, "1.5");
	want.type = COLUMN_DECIMAL;
	want.scale = 4;
	shows(&small, &want, (union decode_cell){ .i = 1 }, "decimal of that scale");
}

/* ---- conformance ---- */

static int
base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c);

	return c && at ? (int)(at - digits) : -1;
}

/* "0x6162" against "YWI=" */
static int
same_bytes(const char *hex, const char *base64)
{
	uint32_t group = 0;
	unsigned bits = 0;

	for (hex += 2; *base64 && *base64 != '='; base64++) {
		group = group << 6 | (uint32_t)base64_digit(*base64);
		if ((bits += 6) >= 8) {
			char want[3];

			bits -= 8;
			snprintf(want, sizeof want, "%02x", group >> bits & 255);
			if (strncmp(hex, want, 2) != 0)
				return 0;
			hex += 2;
		}
	}
	return *hex == '\0';
}

/* The notation of the expected files against ours: conformance/README.md. */
static int
same(const json_t *want, const json_t *got)
{
	const char *key;
	json_t *value;
	size_t i = 0;

	if (json_is_string(want) && json_is_string(got)) {
		const char *w = json_string_value(want), *g = json_string_value(got);

		return strcmp(w, g) == 0 || (strncmp(w, "0x", 2) == 0 && same_bytes(w, g));
	}
	if (json_is_string(want) && json_is_number(got))		/* a decimal */
		return strtod(json_string_value(want), NULL) == json_number_value(got);
	if (json_is_real(want) && json_is_number(got))		/* a float shows with fewer digits than as a double */
		return json_number_value(want) == json_number_value(got) || (float)json_number_value(want) == (float)json_number_value(got);
	if (json_is_object(want) && json_is_object(got)) {
		json_object_foreach((json_t *)(uintptr_t)want, key, value)
			if (!json_object_get(got, key) || !same(value, json_object_get(got, key)))
				return 0;
		return json_object_size(want) == json_object_size(got);
	}
	if (json_is_array(want) && json_is_object(got)) {		/* a map: pairs there, members here */
		if (json_array_size(want) != json_object_size(got))
			return 0;
		json_object_foreach((json_t *)(uintptr_t)got, key, value) {
			const json_t *pair = json_array_get(want, i++);

			if (strcmp(key, json_string_value(json_array_get(pair, 0))) != 0 || !same(json_array_get(pair, 1), value))
				return 0;
		}
		return 1;
	}
	if (json_is_array(want) && json_is_array(got)) {
		for (i = 0; i < json_array_size(want); i++)
			if (!json_array_get(got, i) || !same(json_array_get(want, i), json_array_get(got, i)))
				return 0;
		return json_array_size(want) == json_array_size(got);
	}
	return json_equal(want, got);
}

static void
compare_lines(const char *file, const struct buf *got, const char *expected_path)
{
	FILE *f = fopen(expected_path, "r");
	char *line = NULL, *at = got->p, *end = got->p + got->n;
	size_t cap = 0;
	int64_t row = 0;

	if (!f)
		flunk("%s: %s", expected_path, strerror(errno));
	for (; getline(&line, &cap, f) > 0 && line[0] != '\n'; row++) {
		char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		json_t *want = json_loads(line, 0, NULL), *have;

		assert_non_null(want);
		if (!stop)
			flunk("%s ends before row %lld", file, (long long)row);
		have = json_loadb(at, (size_t)(stop - at), 0, NULL);
		if (!have || !same(want, have))
			flunk("%s, row %lld:\n  want %s  have %.*s", file, (long long)row, line, (int)(stop - at), at);
		json_decref(want);
		json_decref(have);
		at = stop + 1;
	}
	if (at != end)
		flunk("%s has more rows than the %lld expected", file, (long long)row);
	free(line);
	fclose(f);
}

enum outcome { OUTCOME_READ, OUTCOME_VALUES, OUTCOME_CRC, OUTCOME_REFUSED, N_OUTCOMES };

static enum outcome
conformance_file(const char *folder, const json_t *entry)
{
	const char *file = json_string_value(json_object_get(entry, "file")), *expect = json_string_value(json_object_get(entry, "expect"));
	const char *values = json_string_value(json_object_get(entry, "values"));
	int64_t rows, want = json_integer_value(json_object_get(entry, "rows"));
	struct parquet_read *r;
	struct buf out = { 0 };
	struct memory m;
	struct fail f;
	enum outcome o;
	char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", folder, file);
	m = load(path);
	if (!(r = open_memory(&m, file, &f)))
		flunk("%s: %s", file, f.text);
	assert_int_equal(parquet_read_footer(r)->n_leaves, json_integer_value(json_object_get(entry, "leaf_columns")));
	assert_int_equal(parquet_read_footer(r)->n_groups, json_integer_value(json_object_get(entry, "row_groups")));
	rows = read_all(r, &out, INT64_MAX, &f);
	if (strncmp(expect, "crc-error", 9) == 0) {
		assert_int_equal(rows, WEIR_EDATA);
		assert_non_null(strstr(f.text, "checksum does not match"));
		o = OUTCOME_CRC;
	} else if (strncmp(expect, "limit", 5) == 0) {
		assert_int_equal(rows, WEIR_ECONFIG);
		assert_non_null(strstr(f.text, "codec BROTLI, which is not supported"));
		o = OUTCOME_REFUSED;
	} else {
		if (rows != want)
			flunk("%s: %lld rows of %lld: %s", file, (long long)rows, (long long)want, rows < 0 ? f.text : "");
		o = values ? OUTCOME_VALUES : OUTCOME_READ;
		if (values) {
			snprintf(path, sizeof path, "%s/%s", folder, values);
			compare_lines(file, &out, path);
		}
	}
	parquet_read_close(r);
	buf_free(&out);
	free(m.p);
	return o;
}

static void
test_conformance(void **state)
{
	const char *folder = conformance();
	char path[PATH_MAX + 16];
	json_t *manifest, *entry;
	int n[N_OUTCOMES] = { 0 };
	size_t i;

	(void)state;
	if (!folder)
		return;
	snprintf(path, sizeof path, "%s/manifest.json", folder);
	assert_non_null(manifest = json_load_file(path, 0, NULL));
	json_array_foreach(manifest, i, entry)
		n[conformance_file(folder, entry)]++;
	printf("# parquet conformance: %zu files: %d read with equal values, %d read with equal counts, %d refused by checksum, %d by name\n",
	    json_array_size(manifest), n[OUTCOME_VALUES], n[OUTCOME_READ], n[OUTCOME_CRC], n[OUTCOME_REFUSED]);
	assert_int_equal(json_array_size(manifest), 35);
	assert_int_equal(n[OUTCOME_VALUES], 25);
	assert_int_equal(n[OUTCOME_READ], 7);
	assert_int_equal(n[OUTCOME_CRC], 2);
	assert_int_equal(n[OUTCOME_REFUSED], 1);
	json_decref(manifest);
}

static void
test_statistics(void **state)
{
	const char *folder = conformance();
	const struct tail_chunk *c;
	struct parquet_read *r;
	struct memory m;
	struct fail f;
	char path[PATH_MAX + 64];

	(void)state;
	if (!folder)
		return;
	snprintf(path, sizeof path, "%s/binary_truncated_min_max.parquet", folder);
	m = load(path);
	assert_non_null(r = open_memory(&m, "t", &f));
	c = parquet_read_footer(r)->group[0].chunk;
	/* full truncation, partial, none: strings in the even columns, binary in the odd ones */
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(c[i].has & (TAIL_HAS_MIN | TAIL_HAS_MAX), TAIL_HAS_MIN | TAIL_HAS_MAX);
		assert_int_equal(c[i].min_exact, i >= 4);
	}
	assert_memory_equal(c[0].min, "Al", 2);
	assert_int_equal(c[0].n_min, 2);
	parquet_read_close(r);
	free(m.p);
	snprintf(path, sizeof path, "%s/floating_orders_nan_count.parquet", folder);
	m = load(path);
	assert_non_null(r = open_memory(&m, "t", &f));
	for (uint32_t g = 0, i; g < 5; g++)
		for (i = 0, c = parquet_read_footer(r)->group[g].chunk; i < 6; i++) {
			assert_true(c[i].has & TAIL_HAS_NANS);
			assert_int_equal(parquet_read_footer(r)->ordered[i], 1);
		}
	parquet_read_close(r);
	free(m.p);
}

/* ---- columns by a schema, filters ---- */

static void
test_columns(void **state)
{
	const char *folder = conformance();
	struct parquet_column child[] = {
		{ .name = "double_col", .type = COLUMN_DOUBLE }, { .name = "new", .type = COLUMN_STRING },
		{ .name = "string_col", .type = COLUMN_STRING }, { .name = "int_col", .type = COLUMN_LONG },
	};
	struct parquet_column root = { .kind = COLUMN_STRUCT, .required = 1, .n_children = 4, .child = child };
	struct parquet_column id = { .name = "id", .type = COLUMN_INT };
	const struct parquet_column *path[] = { &id }, *absent[] = { &child[1] };
	struct parquet_read *r;
	struct buf out = { 0 };
	struct show_key k;
	struct memory m;
	struct fail f;
	char file[PATH_MAX + 64];

	(void)state;
	if (!folder)
		return;
	snprintf(file, sizeof file, "%s/alltypes_plain.snappy.parquet", folder);
	m = load(file);
	assert_non_null(r = open_memory(&m, "t", &f));
	assert_int_equal(parquet_read_columns(r, &root, &f), 0);
	assert_int_equal(parquet_read_watch(r, path, 1, &f), 0);
	assert_int_equal(parquet_read_watch(r, absent, 1, &f), 1);
	assert_int_equal(parquet_read_group(r, 0, &f), 0);
	assert_int_equal(parquet_read_next(r, &f), 1);
	assert_int_equal(parquet_read_peek(r, 0, &k, &f), 1);
	assert_true(k.kind == SHOW_KEY_NUMBER && k.number.coef == 6);
	assert_int_equal(parquet_read_peek(r, 1, &k, &f), 0);
	assert_int_equal(parquet_read_next(r, &f), 1);			/* the first row is left */
	assert_int_equal(parquet_read_peek(r, 0, &k, &f), 1);
	assert_true(k.number.coef == 7);
	assert_int_equal(parquet_read_json(r, &out, &f), 0);
	assert_int_equal(parquet_read_next(r, &f), 0);
	assert_int_equal(buf_putc(&out, '\0'), 0);
	assert_string_equal(out.p, "{\"double_col\":10.1,\"new\":null,\"string_col\":\"1\",\"int_col\":1}");
	parquet_read_close(r);
	assert_non_null(r = open_memory(&m, "t", &f));
	child[0].type = COLUMN_DATE;
	assert_int_equal(parquet_read_columns(r, &root, &f), WEIR_EDATA);
	assert_string_equal(f.text, "t: column double_col cannot be read as date");
	parquet_read_close(r);
	buf_free(&out);
	free(m.p);
}

/* A struct none of whose wanted members is in the file is still null or not. */
static void
test_guide(void **state)
{
	const char *folder = conformance();
	struct parquet_column leaf = { .name = "later", .type = COLUMN_STRING };
	struct parquet_column child[] = { { .name = "group_of_lists", .kind = COLUMN_STRUCT, .n_children = 1, .child = &leaf },
		{ .name = "gone", .kind = COLUMN_STRUCT, .n_children = 1, .child = &leaf } };
	struct parquet_column root = { .kind = COLUMN_STRUCT, .required = 1, .n_children = 2, .child = child };
	struct parquet_read *r;
	struct buf out = { 0 };
	struct memory m;
	struct fail f;
	char file[PATH_MAX + 64];

	(void)state;
	if (!folder)
		return;
	snprintf(file, sizeof file, "%s/repeated_primitive_no_list.parquet", folder);
	m = load(file);
	assert_non_null(r = open_memory(&m, "t", &f));
	assert_int_equal(parquet_read_columns(r, &root, &f), 0);
	if (read_all(r, &out, INT64_MAX, &f) != 4)
		flunk("%s", f.text);
	for (const char *at = out.p; at < out.p + out.n; at = strchr(at, '\n') + 1)
		assert_memory_equal(at, "{\"group_of_lists\":{\"later\":null},\"gone\":null}\n", 46);
	parquet_read_close(r);
	buf_free(&out);
	free(m.p);
}

/* ---- damage ---- */

static uint64_t
draw(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void
mutate(struct memory *m, uint64_t *seed)
{
	unsigned n = 1 + (unsigned)(draw(seed) % 8);

	while (n--) {
		size_t at = (size_t)(draw(seed) % m->n), run = (size_t)(draw(seed) % 16);

		switch (draw(seed) % 4) {
		case 0: m->p[at] ^= (uint8_t)(1u << draw(seed) % 8); break;
		case 1: m->p[at] = (uint8_t)draw(seed); break;
		case 2: memset(m->p + at, draw(seed) & 1 ? 0xff : 0, run < m->n - at ? run : m->n - at); break;
		default: memmove(m->p + at, m->p + (size_t)(draw(seed) % m->n) / 2, run < m->n - at ? run : m->n - at);
		}
	}
}

/* What a mutant may do: be read, or be refused with a message. */
static void
read_mutant(struct memory *m, size_t *n_read, size_t *n_refused)
{
	struct buf out = { .max = 64u << 20 };
	struct parquet_read *r;
	struct fail f;
	int64_t rows = -1;

	f.text[0] = '\0';
	if ((r = open_memory(m, "mutant", &f))) {
		rows = read_all(r, &out, 20000, &f);
		parquet_read_close(r);
	}
	if (rows < 0) {
		if (f.code != WEIR_EDATA && f.code != WEIR_ECONFIG && f.code != WEIR_EAGAIN)
			flunk("a mutant gave code %d: %s", f.code, f.text);
		assert_true(f.text[0]);
		++*n_refused;
	} else
		++*n_read;
	buf_free(&out);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
test_damage(void **state)
{
	const char *folder = conformance(), *more = getenv("FUZZ_SECONDS");
	double until = seconds() + (more ? atof(more) : FUZZ_SECONDS);
	uint64_t seed = FUZZ_SEED;
	size_t n_read = 0, n_refused = 0, i;
	json_t *manifest, *entry;
	char path[PATH_MAX + 64];

	(void)state;
	if (!folder)
		return;
	snprintf(path, sizeof path, "%s/manifest.json", folder);
	assert_non_null(manifest = json_load_file(path, 0, NULL));
	for (unsigned round = 0; seconds() < until; round++)
		json_array_foreach(manifest, i, entry) {
			struct memory m;

			snprintf(path, sizeof path, "%s/%s", folder, json_string_value(json_object_get(entry, "file")));
			m = load(path);
			if (round == 0)		/* cut off everywhere, coarsely where the file is long */
				for (size_t n = m.n, all = m.n; n > 0; n -= n > 1 + all / 200 ? 1 + all / 200 : n) {
					m.n = n - 1;
					read_mutant(&m, &n_read, &n_refused);
					m.n = all;
				}
			for (int k = 0; k < 20 && seconds() < until; k++) {
				struct memory copy = { malloc(m.n), m.n };

				memcpy(copy.p, m.p, m.n);
				mutate(&copy, &seed);
				read_mutant(&copy, &n_read, &n_refused);
				free(copy.p);
			}
			free(m.p);
		}
	printf("# damaged parquet files: %zu refused, %zu read\n", n_refused, n_read);
	assert_true(n_refused > 100);
	json_decref(manifest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rle), cmocka_unit_test(test_bits_msb), cmocka_unit_test(test_delta), cmocka_unit_test(test_split),
		cmocka_unit_test(test_blocks), cmocka_unit_test(test_thrift), cmocka_unit_test(test_show), cmocka_unit_test(test_conformance),
		cmocka_unit_test(test_statistics), cmocka_unit_test(test_columns), cmocka_unit_test(test_guide), cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
