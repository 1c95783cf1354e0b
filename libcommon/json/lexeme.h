/*
 * lexeme.h - strings, numbers and blanks of JSON (RFC 8259), byte by byte: the
 * inner loops of scan.c and scan_next.c, inline for their sake.
 *
 * A text has SCAN_PAD readable bytes behind its end.
 */
#ifndef LEXEME_H
#define LEXEME_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "scan.h"

static inline uint64_t
load8(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

static inline int
fault(struct scan_fault *f, const char *code, const char *start, const char *p, const char *message)
{
	f->code = code;
	f->at = (size_t)(p - start);
	snprintf(f->message, sizeof f->message, "%s", message);
	return -1;
}

/* RFC 3629.  NULL, or the first byte that is wrong. */
static inline const char *
utf8_check(const char *text, const char *end)
{
	const unsigned char *p = (const unsigned char *)text, *e = (const unsigned char *)end;

	while (p < e) {
		if (e - p >= 8 && !(load8((const char *)p) & UINT64_C(0x8080808080808080))) {
			p += 8;
		} else if (*p < 0x80) {
			p++;
		} else if (*p >= 0xc2 && *p <= 0xdf && e - p > 1 && (p[1] & 0xc0) == 0x80) {
			p += 2;
		} else if ((*p & 0xf0) == 0xe0 && e - p > 2 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
		    (*p != 0xe0 || p[1] >= 0xa0) && (*p != 0xed || p[1] < 0xa0)) {
			p += 3;
		} else if (*p >= 0xf0 && *p <= 0xf4 && e - p > 3 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
		    (p[3] & 0xc0) == 0x80 && (*p != 0xf0 || p[1] >= 0x90) && (*p != 0xf4 || p[1] < 0x90)) {
			p += 4;
		} else {
			return (const char *)p;
		}
	}
	return NULL;
}

static inline int
hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		int c = (unsigned char)p[i], d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* The escape at p (a backslash): its length, or 0 when it is none. */
static inline size_t
escape(const char *p)
{
	int u, low;

	switch (p[1]) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
		return 2;
	case 'u':
		break;
	default:
		return 0;
	}
	if ((u = hex4(p + 2)) < 0 || (u >= 0xdc00 && u <= 0xdfff))
		return 0;
	if (u < 0xd800 || u > 0xdbff)
		return 6;
	if (p[6] != '\\' || p[7] != 'u')
		return 0;
	low = hex4(p + 8);
	return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

/* The first byte from p on that is a quote, a backslash or a control character, or some byte at or behind e when there is
 * none before; *high gets bits of the bytes passed. */
static inline const char *
string_special(const char *p, const char *e, unsigned *high)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);

	for (; p < e; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned hi = (unsigned)_mm_movemask_epi8(v);
		unsigned m = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
		    _mm_cmpeq_epi8(_mm_min_epu8(v, control), v)));

		if (m) {
			unsigned at = (unsigned)__builtin_ctz(m);

			*high |= hi & ((1u << at) - 1);
			return p + at;
		}
		*high |= hi;
	}
#else
	for (; p < e; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\' || c < 0x20)
			return p;
		*high |= c & 0x80;
	}
#endif
	return p;
}

/* The string at p (its opening quote) of a text that ends at e.  Returns the byte behind the closing quote, or NULL with
 * *f filled in. */
static inline __attribute__((always_inline)) const char *
string(const char *start, const char *p, const char *e, uint8_t *flags, struct scan_fault *f)
{
	const char *q = p + 1, *bad;
	unsigned high = 0;

	*flags = 0;
	for (;;) {
		q = string_special(q, e, &high);
		if (q >= e) {
			fault(f, "not-json", start, p, "a string without its closing quote");
			return NULL;
		}
		if (*q == '"')
			break;
		if (*q != '\\') {
			fault(f, "not-json", start, q, "a control character in a string; JSON wants it escaped");
			return NULL;
		}
		size_t n = escape(q);

		if (!n || (size_t)(e - q) < n) {
			fault(f, "not-json", start, q, "an escape that JSON does not have, or half a surrogate pair");
			return NULL;
		}
		*flags = WEIR_ESCAPED;
		q += n;
	}
	if (high && (bad = utf8_check(p + 1, q))) {
		fault(f, "utf-8", start, bad, "bytes that are no UTF-8");
		return NULL;
	}
	return q + 1;
}

static inline int
is_digit(const char *p, const char *e)
{
	return p < e && (unsigned char)(*p - '0') < 10;
}

/* The number at p.  Returns the byte behind it, or NULL. */
static inline const char *
number(const char *p, const char *e, uint8_t *flags)
{
	*flags = WEIR_INTEGER;
	p += *p == '-';
	if (!is_digit(p, e))
		return NULL;
	if (*p++ != '0')
		while (is_digit(p, e))
			p++;
	if (p < e && *p == '.') {
		*flags = 0;
		if (!is_digit(++p, e))
			return NULL;
		while (is_digit(p, e))
			p++;
	}
	if (p < e && (*p == 'e' || *p == 'E')) {
		*flags = 0;
		p++;
		p += *p == '+' || *p == '-';
		if (!is_digit(p, e))
			return NULL;
		while (is_digit(p, e))
			p++;
	}
	return p;
}

static inline const char *
blanks(const char *p, const char *e)
{
	while (p < e && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

#endif
