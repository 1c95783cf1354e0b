#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "datum.h"
#include "iso.h"
#include "number.h"

#define DAY_US		INT64_C(86400000000)

static uint64_t
le(const char *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | (unsigned char)p[n];
	return v;
}

static void
put_le(char *p, uint64_t v, size_t n)
{
	for (; n--; v >>= 8)
		*p++ = (char)v;
}

/* ---------------------------------------------------------------- binary single values */

/* Two's complement, big-endian, as few bytes as keep the sign. */
static size_t
put_decimal(char *out, __int128 v)
{
	size_t n = 16;

	while (n > 1 && (v >> (8 * (n - 1) - 1) == 0 || v >> (8 * (n - 1) - 1) == -1))
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(v >> (8 * (n - 1 - i)));
	return n;
}

size_t
datum_binary(const struct schema_field *t, const struct datum *v, char *out, const char **p)
{
	double d = v->d;
	float f = (float)d;
	uint64_t bits;
	uint32_t bits32;

	*p = out;
	switch (t->kind) {
	case SCHEMA_BOOLEAN:
		*out = v->i != 0;
		return 1;
	case SCHEMA_INT:
	case SCHEMA_DATE:
		put_le(out, (uint64_t)v->i, 4);
		return 4;
	case SCHEMA_FLOAT:
		memcpy(&bits32, &f, sizeof bits32);
		put_le(out, bits32, 4);
		return 4;
	case SCHEMA_DOUBLE:
		memcpy(&bits, &d, sizeof bits);
		put_le(out, bits, 8);
		return 8;
	case SCHEMA_DECIMAL:
		return put_decimal(out, v->dec);
	case SCHEMA_STRING:
	case SCHEMA_UUID:
	case SCHEMA_FIXED:
	case SCHEMA_BINARY:
		*p = v->s.p;
		return v->s.n;
	default:
		put_le(out, (uint64_t)v->i, 8);
		return 8;
	}
}

int
datum_from_binary(const struct schema_field *t, const char *p, size_t n, struct datum *v)
{
	uint64_t bits;
	uint32_t bits32;
	float f;

	memset(v, 0, sizeof *v);
	switch (t->kind) {
	case SCHEMA_BOOLEAN:
		v->i = n && *p;
		return n == 1 ? 0 : -1;
	case SCHEMA_FLOAT:
	case SCHEMA_DOUBLE:
		if (n == 4) {
			bits32 = (uint32_t)le(p, 4);
			memcpy(&f, &bits32, sizeof f);
			v->d = (double)f;
			return 0;
		}
		bits = n == 8 ? le(p, 8) : 0;
		memcpy(&v->d, &bits, sizeof bits);
		return n == 8 && t->kind == SCHEMA_DOUBLE ? 0 : -1;
	case SCHEMA_DECIMAL:
		if (n < 1 || n > 16)
			return -1;
		v->dec = (signed char)p[0];
		for (size_t i = 1; i < n; i++)
			v->dec = (__int128)((unsigned __int128)v->dec << 8 | (unsigned char)p[i]);
		return 0;
	case SCHEMA_UUID:
	case SCHEMA_FIXED:
		if (n != (t->kind == SCHEMA_UUID ? 16 : (size_t)t->length))
			return -1;
		/* fall through */
	case SCHEMA_STRING:
	case SCHEMA_BINARY:
		v->s.p = p;
		v->s.n = n;
		return 0;
	case SCHEMA_INT:
	case SCHEMA_DATE:
		v->i = n == 4 ? (int32_t)(uint32_t)le(p, 4) : 0;
		return n == 4 ? 0 : -1;
	case SCHEMA_OTHER:
		return -1;
	default:
		if (n == 4 && t->kind == SCHEMA_LONG) {		/* written when the column was an int */
			v->i = (int32_t)(uint32_t)le(p, 4);
			return 0;
		}
		v->i = n == 8 ? (int64_t)le(p, 8) : 0;
		return n == 8 ? 0 : -1;
	}
}

/* ---------------------------------------------------------------- JSON single values */

/* "2017-11-16T22:31:08.123456[789]", units of 1/per_s seconds; 0, 3, 6 or 9 fraction digits.  out has ISO_SIZE bytes. */
static size_t
put_timestamp(char *out, int64_t v, int64_t per_s)
{
	int64_t s = v / per_s - (v % per_s < 0), frac = v - s * per_s;
	size_t n = iso_format(s * 1000000, out) - 1;		/* without the Z */

	if (frac && per_s == 1000000)
		return n + (size_t)sprintf(out + n, frac % 1000 ? ".%06" PRId64 : ".%03" PRId64, frac % 1000 ? frac : frac / 1000);
	if (frac)
		return n + (size_t)sprintf(out + n, frac % 1000 ? ".%09" PRId64 : ".%06" PRId64, frac % 1000 ? frac : frac / 1000);
	return n;
}

static json_t *
hex(const char *p, size_t n, int uuid)
{
	static const char digit[] = "0123456789abcdef";
	struct buf b = { 0 };
	json_t *j = NULL;

	for (size_t i = 0; i < n; i++) {
		char c[3] = { digit[(unsigned char)p[i] >> 4], digit[p[i] & 15], '-' };

		if (buf_put(&b, c, uuid && i % 2 && i >= 3 && i <= 9 ? 3 : 2) < 0)
			goto out;
	}
	j = json_stringn(b.n ? b.p : "", b.n);
out:
	buf_free(&b);
	return j;
}

json_t *
datum_json(const struct schema_field *t, const struct datum *v)
{
	char text[NUMBER_SIZE > ISO_SIZE + 16 ? NUMBER_SIZE : ISO_SIZE + 16];
	struct number d;
	size_t n;

	if (v->null)
		return json_null();
	switch (t->kind) {
	case SCHEMA_BOOLEAN:
		return json_boolean(v->i);
	case SCHEMA_INT:
	case SCHEMA_LONG:
		return json_integer(v->i);
	case SCHEMA_FLOAT:
	case SCHEMA_DOUBLE:
		return json_real(v->d);
	case SCHEMA_DECIMAL:
		d = (struct number){ v->dec, t->scale };
		return json_stringn(text, number_format(&d, text));
	case SCHEMA_DATE:
		iso_format(v->i * DAY_US, text);
		return json_stringn(text, 10);
	case SCHEMA_TIME:
		n = put_timestamp(text, v->i, 1000000);
		return json_stringn(text + 11, n - 11);
	case SCHEMA_TIMESTAMP:
	case SCHEMA_TIMESTAMPTZ:
	case SCHEMA_TIMESTAMP_NS:
	case SCHEMA_TIMESTAMPTZ_NS:
		n = put_timestamp(text, v->i, t->kind >= SCHEMA_TIMESTAMP_NS ? 1000000000 : 1000000);
		if (t->kind == SCHEMA_TIMESTAMPTZ || t->kind == SCHEMA_TIMESTAMPTZ_NS) {
			memcpy(text + n, "+00:00", 6);
			n += 6;
		}
		return json_stringn(text, n);
	case SCHEMA_STRING:
		return json_stringn(v->s.p, v->s.n);
	case SCHEMA_UUID:
		return hex(v->s.p, v->s.n, 1);
	case SCHEMA_FIXED:
	case SCHEMA_BINARY:
		return hex(v->s.p, v->s.n, 0);
	default:
		return NULL;
	}
}

/* The fraction of a second at p, scaled to `digits` digits; -1 when it is none. */
static int64_t
fraction(const char *p, size_t n, int digits)
{
	int64_t v = 0;

	if (n < 2 || *p != '.' || n - 1 > (size_t)digits)
		return -1;
	for (size_t i = 1; i <= (size_t)digits; i++) {
		v *= 10;
		if (i < n) {
			if (p[i] < '0' || p[i] > '9')
				return -1;
			v += p[i] - '0';
		}
	}
	return v;
}

/* "2017-11-16T22:31:08[.f]" with "+00:00" behind it or not, in 1/per_s seconds. */
static int
get_timestamp(const char *p, size_t n, int zone, int64_t per_s, int64_t *v)
{
	char text[32];
	int64_t us, frac = 0;

	if (zone) {
		if (n < 6 || memcmp(p + n - 6, "+00:00", 6))
			return -1;
		n -= 6;
	}
	if (n < 19 || (n > 19 && (frac = fraction(p + 19, n - 19, per_s == 1000000 ? 6 : 9)) < 0))
		return -1;
	memcpy(text, p, 19);
	text[19] = 'Z';
	if (p[10] != 'T' || iso_parse(text, 20, &us) < 0 || __builtin_mul_overflow(us / 1000000, per_s, v))
		return -1;
	return __builtin_add_overflow(*v, frac, v) ? -1 : 0;
}

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Hex digits, in a uuid with its dashes, to bytes in *room. */
static int
get_hex(const char *p, size_t n, int uuid, struct datum *v, struct buf *room)
{
	if (uuid && (n != 36 || p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-'))
		return -1;
	room->n = 0;
	if (buf_reserve(room, n / 2 + 1) < 0)
		return -1;
	for (size_t i = 0; i < n; ) {
		if (uuid && p[i] == '-') {
			i++;
			continue;
		}
		if (i + 1 == n || nibble(p[i]) < 0 || nibble(p[i + 1]) < 0)
			return -1;
		room->p[room->n++] = (char)(nibble(p[i]) << 4 | nibble(p[i + 1]));
		i += 2;
	}
	v->s.p = room->p;
	v->s.n = room->n;
	return 0;
}

static int
from_text(const struct schema_field *t, const char *p, size_t n, struct datum *v, struct buf *room)
{
	struct number d;
	char text[64];
	int32_t days;

	switch (t->kind) {
	case SCHEMA_DECIMAL:
		return number_parse(p, n, &d) < 0 ? -1 : number_rescale(&d, t->scale, &v->dec);
	case SCHEMA_DATE:
		if (iso_parse_date(p, n, &days) < 0)
			return -1;
		v->i = days;
		return 0;
	case SCHEMA_TIME:
		if (n > 40)
			return -1;
		return get_timestamp(text, (size_t)snprintf(text, sizeof text, "1970-01-01T%.*s", (int)n, p), 0, 1000000, &v->i);
	case SCHEMA_TIMESTAMP:
	case SCHEMA_TIMESTAMPTZ:
		return get_timestamp(p, n, t->kind == SCHEMA_TIMESTAMPTZ, 1000000, &v->i);
	case SCHEMA_TIMESTAMP_NS:
	case SCHEMA_TIMESTAMPTZ_NS:
		return get_timestamp(p, n, t->kind == SCHEMA_TIMESTAMPTZ_NS, 1000000000, &v->i);
	case SCHEMA_STRING:
		v->s.p = p;
		v->s.n = n;
		return 0;
	case SCHEMA_UUID:
		return get_hex(p, n, 1, v, room);
	case SCHEMA_FIXED:
		return get_hex(p, n, 0, v, room) < 0 || v->s.n != (size_t)t->length ? -1 : 0;
	case SCHEMA_BINARY:
		return get_hex(p, n, 0, v, room);
	default:
		return -1;
	}
}

int
datum_from_json(const struct schema_field *t, const json_t *j, struct datum *v, struct buf *room)
{
	memset(v, 0, sizeof *v);
	if (!j || json_is_null(j)) {
		v->null = 1;
		return 0;
	}
	if (json_is_string(j))
		return from_text(t, json_string_value(j), json_string_length(j), v, room);
	switch (t->kind) {
	case SCHEMA_BOOLEAN:
		v->i = json_is_true(j);
		return json_is_boolean(j) ? 0 : -1;
	case SCHEMA_INT:
	case SCHEMA_LONG:
		v->i = json_integer_value(j);
		return json_is_integer(j) && (t->kind == SCHEMA_LONG || v->i == (int32_t)v->i) ? 0 : -1;
	case SCHEMA_FLOAT:
	case SCHEMA_DOUBLE:
		v->d = json_number_value(j);
		return json_is_number(j) ? 0 : -1;
	default:
		return -1;
	}
}

/* ---------------------------------------------------------------- order and bounds */

int
datum_cmp(const struct schema_field *t, const struct datum *a, const struct datum *b)
{
	size_t n;
	int r;

	switch (t->kind) {
	case SCHEMA_FLOAT:
	case SCHEMA_DOUBLE:
		if (isnan(a->d) || isnan(b->d))
			return isnan(a->d) - isnan(b->d);
		if (a->d == b->d)
			return !!signbit(b->d) - !!signbit(a->d);
		return a->d < b->d ? -1 : 1;
	case SCHEMA_DECIMAL:
		return a->dec < b->dec ? -1 : a->dec > b->dec;
	case SCHEMA_STRING:
	case SCHEMA_UUID:
	case SCHEMA_FIXED:
	case SCHEMA_BINARY:
		n = a->s.n < b->s.n ? a->s.n : b->s.n;
		r = n ? memcmp(a->s.p, b->s.p, n) : 0;
		return r ? r : a->s.n < b->s.n ? -1 : a->s.n > b->s.n;
	default:
		return a->i < b->i ? -1 : a->i > b->i;
	}
}

/* Bytes of the first `width` characters of valid UTF-8. */
static size_t
prefix(const char *p, size_t n, unsigned width)
{
	size_t i = 0;

	for (; i < n && width; width--)
		for (i++; i < n && ((unsigned char)p[i] & 0xC0) == 0x80; )
			i++;
	return i;
}

size_t
datum_lower(int kind, const char *p, size_t n, unsigned width)
{
	return kind == SCHEMA_STRING ? prefix(p, n, width) : n < width ? n : width;
}

static size_t
put_utf8(char *p, uint32_t c)
{
	if (c < 0x80) {
		p[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (char)(0xC0 | c >> 6);
		p[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (char)(0xE0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 63));
		p[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	p[0] = (char)(0xF0 | c >> 18);
	p[1] = (char)(0x80 | (c >> 12 & 63));
	p[2] = (char)(0x80 | (c >> 6 & 63));
	p[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* The character that begins at p, k bytes. */
static uint32_t
get_utf8(const char *p, size_t k)
{
	uint32_t c = k == 1 ? (unsigned char)*p : (unsigned char)*p & (0xFFu >> (k + 1));

	for (size_t i = 1; i < k; i++)
		c = c << 6 | ((unsigned char)p[i] & 63);
	return c;
}

size_t
datum_upper(int kind, const char *p, size_t n, unsigned width, char *out)
{
	size_t keep = datum_lower(kind, p, n, width), at;
	uint32_t c;

	memcpy(out, p, keep);
	if (keep == n)
		return n;
	while (keep) {		/* the last character that has a successor takes it; what is behind it goes */
		if (kind != SCHEMA_STRING) {
			if ((unsigned char)out[keep - 1] != 0xFF) {
				out[keep - 1]++;
				return keep;
			}
			keep--;
			continue;
		}
		for (at = keep - 1; at && ((unsigned char)out[at] & 0xC0) == 0x80; )
			at--;
		c = get_utf8(out + at, keep - at) + 1;
		if (c == 0xD800)
			c = 0xE000;
		if (c < 0x110000)
			return at + put_utf8(out + at, c);
		keep = at;
	}
	return 0;
}
