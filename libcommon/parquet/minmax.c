#include "config.h"

#include <math.h>
#include <string.h>

#include "minmax.h"

static int
is_signed(const struct parquet_column *leaf)
{
	return leaf->type == COLUMN_DECIMAL;
}

/* The first eight bytes as a number that sorts as the bytes do. */
static inline uint64_t
key_of(const void *p, uint32_t n, int sign)
{
	unsigned char b[8] = { 0 };
	uint64_t k;

	if (n >= 8)
		memcpy(&k, p, 8);
	else {
		memcpy(b, p, n);
		memcpy(&k, b, 8);
	}
	k = __builtin_bswap64(k);
	return sign ? k ^ UINT64_C(1) << 63 : k;
}

static void
keep(struct minmax_bytes *m, const void *p, uint32_t n, int longer)
{
	m->n = (uint8_t)(n < MINMAX_BYTES ? n : MINMAX_BYTES);
	m->longer = (uint8_t)(longer || n > MINMAX_BYTES);
	memcpy(m->b, p, m->n);
}

/* <0, 0, >0; a value that is cut counts as larger than the same bytes that are not. */
static int
compare(const void *p, uint32_t n, int longer, const struct minmax_bytes *m, int sign)
{
	uint32_t k = n < MINMAX_BYTES ? n : MINMAX_BYTES, min = k < m->n ? k : m->n;
	const unsigned char *a = p;
	int d;

	if (sign && k && m->n && (a[0] ^ m->b[0]) & 0x80)
		return a[0] & 0x80 ? -1 : 1;
	d = memcmp(p, m->b, min);
	if (d)
		return d;
	if (k != m->n)
		return k < m->n ? -1 : 1;
	return (longer || n > MINMAX_BYTES) - m->longer;
}

static void
add_slow(struct minmax *mm, const void *p, uint32_t n, int longer, int sign)
{
	if (!mm->seen || compare(p, n, longer, &mm->min_b, sign) < 0) {
		keep(&mm->min_b, p, n, longer);
		mm->min_key = key_of(p, n, sign);
	}
	if (!mm->seen || compare(p, n, longer, &mm->max_b, sign) > 0) {
		keep(&mm->max_b, p, n, longer);
		mm->max_key = key_of(p, n, sign);
	}
	mm->seen = 1;
}

static inline void
add_bytes(struct minmax *mm, const void *p, uint32_t n, int sign)
{
	uint64_t k = key_of(p, n, sign);

	if (!mm->seen || k <= mm->min_key || k >= mm->max_key)
		add_slow(mm, p, n, 0, sign);
}

static void
add_int(struct minmax *mm, int64_t min, int64_t max)
{
	if (!mm->seen || min < mm->min_i)
		mm->min_i = min;
	if (!mm->seen || max > mm->max_i)
		mm->max_i = max;
	mm->seen = 1;
}

static void
add_double(struct minmax *mm, double v)
{
	if (isnan(v)) {
		mm->n_nan++;
		return;
	}
	if (!mm->seen || v < mm->min_d)
		mm->min_d = v;
	if (!mm->seen || v > mm->max_d)
		mm->max_d = v;
	mm->seen = 1;
}

/* from < to */
#define RANGE(array) do { \
	__typeof__((array)[0] + 0) lo = (array)[from], hi = lo; \
	for (uint32_t i = from + 1; i < to; i++) { \
		lo = (array)[i] < lo ? (array)[i] : lo; \
		hi = (array)[i] > hi ? (array)[i] : hi; \
	} \
	add_int(mm, lo, hi); \
} while (0)

void
minmax_add(struct minmax *mm, const struct parquet_column *leaf, const struct parquet_values *v, uint32_t from, uint32_t to)
{
	int sign = is_signed(leaf);

	if (from >= to)
		return;
	switch (leaf->physical) {
	case PARQUET_BOOLEAN:
		RANGE(v->bools);
		break;
	case PARQUET_INT32:
		RANGE(v->i32);
		break;
	case PARQUET_INT64:
		RANGE(v->i64);
		break;
	case PARQUET_FLOAT:
		for (uint32_t i = from; i < to; i++)
			add_double(mm, (double)v->f32[i]);
		break;
	case PARQUET_DOUBLE:
		for (uint32_t i = from; i < to; i++)
			add_double(mm, v->f64[i]);
		break;
	case PARQUET_BYTE_ARRAY:
		for (uint32_t i = from; i < to; i++)
			add_bytes(mm, v->bytes[i].p, v->bytes[i].n, sign);
		break;
	default:
		for (uint32_t i = from; i < to; i++)
			add_bytes(mm, v->fixed + (size_t)i * leaf->width, leaf->width, sign);
	}
}

void
minmax_add_dictionary(struct minmax *mm, const struct parquet_column *leaf, const struct dictionary *d)
{
	struct parquet_values v = { .n_values = d->n, .n_levels = d->n, .fixed = (const uint8_t *)d->plain.p };
	const char *p;
	uint32_t n;

	if (d->width)
		minmax_add(mm, leaf, &v, 0, d->n);
	else
		for (uint32_t i = 0; i < d->n; i++) {
			p = dictionary_entry(d, i, &n);
			add_bytes(mm, p, n, 0);
		}
}

void
minmax_merge(struct minmax *into, const struct parquet_column *leaf, const struct minmax *from)
{
	int sign = is_signed(leaf);

	into->n_nan += from->n_nan;
	if (!from->seen)
		return;
	switch (leaf->physical) {
	case PARQUET_BOOLEAN: case PARQUET_INT32: case PARQUET_INT64:
		add_int(into, from->min_i, from->max_i);
		break;
	case PARQUET_FLOAT: case PARQUET_DOUBLE:
		add_double(into, from->min_d);
		add_double(into, from->max_d);
		break;
	default:
		add_slow(into, from->min_b.b, from->min_b.n, from->min_b.longer, sign);
		add_slow(into, from->max_b.b, from->max_b.n, from->max_b.longer, sign);
	}
}

static void
put(struct parquet_bound *b, const void *p, size_t n, int exact)
{
	b->has = 1;
	b->exact = (uint8_t)exact;
	b->n = (uint8_t)n;
	memcpy(b->b, p, n);
}

/* Zero is written so that either zero is inside the bounds. */
static void
put_double(struct parquet_bound *b, const struct parquet_column *leaf, double v, int upper)
{
	float f;

	if (v == 0)
		v = upper ? 0.0 : -0.0;
	f = (float)v;
	if (leaf->physical == PARQUET_FLOAT)
		put(b, &f, 4, 1);
	else
		put(b, &v, 8, 1);
}

static int
is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* How many bytes of m to keep: whole code points of a string, at most `chars` of them. */
static unsigned
cut(const struct minmax_bytes *m, int text, unsigned chars)
{
	unsigned n = 0, count = 0;

	if (!text)
		return m->n < chars ? m->n : chars;
	while (n < m->n && count < chars) {
		unsigned k = n + 1;

		while (k < m->n && is_continuation(m->b[k]))
			k++;
		if (k == m->n && m->longer) {	/* perhaps half a code point */
			unsigned c = m->b[n], want = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

			if (k - n < want)
				break;
		}
		n = k;
		count++;
	}
	return n;
}

static uint32_t
decode(const uint8_t *p, unsigned n)
{
	uint32_t c = n == 1 ? p[0] : n == 2 ? p[0] & 0x1fu : n == 3 ? p[0] & 0xfu : p[0] & 7u;

	for (unsigned i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

static unsigned
encode(uint8_t *p, uint32_t c)
{
	if (c < 0x80) {
		p[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (uint8_t)(0xc0 | c >> 6);
		p[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (uint8_t)(0xe0 | c >> 12);
		p[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		p[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	p[0] = (uint8_t)(0xf0 | c >> 18);
	p[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	p[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	p[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* The smallest text (bytes) of the same length in characters above b: b becomes larger than all that begin with it.
 * Returns its length, 0 when there is none. */
static unsigned
increment(uint8_t *b, unsigned n, int text)
{
	while (n) {
		unsigned at = n - 1;
		uint32_t c;

		if (!text) {
			if (b[at] != 0xff) {
				b[at]++;
				return n;
			}
			n = at;
			continue;
		}
		while (at && is_continuation(b[at]))
			at--;
		c = decode(b + at, n - at);
		n = at;
		if (c >= 0x10ffff)
			continue;
		c = c == 0xd7ff ? 0xe000 : c + 1;
		return at + encode(b + at, c);
	}
	return 0;
}

static void
put_bytes(struct parquet_bound *b, const struct minmax_bytes *m, int text, unsigned chars, int upper)
{
	unsigned n = cut(m, text, chars);
	int exact = n == m->n && !m->longer;

	put(b, m->b, n, exact);
	if (exact || !upper)
		return;
	n = increment(b->b, n, text);
	b->n = (uint8_t)n;
	if (!n)
		b->has = 0;
}

static void
put_int(struct parquet_bound *b, const struct parquet_column *leaf, int64_t v)
{
	uint8_t one = (uint8_t)v;
	int32_t four = (int32_t)v;

	if (leaf->physical == PARQUET_BOOLEAN)
		put(b, &one, 1, 1);
	else if (leaf->physical == PARQUET_INT32)
		put(b, &four, 4, 1);
	else
		put(b, &v, 8, 1);
}

/* A decimal as Iceberg has it: big-endian, no more bytes than it needs. */
static void
put_decimal(struct parquet_bound *b, const uint8_t *p, unsigned n)
{
	while (n > 1 && ((p[0] == 0 && !(p[1] & 0x80)) || (p[0] == 0xff && p[1] & 0x80)))
		p++, n--;
	put(b, p, n, 1);
}

static void
bounds(const struct minmax *mm, const struct parquet_column *leaf, struct parquet_bound *lo, struct parquet_bound *hi, unsigned chars)
{
	int text = leaf->type == COLUMN_STRING, whole = leaf->type == COLUMN_DECIMAL || leaf->type == COLUMN_UUID;

	lo->has = hi->has = 0;
	lo->n = hi->n = 0;
	if (!mm->seen)
		return;
	switch (leaf->physical) {
	case PARQUET_BOOLEAN: case PARQUET_INT32: case PARQUET_INT64:
		put_int(lo, leaf, mm->min_i);
		put_int(hi, leaf, mm->max_i);
		break;
	case PARQUET_FLOAT: case PARQUET_DOUBLE:
		put_double(lo, leaf, mm->min_d, 0);
		put_double(hi, leaf, mm->max_d, 1);
		break;
	default:
		put_bytes(lo, &mm->min_b, text, whole ? MINMAX_BYTES : chars, 0);
		put_bytes(hi, &mm->max_b, text, whole ? MINMAX_BYTES : chars, 1);
	}
}

void
minmax_parquet(const struct minmax *mm, const struct parquet_column *leaf, struct parquet_bound *min, struct parquet_bound *max)
{
	bounds(mm, leaf, min, max, MINMAX_BYTES);
}

void
minmax_iceberg(const struct minmax *mm, const struct parquet_column *leaf, struct parquet_bound *lower, struct parquet_bound *upper)
{
	uint64_t be;

	bounds(mm, leaf, lower, upper, BOUND_CHARS);
	if (leaf->type != COLUMN_DECIMAL || !mm->seen)
		return;
	if (leaf->physical == PARQUET_FIXED) {
		put_decimal(lower, mm->min_b.b, mm->min_b.n);
		put_decimal(upper, mm->max_b.b, mm->max_b.n);
		return;
	}
	be = __builtin_bswap64((uint64_t)mm->min_i);
	put_decimal(lower, (const uint8_t *)&be, 8);
	be = __builtin_bswap64((uint64_t)mm->max_i);
	put_decimal(upper, (const uint8_t *)&be, 8);
}
