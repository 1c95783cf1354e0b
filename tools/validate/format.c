/*
 * format - the formats of JSON Schema; see format.h.
 *
 * Times, addresses, pointers and patterns are here; names of hosts and mail
 * boxes in format_host.c, URIs in format_uri.c.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "format_int.h"
#include "regex.h"
#include "jsonschema.h"

static int
is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

static int
two(const char *p)
{
	return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : 100;
}

/* "2026-01-31" */
static int
date_at(const char *p)
{
	static const unsigned char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const int century = two(p), in_century = two(p + 2), month = two(p + 5), day = two(p + 8);
	const int year = century * 100 + in_century;

	if (century > 99 || in_century > 99 || p[4] != '-' || p[7] != '-' || month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return 0;
	return month != 2 || day < 29 || (year % 4 == 0 && (year % 100 || year % 400 == 0));
}

static int
is_date(const char *p, size_t n)
{
	return n == 10 && date_at(p);
}

/* full-time of RFC 3339: with its offset; 60 only in the last second of a day of UTC. */
static int
is_time(const char *p, size_t n)
{
	const char *const end = p + n;
	int hour, minute, second, offset = 0;

	if (n < 9 || p[2] != ':' || p[5] != ':' || (hour = two(p)) > 23 || (minute = two(p + 3)) > 59 || (second = two(p + 6)) > 60)
		return 0;
	p += 8;
	if (*p == '.') {
		if (++p == end || !is_digit(*p))
			return 0;
		while (p < end && is_digit(*p))
			p++;
	}
	if (end - p == 6 && (*p == '+' || *p == '-')) {
		const int h = two(p + 1), m = two(p + 4);

		if (h > 23 || m > 59 || p[3] != ':')
			return 0;
		offset = (*p == '+' ? 1 : -1) * (h * 60 + m);
	} else if (end - p != 1 || (*p | 0x20) != 'z') {
		return 0;
	}
	return second < 60 || (hour * 60 + minute - offset + 2880) % 1440 == 1439;
}

static int
is_date_time(const char *p, size_t n)
{
	return n > 19 && date_at(p) && (p[10] | 0x20) == 't' && is_time(p + 11, n - 11);
}

/* RFC 3339, appendix A: P, then years to days, then T and hours to seconds, without gaps; or weeks alone. */
static int
is_duration(const char *p, size_t n)
{
	static const char date[] = "YMD", time[] = "HMS";
	const char *const end = p + n, *units = date, *next = NULL;
	int any = 0;

	if (n < 3 || *p++ != 'P')
		return 0;
	while (p < end) {
		const char *digits = p, *at;

		if (*p == 'T') {
			if (units == time || ++p == end)
				return 0;
			units = time;
			next = NULL;
			continue;
		}
		while (p < end && is_digit(*p))
			p++;
		if (p == digits || p == end)
			return 0;
		if (*p == 'W')
			return !any && p + 1 == end && units == date;
		if (!(at = strchr(units, *p)) || (next && at != next))
			return 0;
		next = at + 1;
		any = 1;
		p++;
	}
	return any;
}

int
format_ipv4(const char *p, size_t n)
{
	const char *const end = p + n;

	for (int part = 0; part < 4; part++) {
		const char *const start = p;
		int v = 0;

		while (p < end && is_digit(*p) && p - start < 3)
			v = v * 10 + (*p++ - '0');
		if (p == start || v > 255 || (*start == '0' && p - start > 1))
			return 0;
		if (part < 3 && (p == end || *p++ != '.'))
			return 0;
	}
	return p == end;
}

static int
is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

int
format_ipv6(const char *p, size_t n)
{
	const char *const end = p + n;
	int groups = 0, gap = 0;

	if (n < 2 || n > 45)
		return 0;
	if (p[0] == ':') {
		if (p[1] != ':')
			return 0;
		gap = 1;
		p += 2;
	}
	while (p < end) {
		const char *const start = p;

		while (p < end && is_hex(*p))
			p++;
		if (p < end && *p == '.') {
			groups += 2;
			return format_ipv4(start, (size_t)(end - start)) && (gap ? groups <= 7 : groups == 8);
		}
		if (p == start || p - start > 4 || ++groups > 8)
			return 0;
		if (p == end)
			break;
		if (*p++ != ':' || p == end)
			return 0;
		if (*p == ':') {
			if (gap++)
				return 0;
			p++;
		}
	}
	return gap ? groups <= 7 : groups == 8;
}

/* 8 bytes at once: are all of them hexadecimal digits? */
static uint64_t
not_hex8(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	uint64_t v, digit, lower;

	memcpy(&v, p, 8);
	/* Per byte, for bytes below 128: the high bit of v + 128 - a is set from a on. */
	digit = ((v | high) - ones * '0') & ~((v | high) - ones * ('9' + 1));
	lower = v | ones * 0x20;
	lower = ((lower | high) - ones * 'a') & ~((lower | high) - ones * ('f' + 1));
	return (~(digit | lower) | v) & high;
}

static int
is_uuid(const char *p, size_t n)
{
	char hex[32];

	if (n != 36 || p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-')
		return 0;
	memcpy(hex, p, 8);
	memcpy(hex + 8, p + 9, 4);
	memcpy(hex + 12, p + 14, 4);
	memcpy(hex + 16, p + 19, 4);
	memcpy(hex + 20, p + 24, 12);
	return !(not_hex8(hex) | not_hex8(hex + 8) | not_hex8(hex + 16) | not_hex8(hex + 24));
}

static int
is_json_pointer(const char *p, size_t n)
{
	if (n && *p != '/')
		return 0;
	for (size_t i = 0; i < n; i++)
		if (p[i] == '~' && (i + 1 == n || (p[i + 1] != '0' && p[i + 1] != '1')))
			return 0;
	return 1;
}

static int
is_relative_json_pointer(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && is_digit(p[i]))
		i++;
	if (!i || (*p == '0' && i > 1))
		return 0;
	return (i + 1 == n && p[i] == '#') || is_json_pointer(p + i, n - i);
}

static int
is_regex(const char *p, size_t n)
{
	return regex_ok(p, n);
}

#define ALL	(1u << SCHEMA_2020_12 | 1u << SCHEMA_7 | 1u << SCHEMA_2019_09)

/* uuid and duration are younger than draft 7; there is nothing else their names could mean there. */
static const struct format formats[] = {
	{ "date-time", ALL, "a time of RFC 3339 with its zone", is_date_time },
	{ "date", ALL, "a date as 2026-01-31", is_date },
	{ "time", ALL, "a time of day of RFC 3339 with its zone", is_time },
	{ "duration", ALL, "a duration as P1DT12H", is_duration },
	{ "email", ALL, "an e-mail address", format_email },
	{ "idn-email", ALL, "an e-mail address", format_idn_email },
	{ "hostname", ALL, "a host name", format_hostname },
	{ "idn-hostname", ALL, "a host name", format_idn_hostname },
	{ "ipv4", ALL, "an IPv4 address", format_ipv4 },
	{ "ipv6", ALL, "an IPv6 address", format_ipv6 },
	{ "uri", ALL, "an absolute URI", format_uri },
	{ "uri-reference", ALL, "a URI or a relative reference", format_uri_reference },
	{ "iri", ALL, "an absolute IRI", format_iri },
	{ "iri-reference", ALL, "an IRI or a relative reference", format_iri_reference },
	{ "uri-template", ALL, "a URI template", format_uri_template },
	{ "uuid", ALL, "a UUID", is_uuid },
	{ "json-pointer", ALL, "a JSON Pointer", is_json_pointer },
	{ "relative-json-pointer", ALL, "a relative JSON Pointer", is_relative_json_pointer },
	{ "regex", ALL, "a regular expression", is_regex },
};

const struct format *
format_find(const char *name, size_t n, int draft)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i].drafts & 1u << draft && strlen(formats[i].name) == n && !memcmp(formats[i].name, name, n))
			return &formats[i];
	return NULL;
}
