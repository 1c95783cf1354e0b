/*
 * number.h - exact decimal numbers, up to 38 digits.
 *
 * The value is coef * 10^-scale.  Sums and comparisons are exact or refused,
 * never rounded.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define NUMBER_DIGITS	38
#define NUMBER_SIZE	64	/* room for any number_format() */

struct number {
	__int128	coef;
	int		scale;	/* >= 0 */
};

/* A JSON number literal.  0, or -1 when it needs more than 38 digits (leading zeros do not count; 1.50 keeps scale 2). */
int	number_parse(const char *p, size_t n, struct number *);

/* The coefficient at the given scale: 0, or -1 when digits would be lost or 38 passed. */
int	number_rescale(const struct number *, int scale, __int128 *coef);

/* a += b at the larger scale.  0, or -1 on overflow: a is unchanged. */
int	number_add(struct number *a, const struct number *b);

/* <0, 0, >0 by value, whatever the scales. */
int	number_cmp(const struct number *a, const struct number *b);

/* Plain decimal text with exactly `scale` fraction digits; returns its length, no NUL. */
size_t	number_format(const struct number *, char *out);

double	number_double(const struct number *);

#endif
