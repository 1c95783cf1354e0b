/*
 * column.h - the columns of a Parquet file, as a tree.
 *
 * A tree is built by its owner, bottom up or as static data, and then laid
 * out once by column_layout(), which checks it and fills in what is derived.
 * It mirrors the schema of an Iceberg table: the repeated groups that Parquet
 * puts inside lists and maps are not nodes of it.
 *
 * Type table: Iceberg, Appendix A (Parquet); parquet-format LogicalTypes.md.
 */
#ifndef COLUMN_H
#define COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"

#define COLUMN_DEPTH	32	/* levels of nesting, the root included */
#define COLUMN_LEAVES	10000	/* primitive columns of one tree */

enum column_kind { COLUMN_PRIMITIVE, COLUMN_STRUCT, COLUMN_LIST, COLUMN_MAP };

enum column_type {
	COLUMN_BOOLEAN, COLUMN_INT, COLUMN_LONG, COLUMN_FLOAT, COLUMN_DOUBLE, COLUMN_DECIMAL, COLUMN_DATE, COLUMN_TIME,
	COLUMN_TIMESTAMP, COLUMN_TIMESTAMPTZ, COLUMN_STRING, COLUMN_BINARY, COLUMN_UUID, COLUMN_FIXED
};

/* parquet-format, enum Type: the numbers of the file. */
enum parquet_type {
	PARQUET_BOOLEAN = 0, PARQUET_INT32 = 1, PARQUET_INT64 = 2, PARQUET_INT96 = 3, PARQUET_FLOAT = 4, PARQUET_DOUBLE = 5,
	PARQUET_BYTE_ARRAY = 6, PARQUET_FIXED = 7
};

/* Of a time or timestamp as stored; Iceberg's own types are microseconds. */
enum column_unit { COLUMN_US, COLUMN_MS, COLUMN_NS };

/* Zero is: primitive, boolean, optional, no field id. */
struct parquet_column {
	const char		*name;
	int32_t			 field_id;	/* > 0; 0: none */
	uint8_t			 kind;		/* enum column_kind */
	uint8_t			 type;		/* enum column_type, of a primitive */
	uint8_t			 required;
	uint8_t			 unit;		/* enum column_unit */
	uint8_t			 precision, scale;	/* COLUMN_DECIMAL */
	uint8_t			 json;		/* COLUMN_STRING: takes any JSON value, as its text */
	uint32_t		 length;	/* COLUMN_FIXED: bytes */
	uint32_t		 n_children;	/* struct: any; list: 1, the element; map: 2, key (required) and value */
	struct parquet_column	*child;

	/* Filled in by column_layout(), or by the reader from a file. */
	uint8_t			 physical;	/* enum parquet_type */
	uint8_t			 max_def;	/* definition level at which this node is there and not null */
	uint8_t			 max_rep;	/* repetition level of this node: the lists and maps it stands in */
	uint32_t		 width;		/* bytes of one PARQUET_FIXED value */
	uint32_t		 leaf;		/* the first leaf at or below this node, in file order */
	uint32_t		 n_leaves;
	struct parquet_column	*parent;
};

/* Parquet levels.  The root (a struct, required) has levels 0.  An optional node adds 1 to max_def.  The repeated group in a list
 * or map adds 1 to max_def and to max_rep of what is below: a list is null at list->max_def - 1, empty at list->max_def, and has
 * an element (null or not) from list->max_def + 1 on; that is column_item_def(). */
static inline unsigned
column_item_def(const struct parquet_column *list)
{
	return list->max_def + 1u;
}

/* Check the tree and derive the rest.  WEIR_ECONFIG with the path of the column and what is wrong with it. */
int	column_layout(struct parquet_column *root, struct fail *);

/* Leaf number i of a tree that was laid out. */
const struct parquet_column *column_leaf(const struct parquet_column *root, uint32_t i);

/* "user.tags.element" into out[size], cut with "..." when longer.  Returns out. */
char	*column_path(const struct parquet_column *, char *out, size_t size);

/* "decimal(9, 2)", "timestamptz", "list": the word Iceberg has for it. */
char	*column_type_name(const struct parquet_column *, char *out, size_t size);

/* Bytes of the smallest two's complement number that holds every decimal of this precision (1 to 38). */
unsigned column_decimal_bytes(unsigned precision);

#endif
