/*
 * dec.h - exact arithmetic on JSON number literals of any length.
 *
 * Nothing is rounded and nothing allocated: literals are compared digit by
 * digit, and division only asks for the remainder.
 */
#ifndef DEC_H
#define DEC_H

#include <stddef.h>
#include <stdint.h>

#define DEC_DIVISOR_DIGITS	37	/* significant digits of a multipleOf */

/* A literal as seen: value = +-0.d1d2d3... * 10^exp, without leading or trailing zeros; n == 0 is zero. */
struct dec {
	const char	*p;		/* the first digit that is not 0; a point may follow */
	uint32_t	 n;		/* significant digits */
	int		 neg;
	int64_t		 exp;
};

void	dec_read(const char *p, size_t n, struct dec *);

/* <0, 0, >0 by value. */
int	dec_cmp(const char *a, size_t n_a, const char *b, size_t n_b);
int	dec_cmp_read(const struct dec *, const struct dec *);

/* 1.0 and 1e3 are integers (JSON Schema core 6.1.1 and validation 6.1.1). */
int	dec_is_integer(const char *p, size_t n);

/* A divisor: coef * 10^-scale, coef without trailing zeros. */
struct dec_divisor {
	unsigned __int128	coef;
	int64_t			scale;
};

/* 0, or -1 when it is not above zero or has more than DEC_DIVISOR_DIGITS. */
int	dec_divisor(const char *p, size_t n, struct dec_divisor *);
int	dec_is_multiple(const char *p, size_t n, const struct dec_divisor *);

/* Literals of equal value have equal hashes. */
uint64_t dec_hash(const char *p, size_t n, uint64_t seed);

/* The common case: at most 18 digits, no exponent.  value = coef * 10^-scale.  0, or -1: use the others. */
int	dec_small(const char *p, size_t n, int64_t *coef, int *scale);

#endif
