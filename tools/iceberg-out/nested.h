/*
 * nested.h - lists and maps: one event's JSON into levels and values.
 *
 * The levels are those of Dremel as Parquet has them; see column.h.
 */
#ifndef NESTED_H
#define NESTED_H

#include "buf.h"
#include "convert.h"

struct nested {
	struct convert	*convert;
	struct vector	*vector;	/* of every leaf of the tree */
	int		 unit;		/* of times */
	/* A member in a struct in a list that no column takes: 0 go on, 1 reject the event, negative: an error. */
	int		(*unknown)(void *arg, const char *path, size_t n, const struct weir_value *);
	void		*arg;

	/* why nested_put() returned 1 */
	const char	*code;
	struct buf	 path;		/* ends with a NUL */
	char		 text[600];
};

/* One row of a list or map; path is its own, into the event.  0; 1: it does not fit, the row counts as null; -1: no memory. */
int	nested_put(struct nested *, const struct parquet_column *, const struct weir_value *, const char *path);

/* A row without it, at the given definition level.  0 or -1. */
int	nested_null(struct nested *, const struct parquet_column *, unsigned def);

void	nested_free(struct nested *);

#endif
