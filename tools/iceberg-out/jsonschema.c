#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonschema.h"
#include "shape.h"
#include "weir.h"

#define MAX_DEPTH	32	/* of nested columns */
#define MAX_COLUMNS	SCHEMA_MAX_FIELDS

struct convert {
	struct shape	 shape;
	struct buf	*notes;
	size_t		 n;
	char		 path[1024];	/* of the column being made */
};

static int
no_memory(struct convert *c)
{
	return fail(c->shape.fail, WEIR_EAGAIN, "no memory for the schema %s", c->shape.file);
}

static int
any(struct convert *c, struct schema_field *f, const char *why)
{
	f->kind = SCHEMA_STRING;
	free(f->doc);
	if (!(f->doc = strdup(JSONSCHEMA_ANY)) || buf_printf(c->notes, "column %s: %s: a string with the JSON text\n", c->path, why) < 0)
		return no_memory(c);
	return 0;
}

static int fill(struct convert *, const json_t *, struct schema_field *, int depth);

/* A child of f for schema s; the path grows by its name and shrinks again. */
static int
child(struct convert *c, const json_t *s, struct schema_field *f, const char *name, int required, int depth)
{
	struct schema_field *k;
	size_t mark = strlen(c->path);
	int e;

	if (++c->n > MAX_COLUMNS)
		return fail(c->shape.fail, WEIR_ECONFIG, "%s: more than %d columns", c->shape.file, MAX_COLUMNS);
	if (!(k = schema_add(f, name, SCHEMA_STRING, required)))
		return no_memory(c);
	snprintf(c->path + mark, sizeof c->path - mark, "%s%s", mark ? "." : "", name);
	e = fill(c, s, k, depth);
	c->path[mark] = '\0';
	return e;
}

/* The columns of one struct. */
struct columns_of {
	struct convert		*c;
	struct schema_field	*f;
	int			 depth;
};

static int
member(void *arg, const char *name, const json_t *schema, int required)
{
	struct columns_of *o = arg;

	if (schema_by_name(o->f, name, strlen(name)))
		return 0;
	if (!*name)
		return fail(o->c->shape.fail, WEIR_ECONFIG, "%s: a property with an empty name cannot be a column", o->c->shape.file);
	return child(o->c, schema, o->f, name, required, o->depth + 1);
}

static int
object(struct convert *c, const json_t *s, struct schema_field *f, int depth)
{
	const json_t *values = json_object_get(s, "additionalProperties");
	struct columns_of o = { c, f, depth };
	int e;

	f->kind = SCHEMA_STRUCT;
	if ((e = shape_members(&c->shape, s, member, &o)) < 0)
		return e;
	if (f->n)
		return 0;
	if (json_is_object(values) && json_object_size(values)) {
		f->kind = SCHEMA_MAP;
		if (!schema_add(f, "key", SCHEMA_STRING, 1))
			return no_memory(c);
		return child(c, values, f, "value", 1, depth + 1);
	}
	return any(c, f, "an object with any members");
}

static int
array(struct convert *c, const json_t *s, struct schema_field *f, int depth)
{
	const json_t *items = shape_items(s);

	if (!items)
		return any(c, f, "an array of anything");
	f->kind = SCHEMA_LIST;
	return child(c, items, f, "element", 1, depth + 1);
}

/* The type of f from schema s; f->required comes in as "must be there" and stays so only if it may not be null. */
static int
fill(struct convert *c, const json_t *s, struct schema_field *f, int depth)
{
	static const uint8_t kinds[] = {
		[SHAPE_INTEGER] = SCHEMA_LONG, [SHAPE_NUMBER] = SCHEMA_DOUBLE, [SHAPE_BOOLEAN] = SCHEMA_BOOLEAN, [SHAPE_STRING] = SCHEMA_STRING,
		[SHAPE_DATE_TIME] = SCHEMA_TIMESTAMPTZ, [SHAPE_DATE] = SCHEMA_DATE, [SHAPE_TIME] = SCHEMA_STRING, [SHAPE_UUID] = SCHEMA_UUID,
		[SHAPE_BASE64] = SCHEMA_BINARY,
	};
	const char *title;
	int kind, nullable = 0;

	if (depth > MAX_DEPTH)
		return fail(c->shape.fail, WEIR_ECONFIG, "%s: column %s is nested deeper than %d levels (does a reference lead to itself?)", c->shape.file, c->path, MAX_DEPTH);
	if ((kind = shape_look(&c->shape, s, &s, &nullable)) < 0)
		return kind;
	if (nullable)
		f->required = 0;
	title = json_string_value(json_object_get(s, "description"));
	if (title && !(f->doc = strdup(title)))
		return no_memory(c);
	switch (kind) {
	case SHAPE_ANY:
		return any(c, f, json_object_size(s) ? "no one type" : "any value");
	case SHAPE_OBJECT:
		return object(c, s, f, depth);
	case SHAPE_ARRAY:
		return array(c, s, f, depth);
	default:
		f->kind = kinds[kind];
		return 0;
	}
}

static void
clear_ids(struct schema_field *f)
{
	for (size_t i = 0; i < f->n; i++) {
		f->field[i].id = 0;
		clear_ids(&f->field[i]);
	}
}

int
jsonschema_read(const char *text, size_t n, const char *file, struct schema **out, struct buf *notes, struct fail *f)
{
	struct convert c = { .shape = { .file = file, .fail = f }, .notes = notes };
	struct schema_field *root;
	json_error_t why;
	json_t *json = json_loadb(text, n, 0, &why);
	struct schema *s = NULL;
	int e;

	if (!json)
		return fail(f, WEIR_ECONFIG, "%s, line %d, column %d: %s", file, why.line, why.column, why.text);
	c.shape.root = json;
	c.shape.column = c.path;
	if (json_is_array(json_object_get(json, "fields"))) {		/* an Iceberg schema; its ids are given anew, as for any new table */
		e = schema_parse(json, &s, f);
		if (!e) {
			clear_ids(&s->root);
			s->id = 0;
			s->n_identifier = 0;
		}
		goto out;
	}
	if (!(s = schema_new())) {
		e = no_memory(&c);
		goto out;
	}
	root = &s->root;
	if ((e = fill(&c, json, root, 0)) == 0 && (root->kind != SCHEMA_STRUCT || !root->n))
		e = fail(f, WEIR_ECONFIG, "%s describes no object with properties: a table needs columns", file);
	root->required = 0;
	free(root->doc);
	root->doc = NULL;
out:
	json_decref(json);
	if (e < 0)
		schema_free(s);
	else
		*out = s;
	return e;
}
