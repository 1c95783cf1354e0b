#include "config.h"

#include <stdio.h>
#include <string.h>

#include "members.h"
#include "nested.h"
#include "scan.h"
#include "value.h"

#define KEY_ROOM	1024

static int	put(struct nested *, const struct parquet_column *, const struct weir_value *, unsigned rep);

/* One entry without a value in every leaf below c. */
static int
nulls(struct nested *s, const struct parquet_column *c, unsigned rep, unsigned def)
{
	for (uint32_t i = 0; i < c->n_leaves; i++) {
		struct vector *x = &s->vector[c->leaf + i];

		if (vector_levels(x, 1) < 0)
			return -1;
		x->rep[x->n_levels] = (uint8_t)rep;
		x->def[x->n_levels++] = (uint8_t)def;
	}
	return 0;
}

static int
bad(struct nested *s, const struct parquet_column *c, const struct weir_value *v, int code)
{
	if (code == CONVERT_MEMORY)
		return -1;
	s->code = code == CONVERT_OK ? "required" : "type";
	convert_explain(code, c, v, s->text, sizeof s->text);
	return buf_putc(&s->path, '\0') < 0 ? -1 : 1;
}

static int
primitive(struct nested *s, const struct parquet_column *c, const struct weir_value *v, unsigned rep)
{
	struct vector *x = &s->vector[c->leaf];
	int rc;

	if (vector_levels(x, 1) < 0 || vector_values(x, c, 1) < 0)
		return -1;
	if ((rc = convert_one(s->convert, c, s->unit, v, x->data + (size_t)x->n_values * values_stride(c))))
		return bad(s, c, v, rc);
	x->n_values++;
	x->rep[x->n_levels] = (uint8_t)rep;
	x->def[x->n_levels++] = c->max_def;
	return 0;
}

/* The field of struct c that key names, or NULL; *name is the key as text. */
static const struct parquet_column *
field(const struct parquet_column *c, const struct weir_value *key, uint32_t hint, char *room, const char **name, size_t *n)
{
	*n = value_text_of(key, room, name);
	for (uint32_t i = 0; i < c->n_children; i++) {	/* mostly in the schema's order */
		const struct parquet_column *k = &c->child[(hint + i) % c->n_children];

		if (strlen(k->name) == *n && !memcmp(k->name, *name, *n))
			return k;
	}
	return NULL;
}

static int
structure(struct nested *s, const struct parquet_column *c, const struct weir_value *v, unsigned rep)
{
	struct weir_value *member, key, value;
	size_t at = 0, had = s->path.n;
	uint32_t hint = 0;
	int rc = 0;

	if (v->kind != WEIR_OBJECT)
		return bad(s, c, v, CONVERT_KIND);
	if (!(member = convert_room(s->convert, c->n_children * sizeof *member)))
		return -1;
	memset(member, 0, c->n_children * sizeof *member);
	while (scan_next(v->p, v->n, &at, &key, &value)) {
		char small[KEY_ROOM], *room = key.n <= KEY_ROOM ? small : convert_room(s->convert, key.n);
		const struct parquet_column *k;
		const char *name;
		size_t n;

		if (!room)
			return -1;
		if ((k = field(c, &key, hint, room, &name, &n))) {
			hint = (uint32_t)(k - c->child) + 1;
			member[k - c->child] = value;
			continue;
		}
		if (members_append(&s->path, name, n) < 0)
			return -1;
		if ((rc = s->unknown ? s->unknown(s->arg, s->path.p, s->path.n, &value) : 0)) {
			s->code = "unknown-member";
			snprintf(s->text, sizeof s->text, "is no column of the table: add it with --evolve add, keep it with --rest, or remove it "
			    "before");
			return rc < 0 || buf_putc(&s->path, '\0') < 0 ? -1 : 1;
		}
		s->path.n = had;
	}
	for (uint32_t i = 0; i < c->n_children && rc == 0; i++) {
		if (members_append(&s->path, c->child[i].name, strlen(c->child[i].name)) < 0)
			return -1;
		if ((rc = put(s, &c->child[i], &member[i], rep)))
			return rc;
		s->path.n = had;
	}
	return rc;
}

static int
list(struct nested *s, const struct parquet_column *c, const struct weir_value *v, unsigned rep)
{
	struct weir_value key, value;
	size_t at = 0, had = s->path.n;
	uint32_t i = 0;
	int rc;

	if (v->kind != WEIR_ARRAY)
		return bad(s, c, v, CONVERT_KIND);
	for (; scan_next(v->p, v->n, &at, &key, &value); i++) {
		if (buf_printf(&s->path, "[%u]", i) < 0)
			return -1;
		if ((rc = put(s, c->child, &value, i ? c->child->max_rep : rep)))
			return rc;
		s->path.n = had;
	}
	return i ? 0 : nulls(s, c, rep, c->max_def);
}

/* A key that is no string in the table is read from the text in it: "12" is 12.  0, or -1: no memory. */
static int
map_key(struct nested *s, const struct parquet_column *k, const struct weir_value *key, struct weir_value *out)
{
	struct scan_limits limits = { .max_depth = 1 };
	struct scan_fault fault;
	char *room;
	size_t n;

	*out = *key;
	if (k->kind != COLUMN_PRIMITIVE || (k->type != COLUMN_BOOLEAN && k->type != COLUMN_INT && k->type != COLUMN_LONG &&
	    k->type != COLUMN_FLOAT && k->type != COLUMN_DOUBLE))
		return 0;
	if (!(room = convert_room(s->convert, (size_t)key->n + SCAN_PAD)))
		return -1;
	n = value_text(key, room);
	if (n && scan_document(room, n, &limits, &fault) == 0 && room[0] > ' ' && room[n - 1] > ' ')
		*out = value_of(room, n);
	return 0;
}

static int
map(struct nested *s, const struct parquet_column *c, const struct weir_value *v, unsigned rep)
{
	struct weir_value key, value;
	size_t at = 0, had = s->path.n;
	uint32_t i = 0;
	int rc;

	if (v->kind != WEIR_OBJECT)
		return bad(s, c, v, CONVERT_KIND);
	for (; scan_next(v->p, v->n, &at, &key, &value); i++) {
		unsigned r = i ? c->child->max_rep : rep;
		struct weir_value k;

		if (map_key(s, &c->child[0], &key, &k) < 0 || buf_putc(&s->path, '.') < 0 || buf_put(&s->path, key.p, key.n) < 0)
			return -1;
		if ((rc = put(s, &c->child[0], &k, r)) || (rc = put(s, &c->child[1], &value, r)))
			return rc;
		s->path.n = had;
	}
	return i ? 0 : nulls(s, c, rep, c->max_def);
}

static int
put(struct nested *s, const struct parquet_column *c, const struct weir_value *v, unsigned rep)
{
	if (v->kind <= WEIR_NULL)
		return c->required ? bad(s, c, v, CONVERT_OK) : nulls(s, c, rep, c->max_def - 1u);
	switch (c->kind) {
	case COLUMN_PRIMITIVE:
		return primitive(s, c, v, rep);
	case COLUMN_STRUCT:
		return structure(s, c, v, rep);
	case COLUMN_LIST:
		return list(s, c, v, rep);
	default:
		return map(s, c, v, rep);
	}
}

int
nested_put(struct nested *s, const struct parquet_column *c, const struct weir_value *v, const char *path)
{
	struct { uint32_t levels, values; } *mark = convert_room(s->convert, c->n_leaves * sizeof *mark);
	int rc;

	s->path.n = 0;
	if (!mark || buf_puts(&s->path, path) < 0)
		return -1;
	for (uint32_t i = 0; i < c->n_leaves; i++) {
		mark[i].levels = s->vector[c->leaf + i].n_levels;
		mark[i].values = s->vector[c->leaf + i].n_values;
	}
	if ((rc = put(s, c, v, 0)) <= 0)
		return rc;
	for (uint32_t i = 0; i < c->n_leaves; i++) {
		s->vector[c->leaf + i].n_levels = mark[i].levels;
		s->vector[c->leaf + i].n_values = mark[i].values;
	}
	return nulls(s, c, 0, 0) < 0 ? -1 : 1;
}

int
nested_null(struct nested *s, const struct parquet_column *c, unsigned def)
{
	return nulls(s, c, 0, def);
}

void
nested_free(struct nested *s)
{
	buf_free(&s->path);
}
