/*
 * dec - exact arithmetic on JSON number literals; see dec.h.
 */
#include "config.h"

#include "dec.h"

#define EXP_MAX	INT64_C(1000000000000000)	/* larger exponents are cut to this: no two such literals meet in one sum */

void
dec_read(const char *p, size_t n, struct dec *d)
{
	const char *const end = p + n;
	const char *q;
	int64_t point = 0, e = 0;	/* digits before the point, counted from the first significant one */
	uint32_t seen = 0, sig = 0;
	int after = 0, neg_e = 0;

	*d = (struct dec){ 0 };
	if (p < end && *p == '-') {
		d->neg = 1;
		p++;
	}
	for (q = p; q < end && *q != 'e' && *q != 'E'; q++) {
		if (*q == '.') {
			after = 1;
			continue;
		}
		if (!d->p && *q == '0') {
			point -= after;
			continue;
		}
		if (!d->p)
			d->p = q;
		seen++;
		point += !after;
		if (*q != '0')
			sig = seen;
	}
	if (q < end) {
		q++;
		if (*q == '-' || *q == '+')
			neg_e = *q++ == '-';
		for (; q < end; q++)
			if (e < EXP_MAX)
				e = e * 10 + (*q - '0');
		if (e > EXP_MAX)
			e = EXP_MAX;
	}
	d->n = sig;
	d->exp = point + (neg_e ? -e : e);
	if (!sig)
		d->neg = 0, d->exp = 0;
}

int
dec_cmp_read(const struct dec *a, const struct dec *b)
{
	const char *p = a->p, *q = b->p;
	const int less = a->neg ? 1 : -1;

	if (!a->n || !b->n)
		return a->n ? -less : b->n ? b->neg ? 1 : -1 : 0;
	if (a->neg != b->neg)
		return less;
	if (a->exp != b->exp)
		return a->exp < b->exp ? less : -less;
	for (uint32_t i = 0; ; i++, p++, q++) {
		if (i == a->n || i == b->n)
			return a->n == b->n ? 0 : a->n < b->n ? less : -less;
		p += *p == '.';
		q += *q == '.';
		if (*p != *q)
			return *p < *q ? less : -less;
	}
}

int
dec_small(const char *p, size_t n, int64_t *coef, int *scale)
{
	const char *const end = p + n;
	const int neg = *p == '-';
	uint64_t v = 0;
	int s = 0;

	p += neg;
	if (end - p > 19)		/* 18 digits and a point */
		return -1;
	for (; p < end && (unsigned char)(*p - '0') <= 9; p++)
		v = v * 10 + (unsigned)(*p - '0');
	if (p < end && *p == '.') {
		const char *const point = p;

		for (p++; p < end && (unsigned char)(*p - '0') <= 9; p++)
			v = v * 10 + (unsigned)(*p - '0');
		s = (int)(p - point - 1);
	} else if (end - p == 0 && n - (size_t)neg > 18) {
		return -1;
	}
	if (p < end)
		return -1;
	*coef = neg ? -(int64_t)v : (int64_t)v;
	*scale = s;
	return 0;
}

int
dec_cmp(const char *a, size_t n_a, const char *b, size_t n_b)
{
	struct dec x, y;

	dec_read(a, n_a, &x);
	dec_read(b, n_b, &y);
	return dec_cmp_read(&x, &y);
}

int
dec_is_integer(const char *p, size_t n)
{
	struct dec d;
	size_t i;

	for (i = 0; i < n && p[i] != '.' && p[i] != 'e' && p[i] != 'E'; i++)
		;
	if (i == n)
		return 1;
	dec_read(p, n, &d);
	return d.exp >= (int64_t)d.n;
}

int
dec_divisor(const char *p, size_t n, struct dec_divisor *m)
{
	struct dec d;

	dec_read(p, n, &d);
	if (!d.n || d.neg || d.n > DEC_DIVISOR_DIGITS)
		return -1;
	m->coef = 0;
	for (uint32_t i = 0; i < d.n; i++, d.p++) {
		d.p += *d.p == '.';
		m->coef = m->coef * 10 + (unsigned)(*d.p - '0');
	}
	m->scale = (int64_t)d.n - d.exp;
	return 0;
}

/* a * b mod m, m < 2^124 */
static unsigned __int128
mul_mod(unsigned __int128 a, unsigned __int128 b, unsigned __int128 m)
{
	unsigned __int128 r = 0;

	if (m <= UINT64_MAX)
		return a * b % m;
	for (; b; b >>= 1) {
		if (b & 1)
			r = (r + a) % m;
		a = (a + a) % m;
	}
	return r;
}

int
dec_is_multiple(const char *p, size_t n, const struct dec_divisor *m)
{
	unsigned __int128 r = 0, power = 10 % m->coef;
	struct dec d;
	int64_t k;

	dec_read(p, n, &d);
	if (!d.n)
		return 1;
	/* d * 10^(m.scale - d.scale) must divide by m.coef.  Both are without trailing zeros: a finer d never does. */
	k = m->scale - ((int64_t)d.n - d.exp);
	if (k < 0)
		return 0;
	for (uint32_t i = 0; i < d.n; i++, d.p++) {
		d.p += *d.p == '.';
		r = (r * 10 + (unsigned)(*d.p - '0')) % m->coef;
	}
	for (; k; k >>= 1) {
		if (k & 1)
			r = mul_mod(r, power, m->coef);
		power = mul_mod(power, power, m->coef);
	}
	return r == 0;
}

uint64_t
dec_hash(const char *p, size_t n, uint64_t seed)
{
	struct dec d;
	uint64_t h;

	dec_read(p, n, &d);
	h = seed ^ (uint64_t)d.exp * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)d.neg;
	for (uint32_t i = 0; i < d.n; i++, d.p++) {
		d.p += *d.p == '.';
		h = (h ^ (uint64_t)*d.p) * UINT64_C(0xd6e8feb86659fd93);
		h ^= h >> 29;
	}
	return h;
}
