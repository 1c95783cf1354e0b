/*
 * target.h - the table that is written: opened or made, its columns laid out, evolved.
 */
#ifndef TARGET_H
#define TARGET_H

#include "columns.h"
#include "partition.h"
#include "table.h"
#include "weir.h"

enum target_evolve { TARGET_FIXED, TARGET_ADD, TARGET_WIDEN };

struct target_options {
	const char		*catalog, *warehouse, *table, *schema, *partition, *rest, *columns, *ref;
	int			 create, infer, evolve;
	struct weir_list	*property;
};

struct target {
	struct target_options	 o;
	struct catalog		*catalog;
	struct table		*table;		/* NULL: it is still to be made */
	struct columns_map	 map;
	struct schema		*schema;	/* what is written: the table's, or the next one */
	struct spec		*spec;
	int32_t			 last_column_id;
	int32_t			 base_schema_id;	/* of the table's that `schema` was made from */
	int			 evolved;	/* `schema` is not in the table yet */
	int			 rest;		/* top-level column, or -1 */
	struct columns		*columns;
	struct partition	*partition_of;
	struct buf		 notes;		/* lines for people, each with its newline */
};

/* Catalog, table if it is there, --columns; a schema file is read when the table is to be made.  WEIR_ECONFIG with a remedy when
 * the table is missing and --create was not said. */
int	target_open(struct target *, struct fail *);
/* What the catalog says now: the stream may begin long after open(), and after a commit of another run. */
int	target_refresh(struct target *, struct fail *);
void	target_close(struct target *);

/* Are the columns known, or must the events tell them? */
int	target_known(const struct target *);

/* Make the table with t->schema (without ids), which becomes its own. */
int	target_create(struct target *, int64_t now_ms, struct fail *);

/* Columns and partitions for t->schema. */
int	target_layout(struct target *, struct fail *);

/* After a commit: what was the next schema is the table's. */
void	target_committed(struct target *);

/* Add what the events have and the table has not: an optional column like `more` (ids not set), or what is missing inside it.
 * 1 something changed, 0 nothing. */
int	target_add(struct target *, const struct schema_field *more, struct fail *);
/* int to long, float to double: 1, or 0 when the column at that path cannot be widened. */
int	target_widen(struct target *, const char *path, struct fail *);

#endif
