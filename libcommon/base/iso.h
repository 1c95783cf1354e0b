/*
 * iso.h - instants as text: ISO 8601 (the profile of RFC 3339), UTC, years 1 to 9999.
 */
#ifndef ISO_H
#define ISO_H

#include <stddef.h>
#include <stdint.h>

#define ISO_SIZE	32			/* room for any iso_format() */
#define ISO_MIN_US	INT64_C(-62135596800000000)	/* 0001-01-01T00:00:00Z */
#define ISO_MAX_US	INT64_C(253402300799999999)	/* 9999-12-31T23:59:59.999999Z */

/* "2026-01-31T23:59:59[.fraction](Z|+hh:mm|-hh:mm)", a blank or t for T; up to 9 fraction digits, those after the sixth cut off.
 * 0, or -1 when it is not one: no zone, no such day, a leap second. */
int	iso_parse(const char *p, size_t n, int64_t *us);

/* What a person types on a command line: the above, or without zone (then UTC), or a date alone. */
int	iso_parse_loose(const char *p, size_t n, int64_t *us);

/* "2026-01-31T23:59:59Z", with the fewest of 0, 3 or 6 fraction digits that keep the value, and a NUL: ISO_SIZE bytes.
 * Returns the length. */
size_t	iso_format(int64_t us, char *out);

/* Days since 1970-01-01 of a civil date, and back (proleptic Gregorian). */
int64_t	iso_days(int64_t year, unsigned month, unsigned day);
void	iso_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day);

/* "2026-01-31" to days since 1970.  0 or -1. */
int	iso_parse_date(const char *p, size_t n, int32_t *days);

#endif
