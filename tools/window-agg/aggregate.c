#include "config.h"

#include <string.h>

#include "aggregate.h"
#include "bytes.h"
#include "emit.h"

static const struct aggregate *const table[] = {
	&aggregate_count, &aggregate_sum, &aggregate_avg, &aggregate_min, &aggregate_max, &aggregate_first, &aggregate_last,
	&aggregate_count_distinct,
};

const struct aggregate *
aggregate_find(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strlen(table[i]->name) == n && !memcmp(table[i]->name, name, n))
			return table[i];
	return NULL;
}

const char *
aggregate_names(void)
{
	return "count, sum, avg, min, max, first, last, count_distinct";
}

static int
count_add(void *cell, const struct aggregate_value *v, struct pool *pool)
{
	(void)v;
	(void)pool;
	++*(uint64_t *)cell;
	return 0;
}

static int
count_merge(void *cell, const void *from, struct pool *pool)
{
	(void)pool;
	*(uint64_t *)cell += *(const uint64_t *)from;
	return 0;
}

static int
count_emit(const void *cell, struct buf *out)
{
	return emit_int(out, (int64_t)*(const uint64_t *)cell);		/* 2^63 events take longer than anybody waits */
}

static int
count_save(const void *cell, struct buf *out)
{
	return bytes_put64(out, *(const uint64_t *)cell);
}

static int
count_load(void *cell, const char **p, const char *end, struct pool *pool)
{
	(void)pool;
	return bytes_get64(p, end, cell);
}

const struct aggregate aggregate_count = {
	.name = "count", .kinds = AGGREGATE_ANY, .cell_bytes = sizeof(uint64_t),
	.add = count_add, .merge = count_merge, .emit = count_emit, .save = count_save, .load = count_load,
};
