#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "weir.h"

static const char *const kind_name[] = {
	[SCHEMA_BOOLEAN] = "boolean", [SCHEMA_INT] = "int", [SCHEMA_LONG] = "long", [SCHEMA_FLOAT] = "float", [SCHEMA_DOUBLE] = "double",
	[SCHEMA_DECIMAL] = "decimal", [SCHEMA_DATE] = "date", [SCHEMA_TIME] = "time", [SCHEMA_TIMESTAMP] = "timestamp",
	[SCHEMA_TIMESTAMPTZ] = "timestamptz", [SCHEMA_STRING] = "string", [SCHEMA_UUID] = "uuid", [SCHEMA_FIXED] = "fixed",
	[SCHEMA_BINARY] = "binary", [SCHEMA_TIMESTAMP_NS] = "timestamp_ns", [SCHEMA_TIMESTAMPTZ_NS] = "timestamptz_ns",
	[SCHEMA_OTHER] = "other", [SCHEMA_STRUCT] = "struct", [SCHEMA_LIST] = "list", [SCHEMA_MAP] = "map",
};

static void
field_clear(struct schema_field *f)
{
	for (size_t i = 0; i < f->n; i++)
		field_clear(&f->field[i]);
	free(f->field);
	free(f->name);
	free(f->doc);
	free(f->other);
	json_decref(f->initial_default);
	json_decref(f->write_default);
}

struct schema *
schema_new(void)
{
	struct schema *s = calloc(1, sizeof *s);

	if (s)
		s->root.kind = SCHEMA_STRUCT;
	return s;
}

void
schema_free(struct schema *s)
{
	if (!s)
		return;
	field_clear(&s->root);
	free(s->identifier);
	free(s);
}

/* 0, or -1 when memory is short: `to` is then safe to clear. */
static int
field_dup(const struct schema_field *f, struct schema_field *to)
{
	*to = *f;
	to->field = NULL;
	to->n = 0;
	to->name = f->name ? strdup(f->name) : NULL;
	to->doc = f->doc ? strdup(f->doc) : NULL;
	to->other = f->other ? strdup(f->other) : NULL;
	json_incref(to->initial_default);
	json_incref(to->write_default);
	if ((f->name && !to->name) || (f->doc && !to->doc) || (f->other && !to->other))
		return -1;
	if (f->n && !(to->field = calloc(f->n, sizeof *to->field)))
		return -1;
	for (; to->n < f->n; to->n++)
		if (field_dup(&f->field[to->n], &to->field[to->n]) < 0) {
			to->n++;
			return -1;
		}
	return 0;
}

struct schema *
schema_dup(const struct schema *s)
{
	struct schema *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->id = s->id;
	if (s->n_identifier) {
		if (!(d->identifier = malloc(s->n_identifier * sizeof *d->identifier)))
			goto fail;
		memcpy(d->identifier, s->identifier, s->n_identifier * sizeof *d->identifier);
		d->n_identifier = s->n_identifier;
	}
	if (field_dup(&s->root, &d->root) == 0)
		return d;
fail:
	schema_free(d);
	return NULL;
}

struct schema_field *
schema_add(struct schema_field *parent, const char *name, int kind, int required)
{
	struct schema_field *f = realloc(parent->field, (parent->n + 1) * sizeof *f);

	if (!f)
		return NULL;
	parent->field = f;
	f += parent->n;
	memset(f, 0, sizeof *f);
	if (!(f->name = strdup(name)))
		return NULL;
	f->kind = (uint8_t)kind;
	f->required = required != 0;
	parent->n++;
	return f;
}

int
schema_primitive(const struct schema_field *f)
{
	return f->kind < SCHEMA_STRUCT;
}

int
schema_type(const char *text, struct schema_field *f)
{
	int p, s, end = 0;

	f->precision = f->scale = f->length = 0;
	for (int k = 0; k < SCHEMA_OTHER; k++)
		if (k != SCHEMA_DECIMAL && k != SCHEMA_FIXED && strcmp(text, kind_name[k]) == 0) {
			f->kind = (uint8_t)k;
			return 0;
		}
	if (sscanf(text, "decimal ( %9d , %9d ) %n", &p, &s, &end) == 2 && end && !text[end]) {
		if (p < 1 || p > 38 || s < 0 || s > p)
			return -1;
		f->kind = SCHEMA_DECIMAL;
		f->precision = p;
		f->scale = s;
		return 0;
	}
	if (sscanf(text, "fixed [ %9d ] %n", &p, &end) == 1 && end && !text[end] && p > 0) {
		f->kind = SCHEMA_FIXED;
		f->length = p;
		return 0;
	}
	return -1;
}

const char *
schema_type_text(const struct schema_field *f, char *out)
{
	if (f->kind == SCHEMA_DECIMAL)
		snprintf(out, SCHEMA_TYPE_SIZE, "decimal(%d, %d)", f->precision, f->scale);
	else if (f->kind == SCHEMA_FIXED)
		snprintf(out, SCHEMA_TYPE_SIZE, "fixed[%d]", f->length);
	else
		snprintf(out, SCHEMA_TYPE_SIZE, "%s", f->kind == SCHEMA_OTHER && f->other ? f->other : kind_name[f->kind]);
	return out;
}

/* ---------------------------------------------------------------- JSON to schema */

struct parse {
	struct fail	*fail;
	size_t		 n_fields;
};

static int parse_struct(struct parse *, const json_t *, struct schema_field *, int depth);

static int
get_id(struct parse *p, const json_t *o, const char *key, const char *of, int32_t *id)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > INT32_MAX)
		return fail(p->fail, WEIR_ECONFIG, "schema: %s has no usable \"%s\"", of, key);
	*id = (int32_t)json_integer_value(v);
	return 0;
}

/* Fill in the type of f from the value of a "type", "element", "key" or "value". */
static int
parse_type(struct parse *p, const json_t *t, struct schema_field *f, int depth)
{
	static const char *const part[2][2] = { { "element", NULL }, { "key", "value" } };
	const char *text;
	int map;

	if (depth > SCHEMA_MAX_DEPTH)
		return fail(p->fail, WEIR_ECONFIG, "schema: nested deeper than %d levels", SCHEMA_MAX_DEPTH);
	if (json_is_string(t)) {
		text = json_string_value(t);
		if (schema_type(text, f) == 0)
			return 0;
		/* v3 and later: a type that only this column's readers need to know */
		if (strncmp(text, "geo", 3) && strcmp(text, "variant") && strcmp(text, "unknown"))
			return fail(p->fail, WEIR_ECONFIG, "schema: field %s has the unknown type '%s'", f->name ? f->name : "?", text);
		f->kind = SCHEMA_OTHER;
		return (f->other = strdup(text)) ? 0 : fail(p->fail, WEIR_EAGAIN, "no memory for a schema");
	}
	if (!(text = json_string_value(json_object_get(t, "type"))))
		return fail(p->fail, WEIR_ECONFIG, "schema: field %s has no type", f->name ? f->name : "?");
	if (strcmp(text, "struct") == 0)
		return parse_struct(p, t, f, depth);
	map = strcmp(text, "map") == 0;
	if (!map && strcmp(text, "list"))
		return fail(p->fail, WEIR_ECONFIG, "schema: field %s has the unknown type '%s'", f->name ? f->name : "?", text);
	f->kind = map ? SCHEMA_MAP : SCHEMA_LIST;
	for (int i = 0; i <= map; i++) {
		const char *name = part[map][i];
		struct schema_field *c;
		char key[24];
		int e, required = map && i == 0;

		snprintf(key, sizeof key, "%s-required", name);
		if (!required)
			required = json_is_true(json_object_get(t, key));
		if (++p->n_fields > SCHEMA_MAX_FIELDS)
			return fail(p->fail, WEIR_ECONFIG, "schema: more than %d fields", SCHEMA_MAX_FIELDS);
		if (!(c = schema_add(f, name, SCHEMA_STRUCT, required)))
			return fail(p->fail, WEIR_EAGAIN, "no memory for a schema");
		snprintf(key, sizeof key, "%s-id", name);
		if ((e = get_id(p, t, key, text, &c->id)) < 0 || (e = parse_type(p, json_object_get(t, name), c, depth + 1)) < 0)
			return e;
	}
	return 0;
}

static int
parse_struct(struct parse *p, const json_t *t, struct schema_field *f, int depth)
{
	const json_t *fields = json_object_get(t, "fields"), *o;
	size_t i;
	int e;

	f->kind = SCHEMA_STRUCT;
	if (!json_is_array(fields))
		return fail(p->fail, WEIR_ECONFIG, "schema: a struct has no \"fields\"");
	json_array_foreach(fields, i, o) {
		const char *name = json_string_value(json_object_get(o, "name"));
		const char *doc = json_string_value(json_object_get(o, "doc"));
		struct schema_field *c;

		if (!name)
			return fail(p->fail, WEIR_ECONFIG, "schema: field %zu of a struct has no \"name\"", i);
		if (++p->n_fields > SCHEMA_MAX_FIELDS)
			return fail(p->fail, WEIR_ECONFIG, "schema: more than %d fields", SCHEMA_MAX_FIELDS);
		if (!(c = schema_add(f, name, SCHEMA_STRUCT, json_is_true(json_object_get(o, "required")))) || (doc && !(c->doc = strdup(doc))))
			return fail(p->fail, WEIR_EAGAIN, "no memory for a schema");
		c->initial_default = json_incref(json_object_get(o, "initial-default"));
		c->write_default = json_incref(json_object_get(o, "write-default"));
		if ((e = get_id(p, o, "id", name, &c->id)) < 0 || (e = parse_type(p, json_object_get(o, "type"), c, depth + 1)) < 0)
			return e;
	}
	return 0;
}

/* Every id once.  The fields are at most SCHEMA_MAX_FIELDS: sort and look at neighbours. */
static void
collect(const struct schema_field *f, int32_t *id, size_t *n)
{
	for (size_t i = 0; i < f->n; i++) {
		id[(*n)++] = f->field[i].id;
		collect(&f->field[i], id, n);
	}
}

static int
cmp_id(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return x < y ? -1 : x > y;
}

static int
check_ids(const struct schema *s, size_t n_fields, struct fail *f)
{
	int32_t *id = malloc((n_fields + 1) * sizeof *id);
	size_t n = 0;
	int e = 0;

	if (!id)
		return fail(f, WEIR_EAGAIN, "no memory for a schema");
	collect(&s->root, id, &n);
	qsort(id, n, sizeof *id, cmp_id);
	for (size_t i = 1; !e && i < n; i++)
		if (id[i] == id[i - 1])
			e = fail(f, WEIR_ECONFIG, "schema %d: the field id %d stands twice", s->id, id[i]);
	free(id);
	return e;
}

int
schema_parse(const json_t *json, struct schema **out, struct fail *f)
{
	struct parse p = { .fail = f };
	const char *type = json_string_value(json_object_get(json, "type"));
	const json_t *id = json_object_get(json, "schema-id"), *ids = json_object_get(json, "identifier-field-ids"), *v;
	struct schema *s;
	size_t i;
	int e;

	if (!type || strcmp(type, "struct"))
		return fail(f, WEIR_ECONFIG, "schema: \"type\" must be \"struct\"");
	if (!(s = schema_new()))
		return fail(f, WEIR_EAGAIN, "no memory for a schema");
	s->id = (int32_t)json_integer_value(id);
	if ((e = parse_struct(&p, json, &s->root, 0)) < 0 || (e = check_ids(s, p.n_fields, f)) < 0)
		goto fail;
	if (json_array_size(ids)) {
		if (!(s->identifier = calloc(json_array_size(ids), sizeof *s->identifier))) {
			e = fail(f, WEIR_EAGAIN, "no memory for a schema");
			goto fail;
		}
		json_array_foreach(ids, i, v)
			s->identifier[s->n_identifier++] = (int32_t)json_integer_value(v);
	}
	*out = s;
	return 0;
fail:
	schema_free(s);
	return e;
}

/* ---------------------------------------------------------------- schema to JSON */

static json_t *type_json(const struct schema_field *);

static json_t *
fields_json(const struct schema_field *f)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < f->n; i++) {
		const struct schema_field *c = &f->field[i];
		json_t *o = json_pack("{s:i, s:s, s:b, s:o}", "id", c->id, "name", c->name, "required", c->required, "type", type_json(c));

		if (!o || (c->doc && json_object_set_new(o, "doc", json_string(c->doc)) < 0) ||
		    (c->initial_default && json_object_set(o, "initial-default", c->initial_default) < 0) ||
		    (c->write_default && json_object_set(o, "write-default", c->write_default) < 0) || json_array_append_new(a, o) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static json_t *
type_json(const struct schema_field *f)
{
	const struct schema_field *c = f->field;
	char text[SCHEMA_TYPE_SIZE];

	switch (f->kind) {
	case SCHEMA_STRUCT:
		return json_pack("{s:s, s:o}", "type", "struct", "fields", fields_json(f));
	case SCHEMA_LIST:
		return json_pack("{s:s, s:i, s:b, s:o}", "type", "list", "element-id", c->id, "element-required", c->required,
		    "element", type_json(c));
	case SCHEMA_MAP:
		return json_pack("{s:s, s:i, s:o, s:i, s:b, s:o}", "type", "map", "key-id", c->id, "key", type_json(c),
		    "value-id", c[1].id, "value-required", c[1].required, "value", type_json(&c[1]));
	case SCHEMA_OTHER:
		return json_string(f->other);
	default:
		return json_string(schema_type_text(f, text));
	}
}

json_t *
schema_json(const struct schema *s)
{
	json_t *o = json_pack("{s:s, s:i}", "type", "struct", "schema-id", s->id), *ids;

	if (o && s->n_identifier) {
		if (!(ids = json_array()))
			goto fail;
		for (size_t i = 0; i < s->n_identifier; i++)
			if (json_array_append_new(ids, json_integer(s->identifier[i])) < 0) {
				json_decref(ids);
				goto fail;
			}
		if (json_object_set_new(o, "identifier-field-ids", ids) < 0)
			goto fail;
	}
	if (o && json_object_set_new(o, "fields", fields_json(&s->root)) == 0)
		return o;
fail:
	json_decref(o);
	return NULL;
}

/* ---------------------------------------------------------------- ids and names */

int
schema_number(struct schema *s, int32_t *last, struct fail *f)
{
	struct schema_field **queue, *at;
	size_t head = 0, tail = 0, cap = 64;
	int e = 0;

	if (!(queue = malloc(cap * sizeof *queue)))
		return fail(f, WEIR_EAGAIN, "no memory for a schema");
	for (queue[tail++] = &s->root; !e && head < tail; head++) {
		at = queue[head];
		for (size_t i = 0; i < at->n; i++) {
			if (!at->field[i].id) {
				if (*last >= SCHEMA_MAX_ID) {
					e = fail(f, WEIR_ECONFIG, "schema: no field id below %d is left", SCHEMA_MAX_ID);
					break;
				}
				at->field[i].id = ++*last;
			}
			if (tail == cap) {
				struct schema_field **q = realloc(queue, (cap *= 2) * sizeof *q);

				if (!q) {
					e = fail(f, WEIR_EAGAIN, "no memory for a schema");
					break;
				}
				queue = q;
			}
			queue[tail++] = &at->field[i];
		}
	}
	free(queue);
	return e;
}

static const struct schema_field *
by_id(const struct schema_field *f, int32_t id)
{
	const struct schema_field *r;

	for (size_t i = 0; i < f->n; i++)
		if (f->field[i].id == id)
			return &f->field[i];
		else if ((r = by_id(&f->field[i], id)))
			return r;
	return NULL;
}

const struct schema_field *
schema_by_id(const struct schema *s, int32_t id)
{
	return by_id(&s->root, id);
}

const struct schema_field *
schema_by_name(const struct schema_field *parent, const char *name, size_t n)
{
	for (size_t i = 0; i < parent->n; i++)
		if (strlen(parent->field[i].name) == n && memcmp(parent->field[i].name, name, n) == 0)
			return &parent->field[i];
	return NULL;
}

static const struct schema_field *
by_path(const struct schema_field *f, const char *path)
{
	const struct schema_field *c, *r;

	if ((c = schema_by_name(f, path, strlen(path))))
		return c;
	for (const char *dot = path + strlen(path); dot > path; dot--)
		if (*dot == '.' && (c = schema_by_name(f, path, (size_t)(dot - path))) && (r = by_path(c, dot + 1)))
			return r;
	return NULL;
}

const struct schema_field *
schema_by_path(const struct schema *s, const char *path)
{
	return by_path(&s->root, path);
}

static int
path_to(const struct schema_field *f, int32_t id, struct buf *out)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct schema_field *c = &f->field[i];
		size_t mark = out->n;
		int r;

		if (buf_puts(out, c->name) < 0)
			return -1;
		if (c->id == id)
			return 1;
		if (c->n) {
			if (buf_putc(out, '.') < 0)
				return -1;
			if ((r = path_to(c, id, out)))
				return r;
		}
		out->n = mark;
	}
	return 0;
}

int
schema_path(const struct schema *s, int32_t id, struct buf *out)
{
	return path_to(&s->root, id, out) == 1 ? 0 : -1;
}

/* ---------------------------------------------------------------- comparing */

static int
same_json(const json_t *a, const json_t *b)
{
	return (!a && !b) || (a && b && json_equal(a, b));
}

static int
same_type(const struct schema_field *a, const struct schema_field *b)
{
	return a->kind == b->kind && a->precision == b->precision && a->scale == b->scale && a->length == b->length &&
	    (a->kind != SCHEMA_OTHER || strcmp(a->other, b->other) == 0);
}

static int
same(const struct schema_field *a, const struct schema_field *b)
{
	if (a->id != b->id || a->required != b->required || !same_type(a, b) || a->n != b->n)
		return 0;
	if ((a->name || b->name) && (!a->name || !b->name || strcmp(a->name, b->name)))
		return 0;
	if (!same_json(a->initial_default, b->initial_default) || !same_json(a->write_default, b->write_default))
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (!same(&a->field[i], &b->field[i]))
			return 0;
	return 1;
}

int
schema_same(const struct schema *a, const struct schema *b)
{
	return a->n_identifier == b->n_identifier && same(&a->root, &b->root) &&
	    (!a->n_identifier || memcmp(a->identifier, b->identifier, a->n_identifier * sizeof *a->identifier) == 0);
}

int
schema_promotes(const struct schema_field *from, const struct schema_field *to)
{
	if (same_type(from, to))
		return schema_primitive(from);
	return (from->kind == SCHEMA_INT && to->kind == SCHEMA_LONG) || (from->kind == SCHEMA_FLOAT && to->kind == SCHEMA_DOUBLE) ||
	    (from->kind == SCHEMA_DECIMAL && to->kind == SCHEMA_DECIMAL && from->scale == to->scale && to->precision > from->precision);
}
