#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "iso.h"
#include "number.h"
#include "value.h"

#define DOUBLE_TEXT	768	/* digits that can matter to the nearest double */

struct weir_value
value_of(const char *p, size_t n)
{
	struct weir_value v = { .p = p, .n = (uint32_t)n };

	switch (*p) {
	case '"':
		v.kind = WEIR_STRING;
		v.flags = memchr(p, '\\', n) ? WEIR_ESCAPED : 0;
		break;
	case '{':
		v.kind = WEIR_OBJECT;
		break;
	case '[':
		v.kind = WEIR_ARRAY;
		break;
	case 't':
		v.kind = WEIR_TRUE;
		break;
	case 'f':
		v.kind = WEIR_FALSE;
		break;
	case 'n':
		v.kind = WEIR_NULL;
		break;
	default:
		v.kind = WEIR_NUMBER;
		v.flags = WEIR_INTEGER;
		for (size_t i = 0; i < n; i++)
			if (p[i] == '.' || p[i] == 'e' || p[i] == 'E')
				v.flags = 0;
	}
	return v;
}

static unsigned
hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];

		v = v << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return v;
}

static char *
utf8_put(char *o, unsigned u)
{
	if (u < 0x80) {
		*o++ = (char)u;
	} else if (u < 0x800) {
		*o++ = (char)(0xc0 | u >> 6);
		*o++ = (char)(0x80 | (u & 63));
	} else if (u < 0x10000) {
		*o++ = (char)(0xe0 | u >> 12);
		*o++ = (char)(0x80 | (u >> 6 & 63));
		*o++ = (char)(0x80 | (u & 63));
	} else {
		*o++ = (char)(0xf0 | u >> 18);
		*o++ = (char)(0x80 | (u >> 12 & 63));
		*o++ = (char)(0x80 | (u >> 6 & 63));
		*o++ = (char)(0x80 | (u & 63));
	}
	return o;
}

/* The code point of the escape at *p (valid JSON); *p moves behind it. */
static unsigned
unescape(const char **p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned u;

	if ((*p)[1] != 'u') {
		u = (unsigned char)to[strchr(from, (*p)[1]) - from];
		*p += 2;
		return u;
	}
	u = hex4(*p + 2);
	*p += 6;
	if (u >= 0xd800 && u < 0xdc00) {
		u = 0x10000 + ((u - 0xd800) << 10) + (hex4(*p + 2) - 0xdc00);
		*p += 6;
	}
	return u;
}

size_t
value_plain(const struct weir_value *v, char *out)
{
	const char *p = v->p, *e = v->p + v->n;
	char *o = out;

	if (!(v->flags & WEIR_ESCAPED)) {
		memcpy(out, v->p, v->n);
		return v->n;
	}
	*o++ = *p++;
	while (p < e - 1) {
		unsigned u;

		if (*p != '\\') {
			*o++ = *p++;
			continue;
		}
		u = unescape(&p);
		if (u == '"' || u == '\\') {
			*o++ = '\\';
			*o++ = (char)u;
		} else if (u < 0x20) {		/* the one escape form that fits every control character's shortest spelling */
			static const char short_form[] = "\b\f\n\r\t", letter[] = "bfnrt";
			const char *s = u ? strchr(short_form, (int)u) : NULL;

			*o++ = '\\';
			if (s) {
				*o++ = letter[s - short_form];
			} else {
				memcpy(o, "u00", 3);
				o[3] = "01"[u >> 4];
				o[4] = "0123456789abcdef"[u & 15];
				o += 5;
			}
		} else {
			o = utf8_put(o, u);
		}
	}
	*o++ = '"';
	return (size_t)(o - out);
}

size_t
value_text(const struct weir_value *v, char *out)
{
	const char *p = v->p + 1, *e = v->p + v->n - 1;
	char *o = out;

	if (!(v->flags & WEIR_ESCAPED)) {
		memcpy(out, p, (size_t)(e - p));
		return (size_t)(e - p);
	}
	while (p < e)
		if (*p == '\\')
			o = utf8_put(o, unescape(&p));
		else
			*o++ = *p++;
	return (size_t)(o - out);
}

size_t
value_text_of(const struct weir_value *v, char *out, const char **p)
{
	if (!(v->flags & WEIR_ESCAPED)) {
		*p = v->p + 1;
		return v->n - 2;
	}
	*p = out;
	return value_text(v, out);
}

int
value_time(const struct weir_value *v, int unit, int64_t *us)
{
	static const struct { int up; int64_t down; } scale[] = {
		[WEIR_UNIT_S] = { 6, 1 }, [WEIR_UNIT_MS] = { 3, 1 }, [WEIR_UNIT_US] = { 0, 1 }, [WEIR_UNIT_NS] = { 0, 1000 },
	};
	struct number x;
	__int128 t;

	if (unit == WEIR_UNIT_ISO) {
		char text[64];
		const char *p;
		size_t n;

		if (v->kind != WEIR_STRING || ((v->flags & WEIR_ESCAPED) && v->n > sizeof text))
			return -1;
		n = value_text_of(v, text, &p);
		return iso_parse(p, n, us);
	}
	if (v->kind != WEIR_NUMBER || number_parse(v->p, v->n, &x) < 0)
		return -1;
	t = x.coef;
	for (int k = x.scale; k < scale[unit].up; k++)
		if (__builtin_mul_overflow(t, 10, &t))
			return -1;
	for (int k = scale[unit].up; k < x.scale; k++)
		t = t / 10 - (t % 10 < 0);		/* floor */
	t = t / scale[unit].down - (t % scale[unit].down < 0);
	if (t < ISO_MIN_US || t > ISO_MAX_US)
		return -1;
	*us = (int64_t)t;
	return 0;
}

int
value_int64(const struct weir_value *v, int64_t *out)
{
	struct number x;
	__int128 c;

	if (v->kind != WEIR_NUMBER)
		return -1;
	if ((v->flags & WEIR_INTEGER) && v->n <= 18) {
		const char *p = v->p, *e = p + v->n;
		int64_t t = 0;

		for (p += *p == '-'; p < e; p++)
			t = t * 10 + (*p - '0');
		*out = *v->p == '-' ? -t : t;
		return 0;
	}
	if (number_parse(v->p, v->n, &x) < 0 || number_rescale(&x, 0, &c) < 0 || c < INT64_MIN || c > INT64_MAX)
		return -1;
	*out = (int64_t)c;
	return 0;
}

int
value_double(const struct weir_value *v, double *out)
{
	static const double ten[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
	    1e18, 1e19, 1e20, 1e21, 1e22 };
	char text[DOUBLE_TEXT + 1];
	struct number x;

	if (v->kind != WEIR_NUMBER)
		return -1;
	/* Both numbers are exact doubles, so their quotient is the nearest one (Clinger's fast path). */
	if (v->n <= 24 && number_parse(v->p, v->n, &x) == 0 && x.scale <= 22 && x.coef <= (INT64_C(1) << 53) && x.coef >= -(INT64_C(1) << 53) &&
	    (x.coef || *v->p != '-')) {
		*out = (double)(int64_t)x.coef / ten[x.scale];
		return 0;
	}
	if (v->n <= DOUBLE_TEXT) {
		memcpy(text, v->p, v->n);
		text[v->n] = '\0';
		*out = strtod(text, NULL);
	} else {
		char *copy = strndup(v->p, v->n);

		if (!copy)
			return -1;
		*out = strtod(copy, NULL);
		free(copy);
	}
	return isfinite(*out) ? 0 : -1;
}
