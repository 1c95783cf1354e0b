/*
 * tail.h - what a Parquet file says about itself: the schema as a tree,
 * the row groups, the place and statistics of each column chunk.
 * (apache/parquet-format, parquet.thrift: FileMetaData and LogicalTypes.md.)
 *
 * Everything is checked before it is handed out: tree and counts fit each
 * other, offsets lie in the file, levels are small.  Names and statistics
 * point into the footer's bytes, which the struct owns.
 */
#ifndef TAIL_H
#define TAIL_H

#include <stddef.h>
#include <stdint.h>

#include "column.h"
#include "fail.h"

#define TAIL_DEPTH	64		/* nested groups; so levels fit a byte */
#define TAIL_NODES	100000		/* columns and groups of one schema */
#define TAIL_CHUNKS	4000000		/* row groups x columns */

/* LogicalType, or what ConvertedType says where there is none.  An unknown one is NONE: the column is its physical type. */
enum tail_logical {
	LOGICAL_NONE, LOGICAL_STRING, LOGICAL_MAP, LOGICAL_LIST, LOGICAL_ENUM, LOGICAL_DECIMAL, LOGICAL_DATE, LOGICAL_TIME,
	LOGICAL_TIMESTAMP, LOGICAL_INTEGER, LOGICAL_NULL, LOGICAL_JSON, LOGICAL_BSON, LOGICAL_UUID, LOGICAL_FLOAT16, LOGICAL_INTERVAL,
	LOGICAL_VARIANT, LOGICAL_GEO
};

enum tail_repetition { TAIL_REQUIRED, TAIL_OPTIONAL, TAIL_REPEATED };
enum tail_unit { TAIL_MS, TAIL_US, TAIL_NS };

struct tail_node {
	const char	*name;		/* not terminated */
	uint32_t	 n_name;
	uint32_t	 parent, child, next;	/* indices of nodes; child 0: a leaf, next 0: the last one */
	uint32_t	 n_children;
	uint32_t	 leaf;		/* of a leaf: its number */
	int32_t		 id;		/* field id, when has_id */
	int32_t		 length;	/* PARQUET_FIXED: bytes of a value */
	int32_t		 scale, precision;	/* LOGICAL_DECIMAL */
	uint8_t		 has_id, physical;	/* enum parquet_type */
	uint8_t		 logical, repetition;
	uint8_t		 unit, utc;	/* LOGICAL_TIME, LOGICAL_TIMESTAMP */
	uint8_t		 bits, is_unsigned;	/* LOGICAL_INTEGER */
	uint8_t		 def, rep;	/* levels at which the node is there; how often it repeats */
};

enum { TAIL_HAS_NULLS = 1, TAIL_HAS_NANS = 2, TAIL_HAS_MIN = 4, TAIL_HAS_MAX = 8 };

/* Bounds in the plain encoding, as min_value and max_value: by the column's type order, and they bound even when not exact.
 * The old min and max are left out: their order depends on who wrote them. */
struct tail_chunk {
	uint64_t	 start;		/* of the first page */
	uint64_t	 bytes;		/* of all pages, as the file says: a hint for reading ahead */
	int64_t		 n_values;	/* nulls included */
	int64_t		 n_nulls, n_nans;
	const char	*min, *max;
	uint32_t	 n_min, n_max;
	int32_t		 codec;
	uint8_t		 has;		/* TAIL_HAS_... */
	uint8_t		 min_exact, max_exact;
	const char	*other_file;	/* not NULL: refused when read */
	uint8_t		 encrypted;
};

struct tail_group {
	int64_t			 n_rows, first_row;
	struct tail_chunk	*chunk;	/* one for each leaf */
};

struct tail {
	struct tail_node	*node;	/* [0] is the root */
	struct tail_group	*group;
	struct tail_chunk	*chunk;
	uint32_t		*leaf;	/* node of each leaf */
	uint8_t			*ordered;	/* of each leaf: its bounds may be used */
	char			*bytes;
	int64_t			 n_rows;
	uint32_t		 n_nodes, n_leaves, n_groups;
	const char		*created_by;
	uint32_t		 n_created_by;
};

/* p[0..n) is the FileMetaData of a file whose data end at `data_end`; taken over, and freed by tail_free() even after a failure.
 * 0, or WEIR_EDATA. */
int	tail_parse(struct tail *, char *p, size_t n, uint64_t data_end, const char *file, struct fail *);
void	tail_free(struct tail *);

/* The child of node `parent` with that field id, or of that name where the file has no field ids at all.  0: none. */
uint32_t tail_find(const struct tail *, uint32_t parent, int32_t id, const char *name);

#endif
