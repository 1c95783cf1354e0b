#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "emit.h"

/* Length of the UTF-8 sequence at p (RFC 3629), or 0. */
size_t
emit_utf8_length(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;

	if (*p < 0x80)
		return 1;
	if (*p >= 0xc2 && *p <= 0xdf && n > 1 && (p[1] & 0xc0) == 0x80)
		return 2;
	if ((*p & 0xf0) == 0xe0 && n > 2 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 && (*p != 0xe0 || p[1] >= 0xa0) &&
	    (*p != 0xed || p[1] < 0xa0))
		return 3;
	if (*p >= 0xf0 && *p <= 0xf4 && n > 3 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80 &&
	    (*p != 0xf0 || p[1] >= 0x90) && (*p != 0xf4 || p[1] < 0x90))
		return 4;
	return 0;
}

int
emit_string(struct buf *b, const char *text, size_t n)
{
	static const char escape[32] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
	const unsigned char *p = (const unsigned char *)text, *e = p + n;
	char *o;

	if (n > SIZE_MAX / 8 || buf_reserve(b, n * 6 + 2) < 0)
		return -1;
	o = b->p + b->n;
	*o++ = '"';
	while (p < e) {
		if (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
			*o++ = (char)*p++;
		} else if (*p < 0x80) {
			*o++ = '\\';
			if (*p >= 0x20) {
				*o++ = (char)*p;
			} else if (escape[*p]) {
				*o++ = escape[*p];
			} else {
				memcpy(o, "u00", 3);
				o[3] = "01"[*p >> 4];
				o[4] = "0123456789abcdef"[*p & 15];
				o += 5;
			}
			p++;
		} else {
			size_t k = emit_utf8_length((const char *)p, (size_t)(e - p));

			if (k) {
				memcpy(o, p, k);
				o += k;
				p += k;
			} else {
				memcpy(o, "\xef\xbf\xbd", 3);
				o += 3;
				p++;
			}
		}
	}
	*o++ = '"';
	b->n = (size_t)(o - b->p);
	return 0;
}

int
emit_text(struct buf *b, const char *s)
{
	return emit_string(b, s, strlen(s));
}

int
emit_int(struct buf *b, int64_t v)
{
	char text[24], *p = text + sizeof text;
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	return buf_put(b, p, (size_t)(text + sizeof text - p));
}

int
emit_double(struct buf *b, double v)
{
	char text[40];

	if (!isfinite(v))
		return buf_puts(b, "null");
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	return buf_puts(b, text);
}

int
emit_base64(struct buf *b, const void *p, size_t n)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = p;
	char *o;

	if (n > SIZE_MAX / 4 || buf_reserve(b, (n + 2) / 3 * 4 + 2) < 0)
		return -1;
	o = b->p + b->n;
	*o++ = '"';
	for (; n >= 3; s += 3, n -= 3) {
		*o++ = digit[s[0] >> 2];
		*o++ = digit[(s[0] & 3) << 4 | s[1] >> 4];
		*o++ = digit[(s[1] & 15) << 2 | s[2] >> 6];
		*o++ = digit[s[2] & 63];
	}
	if (n) {
		*o++ = digit[s[0] >> 2];
		*o++ = digit[(s[0] & 3) << 4 | (n == 2 ? s[1] >> 4 : 0)];
		*o++ = n == 2 ? digit[(s[1] & 15) << 2] : '=';
		*o++ = '=';
	}
	*o++ = '"';
	b->n = (size_t)(o - b->p);
	return 0;
}
