/*
 * A JSON Schema as columns.  What it allows may be more than what a column takes: then the column is JSON.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema_int.h"
#include "shape.h"
#include "weir.h"

#define MAX_LEVELS	64	/* arrays and records in one another */
#define DESCRIPTION	1024	/* BigQuery's limit, in characters; longer ones are left out */

struct walk {
	struct schema_maker	*m;
	struct shape		 shape;
	struct buf		*notes;
	unsigned		 level;
};

static int	fill(struct walk *, const json_t *, struct schema_field *, unsigned depth);

static int
open_to_all(struct walk *w, struct schema_field *f, const char *why)
{
	f->type = SCHEMA_JSON;
	schema_fields_free(f->field, f->n);
	f->field = NULL;
	f->n = 0;
	return buf_printf(w->notes, "column %s: %s: JSON\n", w->m->path, why) < 0 ? schema_no_memory(w->m) : 0;
}

/* The fields of one record. */
struct record {
	struct walk		*w;
	struct schema_field	**list;
	size_t			*n;
	unsigned		 depth;
};

static int
member(void *arg, const char *name, const json_t *schema, int required)
{
	struct record *r = arg;
	struct schema_maker *m = r->w->m;
	struct schema_field *f;
	size_t mark = schema_enter(m, name);
	int e;

	for (size_t i = 0; i < *r->n; i++)
		if (!strcmp((*r->list)[i].name, name)) {
			schema_leave(m, mark);
			return 0;
		}
	if ((e = schema_add(m, r->list, r->n, name, r->depth, &f)) < 0)
		return e;
	f->mode = required ? SCHEMA_REQUIRED : SCHEMA_NULLABLE;
	if ((e = fill(r->w, schema, f, r->depth)) < 0)
		return e;
	schema_leave(m, mark);
	return 0;
}

static int
members(struct walk *w, const json_t *s, struct schema_field **list, size_t *n, unsigned depth)
{
	struct record r = { w, list, n, depth };

	return shape_members(&w->shape, s, member, &r);
}

/* An array's column is its elements', REPEATED. */
static int
array(struct walk *w, const json_t *s, struct schema_field *f, unsigned depth)
{
	const json_t *items = shape_items(s);
	uint8_t mode = f->mode;
	int e = 0;

	if (!items)
		return open_to_all(w, f, "an array of anything");
	f->mode = SCHEMA_REQUIRED;		/* stays so where no element may be null */
	if ((e = fill(w, items, f, depth)) < 0)
		return e;
	if (f->type != SCHEMA_JSON && f->mode != SCHEMA_REQUIRED)
		e = open_to_all(w, f, f->mode == SCHEMA_REPEATED ? "an array of arrays" : "an array with nulls in it");
	f->mode = f->type == SCHEMA_JSON ? mode : SCHEMA_REPEATED;
	return e;
}

static int
fill_type(struct walk *w, const json_t *s, enum shape_kind kind, struct schema_field *f, unsigned depth)
{
	static const uint8_t types[] = {
		[SHAPE_INTEGER] = SCHEMA_INTEGER, [SHAPE_NUMBER] = SCHEMA_FLOAT, [SHAPE_BOOLEAN] = SCHEMA_BOOLEAN, [SHAPE_STRING] = SCHEMA_STRING,
		[SHAPE_DATE_TIME] = SCHEMA_TIMESTAMP, [SHAPE_DATE] = SCHEMA_DATE, [SHAPE_TIME] = SCHEMA_TIME, [SHAPE_UUID] = SCHEMA_STRING,
		[SHAPE_BASE64] = SCHEMA_BYTES,
	};
	int e;

	switch (kind) {
	case SHAPE_ANY:
		return open_to_all(w, f, json_object_size(s) ? "no one type" : "any value");
	case SHAPE_ARRAY:
		return array(w, s, f, depth);
	case SHAPE_OBJECT:
		f->type = SCHEMA_RECORD;
		if ((e = members(w, s, &f->field, &f->n, depth + 1)) < 0)
			return e;
		return f->n ? 0 : open_to_all(w, f, "an object with any members");
	default:
		f->type = types[kind];
		return 0;
	}
}

/* The type of f from schema s; f->mode comes in as REQUIRED where it must be there, and stays so only if it may not be null. */
static int
fill(struct walk *w, const json_t *s, struct schema_field *f, unsigned depth)
{
	const char *title;
	int kind, e, nullable = 0;

	if ((kind = shape_look(&w->shape, s, &s, &nullable)) < 0)
		return kind;
	if (w->level == MAX_LEVELS)
		return fail(w->m->fail, WEIR_ECONFIG, "%s: column \"%s\" is nested deeper than %d levels (does a reference lead to itself?)",
		    w->m->whose, w->m->path, MAX_LEVELS);
	if (nullable)
		f->mode = SCHEMA_NULLABLE;
	title = json_string_value(json_object_get(s, "description"));
	if (title && strlen(title) <= DESCRIPTION && !json_object_get(f->doc, "description") &&
	    json_object_set_new(f->doc, "description", json_string(title)) < 0)
		return schema_no_memory(w->m);
	w->level++;
	e = fill_type(w, s, (enum shape_kind)kind, f, depth);
	w->level--;
	return e;
}

int
schema_from_jsonschema(struct schema_maker *m, const json_t *root, struct schema *s, struct buf *notes)
{
	struct walk w = { .m = m, .shape = { .root = root, .file = m->whose, .column = m->path, .fail = m->fail }, .notes = notes };
	const json_t *top;
	int kind, nullable = 0;

	if ((kind = shape_look(&w.shape, root, &top, &nullable)) < 0)
		return kind;
	if (kind != SHAPE_OBJECT)
		return fail(m->fail, WEIR_ECONFIG, "%s describes no object: a table needs a JSON Schema of type object with properties, or BigQuery's "
		    "[{\"name\": ..., \"type\": ...}]", m->whose);
	return members(&w, top, &s->field, &s->n, 0);
}
