#include "config.h"

#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "iso.h"
#include "show.h"

#define JULIAN_1970	2440588		/* INT96 counts days from there */
#define DAY_NS		INT64_C(86400000000000)

const char show_no_memory[] = "no memory";

static const int64_t per_second[] = { [TAIL_MS] = 1000, [TAIL_US] = 1000000, [TAIL_NS] = 1000000000 };
static const uint8_t unit_digits[] = { [TAIL_MS] = 3, [TAIL_US] = 6, [TAIL_NS] = 9 };

/* By what the file says alone. */
static const char *
natural(struct show *s, const struct tail_node *n)
{
	static const uint8_t forms[] = { [PARQUET_BOOLEAN] = SHOW_BOOLEAN, [PARQUET_INT32] = SHOW_INTEGER, [PARQUET_INT64] = SHOW_INTEGER,
	    [PARQUET_INT96] = SHOW_INT96, [PARQUET_FLOAT] = SHOW_FLOAT, [PARQUET_DOUBLE] = SHOW_DOUBLE, [PARQUET_BYTE_ARRAY] = SHOW_BASE64,
	    [PARQUET_FIXED] = SHOW_BASE64 };
	int i32 = n->physical == PARQUET_INT32, i64 = n->physical == PARQUET_INT64;
	int bytes = n->physical == PARQUET_BYTE_ARRAY, fixed = n->physical == PARQUET_FIXED;

	*s = (struct show){ .form = forms[n->physical], .unit = n->unit, .utc = n->utc };
	switch (n->logical) {
	case LOGICAL_NULL:
		s->form = SHOW_NULL;
		break;
	case LOGICAL_STRING: case LOGICAL_ENUM: case LOGICAL_JSON:
		if (bytes || fixed)
			s->form = SHOW_TEXT;
		break;
	case LOGICAL_DECIMAL:
		if (n->scale < 0 || n->scale > NUMBER_DIGITS)
			return "its decimal scale is none from 0 to 38";
		s->scale = (uint8_t)n->scale;
		s->form = i32 || i64 ? SHOW_DECIMAL : bytes || fixed ? SHOW_DECIMAL_BYTES : s->form;
		break;
	case LOGICAL_DATE:
		if (i32)
			s->form = SHOW_DATE;
		break;
	case LOGICAL_TIME:
		if (n->unit == TAIL_MS ? i32 : i64)
			s->form = SHOW_TIME;
		break;
	case LOGICAL_TIMESTAMP:
		if (i64)
			s->form = SHOW_TIMESTAMP;
		break;
	case LOGICAL_INTEGER:
		if ((i32 || i64) && n->is_unsigned) {
			s->form = SHOW_UNSIGNED;
			s->bits = i64 ? 64 : 32;
		}
		break;
	case LOGICAL_UUID:
		if (fixed && n->length == 16)
			s->form = SHOW_UUID;
		break;
	case LOGICAL_FLOAT16:
		if (fixed && n->length == 2)
			s->form = SHOW_HALF;
		break;
	case LOGICAL_INTERVAL:
		if (fixed && n->length == 12)
			s->form = SHOW_INTERVAL;
		break;
	}
	return NULL;
}

const char *
show_pick(struct show *s, const struct tail_node *n, const struct parquet_column *want)
{
	const char *bad = natural(s, n);
	int integer = s->form == SHOW_INTEGER || s->form == SHOW_UNSIGNED, bytes = n->physical == PARQUET_BYTE_ARRAY || n->physical == PARQUET_FIXED;

	if (bad || !want)
		return bad;
	switch (want->type) {
	case COLUMN_BOOLEAN:
		return s->form == SHOW_BOOLEAN ? NULL : "boolean";
	case COLUMN_INT:
		return integer && n->physical == PARQUET_INT32 ? NULL : "int";
	case COLUMN_LONG:
		return integer ? NULL : "long";
	case COLUMN_FLOAT:
		return s->form == SHOW_FLOAT || s->form == SHOW_HALF ? NULL : "float";
	case COLUMN_DOUBLE:
		if (s->form == SHOW_FLOAT || s->form == SHOW_HALF)	/* a promoted column: every value of it shows as a double */
			s->form = s->form == SHOW_FLOAT ? SHOW_DOUBLE : SHOW_HALF;
		return s->form == SHOW_DOUBLE || s->form == SHOW_HALF ? NULL : "double";
	case COLUMN_DECIMAL:
		return (s->form == SHOW_DECIMAL || s->form == SHOW_DECIMAL_BYTES) && s->scale == want->scale ? NULL : "decimal of that scale";
	case COLUMN_DATE:
		if (s->form == SHOW_INTEGER && n->physical == PARQUET_INT32)
			s->form = SHOW_DATE;
		return s->form == SHOW_DATE ? NULL : "date";
	case COLUMN_TIME:
		return s->form == SHOW_TIME ? NULL : "time";
	case COLUMN_TIMESTAMP: case COLUMN_TIMESTAMPTZ:
		if (s->form == SHOW_INTEGER && n->physical == PARQUET_INT64) {
			s->form = SHOW_TIMESTAMP;
			s->unit = TAIL_US;
		}
		s->utc = want->type == COLUMN_TIMESTAMPTZ;
		return s->form == SHOW_TIMESTAMP || s->form == SHOW_INT96 ? NULL : "timestamp";
	case COLUMN_STRING:
		if (s->form == SHOW_BASE64)
			s->form = SHOW_TEXT;
		return s->form == SHOW_TEXT ? NULL : "string";
	case COLUMN_UUID:
		if (n->physical == PARQUET_FIXED && n->length == 16)
			s->form = SHOW_UUID;
		return s->form == SHOW_UUID ? NULL : "uuid";
	case COLUMN_FIXED:
		if (n->physical == PARQUET_FIXED && (uint32_t)n->length != want->length)
			return "fixed of that length";
		/* fall through */
	default:
		s->form = SHOW_BASE64;
		return bytes ? NULL : "binary";
	}
}

/* Shortest digits that read back as the float. */
static int
put_float(struct buf *out, float v)
{
	char text[32];

	if (!isfinite(v))
		return emit_text(out, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, (double)v);
		if (strtof(text, NULL) == v)
			break;
	}
	if (!strpbrk(text, ".e"))
		strcat(text, ".0");
	return buf_puts(out, text);
}

static int
put_double(struct buf *out, double v)
{
	return isfinite(v) ? emit_double(out, v) : emit_text(out, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

/* IEEE 754 binary16, little-endian */
static float
half(const uint8_t *p)
{
	unsigned h = p[0] | (unsigned)p[1] << 8, exponent = h >> 10 & 31, fraction = h & 1023;
	float v = exponent == 31 ? fraction ? NAN : INFINITY : exponent ? ldexpf((float)(1024 + fraction), (int)exponent - 25) :
	    ldexpf((float)fraction, -24);

	return h >> 15 ? -v : v;
}

/* Two's complement, big-endian, any length that a 128-bit value fills. */
static const char *
decimal_bytes(const uint8_t *p, size_t n, __int128 *v)
{
	unsigned __int128 u;

	if (n == 0)
		return "a decimal has no bytes";
	u = p[0] & 0x80 ? ~(unsigned __int128)0 : 0;
	for (; n > 16; n--, p++)
		if (*p != (uint8_t)u || ((p[1] ^ *p) & 0x80))
			return "a decimal has more than 38 digits";
	for (; n; n--)
		u = u << 8 | *p++;
	*v = (__int128)u;
	return NULL;
}

static const char *
put_decimal(struct buf *out, __int128 coef, int scale)
{
	struct number v = { .coef = coef, .scale = scale };
	char text[NUMBER_SIZE];
	__int128 limit = 1;

	for (int i = 0; i < NUMBER_DIGITS; i++)
		limit *= 10;
	if (coef >= limit || coef <= -limit)
		return "a decimal has more than 38 digits";
	return buf_put(out, text, number_format(&v, text)) < 0 ? show_no_memory : NULL;
}

/* The fewest of 0, 3, 6 or 9 fraction digits that keep the value. */
static int
fraction(char *out, size_t size, int64_t part, unsigned digits)
{
	if (part == 0)
		return snprintf(out, size, "%s", "");
	while (digits > 3 && part % 1000 == 0) {
		part /= 1000;
		digits -= 3;
	}
	return snprintf(out, size, ".%0*" PRId64, (int)digits, part);
}

static int64_t
floor_div(int64_t a, int64_t b, int64_t *rest)
{
	int64_t q = a / b;

	*rest = a % b;
	if (*rest < 0) {
		*rest += b;
		q--;
	}
	return q;
}

static size_t
date_format(int64_t days, char *out, size_t size)
{
	int64_t year;
	unsigned month, day;
	int n;

	iso_civil(days, &year, &month, &day);
	if (year >= 0 && year <= 9999)
		n = snprintf(out, size, "%04" PRId64 "-%02u-%02u", year, month, day);
	else
		n = snprintf(out, size, "%+05" PRId64 "-%02u-%02u", year, month, day);
	return (size_t)n;
}

static size_t
clock_format(int64_t seconds, int64_t part, unsigned digits, char *out, size_t size)
{
	int n = snprintf(out, size, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));

	return (size_t)(n + fraction(out + n, size - (size_t)n, part, digits));
}

static int
put_timestamp(struct buf *out, int64_t seconds, int64_t part, unsigned digits, int utc)
{
	char text[96];
	int64_t second, day = floor_div(seconds, 86400, &second);
	size_t n = 0;

	text[n++] = '"';
	n += date_format(day, text + n, sizeof text - n);
	text[n++] = 'T';
	n += clock_format(second, part, digits, text + n, sizeof text - n);
	if (utc)
		text[n++] = 'Z';
	text[n++] = '"';
	return buf_put(out, text, n);
}

static const char *
put_time(struct buf *out, int64_t v, int unit)
{
	char text[48];
	int64_t part, seconds = floor_div(v, per_second[unit], &part);
	size_t n;

	if (seconds < 0 || seconds >= 86400)
		return "a time of day is none";
	text[0] = '"';
	n = 1 + clock_format(seconds, part, unit_digits[unit], text + 1, sizeof text - 2);
	text[n++] = '"';
	return buf_put(out, text, n) < 0 ? show_no_memory : NULL;
}

/* Nanoseconds of the day, then the Julian day. */
static const char *
int96(const uint8_t *p, int64_t *seconds, int64_t *ns)
{
	uint64_t of_day;
	uint32_t julian;

	memcpy(&of_day, p, 8);
	memcpy(&julian, p + 8, 4);
	of_day = le64toh(of_day);
	if (of_day >= (uint64_t)DAY_NS)
		return "an INT96 timestamp is none";
	*seconds = ((int64_t)le32toh(julian) - JULIAN_1970) * 86400 + (int64_t)(of_day / 1000000000);
	*ns = (int64_t)(of_day % 1000000000);
	return NULL;
}

static int
put_uuid(struct buf *out, const uint8_t *p)
{
	static const char hex[] = "0123456789abcdef";
	char text[38];
	size_t n = 0;

	text[n++] = '"';
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[n++] = '-';
		text[n++] = hex[p[i] >> 4];
		text[n++] = hex[p[i] & 15];
	}
	text[n++] = '"';
	return buf_put(out, text, n);
}

static int
put_interval(struct buf *out, const uint8_t *p)
{
	uint32_t v[3];

	memcpy(v, p, sizeof v);
	return buf_printf(out, "{\"months\":%" PRIu32 ",\"days\":%" PRIu32 ",\"milliseconds\":%" PRIu32 "}", le32toh(v[0]), le32toh(v[1]),
	    le32toh(v[2]));
}

const char *
show_json(const struct show *s, const union decode_cell *c, struct buf *out)
{
	const char *bad;
	char text[40];
	int64_t seconds, part;
	__int128 coef;
	int e;

	switch (s->form) {
	case SHOW_NULL: e = buf_puts(out, "null"); break;
	case SHOW_BOOLEAN: e = buf_puts(out, c->i ? "true" : "false"); break;
	case SHOW_INTEGER: e = emit_int(out, c->i); break;
	case SHOW_UNSIGNED:
		e = buf_printf(out, "%" PRIu64, s->bits == 32 ? (uint64_t)(uint32_t)c->i : (uint64_t)c->i);
		break;
	case SHOW_FLOAT: e = put_float(out, (float)c->d); break;
	case SHOW_DOUBLE: e = put_double(out, c->d); break;
	case SHOW_HALF: e = put_float(out, half(c->b.p)); break;
	case SHOW_DECIMAL: return put_decimal(out, c->i, s->scale);
	case SHOW_DECIMAL_BYTES:
		bad = decimal_bytes(c->b.p, c->b.n, &coef);
		return bad ? bad : put_decimal(out, coef, s->scale);
	case SHOW_DATE:
		text[0] = '"';
		part = (int64_t)date_format(c->i, text + 1, sizeof text - 2);
		text[part + 1] = '"';
		e = buf_put(out, text, (size_t)part + 2);
		break;
	case SHOW_TIME: return put_time(out, c->i, s->unit);
	case SHOW_TIMESTAMP:
		seconds = floor_div(c->i, per_second[s->unit], &part);
		e = put_timestamp(out, seconds, part, unit_digits[s->unit], s->utc);
		break;
	case SHOW_INT96:
		if ((bad = int96(c->b.p, &seconds, &part)))
			return bad;
		e = put_timestamp(out, seconds, part, 9, s->utc);
		break;
	case SHOW_TEXT: e = emit_string(out, (const char *)c->b.p, c->b.n); break;
	case SHOW_BASE64: e = emit_base64(out, c->b.p, c->b.n); break;
	case SHOW_UUID: e = put_uuid(out, c->b.p); break;
	case SHOW_INTERVAL: e = put_interval(out, c->b.p); break;
	default: return "a value of an unknown form";
	}
	return e < 0 ? show_no_memory : NULL;
}

int
show_key(const struct show *s, const union decode_cell *c, struct show_key *k)
{
	int64_t seconds, ns;

	*k = (struct show_key){ .kind = SHOW_KEY_NUMBER };
	switch (s->form) {
	case SHOW_BOOLEAN: case SHOW_INTEGER: case SHOW_DATE:
		k->number.coef = c->i;
		return 0;
	case SHOW_UNSIGNED:
		k->number.coef = s->bits == 32 ? (uint64_t)(uint32_t)c->i : (uint64_t)c->i;
		return 0;
	case SHOW_DECIMAL:
		k->number.coef = c->i;
		k->number.scale = s->scale;
		return 0;
	case SHOW_DECIMAL_BYTES:
		k->number.scale = s->scale;
		return decimal_bytes(c->b.p, c->b.n, &k->number.coef) ? -1 : 0;
	case SHOW_TIME: case SHOW_TIMESTAMP:
		k->number.coef = c->i;
		k->number.scale = unit_digits[s->unit];
		return 0;
	case SHOW_INT96:
		if (int96(c->b.p, &seconds, &ns))
			return -1;
		k->number.coef = (__int128)seconds * 1000000000 + ns;
		k->number.scale = 9;
		return 0;
	case SHOW_FLOAT: case SHOW_DOUBLE:
		k->kind = SHOW_KEY_DOUBLE;
		k->d = c->d;
		return 0;
	case SHOW_HALF:
		k->kind = SHOW_KEY_DOUBLE;
		k->d = (double)half(c->b.p);
		return 0;
	case SHOW_TEXT: case SHOW_BASE64: case SHOW_UUID:
		k->kind = SHOW_KEY_BYTES;
		k->bytes.p = c->b.p;
		k->bytes.n = c->b.n;
		return 0;
	default:
		return -1;
	}
}

int
show_key_bound(const struct show *s, const struct tail_node *leaf, const char *p, size_t n, struct show_key *k)
{
	union decode_cell c;
	uint32_t v;
	uint64_t w;
	float f;

	switch (leaf->physical) {
	case PARQUET_BOOLEAN:
		if (n != 1)
			return -1;
		c.i = p[0] != 0;
		break;
	case PARQUET_INT32: case PARQUET_FLOAT:
		if (n != 4)
			return -1;
		memcpy(&v, p, 4);
		v = le32toh(v);
		if (leaf->physical == PARQUET_FLOAT) {
			memcpy(&f, &v, 4);
			c.d = (double)f;
		} else
			c.i = (int32_t)v;
		break;
	case PARQUET_INT64: case PARQUET_DOUBLE:
		if (n != 8)
			return -1;
		memcpy(&w, p, 8);
		w = le64toh(w);
		if (leaf->physical == PARQUET_DOUBLE)
			memcpy(&c.d, &w, 8);
		else
			c.i = (int64_t)w;
		break;
	case PARQUET_INT96:
		return -1;			/* its order is not defined */
	default:
		if (s->form == SHOW_HALF || (s->form == SHOW_DECIMAL_BYTES && leaf->physical == PARQUET_FIXED && n != (size_t)leaf->length))
			return -1;
		c.b.p = (const uint8_t *)p;
		c.b.n = (uint32_t)n;
	}
	if (show_key(s, &c, k) < 0)
		return -1;
	return k->kind == SHOW_KEY_DOUBLE && isnan(k->d) ? -1 : 0;
}

int
show_compare(const struct show_key *a, const struct show_key *b)
{
	size_t n;
	int c;

	if (a->kind != b->kind)
		return 2;
	switch (a->kind) {
	case SHOW_KEY_NUMBER:
		c = number_cmp(&a->number, &b->number);
		return c < 0 ? -1 : c > 0;
	case SHOW_KEY_DOUBLE:
		return isnan(a->d) || isnan(b->d) ? 2 : a->d < b->d ? -1 : a->d > b->d;
	default:
		n = a->bytes.n < b->bytes.n ? a->bytes.n : b->bytes.n;
		c = n ? memcmp(a->bytes.p, b->bytes.p, n) : 0;
		return c ? c < 0 ? -1 : 1 : a->bytes.n < b->bytes.n ? -1 : a->bytes.n > b->bytes.n;
	}
}
