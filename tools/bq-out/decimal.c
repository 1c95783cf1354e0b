/*
 * NUMERIC and BIGNUMERIC: an exact check of digits, because 77 of them are more than arithmetic has room for.
 */
#include "config.h"

#include <string.h>

#include "cell.h"

#define MAX_DIGITS	77	/* 39 before the point, 38 behind it: BIGNUMERIC */
#define MAX_EXPONENT	100000	/* beyond it every number is too large or too small */

/* 0.d1 d2 d3 ... * 10^point, without zeros at either end. */
struct decimal {
	int	negative, plain;	/* plain: no exponent */
	size_t	n, raw_fraction;	/* digits behind the point as written */
	int64_t	point;
	char	digit[MAX_DIGITS];
};

static inline int
is_digit(const char *p, const char *e)
{
	return p < e && (unsigned char)(*p - '0') < 10;
}

static void
add_digit(struct decimal *d, char c)
{
	if (d->n < MAX_DIGITS)
		d->digit[d->n] = c;
	d->n++;
}

/* The exponent at p, saturated, or -1 in *p when it is none. */
static int64_t
exponent(const char **p, const char *e)
{
	int negative = 0;
	int64_t v = 0;

	if (*p < e && (**p == '+' || **p == '-'))
		negative = *(*p)++ == '-';
	if (!is_digit(*p, e))
		*p = NULL;
	else
		for (; is_digit(*p, e); (*p)++)
			v = v > MAX_EXPONENT ? v : v * 10 + (**p - '0');
	return negative ? -v : v;
}

/* JSON's grammar of a number; trailing zeros still there.  0 or -1. */
static int
parse(const char *p, size_t n, struct decimal *d)
{
	const char *e = p + n, *q;
	size_t zeros = 0;

	*d = (struct decimal){ .plain = 1 };
	if (p < e && *p == '-')
		d->negative = *p++ == '-';
	if (!is_digit(p, e) || (*p == '0' && is_digit(p + 1, e)))
		return -1;
	for (q = p; is_digit(p, e); p++)
		if (d->n || *p != '0')
			add_digit(d, *p);
	d->point = (int64_t)d->n;
	if (p < e && *p == '.') {
		for (q = ++p; is_digit(p, e); p++) {
			if (!d->n && *p == '0')
				d->point--;
			else
				add_digit(d, *p);
		}
		if (p == q)
			return -1;
		d->raw_fraction = (size_t)(p - q);
	}
	/* Zeros at the end, through the point: 100 and 0.10 have one digit. */
	for (q = p - 1; zeros < d->n && (*q == '0' || *q == '.'); q--)
		zeros += *q == '0';
	d->n -= zeros;
	if (p < e && (*p == 'e' || *p == 'E')) {
		d->plain = 0;
		p++;
		d->point += exponent(&p, e);
	}
	if (!d->n)
		d->point = d->negative = 0;
	return p == e ? 0 : -1;
}

/* A number with 39 digits before the point against 2^255 * 10^-38, which BIGNUMERIC reaches on the negative side alone. */
static int
beyond_big(const struct decimal *d)
{
	static const char limit[MAX_DIGITS + 1] = "57896044618658097711785492504343953926634992332820282019728792003956564819968";
	char all[MAX_DIGITS];
	int c;

	memset(all, '0', sizeof all);
	memcpy(all, d->digit, d->n);
	c = memcmp(all, limit, sizeof all);
	return c > 0 || (c == 0 && !d->negative);
}

static int
write_plain(const struct decimal *d, struct buf *out)
{
	int64_t n = (int64_t)d->n, whole = d->point > 0 ? d->point : 0;
	size_t mark = out->n;
	int bad = buf_puts(out, d->negative ? "\"-" : "\"") < 0;

	if (!whole)
		bad |= buf_putc(out, '0') < 0;
	for (int64_t i = 0; i < whole; i++)
		bad |= buf_putc(out, i < n ? d->digit[i] : '0') < 0;
	if (n > d->point)
		bad |= buf_putc(out, '.') < 0;
	for (int64_t i = d->point; i < n; i++)
		bad |= buf_putc(out, i < 0 ? '0' : d->digit[i]) < 0;
	if (bad || buf_putc(out, '"') < 0) {
		out->n = mark;
		return WEIR_EAGAIN;
	}
	return CELL_CHANGED;
}

int
cell_decimal(struct cell *c, const struct schema_field *f, const char *p, size_t n, int quoted, struct buf *out)
{
	int big = f->type == SCHEMA_BIGNUMERIC;
	int64_t scale = f->precision ? f->scale : big ? 38 : 9, whole = f->precision ? f->precision - scale : big ? 39 : 29;
	struct decimal d;

	if (parse(p, n, &d) < 0)
		return CELL_BAD;
	if ((int64_t)d.n - d.point > scale || d.n > MAX_DIGITS) {
		c->why = "has more digits behind the point than fit";
		return CELL_BAD;
	}
	if (d.point > whole || (big && d.point == 39 && beyond_big(&d))) {
		c->why = "has more digits before the point than fit";
		return CELL_BAD;
	}
	if (!d.plain || (int64_t)d.raw_fraction > scale)
		return write_plain(&d, out);
	if (quoted)
		return CELL_AS_IS;
	if (buf_reserve(out, n + 2) < 0)
		return WEIR_EAGAIN;
	buf_putc(out, '"');
	buf_put(out, p, n);
	buf_putc(out, '"');
	return CELL_CHANGED;
}
