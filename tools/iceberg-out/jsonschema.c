#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonschema.h"
#include "weir.h"

#define MAX_DEPTH	32	/* of nested columns, and of references that lead to references */
#define MAX_COLUMNS	SCHEMA_MAX_FIELDS

struct convert {
	const json_t	*root;
	const char	*file;
	struct buf	*notes;
	struct fail	*fail;
	size_t		 n;
	char		 path[1024];	/* of the column being made */
};

static int
no_memory(struct convert *c)
{
	return fail(c->fail, WEIR_EAGAIN, "no memory for the schema %s", c->file);
}

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
			if (ref[0] == '~' && (ref[1] == '0' || ref[1] == '1'))
				key[n++] = *++ref == '0' ? '~' : '/';
			else
				key[n++] = *ref;
		key[n] = '\0';
		at = json_is_array(at) ? json_array_get(at, (size_t)strtoul(key, NULL, 10)) : json_object_get(at, key);
	}
	return *ref ? NULL : at;
}

static int
is_null_type(const json_t *s)
{
	const char *t = json_string_value(json_object_get(s, "type"));

	return t && strcmp(t, "null") == 0;
}

/* Follow $ref, and anyOf/oneOf whose only other branch is null.  *nullable is set when null is allowed on the way. */
static int
resolve(struct convert *c, const json_t *s, const json_t **out, int *nullable)
{
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		const char *ref = json_string_value(json_object_get(s, "$ref"));
		const json_t *branches = json_object_get(s, "anyOf"), *b, *only = NULL;
		size_t i, others = 0;

		if (ref) {
			if (!(s = pointer(c->root, ref)))
				return fail(c->fail, WEIR_ECONFIG, "%s: column %s: the reference '%s' leads nowhere in this file", c->file, c->path, ref);
			continue;
		}
		if (!branches)
			branches = json_object_get(s, "oneOf");
		json_array_foreach(branches, i, b) {
			if (is_null_type(b)) {
				*nullable = 1;
				continue;
			}
			only = b;
			others++;
		}
		if (others != 1 || json_object_get(s, "properties") || json_object_get(s, "type")) {
			*out = s;
			return 0;
		}
		s = only;
	}
	return fail(c->fail, WEIR_ECONFIG, "%s: column %s: references lead to one another without end", c->file, c->path);
}

/* ---------------------------------------------------------------- types */

/* The one type a schema allows besides null: "" none or several. */
static const char *
type_of(const json_t *s, int *nullable)
{
	const json_t *type = json_object_get(s, "type"), *v, *list;
	const char *found = "";
	size_t i;

	if (json_is_string(type))
		found = json_string_value(type);
	json_array_foreach(type, i, v) {
		const char *t = json_string_value(v);

		if (t && strcmp(t, "null") == 0)
			*nullable = 1;
		else if (!*found || (strcmp(found, "integer") == 0 && t && strcmp(t, "number") == 0))
			found = t ? t : "";
		else if (!(strcmp(found, "number") == 0 && t && strcmp(t, "integer") == 0))
			return "";
	}
	if (*found || type)
		return found;
	if (json_object_get(s, "properties") || json_object_get(s, "allOf"))
		return "object";
	list = json_object_get(s, "enum");
	if (json_object_get(s, "const") || json_array_size(list)) {
		size_t n = json_array_size(list) ? json_array_size(list) : 1;

		for (i = 0; i < n; i++) {
			const char *t;

			v = list ? json_array_get(list, i) : json_object_get(s, "const");
			t = json_is_string(v) ? "string" : json_is_integer(v) ? "integer" : json_is_real(v) ? "number" : json_is_boolean(v) ? "boolean" : NULL;
			if (json_is_null(v))
				*nullable = 1;
			else if (!t || (*found && strcmp(t, found)))
				return "";
			else
				found = t;
		}
	}
	return found;
}

static int
string_kind(const json_t *s)
{
	const char *format = json_string_value(json_object_get(s, "format")), *encoding = json_string_value(json_object_get(s, "contentEncoding"));

	if (encoding && strcmp(encoding, "base64") == 0)
		return SCHEMA_BINARY;
	if (!format)
		return SCHEMA_STRING;
	return strcmp(format, "date-time") == 0 ? SCHEMA_TIMESTAMPTZ : strcmp(format, "date") == 0 ? SCHEMA_DATE :
	    strcmp(format, "uuid") == 0 ? SCHEMA_UUID : SCHEMA_STRING;
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
		return fail(c->fail, WEIR_ECONFIG, "%s: more than %d columns", c->file, MAX_COLUMNS);
	if (!(k = schema_add(f, name, SCHEMA_STRING, required)))
		return no_memory(c);
	snprintf(c->path + mark, sizeof c->path - mark, "%s%s", mark ? "." : "", name);
	e = fill(c, s, k, depth);
	c->path[mark] = '\0';
	return e;
}

static int
is_required(const json_t *s, const char *name)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(s, "required"), i, v)
		if (json_string_value(v) && strcmp(json_string_value(v), name) == 0)
			return 1;
	return 0;
}

/* The properties of an object and of its allOf branches; a name that stands in several comes from the first. */
static int
members(struct convert *c, const json_t *s, const json_t *outer, struct schema_field *f, int depth)
{
	const json_t *v, *branch;
	const char *name;
	size_t i;
	int e, unused = 0;

	json_object_foreach(json_object_get(s, "properties"), name, v) {
		if (schema_by_name(f, name, strlen(name)))
			continue;
		if (!*name)
			return fail(c->fail, WEIR_ECONFIG, "%s: a property with an empty name cannot be a column", c->file);
		if ((e = child(c, v, f, name, is_required(s, name) || is_required(outer, name), depth + 1)) < 0)
			return e;
	}
	json_array_foreach(json_object_get(s, "allOf"), i, v) {
		if ((e = resolve(c, v, &branch, &unused)) < 0 || (depth < MAX_DEPTH && (e = members(c, branch, outer, f, depth + 1)) < 0))
			return e;
	}
	return 0;
}

static int
object(struct convert *c, const json_t *s, struct schema_field *f, int depth)
{
	const json_t *values = json_object_get(s, "additionalProperties");
	int e;

	f->kind = SCHEMA_STRUCT;
	if ((e = members(c, s, s, f, depth)) < 0)
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

/* The type of f from schema s; f->required comes in as "must be there" and stays so only if it may not be null. */
static int
fill(struct convert *c, const json_t *s, struct schema_field *f, int depth)
{
	const json_t *items;
	const char *type, *title;
	int e, nullable = 0;

	if (depth > MAX_DEPTH)
		return fail(c->fail, WEIR_ECONFIG, "%s: column %s is nested deeper than %d levels (does a reference lead to itself?)", c->file, c->path, MAX_DEPTH);
	if ((e = resolve(c, s, &s, &nullable)) < 0)
		return e;
	type = type_of(s, &nullable);
	if (nullable || !*type)
		f->required = 0;
	title = json_string_value(json_object_get(s, "description"));
	if (title && !(f->doc = strdup(title)))
		return no_memory(c);
	if (strcmp(type, "object") == 0)
		return object(c, s, f, depth);
	if (strcmp(type, "array") == 0) {
		items = json_object_get(s, "items");
		if (!json_is_object(items) || json_object_get(s, "prefixItems"))
			return any(c, f, "an array of anything");
		f->kind = SCHEMA_LIST;
		return child(c, items, f, "element", 1, depth + 1);
	}
	if (strcmp(type, "integer") == 0)
		f->kind = SCHEMA_LONG;
	else if (strcmp(type, "number") == 0)
		f->kind = SCHEMA_DOUBLE;
	else if (strcmp(type, "boolean") == 0)
		f->kind = SCHEMA_BOOLEAN;
	else if (strcmp(type, "string") == 0)
		f->kind = (uint8_t)string_kind(s);
	else
		return any(c, f, json_object_size(s) ? "no one type" : "any value");
	return 0;
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
	struct convert c = { .file = file, .notes = notes, .fail = f };
	struct schema_field *root;
	json_error_t why;
	json_t *json = json_loadb(text, n, 0, &why);
	struct schema *s = NULL;
	int e;

	if (!json)
		return fail(f, WEIR_ECONFIG, "%s, line %d, column %d: %s", file, why.line, why.column, why.text);
	c.root = json;
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
