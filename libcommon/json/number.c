#include "config.h"

#include <stdlib.h>

#include "number.h"

/* 10^38, the first integer of 39 digits. */
#define LIMIT	((__int128)UINT64_C(10000000000000000000) * (__int128)UINT64_C(10000000000000000000))

static int
fits(__int128 v)
{
	return v > -LIMIT && v < LIMIT;
}

/* c * 10^k, or -1 when it needs more than 38 digits. */
static int
shift_up(__int128 *c, int k)
{
	if (k > NUMBER_DIGITS && *c)
		return -1;
	for (; k > 0 && *c; k--) {
		if (*c >= LIMIT / 10 || *c <= -LIMIT / 10)
			return -1;		/* before the product: 10^39 is beyond 127 bits */
		*c *= 10;
	}
	return 0;
}

int
number_parse(const char *p, size_t n, struct number *x)
{
	const char *e = p + n;
	int negative = n && *p == '-', scale = 0, digits = 0, point = 0;
	__int128 c = 0;
	long exp = 0;

	for (p += negative; p < e && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			point = 1;
			continue;
		}
		if (digits == NUMBER_DIGITS) {
			if (*p != '0' || !point)
				return -1;
			continue;		/* zeros at the end of a fraction say nothing more */
		}
		c = c * 10 + (*p - '0');
		digits += c != 0;
		scale += point;
	}
	if (p < e) {
		int minus = *++p == '-';

		for (p += *p == '-' || *p == '+'; p < e; p++)
			if (exp < 100000)
				exp = exp * 10 + (*p - '0');
		exp = minus ? -exp : exp;
	}
	if (!c && exp > scale)
		exp = scale;
	if (exp >= scale) {
		if (shift_up(&c, (int)(exp - scale)) < 0)
			return -1;
		scale = 0;
	} else {
		scale -= (int)exp;
		while (scale > NUMBER_DIGITS && c % 10 == 0 && c) {
			c /= 10;
			scale--;
		}
		if (!c)
			scale = scale > NUMBER_DIGITS ? NUMBER_DIGITS : scale;
		if (scale > NUMBER_DIGITS)
			return -1;
	}
	x->coef = negative ? -c : c;
	x->scale = scale;
	return 0;
}

int
number_rescale(const struct number *x, int scale, __int128 *coef)
{
	__int128 c = x->coef;

	for (int s = x->scale; s > scale; s--) {
		if (c % 10)
			return -1;
		c /= 10;
	}
	if (x->scale < scale && shift_up(&c, scale - x->scale) < 0)
		return -1;
	*coef = c;
	return 0;
}

int
number_add(struct number *a, const struct number *b)
{
	int scale = a->scale > b->scale ? a->scale : b->scale;
	__int128 x, y;

	if (number_rescale(a, scale, &x) < 0 || number_rescale(b, scale, &y) < 0 || __builtin_add_overflow(x, y, &x) || !fits(x))
		return -1;
	a->coef = x;
	a->scale = scale;
	return 0;
}

int
number_cmp(const struct number *a, const struct number *b)
{
	struct number x = *a, y = *b;
	int sign_x = (x.coef > 0) - (x.coef < 0), sign_y = (y.coef > 0) - (y.coef < 0);

	if (sign_x != sign_y)
		return sign_x - sign_y;
	/* Bring the smaller scale up; what no longer fits is greater in amount. */
	if (x.scale < y.scale && shift_up(&x.coef, y.scale - x.scale) < 0)
		return sign_x;
	if (y.scale < x.scale && shift_up(&y.coef, x.scale - y.scale) < 0)
		return -sign_x;
	return (x.coef > y.coef) - (x.coef < y.coef);
}

size_t
number_format(const struct number *x, char *out)
{
	unsigned __int128 c = x->coef < 0 ? -(unsigned __int128)x->coef : (unsigned __int128)x->coef;
	char digit[NUMBER_SIZE];
	int n = 0;
	char *o = out;

	do {
		digit[n++] = (char)('0' + (int)(c % 10));
		c /= 10;
	} while (c || n <= x->scale);
	if (x->coef < 0)
		*o++ = '-';
	while (n) {
		if (n == x->scale)
			*o++ = '.';
		*o++ = digit[--n];
	}
	return (size_t)(o - out);
}

double
number_double(const struct number *x)
{
	char text[NUMBER_SIZE + 1];

	text[number_format(x, text)] = '\0';
	return strtod(text, NULL);		/* correctly rounded, which a division by 10^scale is not */
}
