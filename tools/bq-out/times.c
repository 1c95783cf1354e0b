/*
 * DATE, TIME, DATETIME, TIMESTAMP and INTERVAL.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "cell.h"
#include "iso.h"

#define DAY_US		INT64_C(86400000000)
#define MAX_OFFSET	(14 * 60)	/* minutes */
#define MAX_MONTHS	120000		/* of an INTERVAL: 10,000 years */
#define MAX_DAYS	3660000
#define MAX_TIME_US	(INT64_C(87840000) * 3600 * 1000000)

static int
bad(struct cell *c, const char *why)
{
	c->why = why;
	return CELL_BAD;
}

static inline int
is_digit(const char *p, const char *e)
{
	return p < e && (unsigned char)(*p - '0') < 10;
}

/* ---------------------------------------------------------------- points in time */

/* "2026-01-31" in ten bytes; most events are of the day of the one before. */
static inline int
date(struct cell *c, const char *p, int32_t *days)
{
	int32_t number;

	if (memcmp(p, c->day, sizeof c->day) || !*p) {
		if (iso_parse_date(p, sizeof c->day, &number) < 0)
			return -1;
		memcpy(c->day, p, sizeof c->day);
		c->day_number = number;
	}
	*days = c->day_number;
	return 0;
}

static inline unsigned
two(const char *p)
{
	unsigned a = (unsigned char)(p[0] - '0'), b = (unsigned char)(p[1] - '0');

	return a > 9 || b > 9 ? 1000 : a * 10 + b;
}

/* "hh:mm:ss[.fraction]" at p, as far as it goes: the byte behind it, or NULL.  *surplus is where digits begin that are one too many and
 * all zeros, else NULL. */
static const char *
clock_time(struct cell *c, const char *p, const char *e, unsigned fraction, int64_t *us, const char **surplus)
{
	int64_t scale = 1000000;
	unsigned h, m, s;
	const char *first, *keep;

	*surplus = NULL;
	if (e - p < 8 || p[2] != ':' || p[5] != ':' || (h = two(p)) > 23 || (m = two(p + 3)) > 59 || (s = two(p + 6)) > 59)
		return NULL;
	*us = (int64_t)(h * 3600 + m * 60 + s) * 1000000;
	p += 8;
	if (p == e || *p != '.')
		return p;
	first = ++p;
	for (; is_digit(p, e); p++)
		*us += (*p - '0') * (scale /= 10);
	if (p == first)
		return NULL;
	if ((size_t)(p - first) <= fraction)
		return p;
	for (keep = first + fraction; keep < p; keep++)
		if (*keep != '0') {
			c->why = fraction == 6 ? "has more digits than the microseconds that fit" : "has more digits than the picoseconds that fit";
			return NULL;
		}
	*surplus = first + fraction;
	return p;
}

/* "Z", "+hh:mm", "+hh", "UTC", a blank before it or not: minutes east, or 1000. */
static int
zone(const char *p, const char *e)
{
	unsigned h, m = 0;
	size_t n;

	p += p < e && *p == ' ';
	n = (size_t)(e - p);
	if ((n == 1 && (*p == 'Z' || *p == 'z')) || (n == 3 && !memcmp(p, "UTC", 3)))
		return 0;
	if ((n != 3 && n != 6) || (*p != '+' && *p != '-') || (h = two(p + 1)) > 14 || (n == 6 && (p[3] != ':' || (m = two(p + 4)) > 59)) ||
	    h * 60 + m > MAX_OFFSET)
		return 1000;
	return (int)(h * 60 + m) * (*p == '-' ? -1 : 1);
}

/* The text without what clock_time() found to be too much. */
static int
without(const char *p, const char *e, const char *surplus, const char *rest, struct buf *out)
{
	if (buf_reserve(out, (size_t)(e - p) + 2) < 0)
		return WEIR_EAGAIN;
	buf_putc(out, '"');
	buf_put(out, p, (size_t)(surplus - p));
	buf_put(out, rest, (size_t)(e - rest));
	buf_putc(out, '"');
	return CELL_CHANGED;
}

int
cell_time(struct cell *c, unsigned type, unsigned fraction, const char *p, size_t n, int64_t *order, struct buf *out)
{
	const char *e = p + n, *t = p, *rest, *surplus;
	int32_t days = 0;
	int64_t us = 0;
	int offset = 0;

	if (type != SCHEMA_TIME) {
		if (n < 10 || date(c, p, &days) < 0)
			return CELL_BAD;
		if (type == SCHEMA_DATE) {
			*order = days;
			return n == 10 ? CELL_AS_IS : CELL_BAD;
		}
		if (n < 19 || (p[10] != 'T' && p[10] != ' ' && p[10] != 't'))
			return CELL_BAD;
		t = p + 11;
	}
	if (!(rest = clock_time(c, t, e, fraction, &us, &surplus)))
		return CELL_BAD;
	if (type == SCHEMA_TIMESTAMP) {
		if (rest == e)
			return bad(c, "has no zone");
		if ((offset = zone(rest, e)) == 1000)
			return CELL_BAD;
	} else if (rest < e) {
		return zone(rest, e) != 1000 ? bad(c, "has a zone") : CELL_BAD;
	}
	*order = days * DAY_US + us - offset * INT64_C(60000000);
	if (type == SCHEMA_TIMESTAMP && (*order < ISO_MIN_US || *order > ISO_MAX_US))
		return bad(c, "is beyond the years 1 to 9999 in UTC");
	return surplus ? without(p, e, surplus, rest, out) : CELL_AS_IS;
}

/* ---------------------------------------------------------------- INTERVAL */

struct interval {
	int64_t	months, days, us;
};

/* Digits at *p, at most ten of them; -1: none, or more. */
static int64_t
count(const char **p, const char *e)
{
	const char *first = *p;
	int64_t v = 0;

	for (; is_digit(*p, e) && *p - first < 10; (*p)++)
		v = v * 10 + (**p - '0');
	return *p == first || is_digit(*p, e) ? -1 : v;
}

/* ".ffffff" at *p, if there: microseconds, or -1. */
static int64_t
micros(const char **p, const char *e)
{
	int64_t us = 0, scale = 1000000;
	const char *first;

	if (*p == e || **p != '.')
		return 0;
	for (first = ++*p; is_digit(*p, e) && *p - first < 6; (*p)++)
		us += (**p - '0') * (scale /= 10);
	return *p == first || is_digit(*p, e) ? -1 : us;
}

static int
minus(const char **p, const char *e)
{
	if (*p < e && (**p == '-' || **p == '+'))
		return *(*p)++ == '-' ? -1 : 1;
	return 1;
}

/* "P1Y2M3DT4H5M6.789S": each part has a sign of its own. */
static int
iso_interval(const char *p, const char *e, struct interval *v)
{
	static const char units[] = "YMDHMS";
	static const int64_t worth[] = { 12, 1, 1, INT64_C(3600000000), INT64_C(60000000), 1000000 };
	size_t unit = 0;
	int any = 0, timed = 0;

	for (p++; p < e;) {
		int64_t n, us, *to;
		int sign;

		if (*p == 'T' && !timed) {
			timed = 1;
			unit = 3;
			any = 0;
			p++;
			continue;
		}
		sign = minus(&p, e);
		if ((n = count(&p, e)) < 0 || (us = micros(&p, e)) < 0 || p == e)
			return -1;
		while (unit < (timed ? 6u : 3u) && units[unit] != *p)
			unit++;
		if (unit == (timed ? 6u : 3u) || (us && *p != 'S'))
			return -1;
		to = unit < 2 ? &v->months : unit == 2 ? &v->days : &v->us;
		*to += sign * (n * worth[unit] + us);
		any = 1;
		unit++;
		p++;
	}
	return any ? 0 : -1;
}

/* "[-]Y-M [-]D [-]H:M:S[.F]", BigQuery's canonical form. */
static int
canonical_interval(const char *p, const char *e, struct interval *v)
{
	int64_t n[6], us = 0;
	int sign[3];

	sign[0] = minus(&p, e);
	if ((n[0] = count(&p, e)) < 0 || p == e || *p++ != '-' || (n[1] = count(&p, e)) < 0 || p == e || *p++ != ' ')
		return -1;
	sign[1] = minus(&p, e);
	if ((n[2] = count(&p, e)) < 0 || p == e || *p++ != ' ')
		return -1;
	sign[2] = minus(&p, e);
	if ((n[3] = count(&p, e)) < 0 || p == e || *p++ != ':' || (n[4] = count(&p, e)) < 0 || p == e || *p++ != ':' ||
	    (n[5] = count(&p, e)) < 0 || (us = micros(&p, e)) < 0 || p < e)
		return -1;
	v->months = sign[0] * (n[0] * 12 + n[1]);
	v->days = sign[1] * n[2];
	v->us = sign[2] * (((n[3] * 60 + n[4]) * 60 + n[5]) * 1000000 + us);
	return 0;
}

static int
within(int64_t v, int64_t max)
{
	return v >= -max && v <= max;
}

int
cell_interval(struct cell *c, const char *p, size_t n, struct buf *out)
{
	struct interval v = { 0 };
	int64_t s;

	if (n < 2 || (*p == 'P' ? iso_interval(p, p + n, &v) : canonical_interval(p, p + n, &v)) < 0)
		return CELL_BAD;
	if (!within(v.months, MAX_MONTHS) || !within(v.days, MAX_DAYS) || !within(v.us, MAX_TIME_US))
		return bad(c, "is beyond 10000 years, 3660000 days or 87840000 hours");
	s = v.us / 1000000;
	if (buf_printf(out, "\"P%" PRId64 "Y%" PRId64 "M%" PRId64 "DT%" PRId64 "H%" PRId64 "M%s%" PRId64, v.months / 12, v.months % 12, v.days,
	    s / 3600, s / 60 % 60, v.us < 0 && !(s % 60) && v.us % 1000000 ? "-" : "", s % 60) < 0 ||
	    (v.us % 1000000 && buf_printf(out, ".%06" PRId64, v.us % 1000000 < 0 ? -(v.us % 1000000) : v.us % 1000000) < 0) ||
	    buf_puts(out, "S\"") < 0)
		return WEIR_EAGAIN;
	return CELL_CHANGED;
}
