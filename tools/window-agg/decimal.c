#include "config.h"

#include <stdint.h>

#include "decimal.h"

#define EXPONENT_MAX	(INT64_C(1) << 53)

/* A literal as 0.d1d2d3... * 10^exponent, d1 not zero. */
struct decimal {
	const char	*p, *end;	/* d1; where the digits end, a point may lie between */
	int64_t		 exponent;
	int		 sign;		/* -1, 0, 1 */
};

static struct decimal
decimal_of(const char *p, size_t n)
{
	struct decimal d = { .sign = 1, .end = p + n };
	const char *e = p + n, *q;
	int64_t exp = 0;
	int minus = 0, point = 0;

	if (p < e && *p == '-') {
		d.sign = -1;
		p++;
	}
	for (q = p; q < e && *q != 'e' && *q != 'E'; q++)
		;
	d.end = q;
	if (q < e) {
		minus = *++q == '-';
		for (q += *q == '-' || *q == '+'; q < e; q++)
			if (exp < EXPONENT_MAX)
				exp = exp * 10 + (*q - '0');
		if (exp > EXPONENT_MAX)
			exp = EXPONENT_MAX;
	}
	d.exponent = minus ? -exp : exp;
	for (q = p; q < d.end && *q != '.'; q++)	/* digits before the point, the first zeros left out, count up ... */
		d.exponent += q > p || *q != '0';
	for (; p < d.end && (*p == '0' || *p == '.'); p++) {
		d.exponent -= point;			/* ... zeros behind it, before the first other digit, count down */
		point |= *p == '.';
	}
	d.p = p;
	if (p == d.end)
		d.sign = 0;
	return d;
}

/* The next digit, 0 behind the last. */
static int
next_digit(struct decimal *d)
{
	if (d->p < d->end && *d->p == '.')
		d->p++;
	return d->p < d->end ? *d->p++ - '0' : 0;
}

int
decimal_cmp(const char *a, size_t na, const char *b, size_t nb)
{
	struct decimal x = decimal_of(a, na), y = decimal_of(b, nb);
	int dx, dy;

	if (x.sign != y.sign)
		return x.sign - y.sign;
	if (!x.sign)
		return 0;
	if (x.exponent != y.exponent)
		return x.exponent > y.exponent ? x.sign : -x.sign;
	while (x.p < x.end || y.p < y.end) {
		dx = next_digit(&x);
		dy = next_digit(&y);
		if (dx != dy)
			return dx > dy ? x.sign : -x.sign;
	}
	return 0;
}
