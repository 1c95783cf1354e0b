#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gather.h"

static int
index_leaf(struct gather_leaf *g, const struct parquet_column *leaf, const struct parquet_values *v, uint32_t n_rows)
{
	uint32_t cap = g->cap_rows ? g->cap_rows : 1024, level = 0, value = 0, *p;

	g->simple = !leaf->max_rep && v->n_values == n_rows;
	if (g->simple)
		return 0;
	if (n_rows + 1 > g->cap_rows) {
		while (cap < n_rows + 1)
			cap *= 2;
		if (!(p = realloc(g->level_at, cap * sizeof *p)))
			return -1;
		g->level_at = p;
		if (!(p = realloc(g->value_at, cap * sizeof *p)))
			return -1;
		g->value_at = p;
		g->cap_rows = cap;
	}
	for (uint32_t k = 0; k < n_rows; k++) {
		g->level_at[k] = level;
		g->value_at[k] = value;
		do
			value += !v->def || v->def[level] == leaf->max_def;
		while (++level < v->n_levels && leaf->max_rep && v->rep[level]);
	}
	g->level_at[n_rows] = level;
	g->value_at[n_rows] = value;
	return 0;
}

int
gather_index(struct gather *g, const struct parquet_column *root, const struct parquet_values *v, uint32_t n_rows)
{
	if (!g->leaf && !(g->leaf = calloc(root->n_leaves, sizeof *g->leaf)))
		return -1;
	g->n_leaves = root->n_leaves;
	for (uint32_t i = 0; i < g->n_leaves; i++)
		if (index_leaf(&g->leaf[i], column_leaf(root, i), &v[i], n_rows) < 0)
			return -1;
	return 0;
}

static int
room(struct gather_leaf *g, uint32_t levels, uint32_t values, size_t stride)
{
	void *p;

	if (levels > g->cap_levels) {
		if (!(p = realloc(g->def, levels * 2u)))
			return -1;
		g->def = p;
		if (!(p = realloc(g->rep, levels * 2u)))
			return -1;
		g->rep = p;
		g->cap_levels = levels * 2;
	}
	if (values > g->cap_values) {
		if (!(p = realloc(g->data, values * 2 * stride)))
			return -1;
		g->data = p;
		g->cap_values = values * 2;
	}
	return 0;
}

static inline __attribute__((always_inline)) void
pick(char *to, const char *from, const uint32_t *row, uint32_t n, size_t stride)
{
	for (uint32_t k = 0; k < n; k++)
		memcpy(to + k * stride, from + row[k] * stride, stride);
}

static int
simple_leaf(struct gather_leaf *g, const struct parquet_values *v, const uint32_t *row, uint32_t n, size_t stride,
    struct parquet_values *out)
{
	const char *from = (const char *)v->fixed;

	if (room(g, 0, n, stride) < 0)
		return -1;
	switch (stride) {
	case 1:
		pick(g->data, from, row, n, 1);
		break;
	case 4:
		pick(g->data, from, row, n, 4);
		break;
	case 8:
		pick(g->data, from, row, n, 8);
		break;
	case 16:
		pick(g->data, from, row, n, 16);
		break;
	default:
		pick(g->data, from, row, n, stride);
	}
	*out = (struct parquet_values){ .n_levels = n, .n_values = n, .fixed = (const uint8_t *)g->data };
	return 0;
}

static int
gather_leaf(struct gather_leaf *g, const struct parquet_values *v, const uint32_t *row, uint32_t n, size_t stride,
    struct parquet_values *out)
{
	uint32_t levels = 0, values = 0;

	for (uint32_t k = 0; k < n; k++) {
		levels += g->level_at[row[k] + 1] - g->level_at[row[k]];
		values += g->value_at[row[k] + 1] - g->value_at[row[k]];
	}
	if (room(g, levels, values, stride) < 0)
		return -1;
	levels = values = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t from = g->level_at[row[k]], more = g->level_at[row[k] + 1] - from;

		if (v->def)
			memcpy(g->def + levels, v->def + from, more);
		if (v->rep)
			memcpy(g->rep + levels, v->rep + from, more);
		levels += more;
		from = g->value_at[row[k]];
		more = g->value_at[row[k] + 1] - from;
		if (more)
			memcpy(g->data + values * stride, v->fixed + from * stride, more * stride);
		values += more;
	}
	*out = (struct parquet_values){ .n_levels = levels, .n_values = values, .def = v->def ? g->def : NULL, .rep = v->rep ? g->rep : NULL,
	    .fixed = (const uint8_t *)g->data };
	return 0;
}

int
gather_rows(struct gather *g, const struct parquet_column *root, const struct parquet_values *v, const uint32_t *row, uint32_t n,
    struct parquet_values *out)
{
	for (uint32_t i = 0; i < g->n_leaves; i++) {
		size_t stride = values_stride(column_leaf(root, i));
		struct parquet_values in = v[i];

		if ((g->leaf[i].simple ? simple_leaf : gather_leaf)(&g->leaf[i], &in, row, n, stride, &out[i]) < 0)
			return -1;
	}
	return 0;
}

size_t
gather_memory(const struct gather *g, const struct parquet_column *root)
{
	size_t n = 0;

	for (uint32_t i = 0; i < g->n_leaves; i++)
		n += g->leaf[i].cap_rows * 2 * sizeof(uint32_t) + g->leaf[i].cap_levels * 2 +
		    (size_t)g->leaf[i].cap_values * values_stride(column_leaf(root, i));
	return n;
}

void
gather_free(struct gather *g)
{
	for (uint32_t i = 0; i < g->n_leaves; i++) {
		free(g->leaf[i].level_at);
		free(g->leaf[i].value_at);
		free(g->leaf[i].data);
		free(g->leaf[i].def);
		free(g->leaf[i].rep);
	}
	free(g->leaf);
	g->leaf = NULL;
	g->n_leaves = 0;
}
