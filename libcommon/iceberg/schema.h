/*
 * schema.h - Iceberg schemas: types, field ids, JSON and back (spec, "Schemas and Data Types", Appendix C).
 *
 * A schema is a tree of fields.  Its root is a struct without id; a list has
 * one child named "element", a map two, "key" and "value".
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"

#define SCHEMA_MAX_ID		2147483447	/* ids above are reserved */
#define SCHEMA_MAX_DEPTH	64
#define SCHEMA_MAX_FIELDS	10000		/* fields of one schema, nested ones included */

enum schema_kind {
	SCHEMA_BOOLEAN, SCHEMA_INT, SCHEMA_LONG, SCHEMA_FLOAT, SCHEMA_DOUBLE, SCHEMA_DECIMAL, SCHEMA_DATE, SCHEMA_TIME,
	SCHEMA_TIMESTAMP, SCHEMA_TIMESTAMPTZ, SCHEMA_STRING, SCHEMA_UUID, SCHEMA_FIXED, SCHEMA_BINARY,
	SCHEMA_TIMESTAMP_NS, SCHEMA_TIMESTAMPTZ_NS,	/* v3 */
	SCHEMA_OTHER,					/* a v3 type that is kept and not understood */
	SCHEMA_STRUCT, SCHEMA_LIST, SCHEMA_MAP
};

struct schema_field {
	int32_t			 id;		/* 0: none yet */
	uint8_t			 kind;		/* enum schema_kind */
	uint8_t			 required;
	int32_t			 precision, scale;	/* decimal */
	int32_t			 length;	/* fixed */
	char			*name;		/* UTF-8 */
	char			*doc;		/* or NULL */
	char			*other;		/* SCHEMA_OTHER: the type as written */
	json_t			*initial_default, *write_default;	/* or NULL */
	size_t			 n;
	struct schema_field	*field;		/* n of them */
};

struct schema {
	int32_t			 id;
	struct schema_field	 root;		/* SCHEMA_STRUCT */
	size_t			 n_identifier;
	int32_t			*identifier;	/* identifier-field-ids */
};

/* Own the result; free with schema_free(). */
struct schema	*schema_new(void);
void		 schema_free(struct schema *);
struct schema	*schema_dup(const struct schema *);
int		 schema_parse(const json_t *, struct schema **, struct fail *);
json_t		*schema_json(const struct schema *);		/* NULL: no memory */

/* A new child at the end of a struct, list or map; the pointer is good until the next one is added there.  NULL: no memory. */
struct schema_field *schema_add(struct schema_field *parent, const char *name, int kind, int required);

/* A type by name, "long", "decimal(10,2)", "fixed[16]": fills in kind, precision, scale, length.  0 or -1. */
int		 schema_type(const char *text, struct schema_field *);
/* The name of a primitive type as Java writes it: "decimal(10, 2)"; "struct", "list", "map".  Returns out. */
#define SCHEMA_TYPE_SIZE	64
const char	*schema_type_text(const struct schema_field *, char *out);

/* Give every field without an id one, breadth first as Java does, from *last + 1 on. */
int		 schema_number(struct schema *, int32_t *last, struct fail *);

const struct schema_field *schema_by_id(const struct schema *, int32_t id);
const struct schema_field *schema_by_name(const struct schema_field *parent, const char *name, size_t n);
/* "user.id" (names may hold dots: the longest name wins). */
const struct schema_field *schema_by_path(const struct schema *, const char *path);
/* "user.id", "tags.element" of a field. */
int		 schema_path(const struct schema *, int32_t id, struct buf *out);

int		 schema_primitive(const struct schema_field *);
/* Equal but for schema ids and docs. */
int		 schema_same(const struct schema *, const struct schema *);
/* May a column of type `from` become `to`: int to long, float to double, a wider decimal; or are they equal? */
int		 schema_promotes(const struct schema_field *from, const struct schema_field *to);

#endif
