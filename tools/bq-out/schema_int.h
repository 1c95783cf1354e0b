/*
 * schema_int.h - what the files of schema.h share.
 */
#ifndef SCHEMA_INT_H
#define SCHEMA_INT_H

#include "schema.h"

#define SCHEMA_PATH_SIZE	1024

/* A schema while it is read or compared. */
struct schema_maker {
	const char	*whose;		/* the document's name in messages */
	struct fail	*fail;
	size_t		 n_columns;
	char		 path[SCHEMA_PATH_SIZE];	/* of the column at hand, cut where it is longer */
};

/* Behind the path: ".name".  Returns what schema_leave() takes. */
size_t	schema_enter(struct schema_maker *, const char *name);
void	schema_leave(struct schema_maker *, size_t mark);

/* A column of that name behind the n fields of *list, which grows; `doc` has nothing but its name.  Checks the name and the count;
 * depth: how many records are around it. */
int	schema_add(struct schema_maker *, struct schema_field **list, size_t *n, const char *name, unsigned depth, struct schema_field **out);

/* The fields of a TableFieldSchema array. */
int	schema_fields(struct schema_maker *, const json_t *fields, struct schema_field **list, size_t *n, unsigned depth);

int	schema_no_memory(struct schema_maker *);
void	schema_fields_free(struct schema_field *, size_t n);

/* The columns that a JSON Schema describes. */
int	schema_from_jsonschema(struct schema_maker *, const json_t *root, struct schema *, struct buf *notes);

#endif
