/*
 * extreme.c - min() and max().
 *
 * Numbers compare by value, exactly, whatever their length; strings by their
 * UTF-8 bytes.  Of different kinds, false < true < numbers < strings.  Equal
 * numbers that are written differently (1.0, 1.00) count by their literal, so
 * that the order of the events never shows.
 */
#include "config.h"

#include <string.h>

#include "decimal.h"
#include "kept.h"

struct extreme {
	struct kept	kept;
	struct number	number;
	int		exact;
};

static int
compare_bytes(const char *a, size_t na, const char *b, size_t nb)
{
	size_t n = na < nb ? na : nb;
	int c = n ? memcmp(a, b, n) : 0;

	return c ? c : (na > nb) - (na < nb);
}

/* <0, 0, >0: the value against what is kept. */
static int
compare(const struct aggregate_value *v, const struct extreme *x)
{
	int c;

	if (v->v->kind != x->kept.kind)
		return (v->v->kind > x->kept.kind) - (v->v->kind < x->kept.kind);	/* enum weir_kind has that order */
	if (v->v->kind != WEIR_NUMBER)
		return compare_bytes(v->text, v->n, x->kept.p, x->kept.n);
	if (!v->exact || !x->exact)
		c = decimal_cmp(v->text, v->n, x->kept.p, x->kept.n);
	else if (v->number.scale == x->number.scale)
		c = (v->number.coef > x->number.coef) - (v->number.coef < x->number.coef);
	else
		c = number_cmp(&v->number, &x->number);
	return c ? c : compare_bytes(v->text, v->n, x->kept.p, x->kept.n);
}

static int
set(struct extreme *x, const struct aggregate_value *v, struct pool *pool)
{
	x->number = v->number;
	x->exact = v->exact;
	return kept_set(&x->kept, v->v->kind, v->text, v->n, pool);
}

static int
min_add(void *cell, const struct aggregate_value *v, struct pool *pool)
{
	struct extreme *x = cell;

	return x->kept.kind == WEIR_ABSENT || compare(v, x) < 0 ? set(x, v, pool) : 0;
}

static int
max_add(void *cell, const struct aggregate_value *v, struct pool *pool)
{
	struct extreme *x = cell;

	return x->kept.kind == WEIR_ABSENT || compare(v, x) > 0 ? set(x, v, pool) : 0;
}

/* What a cell keeps, as a value to add to another. */
static int
merge_by(int (*add)(void *, const struct aggregate_value *, struct pool *), void *cell, const struct extreme *from, struct pool *pool)
{
	struct weir_value literal = { .kind = from->kept.kind };
	struct aggregate_value v = { .v = &literal, .text = from->kept.p, .n = from->kept.n, .number = from->number, .exact = from->exact };

	return from->kept.kind == WEIR_ABSENT ? 0 : add(cell, &v, pool);
}

static int
min_merge(void *cell, const void *from, struct pool *pool)
{
	return merge_by(min_add, cell, from, pool);
}

static int
max_merge(void *cell, const void *from, struct pool *pool)
{
	return merge_by(max_add, cell, from, pool);
}

static int
extreme_emit(const void *cell, struct buf *out)
{
	const struct extreme *x = cell;

	return kept_emit(&x->kept, out);
}

static int
extreme_save(const void *cell, struct buf *out)
{
	const struct extreme *x = cell;

	return kept_save(&x->kept, out);
}

static int
extreme_load(void *cell, const char **p, const char *end, struct pool *pool)
{
	struct extreme *x = cell;
	int e = kept_load(&x->kept, p, end, pool);

	if (!e && x->kept.kind == WEIR_NUMBER)
		x->exact = number_parse(x->kept.p, x->kept.n, &x->number) == 0;
	return e;
}

const struct aggregate aggregate_min = {
	.name = "min", .path = 1, .kinds = AGGREGATE_SCALARS, .numbers = 1, .cell_bytes = sizeof(struct extreme),
	.add = min_add, .merge = min_merge, .emit = extreme_emit, .save = extreme_save, .load = extreme_load,
};

const struct aggregate aggregate_max = {
	.name = "max", .path = 1, .kinds = AGGREGATE_SCALARS, .numbers = 1, .cell_bytes = sizeof(struct extreme),
	.add = max_add, .merge = max_merge, .emit = extreme_emit, .save = extreme_save, .load = extreme_load,
};
