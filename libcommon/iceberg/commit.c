#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commit.h"
#include "weir.h"

#define LOG_MAX			100		/* metadata-log entries kept, unless the table says otherwise */
#define BACKOFF_FIRST_MS	20
#define BACKOFF_MAX_MS		2000

struct attempt {
	struct table	*table;
	struct commit	*commit;
	struct fail	*fail;
	char		 uuid[CATALOG_UUID_SIZE];
	struct manifest	 added;			/* path NULL: no files */
	int64_t		 parent;
	struct buf	 list_path;
	int		 refused;		/* check() has looked at the table and said no */
};

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for a commit");
}

/* ---------------------------------------------------------------- summary */

/* total-X of the parent + added; a total the parent does not tell is left out, it cannot be made up. */
static int
put_total(json_t *summary, const struct metadata_snapshot *parent, const char *key, int64_t added)
{
	const char *before = parent ? metadata_summary(parent, key) : "0";
	char text[24], *end;
	int64_t v;

	if (!before)
		return 0;
	v = strtoll(before, &end, 10);
	if (end == before || *end || __builtin_add_overflow(v, added, &v))
		return 0;
	snprintf(text, sizeof text, "%" PRId64, v);
	return json_object_set_new(summary, key, json_string(text));
}

static int
put_added(json_t *summary, const char *key, int64_t added)
{
	char text[24];

	if (!added)
		return 0;
	snprintf(text, sizeof text, "%" PRId64, added);
	return json_object_set_new(summary, key, json_string(text));
}

/* How many partitions the files lie in: distinct tuples, by their path text. */
static int
cmp_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int64_t
count_partitions(const struct commit *c, const struct schema *schema)
{
	struct buf b = { 0 };
	char **path;
	size_t n = 0;
	int64_t distinct = 0;

	if (!c->n_files)
		return 0;
	if (!c->spec->n)
		return 1;
	if (!(path = calloc(c->n_files, sizeof *path)))
		return -1;
	for (; n < c->n_files; n++) {
		b.n = 0;
		if (spec_path(c->spec, schema, c->file[n].partition, &b) < 0 || buf_putc(&b, '\0') < 0 || !(path[n] = strdup(b.p)))
			goto out;
	}
	qsort(path, n, sizeof *path, cmp_text);
	for (size_t i = 0; i < n; i++)
		distinct += !i || strcmp(path[i], path[i - 1]);
out:
	if (n < c->n_files)
		distinct = -1;
	while (n)
		free(path[--n]);
	free(path);
	buf_free(&b);
	return distinct;
}

static json_t *
make_summary(struct attempt *a, const struct metadata_snapshot *parent)
{
	const struct commit *c = a->commit;
	int64_t rows = 0, bytes = 0, partitions = count_partitions(c, c->schema ? c->schema : metadata_schema(a->table->meta, -1));
	json_t *s = json_pack("{s:s}", "operation", "append");

	for (size_t i = 0; i < c->n_files; i++) {
		rows += c->file[i].records;
		bytes += c->file[i].bytes;
	}
	if (!s || partitions < 0 || put_added(s, "added-data-files", (int64_t)c->n_files) < 0 || put_added(s, "added-records", rows) < 0 ||
	    put_added(s, "added-files-size", bytes) < 0 || put_added(s, "changed-partition-count", partitions) < 0 ||
	    put_total(s, parent, "total-records", rows) < 0 || put_total(s, parent, "total-files-size", bytes) < 0 ||
	    put_total(s, parent, "total-data-files", (int64_t)c->n_files) < 0 || put_total(s, parent, "total-delete-files", 0) < 0 ||
	    put_total(s, parent, "total-position-deletes", 0) < 0 || put_total(s, parent, "total-equality-deletes", 0) < 0) {
		json_decref(s);
		return NULL;
	}
	return s;
}

/* ---------------------------------------------------------------- manifest and list */

static int
write_manifest(struct attempt *a)
{
	struct commit *c = a->commit;
	struct store *store = a->table->store;
	const struct schema *schema = c->schema ? c->schema : metadata_schema(a->table->meta, -1);
	struct buf bytes = { 0 }, path = { 0 };
	int e;

	if (!c->n_files)
		return 0;
	if ((e = manifest_write(&bytes, schema, c->spec, c->file, c->n_files, c->snapshot_id, &a->added, a->fail)) < 0)
		goto out;
	if (buf_printf(&path, "%s/metadata/%s-m0.avro", a->table->meta->location, a->uuid) < 0 || buf_putc(&path, '\0') < 0 ||
	    !(a->added.path = strdup(path.p))) {
		e = no_memory(a->fail);
		goto out;
	}
	a->added.bytes = (int64_t)bytes.n;
	if ((e = store->ops->put_if_absent(store, a->added.path, bytes.p, bytes.n, a->fail)) == 1)
		e = fail(a->fail, WEIR_EBUG, "%s exists already, though its name is random", a->added.path);
out:
	buf_free(&bytes);
	buf_free(&path);
	return e;
}

/* The parent's manifests behind the new one, newest first as Java has them. */
static int
write_list(struct attempt *a, const struct metadata_snapshot *parent, int64_t sequence)
{
	struct store *store = a->table->store;
	struct buf old = { 0 }, out = { 0 };
	struct manifest *before = NULL, *all = NULL;
	size_t n = 0, k = 0;
	int e = 0;

	if (parent && parent->manifest_list) {
		if ((e = store->ops->get(store, parent->manifest_list, &old, a->fail)) == WEIR_EGONE)
			e = fail(a->fail, WEIR_ESTATE, "the manifest list %s does not exist: the table is damaged", parent->manifest_list);
		if (e < 0 || (e = manifest_list_read(old.p, old.n, &before, &n, a->fail)) < 0)
			goto out;
	}
	if (!(all = calloc(n + 1, sizeof *all))) {
		e = no_memory(a->fail);
		goto out;
	}
	if (a->added.path) {
		a->added.sequence = a->added.min_sequence = sequence;
		all[k++] = a->added;
	}
	for (size_t i = 0; i < n; i++)		/* a manifest of deleted entries only belongs to its own snapshot */
		if (before[i].n_added || before[i].n_existing)
			all[k++] = before[i];
	if ((e = manifest_list_write(&out, all, k, a->commit->snapshot_id, a->parent, sequence, a->fail)) < 0)
		goto out;
	if (buf_printf(&a->list_path, "%s/metadata/snap-%" PRId64 "-%d-%s.avro", a->table->meta->location, a->commit->snapshot_id,
	    a->commit->attempts, a->uuid) < 0 || buf_putc(&a->list_path, '\0') < 0) {
		e = no_memory(a->fail);
		goto out;
	}
	if ((e = store->ops->put_if_absent(store, a->list_path.p, out.p, out.n, a->fail)) == 1)
		e = fail(a->fail, WEIR_EBUG, "%s exists already, though its name is random", a->list_path.p);
out:
	for (size_t i = 0; i < n; i++)
		manifest_free(&before[i]);
	free(before);
	free(all);
	buf_free(&old);
	buf_free(&out);
	return e;
}

/* ---------------------------------------------------------------- the next metadata */

static int
append_to(json_t *doc, const char *key, json_t *value)
{
	json_t *a = json_object_get(doc, key);

	if (!a && json_object_set_new(doc, key, a = json_array()) < 0)
		return -1;
	return json_array_append_new(a, value);
}

/* Drop the oldest entries of the metadata log, and their files when the table wants that; after the swap only. */
static void
trim_log(struct table *t, const json_t *dropped)
{
	const char *wanted = metadata_property(t->meta, "write.metadata.delete-after-commit.enabled");
	struct fail ignored;
	const json_t *j;
	size_t i;

	if (!wanted || strcmp(wanted, "true"))
		return;
	json_array_foreach(dropped, i, j) {
		const char *file = json_string_value(json_object_get(j, "metadata-file"));

		if (file)
			(void)t->store->ops->remove(t->store, file, &ignored);
	}
}

static int
log_metadata(struct table *t, json_t *doc, json_t *dropped)
{
	const char *max = metadata_property(t->meta, "write.metadata.previous-versions-max");
	long keep = max ? strtol(max, NULL, 10) : LOG_MAX;
	json_t *log;

	if (append_to(doc, "metadata-log", json_pack("{s:I, s:s}", "timestamp-ms", (json_int_t)t->meta->last_updated_ms, "metadata-file",
	    t->metadata_location)) < 0)
		return -1;
	log = json_object_get(doc, "metadata-log");
	while (json_array_size(log) > (size_t)(keep > 0 ? keep : 1))
		if (json_array_append(dropped, json_array_get(log, 0)) < 0 || json_array_remove(log, 0) < 0)
			return -1;
	return 0;
}

static int
set_schema(struct attempt *a, json_t *doc)
{
	struct commit *c = a->commit;
	json_t *s = schema_json(c->schema);

	if (!s || append_to(doc, "schemas", s) < 0)
		return -1;
	return json_object_set_new(doc, "current-schema-id", json_integer(c->schema->id)) |
	    json_object_set_new(doc, "last-column-id", json_integer(c->last_column_id));
}

static int
set_properties(json_t *doc, json_t *changes)
{
	json_t *p = json_object_get(doc, "properties"), *v;
	const char *key;

	if (!json_is_object(p) && json_object_set_new(doc, "properties", p = json_object()) < 0)
		return -1;
	json_object_foreach(changes, key, v)
		if (json_is_null(v))
			(void)json_object_del(p, key);		/* not there: as wanted */
		else if (json_object_set(p, key, v) < 0)
			return -1;
	return 0;
}

static int
set_ref(struct attempt *a, json_t *doc, int64_t timestamp_ms)
{
	json_t *refs = json_object_get(doc, "refs"), *ref;

	if (!json_is_object(refs) && json_object_set_new(doc, "refs", refs = json_object()) < 0)
		return -1;
	if ((ref = json_object_get(refs, a->commit->ref))) {		/* keeps its retention settings */
		if (json_object_set_new(ref, "snapshot-id", json_integer(a->commit->snapshot_id)) < 0)
			return -1;
	} else if (json_object_set_new(refs, a->commit->ref, json_pack("{s:I, s:s}", "snapshot-id", (json_int_t)a->commit->snapshot_id, "type",
	    "branch")) < 0)
		return -1;
	if (strcmp(a->commit->ref, "main"))
		return 0;
	return json_object_set_new(doc, "current-snapshot-id", json_integer(a->commit->snapshot_id)) |
	    append_to(doc, "snapshot-log", json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)timestamp_ms, "snapshot-id",
	    (json_int_t)a->commit->snapshot_id));
}

/* A snapshot on top of `parent`, in a copy of the table's document. */
static int
make_next(struct attempt *a, const struct metadata_snapshot *parent, int64_t sequence, json_t *dropped, json_t **out)
{
	struct commit *c = a->commit;
	const struct metadata *m = a->table->meta;
	json_t *doc = json_deep_copy(m->doc), *summary = make_summary(a, parent), *properties = json_object(), *snapshot;
	int64_t t = c->now_ms;
	int e;

	if (!doc || !summary || !properties) {
		e = no_memory(a->fail);
		goto out;
	}
	t = t > m->last_updated_ms ? t : m->last_updated_ms;		/* clocks go backwards, the log may not */
	t = parent && parent->timestamp_ms > t ? parent->timestamp_ms : t;
	if (c->fill && (e = c->fill(c->arg, a->table, sequence, summary, properties, a->fail)) < 0)
		goto out;
	if (!(snapshot = json_pack("{s:I, s:I}", "sequence-number", (json_int_t)sequence, "snapshot-id", (json_int_t)c->snapshot_id)) ||
	    (parent && json_object_set_new(snapshot, "parent-snapshot-id", json_integer(parent->id)) < 0) ||
	    json_object_set_new(snapshot, "timestamp-ms", json_integer(t)) < 0 || json_object_set(snapshot, "summary", summary) < 0 ||
	    json_object_set_new(snapshot, "manifest-list", json_string(a->list_path.p)) < 0 ||
	    json_object_set_new(snapshot, "schema-id", json_integer(c->schema ? c->schema->id : m->current_schema_id)) < 0) {
		json_decref(snapshot);
		e = no_memory(a->fail);
		goto out;
	}
	e = append_to(doc, "snapshots", snapshot) | set_ref(a, doc, t) | (c->schema ? set_schema(a, doc) : 0) | set_properties(doc, properties) |
	    log_metadata(a->table, doc, dropped) | json_object_set_new(doc, "last-sequence-number", json_integer(sequence)) |
	    json_object_set_new(doc, "last-updated-ms", json_integer(t));
	if (e)
		e = no_memory(a->fail);
out:
	json_decref(summary);
	json_decref(properties);
	if (e < 0)
		json_decref(doc);
	else
		*out = doc;
	return e;
}

/* ---------------------------------------------------------------- attempts */

/* Swap `doc` in: 0, 1 lost, or an error.  What readers would refuse is found before they see it. */
static int
swap(struct attempt *a, json_t *doc)
{
	struct table *t = a->table;
	struct buf text = { 0 }, next = { 0 };
	struct metadata *m = NULL;
	int e;

	if ((e = metadata_from(doc, &m, a->fail)) < 0)
		return e;
	if (metadata_text(m, &text) < 0) {
		e = no_memory(a->fail);
		goto out;
	}
	if ((e = t->catalog->ops->next(t->catalog, t->meta->location, t->metadata_location, &next, a->fail)) < 0)
		goto out;
	if (buf_putc(&next, '\0') < 0) {
		e = no_memory(a->fail);
		goto out;
	}
	e = t->catalog->ops->swap(t->catalog, t->name, t->metadata_location, next.p, text.p, text.n, a->fail);
out:
	metadata_free(m);
	buf_free(&text);
	buf_free(&next);
	return e;
}

int
commit_branch(const struct table *t, const char *ref, int64_t *head, struct fail *f)
{
	const char *type = json_string_value(json_object_get(json_object_get(json_object_get(t->meta->doc, "refs"), ref), "type"));

	if (!metadata_ref(t->meta, ref, head))
		return fail(f, WEIR_ECONFIG, "table %s has no branch %s", t->name, ref);
	if (type && strcmp(type, "branch"))
		return fail(f, WEIR_ECONFIG, "%s of table %s is a %s, not a branch", ref, t->name, type);
	return 0;
}

static int
writable(struct attempt *a)
{
	const struct metadata *m = a->table->meta;
	const struct commit *c = a->commit;
	int e;

	if (m->format != 2)
		return fail(a->fail, WEIR_ECONFIG, "table %s has format version %d; version 2 can be written", a->table->name, m->format);
	if ((e = commit_branch(a->table, c->ref, &a->parent, a->fail)) < 0)
		return e;
	if (c->schema && m->current_schema_id != c->base_schema_id)
		return fail(a->fail, WEIR_EAGAIN, "another program changed the schema of table %s while this commit was made; run it again", a->table->name);
	if (c->n_files && !metadata_spec(m, c->spec->id))
		return fail(a->fail, WEIR_EAGAIN, "the partition spec %d of table %s has gone while this commit was made; run it again", c->spec->id,
		    a->table->name);
	return 0;
}

/* 0 committed, 1 try again, or an error. */
static int
try(struct attempt *a)
{
	struct commit *c = a->commit;
	const struct metadata_snapshot *parent;
	json_t *doc, *dropped;
	struct fail ignored;
	int e;

	c->attempts++;
	if ((e = table_reload(a->table, a->fail)) < 0)
		return e;
	if (metadata_snapshot(a->table->meta, c->snapshot_id) || (c->check && (e = c->check(c->arg, a->table, a->fail)) == 1)) {
		c->already = 1;
		return 0;
	}
	a->refused = e < 0;
	if (e < 0 || (e = writable(a)) < 0)
		return e;
	if (!a->added.path && (e = write_manifest(a)) < 0)
		return e;
	parent = metadata_snapshot(a->table->meta, a->parent);
	c->sequence = a->table->meta->last_sequence + 1;
	a->list_path.n = 0;
	if (!(dropped = json_array()))
		return no_memory(a->fail);
	if ((e = write_list(a, parent, c->sequence)) == 0 && (e = make_next(a, parent, c->sequence, dropped, &doc)) == 0 && (e = swap(a, doc)) == 0)
		trim_log(a->table, dropped);
	json_decref(dropped);
	if (e && e != WEIR_EUNKNOWN && a->list_path.n)
		(void)a->table->store->ops->remove(a->table->store, a->list_path.p, &ignored);
	return e;
}

static void
back_off(int attempt)
{
	int64_t ms = BACKOFF_FIRST_MS << (attempt < 7 ? attempt : 7), jitter;
	struct fail ignored;
	struct timespec t;

	ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
	if (catalog_snapshot_id(&jitter, &ignored) == 0)
		ms = ms / 2 + jitter % ms;
	t = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}

/* An attempt may have happened, and nothing since has told. */
static int
unknown_outcome(const struct table *t, struct fail *f)
{
	char why[sizeof f->text];

	memcpy(why, f->text, sizeof why);
	return fail(f, WEIR_EUNKNOWN, "whether this commit to table %s happened is not known: %.800s", t->name, why);
}

/* The table as it is with the commit.  Not to be able to read it does not undo it. */
static int
committed(struct table *t, const struct commit *c, struct fail *f)
{
	return c->already || table_reload(t, f) >= 0 ? 0 : unknown_outcome(t, f);
}

int
commit_append(struct table *t, struct commit *c, struct fail *f)
{
	struct attempt a = { .table = t, .commit = c, .fail = f };
	struct fail ignored;
	int e, unknown = 0;

	c->attempts = c->already = c->unreferenced = 0;
	if ((e = catalog_uuid(a.uuid, f)) < 0) {
		c->unreferenced = 1;
		return e;
	}
	while ((e = try(&a)) == 1 || e == WEIR_EUNKNOWN) {
		unknown |= e == WEIR_EUNKNOWN;
		if (c->attempts == COMMIT_ATTEMPTS) {
			if (e == 1)
				e = fail(f, WEIR_EAGAIN, "table %s: %d other commits were first; run it again", t->name, c->attempts);
			break;
		}
		back_off(c->attempts);
	}
	if (e < 0 && unknown && !a.refused)
		e = unknown_outcome(t, f);
	c->unreferenced = !unknown && (e < 0 || (c->already && !metadata_snapshot(t->meta, c->snapshot_id)));
	if (c->unreferenced && a.added.path)
		(void)t->store->ops->remove(t->store, a.added.path, &ignored);
	if (!e && c->already)
		c->sequence = metadata_snapshot(t->meta, c->snapshot_id) ? metadata_snapshot(t->meta, c->snapshot_id)->sequence : 0;
	manifest_free(&a.added);
	buf_free(&a.list_path);
	return e ? e : committed(t, c, f);
}

/* ---------------------------------------------------------------- a new table */

static json_t *
new_table(const struct commit_table *t, const char *location, const char *uuid)
{
	struct spec none = { 0 };
	const struct spec *spec = t->spec ? t->spec : &none;
	json_t *properties = t->properties ? json_deep_copy(t->properties) : json_object();

	if (!properties || (!json_object_get(properties, "write.metadata.delete-after-commit.enabled") &&
	    json_object_set_new(properties, "write.metadata.delete-after-commit.enabled", json_string("true")) < 0)) {
		json_decref(properties);
		return NULL;
	}
	return json_pack("{s:i, s:s, s:s, s:i, s:I, s:i, s:i, s:[o], s:i, s:[o], s:i, s:i, s:[{s:i, s:[]}], s:o, s:i, s:{}, s:[], s:[], s:[], s:[], s:[]}",
	    "format-version", 2, "table-uuid", uuid, "location", location, "last-sequence-number", 0, "last-updated-ms", (json_int_t)t->now_ms,
	    "last-column-id", t->last_column_id, "current-schema-id", t->schema->id, "schemas", schema_json(t->schema),
	    "default-spec-id", spec->id, "partition-specs", spec_json(spec), "last-partition-id", SPEC_FIRST_ID - 1 + (int)spec->n,
	    "default-sort-order-id", 0, "sort-orders", "order-id", 0, "fields", "properties", properties, "current-snapshot-id", -1, "refs",
	    "snapshots", "statistics", "partition-statistics", "snapshot-log", "metadata-log");
}

int
commit_create(struct catalog *c, const struct commit_table *t, struct fail *f)
{
	struct buf location = { 0 }, text = { 0 }, next = { 0 };
	char uuid[CATALOG_UUID_SIZE];
	struct metadata *m = NULL;
	json_t *doc;
	int e;

	if ((e = table_check_name(t->name, f)) < 0 || (e = catalog_location(c, t->name, &location, f)) < 0 || (e = catalog_uuid(uuid, f)) < 0)
		goto out;
	if (buf_putc(&location, '\0') < 0 || !(doc = new_table(t, location.p, uuid))) {
		e = no_memory(f);
		goto out;
	}
	if ((e = metadata_from(doc, &m, f)) < 0)
		goto out;
	if (metadata_text(m, &text) < 0 || (e = c->ops->next(c, location.p, NULL, &next, f)) < 0 || buf_putc(&next, '\0') < 0) {
		e = e < 0 ? e : no_memory(f);
		goto out;
	}
	e = c->ops->swap(c, t->name, NULL, next.p, text.p, text.n, f);
out:
	metadata_free(m);
	buf_free(&location);
	buf_free(&text);
	buf_free(&next);
	return e;
}
