#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "jsonschema.h"

/* ---------------------------------------------------------------- --columns */

static int
parse_unit(const char *p)
{
	static const char *const name[] = { [WEIR_UNIT_ISO] = "iso", [WEIR_UNIT_S] = "s", [WEIR_UNIT_MS] = "ms", [WEIR_UNIT_US] = "us", [WEIR_UNIT_NS] = "ns" };

	for (int u = 0; u < (int)(sizeof name / sizeof *name); u++)
		if (strcmp(p, name[u]) == 0)
			return u;
	return -1;
}

/* One item, which is cut up in place. */
static int
parse_item(char *text, struct columns_item *c, struct fail *f)
{
	char *type = strchr(text, '='), *path, *unit;

	if (!type || type == text)
		return fail(f, WEIR_EUSAGE, "--columns: '%s' is not NAME=TYPE[:PATH[:UNIT]], such as ts=timestamptz:event_time", text);
	*type++ = '\0';
	if ((path = strchr(type, ':')))
		*path++ = '\0';
	if (path && (unit = strrchr(path, ':')) && parse_unit(unit + 1) >= 0) {
		c->unit = parse_unit(unit + 1);
		*unit = '\0';
	}
	if (schema_type(type, &c->type) < 0)
		return fail(f, WEIR_EUSAGE, "--columns: %s has no type '%s': boolean, int, long, float, double, decimal(P,S), date, time, timestamp, timestamptz, "
		    "string, uuid, fixed[L] and binary are types", text, type);
	if (!(c->name = strdup(text)) || (path && *path && !(c->path = strdup(path))))
		return fail(f, WEIR_EAGAIN, "no memory for --columns");
	return 0;
}

int
columns_parse(const char *text, struct columns_map *m, struct fail *f)
{
	char *copy = strdup(text), *p = copy, *item;
	int e = copy ? 0 : fail(f, WEIR_EAGAIN, "no memory for --columns");

	for (int last = 0; !e && !last; ) {
		struct columns_item *more;
		int depth = 0;

		while (isspace((unsigned char)*p))
			p++;
		for (item = p; *p && (*p != ',' || depth); p++)
			depth += (*p == '(') - (*p == ')');
		last = !*p;
		*p++ = '\0';
		if (!(more = realloc(m->item, (m->n + 1) * sizeof *more))) {
			e = fail(f, WEIR_EAGAIN, "no memory for --columns");
			break;
		}
		m->item = more;
		memset(&m->item[m->n], 0, sizeof *m->item);
		e = parse_item(item, &m->item[m->n++], f);
	}
	free(copy);
	return e;
}

void
columns_map_free(struct columns_map *m)
{
	while (m->n) {
		free(m->item[--m->n].name);
		free(m->item[m->n].path);
	}
	free(m->item);
	m->item = NULL;
}

static void
clear_children(struct schema_field *f)
{
	while (f->n) {
		clear_children(&f->field[--f->n]);
		free(f->field[f->n].name);
		free(f->field[f->n].doc);
		free(f->field[f->n].other);
	}
	free(f->field);
	f->field = NULL;
}

int
columns_apply(const struct columns_map *m, struct schema *s, struct fail *f)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct columns_item *c = &m->item[i];
		struct schema_field *k = (struct schema_field *)(uintptr_t)schema_by_name(&s->root, c->name, strlen(c->name));

		if (!k && !(k = schema_add(&s->root, c->name, c->type.kind, 0)))
			return fail(f, WEIR_EAGAIN, "no memory for a schema");
		clear_children(k);
		if (k->doc && strcmp(k->doc, JSONSCHEMA_ANY) == 0) {
			free(k->doc);
			k->doc = NULL;
		}
		k->kind = c->type.kind;
		k->precision = c->type.precision;
		k->scale = c->type.scale;
		k->length = c->type.length;
	}
	return 0;
}

int
columns_check(const struct columns_map *m, const struct schema *s, const char *table, struct fail *f)
{
	char want[SCHEMA_TYPE_SIZE], has[SCHEMA_TYPE_SIZE];

	for (size_t i = 0; i < m->n; i++) {
		const struct columns_item *c = &m->item[i];
		const struct schema_field *k = schema_by_name(&s->root, c->name, strlen(c->name));

		if (!k)
			return fail(f, WEIR_ECONFIG, "table %s has no column %s, which --columns names", table, c->name);
		if (!schema_promotes(&c->type, k))
			return fail(f, WEIR_ECONFIG, "column %s of table %s is %s, --columns says %s", c->name, table, schema_type_text(k, has),
			    schema_type_text(&c->type, want));
	}
	return 0;
}

/* ---------------------------------------------------------------- the tree */

static const unsigned char type_of[] = {
	[SCHEMA_BOOLEAN] = COLUMN_BOOLEAN, [SCHEMA_INT] = COLUMN_INT, [SCHEMA_LONG] = COLUMN_LONG, [SCHEMA_FLOAT] = COLUMN_FLOAT,
	[SCHEMA_DOUBLE] = COLUMN_DOUBLE, [SCHEMA_DECIMAL] = COLUMN_DECIMAL, [SCHEMA_DATE] = COLUMN_DATE, [SCHEMA_TIME] = COLUMN_TIME,
	[SCHEMA_TIMESTAMP] = COLUMN_TIMESTAMP, [SCHEMA_TIMESTAMPTZ] = COLUMN_TIMESTAMPTZ, [SCHEMA_STRING] = COLUMN_STRING,
	[SCHEMA_UUID] = COLUMN_UUID, [SCHEMA_FIXED] = COLUMN_FIXED, [SCHEMA_BINARY] = COLUMN_BINARY,
};

static int
fill(struct parquet_column *c, const struct schema_field *s, struct fail *f)
{
	char type[SCHEMA_TYPE_SIZE];
	int e = 0;

	c->name = s->name;
	c->field_id = s->id;
	c->required = s->required;
	if (schema_primitive(s)) {
		if (s->kind > SCHEMA_BINARY)
			return fail(f, WEIR_ECONFIG, "column %s has the type %s, which cannot be written", s->name, schema_type_text(s, type));
		c->type = type_of[s->kind];
		c->precision = (uint8_t)s->precision;
		c->scale = (uint8_t)s->scale;
		c->length = (uint32_t)s->length;
		c->json = s->kind == SCHEMA_STRING && s->doc && strcmp(s->doc, JSONSCHEMA_ANY) == 0;
		return 0;
	}
	c->kind = s->kind == SCHEMA_STRUCT ? COLUMN_STRUCT : s->kind == SCHEMA_LIST ? COLUMN_LIST : COLUMN_MAP;
	if (!s->n)
		return fail(f, WEIR_ECONFIG, "column %s is a struct without fields, which Parquet cannot hold", s->name ? s->name : "?");
	if (!(c->child = calloc(s->n, sizeof *c->child)))
		return fail(f, WEIR_EAGAIN, "no memory for the table's columns");
	for (; !e && c->n_children < s->n; c->n_children++)
		e = fill(&c->child[c->n_children], &s->field[c->n_children], f);
	return e;
}

static void
clear(struct parquet_column *c)
{
	for (uint32_t i = 0; i < c->n_children; i++)
		clear(&c->child[i]);
	free(c->child);
}

void
columns_free(struct columns *c)
{
	if (!c)
		return;
	clear(&c->root);
	free(c->source);
	free(c);
}

int
columns_new(const struct schema *s, const struct columns_map *m, struct columns **out, struct fail *f)
{
	struct columns *c = calloc(1, sizeof *c);
	int e;

	if (!c || !(c->source = calloc(s->root.n + 1, sizeof *c->source))) {
		free(c);
		return fail(f, WEIR_EAGAIN, "no memory for the table's columns");
	}
	if ((e = fill(&c->root, &s->root, f)) < 0)
		goto fail;
	c->root.name = "table";
	c->root.field_id = 0;
	c->root.required = 1;
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < s->root.n; k++)
			if (strcmp(s->root.field[k].name, m->item[i].name) == 0)
				c->source[k] = (struct shred_source){ m->item[i].path, m->item[i].unit };
	if ((e = column_layout(&c->root, f)) < 0)
		goto fail;
	*out = c;
	return 0;
fail:
	columns_free(c);
	return e;
}
