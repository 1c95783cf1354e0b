#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iso.h"
#include "report.h"
#include "weir.h"

static json_t *
id_json(int64_t id)
{
	char text[24];

	if (id == -1)
		return json_null();
	snprintf(text, sizeof text, "%" PRId64, id);
	return json_string(text);
}

static json_t *
time_json(int64_t ms)
{
	char text[ISO_SIZE + 1];
	int64_t us;

	if (__builtin_mul_overflow(ms, 1000, &us) || us < ISO_MIN_US || us > ISO_MAX_US)
		return json_integer(ms);
	text[iso_format(us, text)] = '\0';
	return json_string(text);
}

/* A count out of a snapshot's summary, where all values are texts; null when it is not there. */
static json_t *
count_json(const struct metadata_snapshot *s, const char *key)
{
	const char *text = s ? metadata_summary(s, key) : NULL;
	char *end;
	long long v;

	if (!text || !*text)
		return json_null();
	v = strtoll(text, &end, 10);
	return *end ? json_string(text) : json_integer(v);
}

/* The line, which is taken over. */
static int
put(const struct report *r, json_t *o, struct fail *f)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int e;

	json_decref(o);
	if (!text)
		return fail(f, WEIR_EAGAIN, "no memory for a line about the table");
	e = r->line(r->arg, text, strlen(text));
	free(text);
	return e;
}

/* The refs that point at a snapshot. */
static json_t *
refs_of(const struct table *t, int64_t id)
{
	const json_t *refs = json_object_get(t->meta->doc, "refs");
	json_t *list = json_array(), *ref;
	const char *name;
	int64_t main_id;

	json_object_foreach((json_t *)(uintptr_t)refs, name, ref)
		if (json_integer_value(json_object_get(ref, "snapshot-id")) == id)
			json_array_append_new(list, json_string(name));
	if (json_array_size(list) == 0 && metadata_ref(t->meta, "main", &main_id) == 1 && main_id == id)
		json_array_append_new(list, json_string("main"));	/* v1 has no refs */
	return list;
}

static json_t *
partition_json(const struct table *t)
{
	const struct spec *spec = metadata_spec(t->meta, -1);
	const struct schema *schema = metadata_schema(t->meta, -1);
	json_t *list = json_array();

	for (size_t i = 0; spec && i < spec->n; i++) {
		struct buf source = { 0 };
		char text[512];

		if (schema && schema_path(schema, spec->field[i].source_id, &source) == 0)
			snprintf(text, sizeof text, "%s(%.*s)", spec->field[i].text, (int)source.n, source.p);
		else
			snprintf(text, sizeof text, "%s(#%" PRId32 ")", spec->field[i].text, spec->field[i].source_id);
		buf_free(&source);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

int
report_info(const struct report *r, const struct table *t, struct fail *f)
{
	const struct metadata *m = t->meta;
	const struct metadata_snapshot *s = metadata_snapshot(m, m->current_snapshot_id);
	const struct schema *schema = metadata_schema(m, -1);
	json_t *properties = json_object_get(m->doc, "properties");

	return put(r, json_pack("{s:s?,s:s,s:s,s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:i,s:o,s:o}", "table", t->name, "uuid", m->uuid, "location",
	    m->location, "metadata", t->metadata_location, "format_version", m->format, "snapshot_id", id_json(m->current_snapshot_id),
	    "committed_at", s ? time_json(s->timestamp_ms) : json_null(), "rows", s ? count_json(s, "total-records") : json_integer(0), "files",
	    s ? count_json(s, "total-data-files") : json_integer(0), "delete_files", s ? count_json(s, "total-delete-files") : json_integer(0), "bytes",
	    s ? count_json(s, "total-files-size") : json_integer(0), "columns", schema ? (int)schema->root.n : 0, "snapshots",
	    (int)m->n_snapshot, "partition", partition_json(t), "properties", json_is_object(properties) ? json_incref(properties) : json_object()), f);
}

static int
by_time(const void *a, const void *b)
{
	const struct metadata_snapshot *x = *(const struct metadata_snapshot *const *)a, *y = *(const struct metadata_snapshot *const *)b;

	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return x->timestamp_ms < y->timestamp_ms ? -1 : x->timestamp_ms > y->timestamp_ms;
}

int
report_snapshots(const struct report *r, const struct table *t, struct fail *f)
{
	size_t n = t->meta->n_snapshot;
	const struct metadata_snapshot **list = calloc(n + 1, sizeof *list);
	int e = 0;

	if (!list)
		return fail(f, WEIR_EAGAIN, "no memory for a list of %zu snapshots", n);
	for (size_t i = 0; i < n; i++)
		list[i] = &t->meta->snapshot[i];
	qsort(list, n, sizeof *list, by_time);
	for (size_t i = 0; i < n && !e; i++) {
		const struct metadata_snapshot *s = list[i];
		json_t *summary = json_object_get(s->json, "summary");

		e = put(r, json_pack("{s:o,s:o,s:I,s:o,s:s,s:o,s:o,s:o,s:o}", "snapshot_id", id_json(s->id), "parent_id", id_json(s->parent),
		    "sequence_number", (json_int_t)s->sequence, "committed_at", time_json(s->timestamp_ms), "operation", s->operation, "added_rows",
		    count_json(s, "added-records"), "rows", count_json(s, "total-records"), "refs", refs_of(t, s->id), "summary",
		    json_is_object(summary) ? json_deep_copy(summary) : json_object()), f);
	}
	free(list);
	return e;
}

int
report_files(const struct report *r, const struct table *t, const struct plan *p, struct fail *f)
{
	static const char *const contents[] = { "data", "position-deletes", "equality-deletes" };
	int e = 0;

	for (size_t i = 0; i < p->n_data + p->n_deletes && !e; i++) {
		const struct manifest_file *m = i < p->n_data ? &p->data[i] : &p->deletes[i - p->n_data];
		const struct spec *spec = metadata_spec(t->meta, m->spec_id);
		struct buf path = { 0 };
		json_t *partition = json_null();

		/* in the schema of the time: a source column may be gone since */
		for (size_t k = t->meta->n_schema; spec && spec->n == m->n_partition && spec->n && k--; ) {
			path.n = 0;
			if (spec_path(spec, t->meta->schema[k], m->partition, &path) == 0) {
				partition = json_stringn(path.p, path.n);
				break;
			}
		}
		buf_free(&path);
		e = put(r, json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:o}", "path", m->path, "content",
		    m->content >= 0 && m->content <= 2 ? contents[m->content] : "?", "format", m->format, "rows", (json_int_t)m->records, "bytes",
		    (json_int_t)m->bytes, "sequence_number", (json_int_t)m->sequence, "partition", partition), f);
	}
	return e;
}

int
report_schema(const struct report *r, const struct schema *s, struct fail *f)
{
	return put(r, schema_json(s), f);
}
