/*
 * sum.c - sum() and avg().
 *
 * Exact as long as each value has at most 38 digits and the total too: the
 * scale of the sum is the greatest scale of its values, so money keeps its
 * cents.  Values beyond 38 digits (1e300, more than 38 decimal places) are
 * added as doubles, compensated, beside the exact part, and the result is the
 * nearest double of both.  A total beyond 38 digits is an overflow, for good.
 */
#include "config.h"

#include <math.h>

#include "aggregate.h"
#include "bytes.h"
#include "emit.h"
#include "value.h"

#define TOTAL_MAX	((__int128)UINT64_C(10000000000000000000) * UINT64_C(10000000000000000000) - 1)	/* 38 digits */

struct sum {
	struct number	exact;
	double		high, low;	/* of the values that `exact` cannot hold; low is what high lost (Neumaier) */
	uint64_t	n;		/* values */
	uint8_t		inexact;	/* there are such values */
	uint8_t		overflow;
};

static void
add_exact(struct sum *s, const struct number *x)
{
	struct number a = *x;
	__int128 total;

	if (s->exact.scale != a.scale) {		/* bring the one with fewer decimal places to the other's */
		struct number *low = s->exact.scale < a.scale ? &s->exact : &a;
		int scale = s->exact.scale < a.scale ? a.scale : s->exact.scale;

		if (number_rescale(low, scale, &total) < 0) {
			s->overflow = 1;
			return;
		}
		low->coef = total;
		low->scale = scale;
	}
	if (__builtin_add_overflow(s->exact.coef, a.coef, &total) || total > TOTAL_MAX || total < -TOTAL_MAX)
		s->overflow = 1;
	else
		s->exact.coef = total;
}

static void
add_double(struct sum *s, double d)
{
	double t = s->high + d;

	s->low += fabs(s->high) >= fabs(d) ? (s->high - t) + d : (d - t) + s->high;
	s->high = t;
}

static int
sum_add(void *cell, const struct aggregate_value *v, struct pool *pool)
{
	struct sum *s = cell;
	double d;

	(void)pool;
	s->n++;
	if (v->exact) {
		add_exact(s, &v->number);
	} else if (value_double(v->v, &d) < 0) {
		s->overflow = 1;
	} else {
		s->inexact = 1;
		add_double(s, d);
	}
	return 0;
}

static int
sum_merge(void *cell, const void *from, struct pool *pool)
{
	const struct sum *b = from;
	struct sum *a = cell;

	(void)pool;
	a->n += b->n;
	a->overflow |= b->overflow;
	a->inexact |= b->inexact;
	add_exact(a, &b->exact);
	add_double(a, b->high);
	a->low += b->low;
	return 0;
}

static int
emit_null(struct buf *out, int result)
{
	return buf_puts(out, "null") < 0 ? -1 : result;
}

static int
emit_inexact(const struct sum *s, double divisor, struct buf *out)
{
	double total = (s->high + number_double(&s->exact) + s->low) / divisor;

	return isfinite(total) ? emit_double(out, total) : emit_null(out, 1);
}

static int
emit_number(const struct number *x, struct buf *out)
{
	if (buf_reserve(out, NUMBER_SIZE) < 0)
		return -1;
	out->n += number_format(x, out->p + out->n);
	return 0;
}

static int
sum_emit(const void *cell, struct buf *out)
{
	const struct sum *s = cell;

	if (s->overflow)
		return emit_null(out, 1);
	if (!s->n)
		return emit_null(out, 0);
	return s->inexact ? emit_inexact(s, 1, out) : emit_number(&s->exact, out);
}

/* The quotient, rounded half away from zero, with AGGREGATE_AVG_DIGITS more decimal places than the sum, or as many as 38 digits hold. */
static int
avg_emit(const void *cell, struct buf *out)
{
	const struct sum *s = cell;
	unsigned __int128 total, quotient, rest;
	struct number x;

	if (s->overflow)
		return emit_null(out, 1);
	if (!s->n)
		return emit_null(out, 0);
	if (s->inexact)
		return emit_inexact(s, (double)s->n, out);
	total = s->exact.coef < 0 ? -(unsigned __int128)s->exact.coef : (unsigned __int128)s->exact.coef;
	quotient = total / s->n;
	rest = total % s->n;
	x.scale = s->exact.scale;
	for (int i = 0; i < AGGREGATE_AVG_DIGITS && x.scale < NUMBER_DIGITS && quotient <= (unsigned __int128)(TOTAL_MAX / 10 - 1); i++, x.scale++) {
		quotient = quotient * 10 + rest * 10 / s->n;		/* rest < 2^64 */
		rest = rest * 10 % s->n;
	}
	quotient += rest >= s->n - rest;
	x.coef = s->exact.coef < 0 ? -(__int128)quotient : (__int128)quotient;
	return emit_number(&x, out);
}

enum { SUM_INEXACT = 1, SUM_OVERFLOW = 2 };

static int
sum_save(const void *cell, struct buf *out)
{
	const struct sum *s = cell;
	unsigned __int128 coef = (unsigned __int128)s->exact.coef;
	uint64_t high, low;

	memcpy(&high, &s->high, sizeof high);
	memcpy(&low, &s->low, sizeof low);
	if (bytes_put64(out, s->n) < 0 || bytes_put64(out, (uint64_t)coef) < 0 || bytes_put64(out, (uint64_t)(coef >> 64)) < 0 ||
	    bytes_put64(out, high) < 0 || bytes_put64(out, low) < 0 || bytes_put32(out, (uint32_t)s->exact.scale) < 0 ||
	    bytes_put32(out, (s->inexact ? SUM_INEXACT : 0) | (s->overflow ? SUM_OVERFLOW : 0)) < 0)
		return -1;
	return 0;
}

static int
sum_load(void *cell, const char **p, const char *end, struct pool *pool)
{
	struct sum *s = cell;
	uint64_t low, high, double_high, double_low;
	uint32_t scale, flags;

	(void)pool;
	if (bytes_get64(p, end, &s->n) || bytes_get64(p, end, &low) || bytes_get64(p, end, &high) || bytes_get64(p, end, &double_high) ||
	    bytes_get64(p, end, &double_low) || bytes_get32(p, end, &scale) || bytes_get32(p, end, &flags))
		return 1;
	s->exact.coef = (__int128)((unsigned __int128)high << 64 | low);
	if (scale > NUMBER_DIGITS || s->exact.coef > TOTAL_MAX || s->exact.coef < -TOTAL_MAX || flags > (SUM_INEXACT | SUM_OVERFLOW))
		return 1;
	s->exact.scale = (int)scale;
	memcpy(&s->high, &double_high, sizeof s->high);
	memcpy(&s->low, &double_low, sizeof s->low);
	s->inexact = flags & SUM_INEXACT;
	s->overflow = !!(flags & SUM_OVERFLOW);
	return 0;
}

const struct aggregate aggregate_sum = {
	.name = "sum", .path = 1, .kinds = AGGREGATE_KIND(WEIR_NUMBER), .numbers = 1, .cell_bytes = sizeof(struct sum),
	.add = sum_add, .merge = sum_merge, .emit = sum_emit, .save = sum_save, .load = sum_load,
};

const struct aggregate aggregate_avg = {
	.name = "avg", .path = 1, .kinds = AGGREGATE_KIND(WEIR_NUMBER), .numbers = 1, .cell_bytes = sizeof(struct sum),
	.add = sum_add, .merge = sum_merge, .emit = avg_emit, .save = sum_save, .load = sum_load,
};
