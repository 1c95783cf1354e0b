#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "avro.h"
#include "weir.h"

#define CHUNK	1024		/* values */

/* ---------------------------------------------------------------- schema */

struct parse {
	struct avro_schema	*schema;
	struct fail		*fail;
};

static struct avro_type *parse_type(struct parse *, const json_t *, int depth);

static struct avro_type *
no_memory(struct parse *p)
{
	fail(p->fail, WEIR_EAGAIN, "no memory for an Avro schema");
	return NULL;
}

static struct avro_type *
new_type(struct parse *p, int kind, size_t n)
{
	struct avro_type **all, *t;

	if (p->schema->n == AVRO_MAX_TYPES) {
		fail(p->fail, WEIR_ESTATE, "Avro schema: more than %d types", AVRO_MAX_TYPES);
		return NULL;
	}
	if (!(all = realloc(p->schema->all, (p->schema->n + 1) * sizeof *all)))
		return no_memory(p);
	p->schema->all = all;
	if (!(t = calloc(1, sizeof *t)))
		return no_memory(p);
	all[p->schema->n++] = t;
	t->kind = (uint8_t)kind;
	if (n && (!(t->sub = calloc(n, sizeof *t->sub)) || !(t->field = calloc(n, sizeof *t->field)) || !(t->id = calloc(n, sizeof *t->id))))
		return no_memory(p);
	t->n = n;
	return t;
}

/* A primitive, or a type that was named before; the name may carry a namespace. */
static struct avro_type *
named(struct parse *p, const char *name)
{
	static const char *const primitive[] = { "null", "boolean", "int", "long", "float", "double", "bytes", "string" };
	const char *dot = strrchr(name, '.');

	for (int k = AVRO_NULL; k <= AVRO_STRING; k++)
		if (strcmp(name, primitive[k]) == 0)
			return new_type(p, k, 0);
	if (dot)
		name = dot + 1;
	for (size_t i = 0; i < p->schema->n; i++)
		if (p->schema->all[i]->name && strcmp(p->schema->all[i]->name, name) == 0)
			return p->schema->all[i];
	fail(p->fail, WEIR_ESTATE, "Avro schema: unknown type '%s'", name);
	return NULL;
}

static struct avro_type *
parse_union(struct parse *p, const json_t *json, int depth)
{
	struct avro_type *t = new_type(p, AVRO_UNION, json_array_size(json));
	const json_t *o;
	size_t i;

	if (t && !t->n) {
		fail(p->fail, WEIR_ESTATE, "Avro schema: an empty union");
		return NULL;
	}
	json_array_foreach(json, i, o)
		if (!t || !(t->sub[i] = parse_type(p, o, depth + 1)))
			return NULL;
	return t;
}

static struct avro_type *
parse_record(struct parse *p, const json_t *json, const char *name, int depth)
{
	const json_t *fields = json_object_get(json, "fields"), *o, *id;
	struct avro_type *t = new_type(p, AVRO_RECORD, json_array_size(fields));
	const char *field;
	size_t i;

	if (!t)
		return NULL;
	if (name && !(t->name = strdup(name)))
		return no_memory(p);
	json_array_foreach(fields, i, o) {
		if (!(field = json_string_value(json_object_get(o, "name")))) {
			fail(p->fail, WEIR_ESTATE, "Avro schema: a field of record %s has no name", name ? name : "?");
			return NULL;
		}
		id = json_object_get(o, "field-id");
		t->id[i] = json_is_integer(id) ? (int32_t)json_integer_value(id) : -1;
		if (!(t->field[i] = strdup(field)))
			return no_memory(p);
		if (!(t->sub[i] = parse_type(p, json_object_get(o, "type"), depth + 1)))
			return NULL;
	}
	return t;
}

static const char *
base_name(const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name")), *dot = name ? strrchr(name, '.') : NULL;

	return dot ? dot + 1 : name;
}

static struct avro_type *
parse_type(struct parse *p, const json_t *json, int depth)
{
	const json_t *type = json_object_get(json, "type"), *id;
	const char *text = json_string_value(type), *name;
	struct avro_type *t;
	int map;

	if (depth > AVRO_MAX_DEPTH) {
		fail(p->fail, WEIR_ESTATE, "Avro schema: nested deeper than %d levels", AVRO_MAX_DEPTH);
		return NULL;
	}
	if (json_is_string(json))
		return named(p, json_string_value(json));
	if (json_is_array(json))
		return parse_union(p, json, depth);
	if (json_is_object(type) || json_is_array(type))
		return parse_type(p, type, depth + 1);
	name = base_name(json);
	if (!text) {
		fail(p->fail, WEIR_ESTATE, "Avro schema: a type is missing");
		return NULL;
	}
	if (strcmp(text, "record") == 0)
		return parse_record(p, json, name, depth);
	if (strcmp(text, "fixed") == 0 || strcmp(text, "enum") == 0) {
		if (!(t = new_type(p, *text == 'f' ? AVRO_FIXED : AVRO_ENUM, 0)))
			return NULL;
		t->size = *text == 'f' ? json_integer_value(json_object_get(json, "size")) : (int64_t)json_array_size(json_object_get(json, "symbols"));
		if (name && !(t->name = strdup(name)))
			return no_memory(p);
		if (t->size >= 0 && t->size <= INT32_MAX)
			return t;
		fail(p->fail, WEIR_ESTATE, "Avro schema: the size of %s makes no sense", name ? name : "a fixed");
		return NULL;
	}
	map = strcmp(text, "map") == 0;
	if (!map && strcmp(text, "array"))
		return named(p, text);
	if (!(t = new_type(p, map ? AVRO_MAP : AVRO_ARRAY, 1)))
		return NULL;
	id = json_object_get(json, map ? "value-id" : "element-id");
	t->id[0] = json_is_integer(id) ? (int32_t)json_integer_value(id) : -1;
	return (t->sub[0] = parse_type(p, json_object_get(json, map ? "values" : "items"), depth + 1)) ? t : NULL;
}

int
avro_schema_parse(const char *text, size_t n, struct avro_schema **out, struct fail *f)
{
	struct avro_schema *s = calloc(1, sizeof *s);
	struct parse p = { s, f };
	json_error_t why;
	json_t *json;

	if (!s)
		return fail(f, WEIR_EAGAIN, "no memory for an Avro schema");
	if (!(json = json_loadb(text, n, JSON_DECODE_ANY, &why))) {
		free(s);
		return fail(f, WEIR_ESTATE, "Avro schema: %s", why.text);
	}
	s->root = parse_type(&p, json, 0);
	json_decref(json);
	if (!s->root) {
		avro_schema_free(s);
		return f->code;
	}
	*out = s;
	return 0;
}

void
avro_schema_free(struct avro_schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct avro_type *t = s->all[i];

		for (size_t k = 0; k < t->n && t->field; k++)
			free(t->field[k]);
		free(t->field);
		free(t->sub);
		free(t->id);
		free(t->name);
		free(t);
	}
	free(s->all);
	free(s);
}

/* ---------------------------------------------------------------- reading */

struct input {
	const char		*p, *end;
	struct avro_room	*room;
	struct fail		*fail;
};

static int
damaged(struct input *in, const char *what)
{
	return fail(in->fail, WEIR_ESTATE, "damaged Avro data: %s", what);
}

/* n values that stand side by side. */
static struct avro_value *
take(struct input *in, size_t n)
{
	struct avro_room *r = in->room;
	struct avro_value *v, **chunk;

	if (r->in_use + n > AVRO_MAX_VALUES) {
		fail(in->fail, WEIR_ESTATE, "Avro data: one object has more than %u values", AVRO_MAX_VALUES);
		return NULL;
	}
	r->in_use += n;
	if (r->n_chunk && r->used + n <= CHUNK) {
		v = r->chunk[r->n_chunk - 1] + r->used;
		r->used += n;
		return v;
	}
	if (!(chunk = realloc(r->chunk, (r->n_chunk + 1) * sizeof *chunk)) ||
	    !((r->chunk = chunk)[r->n_chunk] = malloc((n > CHUNK ? n : CHUNK) * sizeof **chunk))) {
		fail(in->fail, WEIR_EAGAIN, "no memory for Avro data");
		return NULL;
	}
	r->used = n > CHUNK ? CHUNK : n;
	return r->chunk[r->n_chunk++];
}

/* Keep the first chunk for the next datum. */
static void
reset(struct avro_room *r)
{
	while (r->n_chunk > 1)
		free(r->chunk[--r->n_chunk]);
	r->used = r->in_use = 0;
}

void
avro_room_free(struct avro_room *r)
{
	while (r->n_chunk)
		free(r->chunk[--r->n_chunk]);
	free(r->chunk);
	memset(r, 0, sizeof *r);
}

static int
get_long(struct input *in, int64_t *v)
{
	uint64_t u = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		unsigned char c;

		if (in->p == in->end)
			return damaged(in, "it ends inside a number");
		c = (unsigned char)*in->p++;
		u |= (uint64_t)(c & 127) << shift;
		if (c < 128) {
			*v = (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
			return 0;
		}
	}
	return damaged(in, "a number is longer than 10 bytes");
}

static int
get_span(struct input *in, int64_t n, struct avro_value *v)
{
	if (n < 0 || n > in->end - in->p)
		return damaged(in, "a length passes the end");
	v->s.p = in->p;
	v->s.n = (size_t)n;
	in->p += n;
	return 0;
}

static int get(struct input *, const struct avro_type *, struct avro_value *, int depth);

/* Blocks of items, or of key-value pairs. */
static int
get_items(struct input *in, const struct avro_type *t, struct avro_value *v, int depth)
{
	static const struct avro_type key = { .kind = AVRO_STRING };
	size_t per = t->kind == AVRO_MAP ? 2 : 1, cap = 0, n = 0;
	struct avro_value *list = NULL, *more;
	int64_t count, bytes;
	int e;

	for (;;) {
		if ((e = get_long(in, &count)) < 0)
			return e;
		if (!count)
			break;
		if (count < 0) {
			if (count == INT64_MIN)
				return damaged(in, "a block count makes no sense");
			count = -count;
			if ((e = get_long(in, &bytes)) < 0)
				return e;
		}
		if (count > AVRO_MAX_VALUES)
			return damaged(in, "a block count makes no sense");
		for (; count; count--, n += per) {
			if (n + per > cap) {
				cap = cap ? cap * 2 : (size_t)count * per < 64 ? (size_t)count * per : 64;
				if (!(more = take(in, cap)))
					return in->fail->code;
				if (n)
					memcpy(more, list, n * sizeof *list);
				list = more;
			}
			if (per == 2 && (e = get(in, &key, &list[n], depth + 1)) < 0)
				return e;
			if ((e = get(in, t->sub[0], &list[n + per - 1], depth + 1)) < 0)
				return e;
		}
	}
	v->list.v = list;
	v->list.n = n;
	return 0;
}

static int
get(struct input *in, const struct avro_type *t, struct avro_value *v, int depth)
{
	int64_t k;
	float f;
	int e;

	if (depth > 4 * AVRO_MAX_DEPTH)
		return damaged(in, "it is nested too deeply");
	if (t->kind == AVRO_UNION) {
		if ((e = get_long(in, &k)) < 0)
			return e;
		if (k < 0 || (uint64_t)k >= t->n)
			return damaged(in, "a union has no such branch");
		return get(in, t->sub[k], v, depth + 1);
	}
	memset(v, 0, sizeof *v);
	v->kind = t->kind;
	v->type = t;
	switch (t->kind) {
	case AVRO_NULL:
		return 0;
	case AVRO_BOOLEAN:
		if (in->p == in->end)
			return damaged(in, "it ends inside a boolean");
		v->i = *in->p++ != 0;
		return 0;
	case AVRO_INT:
	case AVRO_LONG:
	case AVRO_ENUM:
		return get_long(in, &v->i);
	case AVRO_FLOAT:
		if (in->end - in->p < 4)
			return damaged(in, "it ends inside a float");
		memcpy(&f, in->p, 4);
		v->d = (double)f;
		in->p += 4;
		return 0;
	case AVRO_DOUBLE:
		if (in->end - in->p < 8)
			return damaged(in, "it ends inside a double");
		memcpy(&v->d, in->p, 8);
		in->p += 8;
		return 0;
	case AVRO_BYTES:
	case AVRO_STRING:
		return (e = get_long(in, &k)) < 0 ? e : get_span(in, k, v);
	case AVRO_FIXED:
		return get_span(in, t->size, v);
	case AVRO_RECORD:
		if (t->n && !(v->list.v = take(in, t->n)))
			return in->fail->code;
		v->list.n = t->n;
		for (size_t i = 0; i < t->n; i++)
			if ((e = get(in, t->sub[i], &v->list.v[i], depth + 1)) < 0)
				return e;
		return 0;
	default:
		return get_items(in, t, v, depth);
	}
}

int
avro_read(const struct avro_type *t, const char **p, const char *end, struct avro_room *room, struct avro_value *v, struct fail *f)
{
	struct input in = { *p, end, room, f };
	int e;

	reset(room);
	e = get(&in, t, v, 0);
	*p = in.p;
	return e;
}

const struct avro_value *
avro_field(const struct avro_value *r, int32_t id, const char *name)
{
	const struct avro_type *t = r->type;
	int ids = 0;

	if (r->kind != AVRO_RECORD)
		return NULL;
	for (size_t i = 0; i < t->n; i++) {
		ids |= t->id[i] >= 0;
		if (t->id[i] == id && id >= 0)
			return r->list.v[i].kind == AVRO_NULL ? NULL : &r->list.v[i];
	}
	for (size_t i = 0; !ids && i < t->n; i++)
		if (strcmp(t->field[i], name) == 0)
			return r->list.v[i].kind == AVRO_NULL ? NULL : &r->list.v[i];
	return NULL;
}

/* ---------------------------------------------------------------- writing */

int
avro_put_long(struct buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
	char out[10];
	size_t n = 0;

	for (; u >= 128; u >>= 7)
		out[n++] = (char)(u | 128);
	out[n++] = (char)u;
	return buf_put(b, out, n);
}

int
avro_put_bytes(struct buf *b, const void *p, size_t n)
{
	return avro_put_long(b, (int64_t)n) < 0 ? -1 : buf_put(b, p, n);
}
