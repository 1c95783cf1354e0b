#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iso.h"
#include "number.h"
#include "transform.h"
#include "weir.h"

#define HOUR_US		INT64_C(3600000000)
#define DAY_US		INT64_C(86400000000)

static const char *const name[] = {
	[TRANSFORM_IDENTITY] = "identity", [TRANSFORM_BUCKET] = "bucket", [TRANSFORM_TRUNCATE] = "truncate", [TRANSFORM_YEAR] = "year",
	[TRANSFORM_MONTH] = "month", [TRANSFORM_DAY] = "day", [TRANSFORM_HOUR] = "hour", [TRANSFORM_VOID] = "void",
};

int
transform_parse(const char *text, struct transform *t)
{
	int end = 0, arg;

	*t = (struct transform){ .kind = TRANSFORM_OTHER };
	for (int k = 0; k < TRANSFORM_OTHER; k++)
		if (k != TRANSFORM_BUCKET && k != TRANSFORM_TRUNCATE && strcmp(text, name[k]) == 0)
			t->kind = k;
	if (sscanf(text, "bucket [ %9d ] %n", &arg, &end) == 1 && end && !text[end])
		t->kind = TRANSFORM_BUCKET;
	else if (end = 0, sscanf(text, "truncate [ %9d ] %n", &arg, &end) == 1 && end && !text[end])
		t->kind = TRANSFORM_TRUNCATE;
	else
		return 0;
	t->arg = arg;
	return arg > 0 ? 0 : -1;
}

static int
is_timestamp(const struct schema_field *f)
{
	return f->kind == SCHEMA_TIMESTAMP || f->kind == SCHEMA_TIMESTAMPTZ || f->kind == SCHEMA_TIMESTAMP_NS || f->kind == SCHEMA_TIMESTAMPTZ_NS;
}

static int
fits(const struct transform *t, const struct schema_field *s)
{
	if (!schema_primitive(s) || s->kind == SCHEMA_OTHER)
		return t->kind == TRANSFORM_VOID;
	switch (t->kind) {
	case TRANSFORM_BUCKET:
		return s->kind != SCHEMA_BOOLEAN && s->kind != SCHEMA_FLOAT && s->kind != SCHEMA_DOUBLE;
	case TRANSFORM_TRUNCATE:
		return s->kind == SCHEMA_INT || s->kind == SCHEMA_LONG || s->kind == SCHEMA_DECIMAL || s->kind == SCHEMA_STRING ||
		    s->kind == SCHEMA_BINARY;
	case TRANSFORM_YEAR:
	case TRANSFORM_MONTH:
	case TRANSFORM_DAY:
		return s->kind == SCHEMA_DATE || is_timestamp(s);
	case TRANSFORM_HOUR:
		return is_timestamp(s);
	default:
		return t->kind != TRANSFORM_OTHER;
	}
}

int
transform_type(const struct transform *t, const struct schema_field *s, struct schema_field *r)
{
	memset(r, 0, sizeof *r);
	if (!fits(t, s))
		return -1;
	r->kind = s->kind;
	r->precision = s->precision;
	r->scale = s->scale;
	r->length = s->length;
	if (t->kind == TRANSFORM_DAY)
		r->kind = SCHEMA_DATE;
	else if (t->kind == TRANSFORM_BUCKET || t->kind == TRANSFORM_YEAR || t->kind == TRANSFORM_MONTH || t->kind == TRANSFORM_HOUR)
		r->kind = SCHEMA_INT;
	return 0;
}

/* ---------------------------------------------------------------- hashing */

static uint32_t
rotl(uint32_t x, int r)
{
	return x << r | x >> (32 - r);
}

uint32_t
transform_murmur3(const void *data, size_t n, uint32_t h)
{
	const unsigned char *p = data, *end = p + (n & ~(size_t)3);
	uint32_t k;

	for (; p < end; p += 4) {
		k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		h ^= rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u;
		h = rotl(h, 13) * 5 + 0xe6546b64u;
	}
	k = 0;
	for (size_t i = n & 3; i--; )
		k = k << 8 | p[i];
	h ^= rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u;
	h ^= (uint32_t)n;
	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return h ^ h >> 16;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int32_t
transform_hash(const struct schema_field *s, const struct datum *v)
{
	static const struct schema_field as_long = { .kind = SCHEMA_LONG }, as_double = { .kind = SCHEMA_DOUBLE };
	const struct schema_field *form = s;
	struct datum d = *v;
	char room[DATUM_SIZE];
	const char *p;
	size_t n;

	switch (s->kind) {
	case SCHEMA_BOOLEAN:
	case SCHEMA_INT:
	case SCHEMA_DATE:
		form = &as_long;	/* an int column may become a long without moving its rows to other buckets */
		break;
	case SCHEMA_TIMESTAMP_NS:
	case SCHEMA_TIMESTAMPTZ_NS:
		d.i = floor_div(d.i, 1000);
		break;
	case SCHEMA_FLOAT:
	case SCHEMA_DOUBLE:
		form = &as_double;
		if (d.d == 0)
			d.d = 0;
		break;
	default:
		break;
	}
	n = datum_binary(form, &d, room, &p);
	return (int32_t)transform_murmur3(p, n, 0);
}

/* ---------------------------------------------------------------- applying */

/* Microseconds since 1970 of a date or timestamp. */
static int64_t
micros(const struct schema_field *s, int64_t v)
{
	return s->kind == SCHEMA_DATE ? v * DAY_US : s->kind >= SCHEMA_TIMESTAMP_NS ? floor_div(v, 1000) : v;
}

static int
truncate_to(int32_t w, const struct schema_field *s, const struct datum *in, struct datum *out)
{
	__int128 r, limit = 1;

	switch (s->kind) {
	case SCHEMA_INT:
	case SCHEMA_LONG:
		r = (__int128)in->i - (in->i % w + w) % w;
		out->i = (int64_t)r;
		return r < (s->kind == SCHEMA_INT ? INT32_MIN : INT64_MIN) ? -1 : 0;
	case SCHEMA_DECIMAL:
		out->dec = in->dec - (in->dec % w + w) % w;
		for (int i = 0; i < s->precision; i++)
			limit *= 10;
		return out->dec <= -limit ? -1 : 0;
	default:
		out->s.n = datum_lower(s->kind, in->s.p, in->s.n, (unsigned)w);
		return 0;
	}
}

int
transform_apply(const struct transform *t, const struct schema_field *s, const struct datum *in, struct datum *out)
{
	int64_t us, year;
	unsigned month, day;

	*out = *in;
	if (in->null || t->kind == TRANSFORM_IDENTITY)
		return 0;
	if (!fits(t, s))
		return -1;
	switch (t->kind) {
	case TRANSFORM_VOID:
		out->null = 1;
		return 0;
	case TRANSFORM_BUCKET:
		out->i = (transform_hash(s, in) & INT32_MAX) % t->arg;
		return 0;
	case TRANSFORM_TRUNCATE:
		return truncate_to(t->arg, s, in, out);
	default:
		break;
	}
	us = micros(s, in->i);
	if (t->kind == TRANSFORM_HOUR)
		out->i = floor_div(us, HOUR_US);
	else if (t->kind == TRANSFORM_DAY)
		out->i = floor_div(us, DAY_US);
	else {
		iso_civil(floor_div(us, DAY_US), &year, &month, &day);
		out->i = t->kind == TRANSFORM_YEAR ? year - 1970 : (year - 1970) * 12 + (int64_t)month - 1;
	}
	return 0;
}

int
transform_human(const struct transform *t, const struct schema_field *s, const struct datum *r, struct buf *out)
{
	struct schema_field type;
	const char *text;
	json_t *j;
	int e;

	if (r->null)
		return buf_puts(out, "null");
	if (transform_type(t, s, &type) < 0)
		return -1;
	switch (t->kind) {
	case TRANSFORM_YEAR:
		return buf_printf(out, "%04" PRId64, 1970 + r->i);
	case TRANSFORM_MONTH:
		return buf_printf(out, "%04" PRId64 "-%02d", 1970 + floor_div(r->i, 12), (int)(r->i - floor_div(r->i, 12) * 12) + 1);
	case TRANSFORM_HOUR: {
		struct datum day = { .i = floor_div(r->i, 24) };

		type.kind = SCHEMA_DATE;
		if (!(j = datum_json(&type, &day)))
			return -1;
		e = buf_printf(out, "%s-%02d", json_string_value(j), (int)(r->i - day.i * 24));
		json_decref(j);
		return e;
	}
	default:
		break;
	}
	if (type.kind == SCHEMA_FLOAT || type.kind == SCHEMA_DOUBLE)		/* also NaN and infinities */
		return buf_printf(out, "%.*g", type.kind == SCHEMA_FLOAT ? 9 : 17, r->d);
	if (!(j = datum_json(&type, r)))
		return -1;
	text = json_string_value(j);
	e = text ? buf_put(out, text, json_string_length(j)) :
	    json_is_boolean(j) ? buf_puts(out, json_is_true(j) ? "true" : "false") : buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
	json_decref(j);
	return e;
}
