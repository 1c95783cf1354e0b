/*
 * avro.h - Avro schemas that keep Iceberg's field ids, and data in Avro's binary form (Avro 1.12 specification).
 *
 * Reading needs no code per record: a datum becomes a tree of values laid out
 * as its schema says, in memory that is reset for the next one.
 */
#ifndef AVRO_H
#define AVRO_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"

#define AVRO_MAX_DEPTH		64
#define AVRO_MAX_TYPES		20000		/* of one schema */
#define AVRO_MAX_VALUES		(8u << 20)	/* of one datum */

enum avro_kind {
	AVRO_NULL, AVRO_BOOLEAN, AVRO_INT, AVRO_LONG, AVRO_FLOAT, AVRO_DOUBLE, AVRO_BYTES, AVRO_STRING, AVRO_FIXED, AVRO_ENUM,
	AVRO_RECORD, AVRO_ARRAY, AVRO_MAP, AVRO_UNION
};

struct avro_type {
	uint8_t			 kind;		/* enum avro_kind */
	char			*name;		/* of record, enum, fixed */
	int64_t			 size;		/* fixed */
	size_t			 n;		/* fields, branches, symbols, or 1 for an array's or map's items */
	struct avro_type	**sub;		/* a named type may stand in several places */
	char			**field;	/* record: names */
	int32_t			*id;		/* record: "field-id"s; array: [0] is "element-id"; -1: none */
};

struct avro_schema {
	struct avro_type	*root;
	size_t			 n;
	struct avro_type	**all;		/* who owns them */
};

struct avro_value {
	uint8_t				 kind;	/* never AVRO_UNION: the branch itself */
	const struct avro_type		*type;
	union {
		int64_t			 i;	/* boolean, int, long, enum */
		double			 d;
		struct {
			const char	*p;
			size_t		 n;
		} s;				/* bytes, string, fixed: points into the input */
		struct {
			struct avro_value *v;
			size_t		 n;
		} list;				/* record: its fields; array: items; map: key, value, key, value, ... */
	};
};

/* Memory for values; zero it first. */
struct avro_room {
	struct avro_value	**chunk;
	size_t			 n_chunk, used, in_use;
};

int	avro_schema_parse(const char *json, size_t n, struct avro_schema **, struct fail *);
void	avro_schema_free(struct avro_schema *);

/* Decode one datum at *p, moving it; values of the last one in this room end.  0, or WEIR_ESTATE for damaged data. */
int	avro_read(const struct avro_type *, const char **p, const char *end, struct avro_room *, struct avro_value *, struct fail *);
void	avro_room_free(struct avro_room *);

/* The field of a record by id, else by name when the record has no ids; NULL when absent or null. */
const struct avro_value *avro_field(const struct avro_value *record, int32_t id, const char *name);

/* Encoding.  As buf_put(). */
int	avro_put_long(struct buf *, int64_t);
int	avro_put_bytes(struct buf *, const void *p, size_t n);

#endif
