/*
 * format_host - host names (RFC 1123, RFC 5891) and mail boxes (RFC 5321, RFC 6531).
 */
#include "config.h"

#include <string.h>

#include "format_int.h"

#define LABEL_MAX	63
#define NAME_MAX_BYTES	253

static int
is_ldh(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)(c - '0') <= 9 || c == '-';
}

/* The bytes of the label as DNS has it, or 0. */
static size_t
label(const char *p, size_t n, int idn)
{
	if (n > 4 && (p[0] | 0x20) == 'x' && (p[1] | 0x20) == 'n' && p[2] == '-' && p[3] == '-')
		return n <= LABEL_MAX ? idna_a_label(p + 4, n - 4) : 0;
	if (idn)
		return idna_u_label(p, n);
	if (!n || n > LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!is_ldh(p[i]))
			return 0;
	return n;
}

/* Bytes of the dot at p: the full stop, and in an internationalized name those of RFC 3490, 3.1. */
static size_t
dot(const char *p, size_t left, int idn)
{
	if (*p == '.')
		return 1;
	return idn && left >= 3 && (!memcmp(p, "\xe3\x80\x82", 3) || !memcmp(p, "\xef\xbc\x8e", 3) || !memcmp(p, "\xef\xbd\xa1", 3)) ? 3 : 0;
}

/* With `rule` the Bidi rule must hold for each label; *bidi: some label asks for it. */
static int
is_name(const char *p, size_t n, int idn, int rule, int *bidi)
{
	size_t at = 0, bytes = 0;

	for (size_t i = 0; i <= n; ) {
		const size_t d = i < n ? dot(p + i, n - i, idn) : 1;
		size_t k;

		if (!d) {
			i++;
			continue;
		}
		if (!(k = label(p + at, i - at, idn)) || (bytes += k + 1) > NAME_MAX_BYTES + 1)
			return 0;
		if (rule && !idna_bidi_rule(p + at, i - at))
			return 0;
		*bidi |= idn && idna_is_bidi(p + at, i - at);
		at = i += d;
	}
	return 1;
}

int
format_hostname(const char *p, size_t n)
{
	int bidi = 0;

	return is_name(p, n, 0, 0, &bidi);
}

int
format_idn_hostname(const char *p, size_t n)
{
	int bidi = 0;

	return is_name(p, n, 1, 0, &bidi) && (!bidi || is_name(p, n, 1, 1, &bidi));
}

static int
is_domain(const char *p, size_t n, int idn)
{
	if (n > 2 && p[0] == '[' && p[n - 1] == ']') {
		if (n > 7 && !memcmp(p + 1, "IPv6:", 5))
			return format_ipv6(p + 6, n - 7);
		return format_ipv4(p + 1, n - 2);
	}
	return idn ? format_idn_hostname(p, n) : format_hostname(p, n);
}

/* Dot-string or Quoted-string of RFC 5321, 4.1.2. */
static int
is_mailbox(const char *p, size_t n, int idn)
{
	size_t i = 0, start = 0;

	if (n && p[0] == '"') {
		for (i = 1; i < n && p[i] != '"'; i++) {
			if (p[i] == '\\')
				i++;
			if (i == n || (unsigned char)p[i] < 0x20 || p[i] == 0x7f || (!idn && (unsigned char)p[i] >= 0x80))
				return 0;
		}
		i++;
	} else {
		for (; i < n && p[i] != '@'; i++) {
			if (p[i] == '.') {
				if (i == start)
					return 0;
				start = i + 1;
			} else if (!is_ldh(p[i]) && !((unsigned char)p[i] >= 0x80 ? idn : p[i] && strchr("!#$%&'*+/=?^_`{|}~", p[i]))) {
				return 0;
			}
		}
		if (i == start)
			return 0;
	}
	return i > 0 && i <= 64 && i < n && p[i] == '@' && is_domain(p + i + 1, n - i - 1, idn);
}

int
format_email(const char *p, size_t n)
{
	return is_mailbox(p, n, 0);
}

int
format_idn_email(const char *p, size_t n)
{
	return is_mailbox(p, n, 1);
}
