#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "weir.h"

#define MANIFEST_MAX_BYTES	(1u << 30)
#define PLAN_FILES		10000000	/* files of one plan */

struct planning {
	struct table			*table;
	const struct plan_filter	*filter;
	struct plan			*plan;
	const struct manifest		*manifest;
	const struct spec		*spec;
	const struct schema		*schema;
	struct fail			*fail;
	int				 added_only;	/* entries that this very snapshot added */
	int64_t				 snapshot_id;
	size_t				 cap_data, cap_deletes;
};

static int
take(void *arg, struct manifest_file *d)
{
	struct planning *p = arg;
	struct manifest_file **list = d->content == MANIFEST_DATA ? &p->plan->data : &p->plan->deletes, *more;
	size_t *n = d->content == MANIFEST_DATA ? &p->plan->n_data : &p->plan->n_deletes;
	size_t *cap = d->content == MANIFEST_DATA ? &p->cap_data : &p->cap_deletes;

	if (d->status == MANIFEST_DELETED || (p->added_only && (d->status != MANIFEST_ADDED || d->snapshot_id != p->snapshot_id)))
		return 0;
	if (p->filter && p->filter->file && !p->filter->file(p->filter->arg, d, p->spec, p->schema))
		return 0;
	if (*n == *cap) {
		*cap = *cap ? *cap * 2 : 64;
		if (*cap > 2 * PLAN_FILES || !(more = realloc(*list, *cap * sizeof *more)))
			return fail(p->fail, WEIR_EAGAIN, "no memory for a plan of %zu files", *n);
		*list = more;
	}
	(*list)[(*n)++] = *d;
	memset(d, 0, sizeof *d);
	return 0;
}

static int
read_manifest(struct planning *p, const struct manifest *m)
{
	struct buf bytes = { .max = MANIFEST_MAX_BYTES };
	int e;

	if (!(p->spec = metadata_spec(p->table->meta, m->spec_id)))
		return fail(p->fail, WEIR_ESTATE, "%s: partition spec %d is not in the table's metadata", m->path, m->spec_id);
	p->manifest = m;
	if (p->filter && p->filter->manifest && !p->filter->manifest(p->filter->arg, m, p->spec, p->schema))
		return 0;
	if ((e = p->table->store->ops->get(p->table->store, m->path, &bytes, p->fail)) == 0)
		e = manifest_read(bytes.p, bytes.n, m, p->spec, p->schema, take, p, p->fail);
	else if (e == WEIR_EGONE)
		e = fail(p->fail, WEIR_ESTATE, "the manifest %s does not exist: the table is damaged", m->path);
	buf_free(&bytes);
	return e;
}

/* Partition values need the types of their source columns, also of columns that were dropped since: look in all schemas, newest first. */
static int
merged_schema(const struct metadata *m, struct schema **out, struct fail *f)
{
	struct schema *s = schema_dup(metadata_schema(m, -1));

	if (!s)
		return fail(f, WEIR_EAGAIN, "no memory for a schema");
	for (size_t i = 0; i < m->n_spec; i++)
		for (size_t k = 0; k < m->spec[i]->n; k++) {
			int32_t id = m->spec[i]->field[k].source_id;
			const struct schema_field *old = NULL;
			struct schema_field *c;

			if (schema_by_id(s, id))
				continue;
			for (size_t n = m->n_schema; n-- && !old; )
				old = schema_by_id(m->schema[n], id);
			if (!old || !schema_primitive(old) || old->kind == SCHEMA_OTHER)
				continue;
			if (!(c = schema_add(&s->root, old->name, old->kind, 0))) {
				schema_free(s);
				return fail(f, WEIR_EAGAIN, "no memory for a schema");
			}
			c->id = id;
			c->precision = old->precision;
			c->scale = old->scale;
			c->length = old->length;
		}
	*out = s;
	return 0;
}

/* Run fn-like read_manifest() over the manifests of a snapshot. */
static int
each_manifest(struct planning *p, const struct metadata_snapshot *s)
{
	struct buf bytes = { .max = MANIFEST_MAX_BYTES };
	struct manifest *list = NULL;
	const json_t *inlined = json_object_get(s->json, "manifests"), *j;
	size_t n = 0, i;
	int e = 0;

	if (!s->manifest_list) {		/* v1: paths in the snapshot itself */
		json_array_foreach(inlined, i, j) {
			struct manifest m = { .path = (char *)(uintptr_t)json_string_value(j), .snapshot_id = s->id };

			if (!m.path)
				return fail(p->fail, WEIR_ESTATE, "snapshot %" PRId64 ": a manifest has no path", s->id);
			if ((e = read_manifest(p, &m)))
				return e;
		}
		return 0;
	}
	if ((e = p->table->store->ops->get(p->table->store, s->manifest_list, &bytes, p->fail)) == 0)
		e = manifest_list_read(bytes.p, bytes.n, &list, &n, p->fail);
	else if (e == WEIR_EGONE)
		e = fail(p->fail, WEIR_ESTATE, "the manifest list %s does not exist: the table is damaged", s->manifest_list);
	buf_free(&bytes);
	for (i = 0; i < n; i++) {
		if (!e && (!p->added_only || (list[i].snapshot_id == p->snapshot_id && list[i].content == 0)))
			e = read_manifest(p, &list[i]);
		manifest_free(&list[i]);
	}
	free(list);
	return e;
}

static int
begin(struct planning *p, struct table *t, const struct plan_filter *filter, struct plan *plan, struct schema **schema, struct fail *f)
{
	int e;

	memset(plan, 0, sizeof *plan);
	*p = (struct planning){ .table = t, .filter = filter, .plan = plan, .fail = f };
	if ((e = merged_schema(t->meta, schema, f)) == 0)
		p->schema = *schema;
	return e;
}

int
plan_files(struct table *t, int64_t snapshot_id, const struct plan_filter *filter, struct plan *plan, struct fail *f)
{
	const struct metadata_snapshot *s = metadata_snapshot(t->meta, snapshot_id);
	struct planning p;
	struct schema *schema;
	int e;

	memset(plan, 0, sizeof *plan);
	if (snapshot_id == -1)		/* a table without snapshots has no files */
		return 0;
	if (!s)
		return fail(f, WEIR_EOFFSET, "snapshot %" PRId64 " is not in the table: it has expired, or never was", snapshot_id);
	if ((e = begin(&p, t, filter, plan, &schema, f)) < 0)
		return e;
	e = each_manifest(&p, s);
	schema_free(schema);
	if (e < 0)
		plan_free(plan);
	return e;
}

int
plan_added(struct table *t, int64_t from, int64_t to, int skip_changes, struct plan *plan, struct fail *f)
{
	const struct metadata_snapshot *s, **way = NULL;
	struct planning p;
	struct schema *schema;
	size_t n = 0;
	int e;

	if ((e = begin(&p, t, NULL, plan, &schema, f)) < 0)
		return e;
	if (!(way = calloc(t->meta->n_snapshot + 1, sizeof *way)))
		e = fail(f, WEIR_EAGAIN, "no memory for a plan");
	for (int64_t at = to; !e && at != from; at = s->parent) {
		if (at == -1 || !(s = metadata_snapshot(t->meta, at)) || n == t->meta->n_snapshot) {
			e = fail(f, WEIR_EOFFSET, "snapshot %" PRId64 " is no ancestor of %" PRId64 " any more: it has expired, or the table was rolled back",
			    from, to);
			break;
		}
		way[n++] = s;
		if (strcmp(s->operation, "append") && strcmp(s->operation, "replace") && !skip_changes)
			e = fail(f, WEIR_ECONFIG, "snapshot %" PRId64 " is no append (%s): rows were changed or deleted", s->id,
			    *s->operation ? s->operation : "overwrite");
	}
	p.added_only = 1;
	while (!e && n) {		/* oldest first */
		s = way[--n];
		p.snapshot_id = s->id;
		if (strcmp(s->operation, "append") == 0)
			e = each_manifest(&p, s);
	}
	free(way);
	schema_free(schema);
	if (e < 0)
		plan_free(plan);
	return e;
}

void
plan_free(struct plan *p)
{
	while (p->n_data)
		manifest_file_free(&p->data[--p->n_data]);
	while (p->n_deletes)
		manifest_file_free(&p->deletes[--p->n_deletes]);
	free(p->data);
	free(p->deletes);
	memset(p, 0, sizeof *p);
}
