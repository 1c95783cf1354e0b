#include "config.h"

#include "iso.h"

#define DAY_US	INT64_C(86400000000)

int64_t
iso_days(int64_t y, unsigned m, unsigned d)
{
	/* Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March. */
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void
iso_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*year = yoe + era * 400 + (*month <= 2);
}

/* k digits at p, or -1. */
static int
digits(const char *p, int k)
{
	int v = 0;

	for (; k; k--, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v;
}

static int
date(const char *p, int64_t *days)
{
	static const unsigned char len[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y = digits(p, 4), m = digits(p + 5, 2), d = digits(p + 8, 2);

	if (y < 1 || m < 1 || m > 12 || d < 1 || d > len[m - 1] || p[4] != '-' || p[7] != '-')
		return -1;
	if (m == 2 && d == 29 && (y % 4 || (y % 100 == 0 && y % 400)))
		return -1;
	*days = iso_days(y, (unsigned)m, (unsigned)d);
	return 0;
}

int
iso_parse_date(const char *p, size_t n, int32_t *days)
{
	int64_t v;

	if (n != 10 || date(p, &v) < 0)
		return -1;
	*days = (int32_t)v;
	return 0;
}

/* The zone at p, as microseconds to subtract. */
static int
zone(const char *p, size_t n, int64_t *us)
{
	int h, m;

	*us = 0;
	if (n == 1 && (*p == 'Z' || *p == 'z'))
		return 0;
	if (n != 6 || (*p != '+' && *p != '-') || p[3] != ':')
		return -1;
	h = digits(p + 1, 2);
	m = digits(p + 4, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return -1;
	*us = (h * 60 + m) * INT64_C(60000000) * (*p == '-' ? -1 : 1);
	return 0;
}

static int
parse(const char *p, size_t n, int need_zone, int64_t *us)
{
	int64_t days, off = 0, frac = 0, scale = 1000000;
	const char *e = p + n;
	int h, m, s;

	if (n < 19 || date(p, &days) < 0 || (p[10] != 'T' && p[10] != 't' && p[10] != ' ') || p[13] != ':' || p[16] != ':')
		return -1;
	h = digits(p + 11, 2);
	m = digits(p + 14, 2);
	s = digits(p + 17, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59)
		return -1;
	p += 19;
	if (p < e && *p == '.') {
		const char *q = ++p;

		for (; p < e && *p >= '0' && *p <= '9'; p++)
			if (scale > 1) {
				scale /= 10;
				frac += (*p - '0') * scale;
			}
		if (p == q || p - q > 9)
			return -1;
	}
	if ((p < e || need_zone) && zone(p, (size_t)(e - p), &off) < 0)
		return -1;
	*us = days * DAY_US + (h * 3600 + m * 60 + s) * INT64_C(1000000) + frac - off;
	return *us < ISO_MIN_US || *us > ISO_MAX_US ? -1 : 0;
}

int
iso_parse(const char *p, size_t n, int64_t *us)
{
	return parse(p, n, 1, us);
}

int
iso_parse_loose(const char *p, size_t n, int64_t *us)
{
	int32_t days;

	if (iso_parse_date(p, n, &days) == 0) {
		*us = days * DAY_US;
		return 0;
	}
	if (n == 16 && p[13] == ':') {		/* minutes are enough for a person */
		char full[19];

		for (size_t i = 0; i < 16; i++)
			full[i] = p[i];
		full[16] = ':';
		full[17] = full[18] = '0';
		return parse(full, sizeof full, 0, us);
	}
	return parse(p, n, 0, us);
}

static char *
put(char *p, int64_t v, int width)
{
	for (int i = width; i--; v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

size_t
iso_format(int64_t us, char *out)
{
	int64_t days = (us < 0 ? us - (DAY_US - 1) : us) / DAY_US, in_day = us - days * DAY_US, year;
	int64_t s = in_day / 1000000, frac = in_day % 1000000;
	unsigned month, day;
	char *p = out;

	iso_civil(days, &year, &month, &day);
	p = put(p, year, 4);
	*p++ = '-';
	p = put(p, month, 2);
	*p++ = '-';
	p = put(p, day, 2);
	*p++ = 'T';
	p = put(p, s / 3600, 2);
	*p++ = ':';
	p = put(p, s / 60 % 60, 2);
	*p++ = ':';
	p = put(p, s % 60, 2);
	if (frac) {
		*p++ = '.';
		p = frac % 1000 ? put(p, frac, 6) : put(p, frac / 1000, 3);
	}
	*p++ = 'Z';
	*p = '\0';
	return (size_t)(p - out);
}
