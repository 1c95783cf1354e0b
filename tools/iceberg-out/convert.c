#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "iso.h"
#include "number.h"
#include "value.h"

#define BLOCK_BYTES	(256u << 10)
#define SHORT_TEXT	64		/* dates, times, uuids: longer ones are none */
#define EXCERPT		40
#define DAY_US		INT64_C(86400000000)

void *
convert_room(struct convert *c, size_t n)
{
	struct convert_block *b = c->block;
	size_t cap;

	n = (n + 15) & ~(size_t)15;
	if (!b || b->cap - b->n < n) {
		cap = n > BLOCK_BYTES ? n : BLOCK_BYTES;
		if (!(b = malloc(sizeof *b + cap)))
			return NULL;
		b->next = c->block;
		b->n = 0;
		b->cap = cap;
		c->block = b;
	}
	b->n += n;
	return b->p + b->n - n;
}

void
convert_reset(struct convert *c)
{
	struct convert_block *b, *next;

	if (!c->block)
		return;
	for (b = c->block->next; b; b = next) {
		next = b->next;
		free(b);
	}
	c->block->next = NULL;
	c->block->n = 0;
	if (c->block->cap > BLOCK_BYTES)	/* one long line does not stay */
		convert_free(c);
}

void
convert_free(struct convert *c)
{
	struct convert_block *b, *next;

	for (b = c->block; b; b = next) {
		next = b->next;
		free(b);
	}
	c->block = NULL;
}

int
vector_levels(struct vector *v, uint32_t more)
{
	uint32_t cap = v->cap_levels ? v->cap_levels : 1024;
	uint8_t *p;

	if (v->cap_levels - v->n_levels >= more)
		return 0;
	if (more > UINT32_MAX / 4 - v->n_levels)
		return -1;
	while (cap - v->n_levels < more)
		cap *= 2;
	if (!(p = realloc(v->def, cap)))
		return -1;
	v->def = p;
	if (!(p = realloc(v->rep, cap)))
		return -1;
	v->rep = p;
	v->cap_levels = cap;
	return 0;
}

int
vector_values(struct vector *v, const struct parquet_column *leaf, uint32_t more)
{
	uint32_t cap = v->cap_values ? v->cap_values : 1024;
	char *p;

	if (v->cap_values - v->n_values >= more)
		return 0;
	if (more > UINT32_MAX / 4 - v->n_values)
		return -1;
	while (cap - v->n_values < more)
		cap *= 2;
	if (!(p = realloc(v->data, (size_t)cap * values_stride(leaf))))
		return -1;
	v->data = p;
	v->cap_values = cap;
	return 0;
}

void
vector_free(struct vector *v)
{
	free(v->data);
	free(v->def);
	free(v->rep);
	memset(v, 0, sizeof *v);
}

int64_t
convert_base64(const char *p, size_t n, uint8_t *out)
{
	uint8_t *o = out;

	if (n % 4)
		return -1;
	for (size_t i = 0; i < n; i += 4) {
		uint32_t bits = 0;
		int pad = i + 4 == n ? (p[i + 3] == '=') + (p[i + 3] == '=' && p[i + 2] == '=') : 0;

		for (int k = 0; k < 4; k++) {
			unsigned c = (unsigned char)p[i + (size_t)k], v;

			if (k >= 4 - pad)
				v = 0;
			else if (c - 'A' < 26)
				v = c - 'A';
			else if (c - 'a' < 26)
				v = c - 'a' + 26;
			else if (c - '0' < 10)
				v = c - '0' + 52;
			else if (c == '+' || c == '/')
				v = c == '+' ? 62 : 63;
			else
				return -1;
			bits = bits << 6 | v;
		}
		if ((pad == 1 && bits & 0xff) || (pad == 2 && bits & 0xffff))
			return -1;		/* bits that mean nothing: not canonical, and not what was meant */
		*o++ = (uint8_t)(bits >> 16);
		if (pad < 2)
			*o++ = (uint8_t)(bits >> 8);
		if (pad < 1)
			*o++ = (uint8_t)bits;
	}
	return o - out;
}

/* The content of a short string: *p into v or out.  0: not a string, or too long to be what is wanted. */
static inline size_t
short_text(const struct weir_value *v, char *out, const char **p)
{
	if (v->flags & WEIR_ESCAPED && v->n > SHORT_TEXT)
		return 0;
	return value_text_of(v, out, p);
}

static inline int
two(const char *p)
{
	unsigned a = (unsigned char)p[0] - '0', b = (unsigned char)p[1] - '0';

	return a > 9 || b > 9 ? 1000 : (int)(a * 10 + b);
}

/* "hh:mm:ss[.fraction]" to microseconds. */
static inline int
clock_time(const char *p, size_t n, int64_t *us)
{
	int64_t frac = 0, scale = 100000;
	int h, m, s;

	if (n < 8 || p[2] != ':' || p[5] != ':')
		return -1;
	h = two(p);
	m = two(p + 3);
	s = two(p + 6);
	if (h > 23 || m > 59 || s > 59)
		return -1;
	if (n > 8) {
		if (p[8] != '.' || n == 9 || n > 18)
			return -1;
		for (size_t i = 9; i < n; i++, scale /= 10) {
			unsigned d = (unsigned char)p[i] - '0';

			if (d > 9)
				return -1;
			frac += d * scale;
		}
	}
	*us = (h * 3600 + m * 60 + s) * INT64_C(1000000) + frac;
	return 0;
}

/* Most events are of the day of the one before; the rest goes the whole way. */
static inline int
instant(struct convert *c, const char *p, size_t n, int zone, int64_t *us)
{
	char text[SHORT_TEXT + 2];

	if (n >= 19 && p[10] == 'T' && (p[n - 1] == 'Z') == zone && !memcmp(p, c->day, 10) && clock_time(p + 11, n - 11 - (size_t)zone, us) == 0) {
		*us += c->day_us;
		return 0;
	}
	if (n < 19 || n > SHORT_TEXT)
		return -1;
	if (zone) {
		if (iso_parse(p, n, us) < 0)
			return -1;
	} else {
		memcpy(text, p, n);
		text[n] = 'Z';
		if (iso_parse(text, n + 1, us) < 0)
			return -1;
	}
	if (p[n - 1] == 'Z' || !zone) {
		memcpy(c->day, p, 10);
		c->day_us = (*us >= 0 ? *us : *us - (DAY_US - 1)) / DAY_US * DAY_US;
	}
	return 0;
}

static inline int
timestamp(struct convert *c, const struct weir_value *v, int unit, int zone, int64_t *us)
{
	char text[SHORT_TEXT];
	const char *p = NULL;
	size_t n;

	if (unit != WEIR_UNIT_ISO)
		return v->kind != WEIR_NUMBER ? CONVERT_KIND : value_time(v, unit, us) < 0 ? CONVERT_RANGE : CONVERT_OK;
	if (v->kind != WEIR_STRING)
		return CONVERT_KIND;
	n = short_text(v, text, &p);
	return n && instant(c, p, n, zone, us) == 0 ? CONVERT_OK : CONVERT_FORM;
}

static inline int
text(struct convert *c, const struct weir_value *v, struct parquet_bytes *out)
{
	size_t n;
	char *q;

	if (v->kind != WEIR_STRING)
		return CONVERT_KIND;
	if (!(v->flags & WEIR_ESCAPED)) {
		out->p = v->p + 1;
		out->n = v->n - 2;
		return CONVERT_OK;
	}
	if (!(q = convert_room(c, v->n)))
		return CONVERT_MEMORY;
	n = value_text(v, q);
	if (memchr(q, '\0', n))
		return CONVERT_NUL;
	out->p = q;
	out->n = (uint32_t)n;
	return CONVERT_OK;
}

/* Any value as it is written; escapes stay, so that it remains JSON. */
static inline int
literal(const struct weir_value *v, struct parquet_bytes *out)
{
	out->p = v->p;
	out->n = v->n;
	return CONVERT_OK;
}

static inline int
uuid(const struct weir_value *v, uint8_t *out)
{
	static const signed char hex[256] = {
		['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
		['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
		['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16
	};		/* digit + 1; 0: none */
	static const unsigned char at[16] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 };
	char room[256];
	const unsigned char *p;
	const char *q;
	int bad = 0;

	if (v->kind != WEIR_STRING)
		return CONVERT_KIND;
	if (v->n > sizeof room || value_text_of(v, room, &q) != 36)
		return CONVERT_FORM;
	if (q[8] != '-' || q[13] != '-' || q[18] != '-' || q[23] != '-')
		return CONVERT_FORM;
	p = (const unsigned char *)q;
	for (int i = 0; i < 16; i++) {
		int a = hex[p[at[i]]] - 1, b = hex[p[at[i] + 1]] - 1;

		bad |= a | b;
		out[i] = (uint8_t)((unsigned)a << 4 | ((unsigned)b & 15));
	}
	return bad < 0 ? CONVERT_FORM : CONVERT_OK;
}

static const int64_t ten[19] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
	10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000
};

/* A plain number of at most 18 digits, at the column's scale; -1: the long way. */
static inline int
small_decimal(const char *p, size_t n, unsigned scale, int64_t *out)
{
	const char *e = p + n;
	int64_t t = 0;
	int minus = *p == '-', frac = -1;

	if (n > 18)
		return -1;
	for (p += minus; p < e; p++) {
		unsigned d = (unsigned char)*p - '0';

		if (d <= 9) {
			t = t * 10 + d;
			frac += frac >= 0;
		} else if (*p == '.') {
			frac = 0;
		} else {
			return -1;
		}
	}
	frac = frac < 0 ? 0 : frac;
	if ((unsigned)frac > scale || n + scale - (unsigned)frac > 18)
		return -1;
	t *= ten[scale - (unsigned)frac];
	*out = minus ? -t : t;
	return 0;
}

static int
is_number(const char *p, size_t n)
{
	const char *e = p + n;

	p += p < e && *p == '-';
	if (p == e || *p < '0' || *p > '9' || (*p == '0' && p + 1 < e && p[1] >= '0' && p[1] <= '9'))
		return 0;
	while (p < e && *p >= '0' && *p <= '9')
		p++;
	if (p < e && *p == '.') {
		const char *q = ++p;

		while (p < e && *p >= '0' && *p <= '9')
			p++;
		if (p == q)
			return 0;
	}
	if (p < e && (*p == 'e' || *p == 'E')) {
		const char *q;

		p++;
		p += p < e && (*p == '+' || *p == '-');
		q = p;
		while (p < e && *p >= '0' && *p <= '9')
			p++;
		if (p == q)
			return 0;
	}
	return p == e;
}

static inline int
decimal(const struct weir_value *v, const struct parquet_column *leaf, void *out)
{
	const char *p = v->p;
	struct number x;
	size_t n = v->n;
	__int128 c, max = 1;
	int64_t small;

	if (v->kind == WEIR_STRING) {
		if (v->flags & WEIR_ESCAPED || !is_number(p + 1, n - 2))
			return CONVERT_FORM;
		p++;
		n -= 2;
	} else if (v->kind != WEIR_NUMBER) {
		return CONVERT_KIND;
	}
	if (leaf->precision <= 18 && small_decimal(p, n, leaf->scale, &small) == 0) {
		c = small;
		max = leaf->precision < 19 ? ten[leaf->precision] : 0;
	} else {
		if (number_parse(p, n, &x) < 0 || number_rescale(&x, leaf->scale, &c) < 0)
			return CONVERT_RANGE;
		for (unsigned i = 0; i < leaf->precision; i++)
			max *= 10;
	}
	if (c >= max || c <= -max)
		return CONVERT_RANGE;
	if (leaf->physical == PARQUET_INT32) {
		*(int32_t *)out = (int32_t)c;
	} else if (leaf->physical == PARQUET_INT64) {
		*(int64_t *)out = (int64_t)c;
	} else {
		for (uint32_t i = leaf->width; i--; c >>= 8)
			((uint8_t *)out)[i] = (uint8_t)c;
	}
	return CONVERT_OK;
}

static int
binary(struct convert *c, const struct parquet_column *leaf, const struct weir_value *v, void *out)
{
	struct parquet_bytes s, *b = out;
	int64_t n;
	char *q;
	int rc = text(c, v, &s);

	if (rc)
		return rc == CONVERT_NUL ? CONVERT_FORM : rc;
	if (!(q = convert_room(c, (size_t)s.n / 4 * 3 + 1)))
		return CONVERT_MEMORY;
	if ((n = convert_base64(s.p, s.n, (uint8_t *)q)) < 0)
		return CONVERT_FORM;
	if (leaf->type == COLUMN_FIXED) {
		if (n != (int64_t)leaf->length)
			return CONVERT_RANGE;
		memcpy(out, q, (size_t)n);
		return CONVERT_OK;
	}
	b->p = q;
	b->n = (uint32_t)n;
	return CONVERT_OK;
}

static inline __attribute__((always_inline)) int
one(struct convert *c, const struct parquet_column *leaf, int type, int unit, const struct weir_value *v, void *out)
{
	char room[SHORT_TEXT];
	const char *p = NULL;
	int64_t i;
	double d;
	size_t n;

	switch (type) {
	case COLUMN_BOOLEAN:
		if (v->kind != WEIR_TRUE && v->kind != WEIR_FALSE)
			return CONVERT_KIND;
		*(uint8_t *)out = v->kind == WEIR_TRUE;
		return CONVERT_OK;
	case COLUMN_INT:
		if (v->kind != WEIR_NUMBER)
			return CONVERT_KIND;
		if (value_int64(v, &i) < 0 || i < INT32_MIN || i > INT32_MAX)
			return CONVERT_RANGE;
		*(int32_t *)out = (int32_t)i;
		return CONVERT_OK;
	case COLUMN_LONG:
		if (v->kind != WEIR_NUMBER)
			return CONVERT_KIND;
		return value_int64(v, out) < 0 ? CONVERT_RANGE : CONVERT_OK;
	case COLUMN_FLOAT:
		if (v->kind != WEIR_NUMBER)
			return CONVERT_KIND;
		if (value_double(v, &d) < 0 || !isfinite((float)d))
			return CONVERT_RANGE;
		*(float *)out = (float)d;
		return CONVERT_OK;
	case COLUMN_DOUBLE:
		if (v->kind != WEIR_NUMBER)
			return CONVERT_KIND;
		return value_double(v, out) < 0 ? CONVERT_RANGE : CONVERT_OK;
	case COLUMN_DECIMAL:
		return decimal(v, leaf, out);
	case COLUMN_DATE:
		if (v->kind != WEIR_STRING)
			return CONVERT_KIND;
		n = short_text(v, room, &p);
		return n && iso_parse_date(p, n, out) == 0 ? CONVERT_OK : CONVERT_FORM;
	case COLUMN_TIME:
		if (v->kind != WEIR_STRING)
			return CONVERT_KIND;
		n = short_text(v, room, &p);
		return n && clock_time(p, n, out) == 0 ? CONVERT_OK : CONVERT_FORM;
	case COLUMN_TIMESTAMP:
		return timestamp(c, v, unit, 0, out);
	case COLUMN_TIMESTAMPTZ:
		return timestamp(c, v, unit, 1, out);
	case COLUMN_STRING:
		return leaf->json ? literal(v, out) : text(c, v, out);
	case COLUMN_UUID:
		return uuid(v, out);
	default:
		return binary(c, leaf, v, out);
	}
}

int
convert_one(struct convert *c, const struct parquet_column *leaf, int unit, const struct weir_value *v, void *out)
{
	return one(c, leaf, leaf->type, unit, v, out);
}

/* The loop of one type: `type` and `stride` are constants in each copy. */
static inline __attribute__((always_inline)) int
column(struct convert *c, const struct parquet_column *leaf, int type, size_t stride, int unit, const struct weir_value *col,
    const uint32_t *row, uint32_t n, const uint8_t *up, unsigned up_def, struct vector *out,
    void (*failed)(void *arg, uint32_t k, int code), void *arg)
{
	uint8_t max = leaf->max_def, *def = out->def;
	char *o = out->data;

	for (uint32_t k = 0; k < n; k++) {
		const struct weir_value *v = &col[row[k]];
		int rc;

		if (up && up[k] < up_def) {
			def[k] = up[k];
			continue;
		}
		if (v->kind <= WEIR_NULL) {
			if (leaf->required) {
				memset(o, 0, stride);
				def[k] = max;
				o += stride;
				failed(arg, k, CONVERT_OK);
			} else {
				def[k] = (uint8_t)(max - 1);
			}
			continue;
		}
		if ((rc = one(c, leaf, type, unit, v, o))) {
			if (rc == CONVERT_MEMORY)
				return -1;
			memset(o, 0, stride);
			failed(arg, k, rc);
		}
		def[k] = max;
		o += stride;
	}
	out->n_levels = n;
	out->n_values = (uint32_t)((size_t)(o - out->data) / stride);
	return 0;
}

int
convert_column(struct convert *c, const struct parquet_column *leaf, int unit, const struct weir_value *col, const uint32_t *row,
    uint32_t n, const uint8_t *up, unsigned up_def, struct vector *out, void (*failed)(void *arg, uint32_t k, int code), void *arg)
{
	out->n_levels = out->n_values = 0;
	if (vector_levels(out, n) < 0 || vector_values(out, leaf, n) < 0)
		return -1;
#define CASE(type, stride) \
	case type: \
		return column(c, leaf, type, stride, unit, col, row, n, up, up_def, out, failed, arg)
	switch (leaf->type) {
	CASE(COLUMN_BOOLEAN, 1);
	CASE(COLUMN_INT, 4);
	CASE(COLUMN_LONG, 8);
	CASE(COLUMN_FLOAT, 4);
	CASE(COLUMN_DOUBLE, 8);
	CASE(COLUMN_DATE, 4);
	CASE(COLUMN_TIME, 8);
	CASE(COLUMN_TIMESTAMP, 8);
	CASE(COLUMN_TIMESTAMPTZ, 8);
	CASE(COLUMN_STRING, sizeof(struct parquet_bytes));
	CASE(COLUMN_UUID, 16);
	default:
		return column(c, leaf, leaf->type, values_stride(leaf), unit, col, row, n, up, up_def, out, failed, arg);
	}
#undef CASE
}

static const char *
wants(const struct parquet_column *c)
{
	switch (c->kind == COLUMN_PRIMITIVE ? c->type : 100) {
	case COLUMN_BOOLEAN:
		return "true or false";
	case COLUMN_INT:
		return "an integer from -2147483648 to 2147483647";
	case COLUMN_LONG:
		return "an integer of 64 bits";
	case COLUMN_FLOAT: case COLUMN_DOUBLE:
		return "a number in its range";
	case COLUMN_DECIMAL:
		return "a number that needs no rounding";
	case COLUMN_DATE:
		return "a string like \"2026-01-31\"";
	case COLUMN_TIME:
		return "a string like \"23:59:59.999\"";
	case COLUMN_TIMESTAMP:
		return "a string like \"2026-01-31T23:59:59.999\", without a zone";
	case COLUMN_TIMESTAMPTZ:
		return "a string like \"2026-01-31T23:59:59.999Z\"";
	case COLUMN_STRING:
		return "a string";
	case COLUMN_UUID:
		return "a string like \"f79c3e09-677c-4bbd-a479-3f349cb785e7\"";
	case COLUMN_BINARY:
		return "a string in base64";
	case COLUMN_FIXED:
		return "a string in base64 of just that many bytes";
	default:
		return c->kind == COLUMN_LIST ? "an array" : "an object";
	}
}

void
convert_explain(int code, const struct parquet_column *c, const struct weir_value *v, char *out, size_t size)
{
	static const char *const kind[] = { "missing", "null", "a boolean", "a boolean", "a number", "a string", "an object", "an array" };
	char type[64];
	int n = v->n < EXCERPT ? (int)v->n : EXCERPT;

	column_type_name(c, type, sizeof type);
	while (n && n < (int)v->n && ((unsigned char)v->p[n] & 0xc0) == 0x80)
		n--;
	if (v->kind <= WEIR_NULL)
		snprintf(out, size, "is %s, but its column (%s) is required", kind[v->kind], type);
	else if (code == CONVERT_NUL)
		snprintf(out, size, "holds U+0000, which many readers of tables cannot have in a string");
	else
		snprintf(out, size, "is %.*s%s, %s; its column (%s) takes %s%s", n, v->p, n < (int)v->n ? "..." : "", kind[v->kind & 7], type,
		    wants(c), (c->type == COLUMN_TIMESTAMP || c->type == COLUMN_TIMESTAMPTZ) && c->kind == COLUMN_PRIMITIVE &&
		    v->kind == WEIR_NUMBER ? ", or a number when the column is declared with a unit" : "");
}
