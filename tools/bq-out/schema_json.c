/*
 * A JSON Schema as columns.  What it allows may be more than what a column takes: then the column is JSON.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema_int.h"
#include "weir.h"

#define MAX_HOPS	32	/* references that lead to references */
#define MAX_LEVELS	64	/* arrays and records in one another */
#define MAX_STEPS	100000	/* of all: references can make a small file endless */
#define DESCRIPTION	1024	/* BigQuery's limit, in characters; longer ones are left out */

struct walk {
	struct schema_maker	*m;
	const json_t		*root;
	struct buf		*notes;
	unsigned		 level, steps;
};

/* ---------------------------------------------------------------- references */

/* "#/$defs/user", "#": the schema it names, or NULL. */
static const json_t *
pointer(const json_t *root, const char *ref)
{
	const json_t *at = root;
	char key[256];

	if (*ref++ != '#')
		return NULL;
	while (at && *ref == '/') {
		size_t n = 0;

		for (ref++; *ref && *ref != '/' && n < sizeof key - 1; ref++)
			key[n++] = ref[0] == '~' && (ref[1] == '0' || ref[1] == '1') ? *++ref == '0' ? '~' : '/' : *ref;
		key[n] = '\0';
		at = json_is_array(at) ? json_array_get(at, (size_t)strtoul(key, NULL, 10)) : json_object_get(at, key);
	}
	return *ref ? NULL : at;
}

/* The one branch of an anyOf or oneOf that is not "null", or NULL. */
static const json_t *
only_branch(const json_t *s, int *nullable)
{
	const json_t *branches = json_object_get(s, "anyOf"), *b, *only = NULL;
	size_t i, others = 0;

	json_array_foreach(branches ? branches : json_object_get(s, "oneOf"), i, b) {
		const char *type = json_string_value(json_object_get(b, "type"));

		if (type && !strcmp(type, "null")) {
			*nullable = 1;
			continue;
		}
		only = b;
		others++;
	}
	return others == 1 && !json_object_get(s, "properties") && !json_object_get(s, "type") ? only : NULL;
}

/* Follow $ref, and anyOf/oneOf whose only other branch is null.  *nullable is set when null is allowed on the way. */
static int
resolve(struct walk *w, const json_t *s, const json_t **out, int *nullable)
{
	for (int hop = 0; hop < MAX_HOPS; hop++) {
		const char *ref = json_string_value(json_object_get(s, "$ref"));
		const json_t *next = ref ? pointer(w->root, ref) : only_branch(s, nullable);

		if (ref && !next)
			return fail(w->m->fail, WEIR_ECONFIG, "%s: column \"%s\": the reference '%s' leads nowhere in this file", w->m->whose,
			    w->m->path, ref);
		if (!next) {
			*out = s;
			return 0;
		}
		s = next;
	}
	return fail(w->m->fail, WEIR_ECONFIG, "%s: column \"%s\": references lead to one another without end", w->m->whose, w->m->path);
}

/* ---------------------------------------------------------------- types */

static const char *
type_of_value(const json_t *v)
{
	return json_is_string(v) ? "string" : json_is_integer(v) ? "integer" : json_is_real(v) ? "number" : json_is_boolean(v) ? "boolean" :
	    json_is_null(v) ? "null" : "";
}

/* What `found` and another type have in common: an integer is a number, anything is wider than NULL, "" is no one type. */
static const char *
join(const char *found, const char *t, int *nullable)
{
	if (t && !strcmp(t, "null")) {
		*nullable = 1;
		return found;
	}
	if (!t || !found || !strcmp(found, t))
		return t ? t : "";
	if ((!strcmp(found, "integer") && !strcmp(t, "number")) || (!strcmp(found, "number") && !strcmp(t, "integer")))
		return "number";
	return "";
}

/* The one type a schema allows besides null; "": none or several. */
static const char *
type_of(const json_t *s, int *nullable)
{
	const json_t *type = json_object_get(s, "type"), *constant = json_object_get(s, "const"), *v;
	const char *found = NULL;
	size_t i;

	if (json_is_string(type))
		return json_string_value(type);
	json_array_foreach(type, i, v)
		found = join(found, json_string_value(v), nullable);
	if (!type && (json_object_get(s, "properties") || json_object_get(s, "allOf")))
		return "object";
	if (!type && constant)
		found = join(found, type_of_value(constant), nullable);
	else if (!type)
		json_array_foreach(json_object_get(s, "enum"), i, v)
			found = join(found, type_of_value(v), nullable);
	return found ? found : "";
}

static uint8_t
string_type(const json_t *s)
{
	const char *format = json_string_value(json_object_get(s, "format")), *encoding = json_string_value(json_object_get(s, "contentEncoding"));

	if (encoding && !strcmp(encoding, "base64"))
		return SCHEMA_BYTES;
	return !format ? SCHEMA_STRING : !strcmp(format, "date-time") ? SCHEMA_TIMESTAMP : !strcmp(format, "date") ? SCHEMA_DATE :
	    !strcmp(format, "time") ? SCHEMA_TIME : SCHEMA_STRING;
}

static int
is_required(const json_t *s, const char *name)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(s, "required"), i, v)
		if (json_string_value(v) && !strcmp(json_string_value(v), name))
			return 1;
	return 0;
}

/* ---------------------------------------------------------------- columns */

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

/* The properties of an object and of its allOf branches; a name that stands in several comes from the first.  `outer` is the object. */
static int
members(struct walk *w, const json_t *s, const json_t *outer, struct schema_field **list, size_t *n, unsigned depth, int hop)
{
	const json_t *v, *branch;
	const char *name;
	size_t i;
	int e, unused = 0;

	if (++w->steps > MAX_STEPS)
		return fail(w->m->fail, WEIR_ECONFIG, "%s: references make more than %d objects (does one lead to itself?)", w->m->whose, MAX_STEPS);
	json_object_foreach(json_object_get(s, "properties"), name, v) {
		size_t mark = schema_enter(w->m, name);
		struct schema_field *f = NULL;
		int there = 0;

		for (i = 0; i < *n; i++)
			there |= !strcmp((*list)[i].name, name);
		if (!there) {
			if ((e = schema_add(w->m, list, n, name, depth, &f)) < 0)
				return e;
			f->mode = is_required(s, name) || is_required(outer, name) ? SCHEMA_REQUIRED : SCHEMA_NULLABLE;
			if ((e = fill(w, v, f, depth)) < 0)
				return e;
		}
		schema_leave(w->m, mark);
	}
	json_array_foreach(json_object_get(s, "allOf"), i, v)
		if (hop < MAX_HOPS && ((e = resolve(w, v, &branch, &unused)) < 0 || (e = members(w, branch, outer, list, n, depth, hop + 1)) < 0))
			return e;
	return 0;
}

/* An array's column is its elements', REPEATED. */
static int
array(struct walk *w, const json_t *s, struct schema_field *f, unsigned depth)
{
	const json_t *items = json_object_get(s, "items");
	uint8_t mode = f->mode;
	int e = 0;

	if (!json_is_object(items) || json_object_get(s, "prefixItems"))
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
fill_type(struct walk *w, const json_t *s, const char *type, struct schema_field *f, unsigned depth)
{
	int e;

	if (!strcmp(type, "array"))
		return array(w, s, f, depth);
	if (!strcmp(type, "object")) {
		f->type = SCHEMA_RECORD;
		if ((e = members(w, s, s, &f->field, &f->n, depth + 1, 0)) < 0)
			return e;
		return f->n ? 0 : open_to_all(w, f, "an object with any members");
	}
	if (!strcmp(type, "integer"))
		f->type = SCHEMA_INTEGER;
	else if (!strcmp(type, "number"))
		f->type = SCHEMA_FLOAT;
	else if (!strcmp(type, "boolean"))
		f->type = SCHEMA_BOOLEAN;
	else if (!strcmp(type, "string"))
		f->type = string_type(s);
	else
		return open_to_all(w, f, json_object_size(s) ? "no one type" : "any value");
	return 0;
}

/* The type of f from schema s; f->mode comes in as REQUIRED where it must be there, and stays so only if it may not be null. */
static int
fill(struct walk *w, const json_t *s, struct schema_field *f, unsigned depth)
{
	const char *type, *title;
	int e, nullable = 0;

	if ((e = resolve(w, s, &s, &nullable)) < 0)
		return e;
	if (w->level == MAX_LEVELS)
		return fail(w->m->fail, WEIR_ECONFIG, "%s: column \"%s\" is nested deeper than %d levels (does a reference lead to itself?)",
		    w->m->whose, w->m->path, MAX_LEVELS);
	type = type_of(s, &nullable);
	if (nullable || !*type)
		f->mode = SCHEMA_NULLABLE;
	title = json_string_value(json_object_get(s, "description"));
	if (title && strlen(title) <= DESCRIPTION && !json_object_get(f->doc, "description") &&
	    json_object_set_new(f->doc, "description", json_string(title)) < 0)
		return schema_no_memory(w->m);
	w->level++;
	e = fill_type(w, s, type, f, depth);
	w->level--;
	return e;
}

int
schema_from_jsonschema(struct schema_maker *m, const json_t *root, struct schema *s, struct buf *notes)
{
	struct walk w = { .m = m, .root = root, .notes = notes };
	const json_t *top;
	int e, nullable = 0;

	if ((e = resolve(&w, root, &top, &nullable)) < 0)
		return e;
	if (strcmp(type_of(top, &nullable), "object"))
		return fail(m->fail, WEIR_ECONFIG, "%s describes no object: a table needs a JSON Schema of type object with properties, or BigQuery's "
		    "[{\"name\": ..., \"type\": ...}]", m->whose);
	return members(&w, top, top, &s->field, &s->n, 0, 0);
}
