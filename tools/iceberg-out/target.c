#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "infer.h"
#include "jsonschema.h"
#include "target.h"

#define SCHEMA_FILE_MAX		(16u << 20)

/* ---------------------------------------------------------------- opening */

static int
read_schema(struct target *t, struct fail *f)
{
	struct buf text = { .max = SCHEMA_FILE_MAX };
	struct store *s;
	int e;

	if ((e = store_open(t->o.schema, &s, f)) < 0)
		return e;
	if ((e = s->ops->get(s, t->o.schema, &text, f)) < 0)
		e = f->code = WEIR_ECONFIG;
	else
		e = jsonschema_read(text.p, text.n, t->o.schema, &t->schema, &t->notes, f);
	s->ops->close(s);
	buf_free(&text);
	return e;
}

/* The column that takes the members without one. */
static int
find_rest(struct target *t, struct fail *f)
{
	t->rest = -1;
	if (!t->o.rest)
		return 0;
	for (size_t i = 0; i < t->schema->root.n; i++)
		if (strcmp(t->schema->root.field[i].name, t->o.rest) == 0)
			t->rest = (int)i;
	if (t->rest < 0)
		return fail(f, WEIR_ECONFIG, "table %s has no column %s for --rest: add an optional string column of that name", t->o.table, t->o.rest);
	if (t->schema->root.field[t->rest].kind != SCHEMA_STRING || t->schema->root.field[t->rest].required)
		return fail(f, WEIR_ECONFIG, "column %s of table %s is no optional string: --rest needs one", t->o.rest, t->o.table);
	return 0;
}

/* Take schema and spec over from the table as it is loaded. */
static int
adopt(struct target *t, struct fail *f)
{
	const struct metadata *m = t->table->meta;
	struct schema *s = schema_dup(metadata_schema(m, -1));
	struct spec *p = spec_dup(metadata_spec(m, -1));

	if (!s || !p) {
		schema_free(s);
		spec_free(p);
		return fail(f, WEIR_EAGAIN, "no memory for the schema of %s", t->o.table);
	}
	schema_free(t->schema);
	spec_free(t->spec);
	t->schema = s;
	t->spec = p;
	t->last_column_id = m->last_column_id;
	t->base_schema_id = m->current_schema_id;
	t->evolved = 0;
	return find_rest(t, f);
}

/* A table that is there, if it can be written to. */
static int
take(struct target *t, struct fail *f)
{
	int e;

	if (t->table->meta->format != 2)
		return fail(f, WEIR_ECONFIG, "table %s has format version %d; version 2 can be written", t->o.table, t->table->meta->format);
	return (e = adopt(t, f)) < 0 ? e : columns_check(&t->map, t->schema, t->o.table, f);
}

int
target_open(struct target *t, struct fail *f)
{
	int e;

	t->rest = -1;
	if ((e = table_check_name(t->o.table, f)) < 0)
		return e;
	if (t->o.columns && (e = columns_parse(t->o.columns, &t->map, f)) < 0)
		return e;
	if ((e = catalog_open(t->o.catalog, t->o.warehouse, t->o.create, &t->catalog, f)) < 0)
		return e;
	if ((e = table_load(t->catalog, t->o.table, &t->table, f)) < 0)
		return e;
	if (e == 1)
		return take(t, f);
	if (!t->o.create)
		return table_missing(t->catalog, t->o.table, "--create makes it", f);
	if (t->o.schema)
		return read_schema(t, f);
	if (!t->o.infer && t->map.n)		/* --columns alone is a schema too */
		return (t->schema = schema_new()) ? 0 : fail(f, WEIR_EAGAIN, "no memory for a schema");
	return 0;
}

int
target_refresh(struct target *t, struct fail *f)
{
	int e = t->table ? table_reload(t->table, f) : table_load(t->catalog, t->o.table, &t->table, f);

	return e == 1 ? take(t, f) : e;
}

void
target_close(struct target *t)
{
	columns_free(t->columns);
	partition_free(t->partition_of);
	columns_map_free(&t->map);
	schema_free(t->schema);
	spec_free(t->spec);
	table_free(t->table);
	catalog_close(t->catalog);
	buf_free(&t->notes);
}

int
target_known(const struct target *t)
{
	return t->schema != NULL;
}

/* ---------------------------------------------------------------- making */

static json_t *
properties(const struct target *t, struct fail *f)
{
	json_t *p = json_object();

	for (size_t i = 0; p && t->o.property && i < t->o.property->n; i++) {
		const char *text = t->o.property->item[i], *eq = strchr(text, '=');
		char *key;

		if (!eq || eq == text) {
			json_decref(p);
			fail(f, WEIR_EUSAGE, "--property takes KEY=VALUE, not '%s'", text);
			return NULL;
		}
		if (!(key = strndup(text, (size_t)(eq - text))) || json_object_set_new(p, key, json_string(eq + 1)) < 0) {
			free(key);
			json_decref(p);
			p = NULL;
			break;
		}
		free(key);
	}
	if (!p)
		fail(f, WEIR_EAGAIN, "no memory for --property");
	return p;
}

int
target_create(struct target *t, int64_t now_ms, struct fail *f)
{
	struct commit_table c = { .name = t->o.table, .now_ms = now_ms };
	struct fail again;
	json_t *p = NULL;
	int made, e;

	if ((e = columns_apply(&t->map, t->schema, f)) < 0)
		return e;
	if (t->o.rest && !schema_by_name(&t->schema->root, t->o.rest, strlen(t->o.rest)) && !schema_add(&t->schema->root, t->o.rest, SCHEMA_STRING, 0))
		return fail(f, WEIR_EAGAIN, "no memory for a schema");
	if ((e = schema_number(t->schema, &c.last_column_id, f)) < 0)
		return e;
	if (t->o.partition && (e = spec_from_text(t->o.partition, t->schema, &t->spec, f)) < 0)
		return e;
	if (!(p = properties(t, f)))
		return f->code;
	c.schema = t->schema;
	c.spec = t->spec;
	c.properties = p;
	e = commit_create(t->catalog, &c, f);
	json_decref(p);
	if (e < 0 && e != WEIR_EUNKNOWN)
		return e;
	/* 1: another program made it meanwhile; then that is the table.  It may also have been made, and its answer lost. */
	made = e;
	if ((e = table_load(t->catalog, t->o.table, &t->table, &again)) < 0 || (!e && made == WEIR_EUNKNOWN)) {
		if (made != WEIR_EUNKNOWN)
			*f = again;
		return f->code;
	}
	if (!e)
		return fail(f, WEIR_EAGAIN, "table %s was made and has gone again; run it again", t->o.table);
	return adopt(t, f);
}

int
target_layout(struct target *t, struct fail *f)
{
	int e;

	partition_free(t->partition_of);
	columns_free(t->columns);
	t->partition_of = NULL;
	t->columns = NULL;
	if ((e = find_rest(t, f)) < 0 || (e = columns_new(t->schema, &t->map, &t->columns, f)) < 0)
		return e;
	return partition_new(t->schema, t->spec, &t->columns->root, &t->partition_of, f);
}

void
target_committed(struct target *t)
{
	if (t->evolved)
		t->base_schema_id = t->schema->id;
	t->evolved = 0;
}

/* ---------------------------------------------------------------- evolution */

static void
begin_evolution(struct target *t)
{
	int32_t id = 0;

	if (t->evolved)
		return;
	for (size_t i = 0; i < t->table->meta->n_schema; i++)
		if (t->table->meta->schema[i]->id > id)
			id = t->table->meta->schema[i]->id;
	t->schema->id = id + 1;
	t->evolved = 1;
}

/* A copy of a field and what is below, without ids, at the end of `parent`. */
static int
copy_field(struct schema_field *parent, const struct schema_field *from)
{
	struct schema_field *f = schema_add(parent, from->name, from->kind, 0);

	if (!f || (from->doc && !(f->doc = strdup(from->doc))))
		return -1;
	f->precision = from->precision;
	f->scale = from->scale;
	f->length = from->length;
	f->required = from->required;
	for (size_t i = 0; i < from->n; i++)
		if (copy_field(f, &from->field[i]) < 0)
			return -1;
	return 0;
}

/* 1 something was added, 0 not, -1 no memory. */
static int
merge(struct schema_field *have, const struct schema_field *more)
{
	int changed = 0, r;

	for (size_t i = 0; i < more->n; i++) {
		const struct schema_field *m = &more->field[i];
		struct schema_field *h = (struct schema_field *)(uintptr_t)schema_by_name(have, m->name, strlen(m->name));

		if (!h) {
			if (copy_field(have, m) < 0)
				return -1;
			changed = 1;
		} else if (h->kind == m->kind && (h->kind == SCHEMA_STRUCT || h->kind == SCHEMA_LIST || h->kind == SCHEMA_MAP)) {
			if ((r = merge(h, m)) < 0)
				return -1;
			changed |= r;
		}
	}
	return changed;
}

int
target_add(struct target *t, const struct schema_field *more, struct fail *f)
{
	const struct schema_field one = { .kind = SCHEMA_STRUCT, .n = 1, .field = (struct schema_field *)(uintptr_t)more };
	int e = merge(&t->schema->root, &one);

	if (e < 0)
		return fail(f, WEIR_EAGAIN, "no memory for a schema");
	if (!e)
		return 0;
	begin_evolution(t);
	return (e = schema_number(t->schema, &t->last_column_id, f)) < 0 ? e : 1;
}

int
target_widen(struct target *t, const char *path, struct fail *f)
{
	struct schema_field *c = (struct schema_field *)(uintptr_t)schema_by_path(t->schema, path);

	(void)f;
	if (!c || (c->kind != SCHEMA_INT && c->kind != SCHEMA_FLOAT))
		return 0;
	for (size_t i = 0; i < t->spec->n; i++)		/* the partition's value would change its type with it */
		if (t->spec->field[i].source_id == c->id)
			return 0;
	c->kind = c->kind == SCHEMA_INT ? SCHEMA_LONG : SCHEMA_DOUBLE;
	begin_evolution(t);
	return 1;
}
