#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "metadata.h"
#include "weir.h"

/* ---------------------------------------------------------------- members */

static int
bad(struct fail *f, const char *key, const char *what)
{
	return fail(f, WEIR_ECONFIG, "table metadata: \"%s\" %s", key, what);
}

static int
get_long(const json_t *doc, const char *key, int needed, int64_t otherwise, int64_t *v, struct fail *f)
{
	const json_t *j = json_object_get(doc, key);

	*v = otherwise;
	if (!j || json_is_null(j))
		return needed ? bad(f, key, "is missing") : 0;
	if (!json_is_integer(j))
		return bad(f, key, "is no integer");
	*v = json_integer_value(j);
	return 0;
}

static int
get_int(const json_t *doc, const char *key, int needed, int32_t otherwise, int32_t *v, struct fail *f)
{
	int64_t wide;
	int e = get_long(doc, key, needed, otherwise, &wide, f);

	if (!e && wide != (int32_t)wide)
		return bad(f, key, "is out of range");
	*v = (int32_t)wide;
	return e;
}

/* ---------------------------------------------------------------- schemas and specs */

static int
add_schema(struct metadata *m, const json_t *json, struct fail *f)
{
	struct schema **p = realloc(m->schema, (m->n_schema + 1) * sizeof *p);
	int e;

	if (!p)
		return fail(f, WEIR_EAGAIN, "no memory for table metadata");
	m->schema = p;
	if ((e = schema_parse(json, &p[m->n_schema], f)) == 0)
		m->n_schema++;
	return e;
}

static int
add_spec(struct metadata *m, const json_t *json, struct fail *f)
{
	struct spec **p = realloc(m->spec, (m->n_spec + 1) * sizeof *p);
	int e;

	if (!p)
		return fail(f, WEIR_EAGAIN, "no memory for table metadata");
	m->spec = p;
	if ((e = spec_parse(json, &p[m->n_spec], f)) == 0)
		m->n_spec++;
	return e;
}

static int
get_schemas(struct metadata *m, struct fail *f)
{
	const json_t *all = json_object_get(m->doc, "schemas"), *one = json_object_get(m->doc, "schema"), *j;
	size_t i;
	int e;

	if (json_array_size(all)) {
		json_array_foreach(all, i, j)
			if ((e = add_schema(m, j, f)) < 0)
				return e;
		if ((e = get_int(m->doc, "current-schema-id", 1, 0, &m->current_schema_id, f)) < 0)
			return e;
	} else {
		if (m->format > 1 || !one)
			return bad(f, m->format > 1 ? "schemas" : "schema", "is missing");
		if ((e = add_schema(m, one, f)) < 0)
			return e;
		m->current_schema_id = m->schema[0]->id;
	}
	if (!metadata_schema(m, -1))
		return fail(f, WEIR_ECONFIG, "table metadata: current-schema-id %d is not among the schemas", m->current_schema_id);
	return 0;
}

static int
get_specs(struct metadata *m, struct fail *f)
{
	const json_t *all = json_object_get(m->doc, "partition-specs"), *one = json_object_get(m->doc, "partition-spec"), *j;
	int32_t last = SPEC_FIRST_ID - 1;
	size_t i;
	int e;

	if (json_is_array(all) && (m->format > 1 || json_array_size(all))) {
		json_array_foreach(all, i, j)
			if ((e = add_spec(m, j, f)) < 0)
				return e;
		if ((e = get_int(m->doc, "default-spec-id", 1, 0, &m->default_spec_id, f)) < 0)
			return e;
	} else {
		if (m->format > 1 || !one)
			return bad(f, m->format > 1 ? "partition-specs" : "partition-spec", "is missing");
		if ((e = add_spec(m, one, f)) < 0)
			return e;
	}
	for (i = 0; i < m->n_spec; i++)
		for (size_t k = 0; k < m->spec[i]->n; k++)
			if (m->spec[i]->field[k].field_id > last)
				last = m->spec[i]->field[k].field_id;
	if ((e = get_int(m->doc, "last-partition-id", m->format > 1, last, &m->last_partition_id, f)) < 0)
		return e;
	if (!metadata_spec(m, -1))
		return fail(f, WEIR_ECONFIG, "table metadata: default-spec-id %d is not among the partition-specs", m->default_spec_id);
	if (m->format > 1 && !json_is_array(json_object_get(m->doc, "sort-orders")))
		return bad(f, "sort-orders", "is missing");
	return 0;
}

/* ---------------------------------------------------------------- snapshots and refs */

static int
get_snapshot(struct metadata *m, const json_t *j, struct metadata_snapshot *s, struct fail *f)
{
	const json_t *summary = json_object_get(j, "summary");
	int e;

	s->json = j;
	if ((e = get_long(j, "snapshot-id", 1, -1, &s->id, f)) < 0 || (e = get_long(j, "parent-snapshot-id", 0, -1, &s->parent, f)) < 0 ||
	    (e = get_long(j, "sequence-number", 0, 0, &s->sequence, f)) < 0 || (e = get_long(j, "timestamp-ms", 1, 0, &s->timestamp_ms, f)) < 0 ||
	    (e = get_int(j, "schema-id", 0, -1, &s->schema_id, f)) < 0)
		return e;
	s->manifest_list = json_string_value(json_object_get(j, "manifest-list"));
	s->operation = json_string_value(json_object_get(summary, "operation"));
	if (!s->operation)
		s->operation = "";
	if (m->format > 1 && s->sequence > m->last_sequence)
		return fail(f, WEIR_ECONFIG, "table metadata: snapshot %" PRId64 " has sequence number %" PRId64 ", above last-sequence-number %" PRId64,
		    s->id, s->sequence, m->last_sequence);
	return 0;
}

static int
get_snapshots(struct metadata *m, struct fail *f)
{
	const json_t *all = json_object_get(m->doc, "snapshots"), *refs = json_object_get(m->doc, "refs"), *j;
	const char *name;
	int64_t id;
	size_t i;
	int e;

	if (json_array_size(all) && !(m->snapshot = calloc(json_array_size(all), sizeof *m->snapshot)))
		return fail(f, WEIR_EAGAIN, "no memory for table metadata");
	json_array_foreach(all, i, j) {
		if ((e = get_snapshot(m, j, &m->snapshot[i], f)) < 0)
			return e;
		m->n_snapshot++;
	}
	if ((e = get_long(m->doc, "current-snapshot-id", 0, -1, &m->current_snapshot_id, f)) < 0)
		return e;
	if (m->current_snapshot_id != -1 && !metadata_snapshot(m, m->current_snapshot_id))
		return fail(f, WEIR_ECONFIG, "table metadata: current-snapshot-id %" PRId64 " is not among the snapshots", m->current_snapshot_id);
	json_object_foreach((json_t *)(uintptr_t)refs, name, j) {
		if ((e = get_long(j, "snapshot-id", 1, -1, &id, f)) < 0)
			return e;
		if (!metadata_snapshot(m, id))
			return fail(f, WEIR_ECONFIG, "table metadata: ref %s points to snapshot %" PRId64 ", which does not exist", name, id);
		if (strcmp(name, "main") == 0 && id != m->current_snapshot_id)
			return fail(f, WEIR_ECONFIG, "table metadata: main is snapshot %" PRId64 ", current-snapshot-id is %" PRId64, id,
			    m->current_snapshot_id);
	}
	return 0;
}

/* ---------------------------------------------------------------- the document */

int
metadata_from(json_t *doc, struct metadata **out, struct fail *f)
{
	struct metadata *m = calloc(1, sizeof *m);
	int32_t format = 0, order;
	int e;

	if (!m) {
		json_decref(doc);
		return fail(f, WEIR_EAGAIN, "no memory for table metadata");
	}
	m->doc = doc;
	m->current_snapshot_id = -1;
	if (!json_is_object(doc)) {
		e = fail(f, WEIR_ECONFIG, "table metadata is no JSON object");
		goto fail;
	}
	if ((e = get_int(doc, "format-version", 1, 0, &format, f)) < 0)
		goto fail;
	if (format < 1 || format > 3) {
		e = fail(f, WEIR_ECONFIG, "table metadata: format-version %d is not supported; 1, 2 and 3 are", format);
		goto fail;
	}
	m->format = format;
	m->location = json_string_value(json_object_get(doc, "location"));
	m->uuid = json_string_value(json_object_get(doc, "table-uuid"));
	if (!m->location || (!m->uuid && m->format > 1)) {
		e = bad(f, m->location ? "table-uuid" : "location", "is missing");
		goto fail;
	}
	if (!m->uuid)
		m->uuid = "";
	if ((e = get_long(doc, "last-sequence-number", m->format > 1, 0, &m->last_sequence, f)) < 0 ||
	    (e = get_long(doc, "last-updated-ms", 1, 0, &m->last_updated_ms, f)) < 0 ||
	    (e = get_int(doc, "last-column-id", 1, 0, &m->last_column_id, f)) < 0 ||
	    (e = get_int(doc, "default-sort-order-id", m->format > 1, 0, &order, f)) < 0 ||
	    (e = get_schemas(m, f)) < 0 || (e = get_specs(m, f)) < 0 || (e = get_snapshots(m, f)) < 0)
		goto fail;
	*out = m;
	return 0;
fail:
	metadata_free(m);
	return e;
}

static int
gunzip(const char *p, size_t n, struct buf *out, struct fail *f)
{
	z_stream z = { 0 };
	int e;

	if (n > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return fail(f, WEIR_EAGAIN, "no memory for table metadata");
	out->max = METADATA_MAX_BYTES;
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	do {
		if (buf_reserve(out, n * 2 + 4096) < 0) {
			e = errno == ENOMEM ? fail(f, WEIR_EAGAIN, "no memory for table metadata") :
			    fail(f, WEIR_ECONFIG, "table metadata inflates to more than %u bytes", METADATA_MAX_BYTES);
			inflateEnd(&z);
			return e;
		}
		z.next_out = (Bytef *)out->p + out->n;
		z.avail_out = (uInt)(out->cap - out->n);
		e = inflate(&z, Z_NO_FLUSH);
		out->n = (size_t)((char *)z.next_out - out->p);
	} while (e == Z_OK);
	inflateEnd(&z);
	return e == Z_STREAM_END ? 0 : e == Z_MEM_ERROR ? fail(f, WEIR_EAGAIN, "no memory for table metadata") :
	    fail(f, WEIR_ESTATE, "table metadata does not gunzip");
}

int
metadata_parse(const char *p, size_t n, struct metadata **out, struct fail *f)
{
	struct buf text = { 0 };
	json_error_t why;
	json_t *doc;
	int e = 0;

	if (n > 2 && (unsigned char)p[0] == 0x1f && (unsigned char)p[1] == 0x8b) {
		if ((e = gunzip(p, n, &text, f)) < 0)
			goto out;
		p = text.p;
		n = text.n;
	}
	/* integers beyond 63 bits are refused here, not rounded */
	if (!(doc = json_loadb(p, n, JSON_ALLOW_NUL, &why)))
		e = fail(f, WEIR_ECONFIG, "table metadata, line %d: %s", why.line, why.text);
	else
		e = metadata_from(doc, out, f);
out:
	buf_free(&text);
	return e;
}

void
metadata_free(struct metadata *m)
{
	if (!m)
		return;
	while (m->n_schema)
		schema_free(m->schema[--m->n_schema]);
	while (m->n_spec)
		spec_free(m->spec[--m->n_spec]);
	free(m->schema);
	free(m->spec);
	free(m->snapshot);
	json_decref(m->doc);
	free(m);
}

struct text {
	struct buf	*out;
	int		 failed;
};

/* jansson does not look at what this returns for a key: without a flag the text would go on behind a gap. */
static int
append(const char *p, size_t n, void *arg)
{
	struct text *t = arg;

	if (!t->failed && buf_put(t->out, p, n) < 0)
		t->failed = -1;
	return t->failed;
}

int
metadata_text(const struct metadata *m, struct buf *out)
{
	struct text t = { out, 0 };

	return json_dump_callback(m->doc, append, &t, JSON_COMPACT | JSON_REAL_PRECISION(17)) < 0 || t.failed ? -1 : 0;
}

/* ---------------------------------------------------------------- looking things up */

const struct schema *
metadata_schema(const struct metadata *m, int32_t id)
{
	if (id < 0)
		id = m->current_schema_id;
	for (size_t i = 0; i < m->n_schema; i++)
		if (m->schema[i]->id == id)
			return m->schema[i];
	return NULL;
}

const struct spec *
metadata_spec(const struct metadata *m, int32_t id)
{
	if (id < 0)
		id = m->default_spec_id;
	for (size_t i = 0; i < m->n_spec; i++)
		if (m->spec[i]->id == id)
			return m->spec[i];
	return NULL;
}

const struct metadata_snapshot *
metadata_snapshot(const struct metadata *m, int64_t id)
{
	for (size_t i = m->n_snapshot; i--; )		/* the newest are asked for most */
		if (m->snapshot[i].id == id)
			return &m->snapshot[i];
	return NULL;
}

int
metadata_ref(const struct metadata *m, const char *ref, int64_t *id)
{
	const json_t *j = json_object_get(json_object_get(m->doc, "refs"), ref);

	*id = -1;
	if (j) {
		*id = json_integer_value(json_object_get(j, "snapshot-id"));
		return 1;
	}
	if (strcmp(ref, "main"))
		return 0;
	*id = m->current_snapshot_id;		/* v1, or no snapshot yet */
	return 1;
}

int64_t
metadata_as_of(const struct metadata *m, int64_t timestamp_ms)
{
	const json_t *log = json_object_get(m->doc, "snapshot-log"), *j;
	int64_t found = -1;
	size_t i;

	json_array_foreach(log, i, j)
		if (json_integer_value(json_object_get(j, "timestamp-ms")) <= timestamp_ms)
			found = json_integer_value(json_object_get(j, "snapshot-id"));
	return found;
}

const char *
metadata_property(const struct metadata *m, const char *key)
{
	return json_string_value(json_object_get(json_object_get(m->doc, "properties"), key));
}

const char *
metadata_summary(const struct metadata_snapshot *s, const char *key)
{
	return json_string_value(json_object_get(json_object_get(s->json, "summary"), key));
}
