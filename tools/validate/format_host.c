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

int
format_hostname(const char *p, size_t n)
{
	size_t label = 0;

	if (!n || n > NAME_MAX_BYTES)
		return 0;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && p[i] != '.') {
			if (!is_ldh(p[i]))
				return 0;
			label++;
			continue;
		}
		if (!label || label > LABEL_MAX || p[i - 1] == '-' || p[i - label] == '-')
			return 0;
		label = 0;
	}
	return 1;
}

int
format_idn_hostname(const char *p, size_t n)
{
	return format_hostname(p, n);
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
