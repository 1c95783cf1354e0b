/*
 * distinct.c - count_distinct().
 *
 * Up to AGGREGATE_EXACT values: a set of their 128-bit hashes.  Beyond:
 * HyperLogLog registers made from the same hashes, so neither the order of
 * the events nor the moment of the change shows in the result.  The hash has
 * no secret seed, so the same data gives the same estimate on every machine
 * and in every run.
 *
 * Estimator: O. Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches" (2017), section 4: no bias tables, no switch for small counts.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "aggregate.h"
#include "bytes.h"
#include "emit.h"

#define N_REGISTERS	(1u << AGGREGATE_HLL_BITS)
#define RANK_MAX	(64 - AGGREGATE_HLL_BITS + 1)
#define SET_FIRST	8			/* slots; always a power of two, at most half of them taken */

struct slot {
	uint64_t	high, low;		/* both 0: free */
};

struct distinct {
	struct slot	*set;			/* NULL once there are registers */
	uint8_t		*reg;
	uint32_t	 n, n_slots;		/* values and slots of the set */
};

/* The hash of a value.  Equal values have equal hashes: 1, 1.0 and 1e0 are one. */
static struct slot
hash_of(const struct aggregate_value *v)
{
	struct { uint64_t low, high; int64_t scale; } number;
	XXH128_hash_t h;
	struct slot s;

	if (v->v->kind == WEIR_NUMBER && v->exact) {
		__int128 c = v->number.coef;
		int scale = v->number.scale;

		for (; scale > 0 && c % 10 == 0; scale--)
			c /= 10;
		number.low = htole64((uint64_t)c);
		number.high = htole64((uint64_t)((unsigned __int128)c >> 64));
		number.scale = (int64_t)htole64((uint64_t)scale);
		h = XXH3_128bits_withSeed(&number, sizeof number, WEIR_NUMBER);
	} else {
		h = XXH3_128bits_withSeed(v->text, v->n, v->v->kind);	/* a number beyond 38 digits: as written */
	}
	s.high = h.high64;
	s.low = h.low64 | (!h.high64 && !h.low64);
	return s;
}

static void
register_add(uint8_t *reg, const struct slot *s)
{
	uint32_t i = (uint32_t)(s->high >> (64 - AGGREGATE_HLL_BITS));
	uint64_t rest = s->high << AGGREGATE_HLL_BITS;
	uint8_t rank = rest ? (uint8_t)(__builtin_clzll(rest) + 1) : RANK_MAX;

	if (rank > reg[i])
		reg[i] = rank;
}

/* The slot of s, or the free one where it belongs. */
static struct slot *
find(struct slot *set, uint32_t n_slots, const struct slot *s)
{
	uint32_t i = (uint32_t)s->low & (n_slots - 1);

	while ((set[i].high | set[i].low) && (set[i].high != s->high || set[i].low != s->low))
		i = (i + 1) & (n_slots - 1);
	return &set[i];
}

static int
to_registers(struct distinct *d, struct pool *pool)
{
	if (!(d->reg = pool_get(pool, N_REGISTERS)))
		return -1;
	for (uint32_t i = 0; i < d->n_slots; i++)
		if (d->set[i].high | d->set[i].low)
			register_add(d->reg, &d->set[i]);
	d->set = NULL;
	d->n = d->n_slots = 0;
	return 0;
}

static int
set_grow(struct distinct *d, struct pool *pool)
{
	uint32_t n_slots = d->n_slots ? d->n_slots * 2 : SET_FIRST;
	struct slot *set = pool_get(pool, n_slots * sizeof *set);

	if (!set)
		return -1;
	for (uint32_t i = 0; i < d->n_slots; i++)
		if (d->set[i].high | d->set[i].low)
			*find(set, n_slots, &d->set[i]) = d->set[i];
	d->set = set;
	d->n_slots = n_slots;
	return 0;
}

static int
add_hash(struct distinct *d, const struct slot *s, struct pool *pool)
{
	struct slot *at;

	if (d->reg) {
		register_add(d->reg, s);
		return 0;
	}
	if (d->n < AGGREGATE_EXACT && 2 * d->n >= d->n_slots && set_grow(d, pool) < 0)
		return -1;
	at = find(d->set, d->n_slots, s);
	if (at->high | at->low)
		return 0;
	if (d->n == AGGREGATE_EXACT) {
		if (to_registers(d, pool) < 0)
			return -1;
		register_add(d->reg, s);
		return 0;
	}
	*at = *s;
	d->n++;
	return 0;
}

static int
distinct_add(void *cell, const struct aggregate_value *v, struct pool *pool)
{
	struct slot s = hash_of(v);

	return add_hash(cell, &s, pool);
}

static int
distinct_merge(void *cell, const void *from, struct pool *pool)
{
	const struct distinct *b = from;
	struct distinct *a = cell;

	if (b->reg) {
		if (!a->reg && to_registers(a, pool) < 0)
			return -1;
		for (uint32_t i = 0; i < N_REGISTERS; i++)
			if (b->reg[i] > a->reg[i])
				a->reg[i] = b->reg[i];
		return 0;
	}
	for (uint32_t i = 0; i < b->n_slots; i++)
		if ((b->set[i].high | b->set[i].low) && add_hash(a, &b->set[i], pool) < 0)
			return -1;
	return 0;
}

static double
sigma(double x)
{
	double y = 1, z = x, before;

	if (x == 1)
		return INFINITY;
	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

static double
tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x == 0 || x == 1)
		return 0;
	do {
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

static int64_t
estimate(const uint8_t *reg)
{
	uint32_t n_of[RANK_MAX + 1] = { 0 };
	double m = N_REGISTERS, z;

	for (uint32_t i = 0; i < N_REGISTERS; i++)
		n_of[reg[i]]++;
	z = m * tau(1 - n_of[RANK_MAX] / m);
	for (int k = RANK_MAX - 1; k >= 1; k--)
		z = 0.5 * (z + n_of[k]);
	z += m * sigma(n_of[0] / m);
	return llround(m * m / (2 * M_LN2 * z));
}

static int
distinct_emit(const void *cell, struct buf *out)
{
	const struct distinct *d = cell;

	return emit_int(out, d->reg ? estimate(d->reg) : d->n);
}

static int
by_hash(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->high != y->high)
		return x->high > y->high ? 1 : -1;
	return (x->low > y->low) - (x->low < y->low);
}

enum { DISTINCT_SET, DISTINCT_REGISTERS };

static int
distinct_save(const void *cell, struct buf *out)
{
	const struct distinct *d = cell;
	struct slot sorted[AGGREGATE_EXACT];		/* 64 KiB */
	uint32_t n = 0;

	if (d->reg)
		return bytes_put32(out, DISTINCT_REGISTERS) < 0 ? -1 : buf_put(out, d->reg, N_REGISTERS);
	for (uint32_t i = 0; i < d->n_slots; i++)
		if (d->set[i].high | d->set[i].low)
			sorted[n++] = d->set[i];
	qsort(sorted, n, sizeof *sorted, by_hash);
	if (bytes_put32(out, DISTINCT_SET) < 0 || bytes_put32(out, n) < 0)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (bytes_put64(out, sorted[i].high) < 0 || bytes_put64(out, sorted[i].low) < 0)
			return -1;
	return 0;
}

static int
distinct_load(void *cell, const char **p, const char *end, struct pool *pool)
{
	struct distinct *d = cell;
	uint32_t form, n;
	struct slot s;

	if (bytes_get32(p, end, &form))
		return 1;
	if (form == DISTINCT_REGISTERS) {
		if (end - *p < (ptrdiff_t)N_REGISTERS)
			return 1;
		for (uint32_t i = 0; i < N_REGISTERS; i++)
			if ((uint8_t)(*p)[i] > RANK_MAX)
				return 1;
		if (!(d->reg = pool_keep(pool, *p, N_REGISTERS)))
			return -1;
		*p += N_REGISTERS;
		return 0;
	}
	if (form != DISTINCT_SET || bytes_get32(p, end, &n) || n > AGGREGATE_EXACT)
		return 1;
	for (uint32_t i = 0; i < n; i++) {
		if (bytes_get64(p, end, &s.high) || bytes_get64(p, end, &s.low) || !(s.high | s.low))
			return 1;
		if (add_hash(d, &s, pool) < 0)
			return -1;
	}
	return d->n != n;		/* one of them stood twice */
}

const struct aggregate aggregate_count_distinct = {
	.name = "count_distinct", .path = 1, .kinds = AGGREGATE_SCALARS, .numbers = 1, .cell_bytes = sizeof(struct distinct),
	.add = distinct_add, .merge = distinct_merge, .emit = distinct_emit, .save = distinct_save, .load = distinct_load,
};
