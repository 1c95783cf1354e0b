/*
 * columns.h - the columns of an Iceberg schema as the Parquet reader wants them.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "column.h"
#include "fail.h"
#include "schema.h"
#include "weir.h"

#define COLUMNS_CHOSEN	1000		/* paths in --columns */

struct columns {
	struct parquet_column	 root;
	struct parquet_column	*path[SCHEMA_MAX_DEPTH];	/* of columns_path() */
};

/* All of the schema, or what `paths` name (each with all that is below it), in the order named.  Names belong to the schema. */
int	columns_make(struct columns *, const struct schema *, const struct weir_list *paths, struct fail *);
void	columns_free(struct columns *);

/* The fields from the top to `text`, which is a primitive outside lists and maps; their number, or an error. */
int	columns_path(const struct schema *, const char *text, const struct schema_field **path, size_t size, struct fail *);

/* One field without children, for a watch of the reader. */
int	columns_leaf(const struct schema_field *, struct parquet_column *, struct fail *);

#endif
