/*
 * gather.h - some of the rows of a batch of values.
 */
#ifndef GATHER_H
#define GATHER_H

#include "values.h"

struct gather_leaf {
	uint32_t	*level_at, *value_at;	/* where each row begins, n_rows + 1 of them */
	char		*data;
	uint8_t		*def, *rep;
	uint32_t	 cap_rows, cap_levels, cap_values;
	int		 simple;		/* one entry and one value a row */
};

/* Zero it; gather_free() in the end. */
struct gather {
	struct gather_leaf	*leaf;
	uint32_t		 n_leaves;
};

/* Look at a batch: v[leaf] for every leaf of root.  0, or -1: no memory. */
int	gather_index(struct gather *, const struct parquet_column *root, const struct parquet_values *v, uint32_t n_rows);

/* out[leaf] gets the rows row[0..n), ascending, of the batch that was looked at last; they live until the next call.  Strings stay
 * where they are.  out may be v.  0 or -1. */
int	gather_rows(struct gather *, const struct parquet_column *root, const struct parquet_values *v, const uint32_t *row, uint32_t n,
	    struct parquet_values *out);

size_t	gather_memory(const struct gather *, const struct parquet_column *root);
void	gather_free(struct gather *);

#endif
