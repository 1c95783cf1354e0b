/*
 * edge.c - first() and last(): the value of the event with the least or greatest event time.
 *
 * Of events with the same time, first() takes the one that arrived first and
 * last() the one that arrived last.
 */
#include "config.h"

#include "bytes.h"
#include "kept.h"

struct edge {
	struct kept	kept;
	int64_t		time_us;
};

static int
set(struct edge *x, const struct aggregate_value *v, struct pool *pool)
{
	x->time_us = v->time_us;
	return kept_set(&x->kept, v->v->kind, v->text, v->n, pool);
}

static int
first_add(void *cell, const struct aggregate_value *v, struct pool *pool)
{
	struct edge *x = cell;

	return x->kept.kind == WEIR_ABSENT || v->time_us < x->time_us ? set(x, v, pool) : 0;
}

static int
last_add(void *cell, const struct aggregate_value *v, struct pool *pool)
{
	struct edge *x = cell;

	return x->kept.kind == WEIR_ABSENT || v->time_us >= x->time_us ? set(x, v, pool) : 0;
}

static int
merge_by(int (*add)(void *, const struct aggregate_value *, struct pool *), void *cell, const struct edge *from, struct pool *pool)
{
	struct weir_value literal = { .kind = from->kept.kind };
	struct aggregate_value v = { .v = &literal, .text = from->kept.p, .n = from->kept.n, .time_us = from->time_us };

	return from->kept.kind == WEIR_ABSENT ? 0 : add(cell, &v, pool);
}

static int
first_merge(void *cell, const void *from, struct pool *pool)
{
	return merge_by(first_add, cell, from, pool);
}

static int
last_merge(void *cell, const void *from, struct pool *pool)
{
	return merge_by(last_add, cell, from, pool);
}

static int
edge_emit(const void *cell, struct buf *out)
{
	const struct edge *x = cell;

	return kept_emit(&x->kept, out);
}

static int
edge_save(const void *cell, struct buf *out)
{
	const struct edge *x = cell;

	return bytes_put64(out, (uint64_t)x->time_us) < 0 ? -1 : kept_save(&x->kept, out);
}

static int
edge_load(void *cell, const char **p, const char *end, struct pool *pool)
{
	struct edge *x = cell;
	uint64_t time_us;

	if (bytes_get64(p, end, &time_us))
		return 1;
	x->time_us = (int64_t)time_us;
	return kept_load(&x->kept, p, end, pool);
}

const struct aggregate aggregate_first = {
	.name = "first", .path = 1, .kinds = AGGREGATE_ANY, .cell_bytes = sizeof(struct edge),
	.add = first_add, .merge = first_merge, .emit = edge_emit, .save = edge_save, .load = edge_load,
};

const struct aggregate aggregate_last = {
	.name = "last", .path = 1, .kinds = AGGREGATE_ANY, .cell_bytes = sizeof(struct edge),
	.add = last_add, .merge = last_merge, .emit = edge_emit, .save = edge_save, .load = edge_load,
};
