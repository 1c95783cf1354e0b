/*
 * columns.h - a table's schema as the column tree that the shredder and the Parquet writer share, and --columns.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "schema.h"
#include "shred.h"

/* One item of --columns: NAME=TYPE[:PATH[:UNIT]]. */
struct columns_item {
	char			*name, *path;	/* path NULL: the member of that name */
	struct schema_field	 type;		/* kind, precision, scale, length */
	int			 unit;		/* enum weir_unit */
};

struct columns_map {
	size_t			 n;
	struct columns_item	*item;
};

int	columns_parse(const char *text, struct columns_map *, struct fail *);
void	columns_map_free(struct columns_map *);

/* Give a new table's schema the types of --columns; columns it does not have are added at its end. */
int	columns_apply(const struct columns_map *, struct schema *, struct fail *);

/* Check that a table that is there has them, with these types. */
int	columns_check(const struct columns_map *, const struct schema *, const char *table, struct fail *);

struct columns {
	struct parquet_column	 root;		/* laid out; its names belong to the schema */
	struct shred_source	*source;	/* one per top-level column */
};

/* The schema and the map outlive it. */
int	columns_new(const struct schema *, const struct columns_map *, struct columns **, struct fail *);
void	columns_free(struct columns *);

#endif
