/*
 * shape.h - what a JSON Schema (2020-12, 7) says of the columns of a table.
 *
 * A sink walks it from the root: shape_look() at a schema, shape_members() of
 * an object, shape_items() of an array.  References inside the file are
 * followed, and so are allOf of objects, and anyOf and oneOf whose other branch
 * is null.  Whoever walks counts the levels: a reference to what is around it
 * has no end.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include <jansson.h>

#include "fail.h"

#define SHAPE_HOPS	32		/* references, or allOf in allOf, that lead to one another */
#define SHAPE_STEPS	100000		/* objects looked at in all: references can make a small file endless */

enum shape_kind {
	SHAPE_ANY,			/* no one type: a column for it takes any JSON */
	SHAPE_OBJECT, SHAPE_ARRAY, SHAPE_INTEGER, SHAPE_NUMBER, SHAPE_BOOLEAN, SHAPE_STRING,
	SHAPE_DATE_TIME, SHAPE_DATE, SHAPE_TIME, SHAPE_UUID,	/* strings by their format */
	SHAPE_BASE64			/* and by their contentEncoding */
};

struct shape {
	const json_t	*root;		/* borrowed, as all schemas here are */
	const char	*file;		/* its name in messages */
	const char	*column;	/* the path of the column at hand, for messages; it may change underneath */
	struct fail	*fail;
	unsigned	 steps;		/* so far, from 0 */
};

/* The kind of schema `s`; *out is the schema that its references lead to.  *nullable is set when null is allowed, which it is of
 * SHAPE_ANY.  An error when a reference leads nowhere, or to itself. */
int	shape_look(struct shape *, const json_t *s, const json_t **out, int *nullable);

/* Each property of the object `s` (what shape_look() gave), then of its allOf branches: a name that stands in several comes again, the
 * first one counts.  Ends with what member() returns other than 0. */
typedef int shape_member(void *, const char *name, const json_t *schema, int required);
int	shape_members(struct shape *, const json_t *s, shape_member *, void *);

/* The schema of all elements of the array `s`, or NULL: they may be anything. */
const json_t *shape_items(const json_t *s);

#endif
