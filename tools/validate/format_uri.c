/*
 * format_uri - URIs (RFC 3986), IRIs (RFC 3987), URI templates (RFC 6570).
 */
#include "config.h"

#include <string.h>

#include "format_int.h"

enum { UNRESERVED = 1, SUB_DELIM = 2, COLON_AT = 4, SLASH = 8, QUESTION = 16 };

static const unsigned char class[128] = {
	['-'] = UNRESERVED, ['.'] = UNRESERVED, ['_'] = UNRESERVED, ['~'] = UNRESERVED,
	['!'] = SUB_DELIM, ['$'] = SUB_DELIM, ['&'] = SUB_DELIM, ['\''] = SUB_DELIM, ['('] = SUB_DELIM, [')'] = SUB_DELIM, ['*'] = SUB_DELIM,
	['+'] = SUB_DELIM, [','] = SUB_DELIM, [';'] = SUB_DELIM, ['='] = SUB_DELIM, [':'] = COLON_AT, ['@'] = COLON_AT, ['/'] = SLASH,
	['?'] = QUESTION,
};

static int
is_alpha(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static int
is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

static int
is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* One code point of valid UTF-8. */
static unsigned
code_point(const char *s, size_t *len)
{
	const unsigned char *p = (const unsigned char *)s;

	if (*p < 0xe0) {
		*len = 2;
		return (*p & 0x1fu) << 6 | (p[1] & 0x3fu);
	}
	if (*p < 0xf0) {
		*len = 3;
		return (*p & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	}
	*len = 4;
	return (*p & 7u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
}

/* ucschar of RFC 3987; private characters only in a query. */
static int
is_ucschar(unsigned c, int query)
{
	if ((c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000)
		return query;
	return c >= 0xa0 && !(c >= 0xfdd0 && c <= 0xfdef) && (c & 0xfffe) != 0xfffe && c <= 0xeffff && c != 0xfff9 && c != 0xfffa &&
	    c != 0xfffb && c != 0xfffc && c != 0xfffd;
}

/* p up to the first byte that is not allowed; that must be `end`. */
static int
only(const char *p, const char *end, int allowed, int iri, int query)
{
	while (p < end) {
		size_t len = 1;

		if ((unsigned char)*p >= 0x80) {
			if (!iri || !is_ucschar(code_point(p, &len), query))
				return 0;
		} else if (*p == '%') {
			if (end - p < 3 || !is_hex(p[1]) || !is_hex(p[2]))
				return 0;
			len = 3;
		} else if (!is_alpha(*p) && !is_digit(*p) && !(class[(unsigned char)*p] & allowed)) {
			return 0;
		}
		p += len;
	}
	return 1;
}

static int
is_ip_literal(const char *p, const char *end)
{
	if (end - p >= 4 && (*p | 0x20) == 'v') {
		const char *q = p + 1;

		while (q < end && is_hex(*q))
			q++;
		return q > p + 1 && q < end && *q == '.' && q + 1 < end && !memchr(q, '%', (size_t)(end - q)) &&
		    only(q + 1, end, UNRESERVED | SUB_DELIM | COLON_AT, 0, 0) && !memchr(q, '@', (size_t)(end - q));
	}
	return format_ipv6(p, (size_t)(end - p));
}

static int
is_authority(const char *p, const char *end, int iri)
{
	const char *at = memchr(p, '@', (size_t)(end - p)), *port;

	if (at) {
		if (memchr(at + 1, '@', (size_t)(end - at - 1)) || !only(p, at, UNRESERVED | SUB_DELIM | COLON_AT, iri, 0))
			return 0;
		p = at + 1;
	}
	if (p < end && *p == '[') {
		const char *close = memchr(p, ']', (size_t)(end - p));

		if (!close || !is_ip_literal(p + 1, close))
			return 0;
		p = port = close + 1;
	} else {
		for (port = p; port < end && *port != ':'; port++)
			;
		if (!only(p, port, UNRESERVED | SUB_DELIM, iri, 0))
			return 0;
	}
	if (port < end && *port++ != ':')
		return 0;
	while (port < end)
		if (!is_digit(*port++))
			return 0;
	return 1;
}

static int
is_reference(const char *p, size_t n, int iri, int relative)
{
	const char *end = p + n, *q = p, *part;
	const int path = UNRESERVED | SUB_DELIM | COLON_AT | SLASH;
	int scheme = 0;

	if ((part = memchr(p, '#', n))) {
		if (!only(part + 1, end, path | QUESTION, iri, 0))
			return 0;
		end = part;
	}
	if (q < end && is_alpha(*q)) {
		while (q < end && (is_alpha(*q) || is_digit(*q) || *q == '+' || *q == '-' || *q == '.'))
			q++;
		if (q < end && *q == ':') {
			scheme = 1;
			p = q + 1;
		}
	}
	if (!scheme && !relative)
		return 0;
	if ((part = memchr(p, '?', (size_t)(end - p)))) {
		if (!only(part + 1, end, path | QUESTION, iri, 1))
			return 0;
		end = part;
	}
	if (end - p >= 2 && p[0] == '/' && p[1] == '/') {
		for (q = p + 2; q < end && *q != '/'; q++)
			;
		if (!is_authority(p + 2, q, iri))
			return 0;
		p = q;
	} else if (!scheme) {
		for (q = p; q < end && *q != '/'; q++)	/* "a:b" would be a scheme */
			if (*q == ':')
				return 0;
	}
	return only(p, end, path, iri, 0);
}

int
format_uri(const char *p, size_t n)
{
	return is_reference(p, n, 0, 0);
}

int
format_uri_reference(const char *p, size_t n)
{
	return is_reference(p, n, 0, 1);
}

int
format_iri(const char *p, size_t n)
{
	return is_reference(p, n, 1, 0);
}

int
format_iri_reference(const char *p, size_t n)
{
	return is_reference(p, n, 1, 1);
}

/* One variable with its modifier, p up to `end` (RFC 6570, 2.3 and 2.4). */
static int
is_varspec(const char *p, const char *end)
{
	const char *const start = p;

	while (p < end && *p != ':' && *p != '*') {
		if (*p == '%') {
			if (end - p < 3 || !is_hex(p[1]) || !is_hex(p[2]))
				return 0;
			p += 3;
		} else if (*p == '.') {
			if (p == start || p + 1 == end || p[1] == '.' || p[1] == ':' || p[1] == '*')
				return 0;
			p++;
		} else if (is_alpha(*p) || is_digit(*p) || *p == '_') {
			p++;
		} else {
			return 0;
		}
	}
	if (p == start)
		return 0;
	if (p == end)
		return 1;
	if (*p == '*')
		return p + 1 == end;
	if (end - ++p < 1 || end - p > 4 || *p == '0')
		return 0;
	while (p < end)
		if (!is_digit(*p++))
			return 0;
	return 1;
}

int
format_uri_template(const char *p, size_t n)
{
	const char *const end = p + n;

	while (p < end) {
		const char *close;
		size_t len = 1;

		if ((unsigned char)*p >= 0x80) {
			if (!is_ucschar(code_point(p, &len), 1))
				return 0;
			p += len;
		} else if (*p == '%') {
			if (end - p < 3 || !is_hex(p[1]) || !is_hex(p[2]))
				return 0;
			p += 3;
		} else if (*p == '{') {
			if (!(close = memchr(p, '}', (size_t)(end - p))))
				return 0;
			p++;
			if (p < close && strchr("+#./;?&", *p))	/* "=,!@|" are reserved for later */
				p++;
			for (;;) {
				const char *comma = memchr(p, ',', (size_t)(close - p));

				if (!is_varspec(p, comma ? comma : close))
					return 0;
				if (!comma)
					break;
				p = comma + 1;
			}
			p = close + 1;
		} else if ((unsigned char)*p <= 0x20 || *p == 0x7f || strchr("\"<>\\^`{|}", *p)) {
			return 0;
		} else {
			p++;
		}
	}
	return 1;
}
