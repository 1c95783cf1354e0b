/* What manifests and their lists are made of, and how they are written. */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"
#include "ocf.h"
#include "weir.h"

void
manifest_file_free(struct manifest_file *d)
{
	for (size_t i = 0; i < d->n_metric; i++) {
		free(d->metric[i].lower);
		free(d->metric[i].upper);
	}
	free(d->metric);
	free(d->path);
	free(d->partition);
	free(d->split);
	free(d->equality);
	free(d->referenced);
	memset(d, 0, sizeof *d);
}

void
manifest_free(struct manifest *m)
{
	for (size_t i = 0; i < m->n_partition; i++) {
		free(m->partition[i].lower);
		free(m->partition[i].upper);
	}
	free(m->partition);
	free(m->path);
	memset(m, 0, sizeof *m);
}

/* ---------------------------------------------------------------- Avro schema of a manifest */

/* Avro names are [A-Za-z_][A-Za-z0-9_]*; the rest as Java writes it. */
static int
put_name(struct buf *b, const char *name)
{
	int e = isdigit((unsigned char)*name) ? buf_putc(b, '_') : 0;

	for (; !e && *name; name++) {
		unsigned char c = (unsigned char)*name;

		e = (c < 128 && isalnum(c)) || c == '_' ? buf_putc(b, (char)c) : buf_printf(b, "_x%X", c);
	}
	return e;
}

static size_t
decimal_bytes(int precision)
{
	unsigned __int128 max = 1;
	size_t n = 1;

	for (int i = 0; i < precision; i++)
		max *= 10;
	while ((unsigned __int128)1 << (8 * n - 1) < max)
		n++;
	return n;
}

/* seen: an equal type came before in this record, and a named Avro type is spelled out once. */
static int
put_type(struct buf *b, const struct schema_field *t, int seen)
{
	switch (t->kind) {
	case SCHEMA_BOOLEAN:
		return buf_puts(b, "\"boolean\"");
	case SCHEMA_INT:
		return buf_puts(b, "\"int\"");
	case SCHEMA_LONG:
		return buf_puts(b, "\"long\"");
	case SCHEMA_FLOAT:
		return buf_puts(b, "\"float\"");
	case SCHEMA_DOUBLE:
		return buf_puts(b, "\"double\"");
	case SCHEMA_STRING:
		return buf_puts(b, "\"string\"");
	case SCHEMA_BINARY:
		return buf_puts(b, "\"bytes\"");
	case SCHEMA_DATE:
		return buf_puts(b, "{\"type\":\"int\",\"logicalType\":\"date\"}");
	case SCHEMA_TIME:
		return buf_puts(b, "{\"type\":\"long\",\"logicalType\":\"time-micros\"}");
	case SCHEMA_TIMESTAMP:
	case SCHEMA_TIMESTAMPTZ:
	case SCHEMA_TIMESTAMP_NS:
	case SCHEMA_TIMESTAMPTZ_NS:
		return buf_printf(b, "{\"type\":\"long\",\"logicalType\":\"timestamp-%s\",\"adjust-to-utc\":%s}",
		    t->kind >= SCHEMA_TIMESTAMP_NS ? "nanos" : "micros",
		    t->kind == SCHEMA_TIMESTAMPTZ || t->kind == SCHEMA_TIMESTAMPTZ_NS ? "true" : "false");
	case SCHEMA_UUID:
		return buf_puts(b, seen ? "\"uuid_fixed\"" : "{\"type\":\"fixed\",\"name\":\"uuid_fixed\",\"size\":16,\"logicalType\":\"uuid\"}");
	case SCHEMA_FIXED:
		return seen ? buf_printf(b, "\"fixed_%d\"", t->length) :
		    buf_printf(b, "{\"type\":\"fixed\",\"name\":\"fixed_%d\",\"size\":%d}", t->length, t->length);
	case SCHEMA_DECIMAL:
		return seen ? buf_printf(b, "\"decimal_%d_%d\"", t->precision, t->scale) :
		    buf_printf(b, "{\"type\":\"fixed\",\"name\":\"decimal_%d_%d\",\"size\":%zu,\"logicalType\":\"decimal\",\"precision\":%d,\"scale\":%d}",
		    t->precision, t->scale, decimal_bytes(t->precision), t->precision, t->scale);
	default:
		return -1;
	}
}

static int
put_partition_fields(struct buf *b, const struct spec *spec, const struct schema_field *type)
{
	int e = 0, seen;

	for (size_t i = 0; !e && i < spec->n; i++) {
		seen = 0;
		for (size_t k = 0; k < i; k++)
			seen |= type[k].kind == type[i].kind && type[k].precision == type[i].precision && type[k].scale == type[i].scale &&
			    type[k].length == type[i].length;
		e = buf_puts(b, i ? ",{\"name\":\"" : "{\"name\":\"") | put_name(b, spec->field[i].name) |
		    buf_puts(b, "\",\"type\":[\"null\",") | put_type(b, &type[i], seen) |
		    buf_printf(b, "],\"default\":null,\"field-id\":%d}", spec->field[i].field_id);
	}
	return e;
}

#define OPTIONAL(name, type, id)	"{\"name\":\"" name "\",\"type\":[\"null\"," type "],\"default\":null,\"field-id\":" #id "}"
#define INT_MAP(name, key, value, type, id) \
	OPTIONAL(name, "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"k" #key "_v" #value "\",\"fields\":[" \
	"{\"name\":\"key\",\"type\":\"int\",\"field-id\":" #key "},{\"name\":\"value\",\"type\":\"" type "\",\"field-id\":" #value "}]}," \
	"\"logicalType\":\"map\"}", id)

static int
manifest_schema(struct buf *b, const struct spec *spec, const struct schema_field *type)
{
	return buf_puts(b, "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
	    "{\"name\":\"status\",\"type\":\"int\",\"field-id\":0}," OPTIONAL("snapshot_id", "\"long\"", 1) ","
	    OPTIONAL("sequence_number", "\"long\"", 3) "," OPTIONAL("file_sequence_number", "\"long\"", 4) ","
	    "{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":["
	    "{\"name\":\"content\",\"type\":\"int\",\"doc\":\"Contents of the file: 0=data, 1=position deletes, 2=equality deletes\",\"field-id\":134},"
	    "{\"name\":\"file_path\",\"type\":\"string\",\"doc\":\"Location URI with FS scheme\",\"field-id\":100},"
	    "{\"name\":\"file_format\",\"type\":\"string\",\"doc\":\"File format name: avro, orc, or parquet\",\"field-id\":101},"
	    "{\"name\":\"partition\",\"type\":{\"type\":\"record\",\"name\":\"r102\",\"fields\":[") |
	    put_partition_fields(b, spec, type) |
	    buf_puts(b, "]},\"doc\":\"Partition data tuple, schema based on the partition spec\",\"field-id\":102},"
	    "{\"name\":\"record_count\",\"type\":\"long\",\"field-id\":103},{\"name\":\"file_size_in_bytes\",\"type\":\"long\",\"field-id\":104},"
	    INT_MAP("column_sizes", 117, 118, "long", 108) "," INT_MAP("value_counts", 119, 120, "long", 109) ","
	    INT_MAP("null_value_counts", 121, 122, "long", 110) "," INT_MAP("nan_value_counts", 138, 139, "long", 137) ","
	    INT_MAP("lower_bounds", 126, 127, "bytes", 125) "," INT_MAP("upper_bounds", 129, 130, "bytes", 128) ","
	    OPTIONAL("key_metadata", "\"bytes\"", 131) ","
	    OPTIONAL("split_offsets", "{\"type\":\"array\",\"items\":\"long\",\"element-id\":133}", 132) ","
	    OPTIONAL("equality_ids", "{\"type\":\"array\",\"items\":\"int\",\"element-id\":136}", 135) ","
	    OPTIONAL("sort_order_id", "\"int\"", 140) "," OPTIONAL("referenced_data_file", "\"string\"", 143) "]},\"field-id\":2}]}");
}

/* ---------------------------------------------------------------- entries */

/* A nullable long: -1 is null. */
static int
put_optional(struct buf *b, int64_t v)
{
	return v < 0 ? avro_put_long(b, 0) : avro_put_long(b, 1) | avro_put_long(b, v);
}

static int
put_partition_value(struct buf *b, const struct schema_field *t, const struct datum *v)
{
	char room[DATUM_SIZE], pad[16];
	const char *p;
	size_t n, full;

	if (v->null)
		return avro_put_long(b, 0);
	if (avro_put_long(b, 1) < 0)
		return -1;
	switch (t->kind) {
	case SCHEMA_BOOLEAN:
		return buf_putc(b, v->i != 0);
	case SCHEMA_STRING:
	case SCHEMA_BINARY:
		return avro_put_bytes(b, v->s.p, v->s.n);
	case SCHEMA_DECIMAL:		/* a fixed of the precision's width, sign extended */
		full = decimal_bytes(t->precision);
		n = datum_binary(t, v, room, &p);
		memset(pad, v->dec < 0 ? 0xFF : 0, sizeof pad);
		return n > full ? -1 : buf_put(b, pad, full - n) | buf_put(b, p, n);
	case SCHEMA_FLOAT:
	case SCHEMA_DOUBLE:
	case SCHEMA_UUID:
	case SCHEMA_FIXED:
		n = datum_binary(t, v, room, &p);
		return buf_put(b, p, n);
	default:
		return avro_put_long(b, v->i);
	}
}

enum { COLUMN_SIZES, VALUE_COUNTS, NULL_COUNTS, NAN_COUNTS, LOWER_BOUNDS, UPPER_BOUNDS, N_MAPS };

static int
has(const struct manifest_metric *m, int map)
{
	const int64_t count[] = { m->bytes, m->values, m->nulls, m->nans };

	return map < LOWER_BOUNDS ? count[map] >= 0 : map == LOWER_BOUNDS ? m->lower != NULL : m->upper != NULL;
}

static int
put_map(struct buf *b, const struct manifest_file *d, int map)
{
	size_t n = 0;
	int e;

	for (size_t i = 0; i < d->n_metric; i++)
		n += (size_t)has(&d->metric[i], map);
	if (!n)
		return avro_put_long(b, 0);
	e = avro_put_long(b, 1) | avro_put_long(b, (int64_t)n);
	for (size_t i = 0; !e && i < d->n_metric; i++) {
		const struct manifest_metric *m = &d->metric[i];
		const int64_t count[] = { m->bytes, m->values, m->nulls, m->nans };

		if (!has(m, map))
			continue;
		e = avro_put_long(b, m->id);
		if (map < LOWER_BOUNDS)
			e |= avro_put_long(b, count[map]);
		else
			e |= map == LOWER_BOUNDS ? avro_put_bytes(b, m->lower, m->n_lower) : avro_put_bytes(b, m->upper, m->n_upper);
	}
	return e | avro_put_long(b, 0);
}

static int
put_entry(struct buf *b, const struct manifest_file *d, const struct spec *spec, const struct schema_field *type, int64_t snapshot_id)
{
	int added = d->status == MANIFEST_ADDED;
	int e = avro_put_long(b, d->status) | put_optional(b, added ? snapshot_id : d->snapshot_id) | put_optional(b, added ? -1 : d->sequence) |
	    put_optional(b, added ? -1 : d->file_sequence);

	e |= avro_put_long(b, d->content) | avro_put_bytes(b, d->path, strlen(d->path)) | avro_put_bytes(b, d->format, strlen(d->format));
	for (size_t i = 0; i < spec->n; i++)
		e |= put_partition_value(b, &type[i], &d->partition[i]);
	e |= avro_put_long(b, d->records) | avro_put_long(b, d->bytes);
	for (int map = 0; map < N_MAPS; map++)
		e |= put_map(b, d, map);
	e |= avro_put_long(b, 0);			/* key_metadata */
	e |= avro_put_long(b, d->n_split > 0);
	if (d->n_split) {
		e |= avro_put_long(b, (int64_t)d->n_split);
		for (size_t i = 0; i < d->n_split; i++)
			e |= avro_put_long(b, d->split[i]);
		e |= avro_put_long(b, 0);
	}
	e |= avro_put_long(b, d->n_equality > 0);
	if (d->n_equality) {
		e |= avro_put_long(b, (int64_t)d->n_equality);
		for (size_t i = 0; i < d->n_equality; i++)
			e |= avro_put_long(b, d->equality[i]);
		e |= avro_put_long(b, 0);
	}
	e |= put_optional(b, d->sort_order) | avro_put_long(b, d->referenced != NULL);
	if (d->referenced)
		e |= avro_put_bytes(b, d->referenced, strlen(d->referenced));
	return e;
}

/* ---------------------------------------------------------------- partition summaries */

static int
keep_bound(const struct schema_field *t, const struct datum *v, char **out, size_t *n_out)
{
	char room[DATUM_SIZE];
	const char *p;
	size_t n = datum_binary(t, v, room, &p);

	if (!(*out = malloc(n + 1)))
		return -1;
	if (n)
		memcpy(*out, p, n);
	*n_out = n;
	return 0;
}

/* Exact, never cut: a cut upper bound would have to be rounded up. */
static int
summarize(const struct manifest_file *d, size_t n, size_t k, const struct schema_field *t, struct manifest_partition *s)
{
	const struct datum *lo = NULL, *hi = NULL;

	memset(s, 0, sizeof *s);
	for (size_t i = 0; i < n; i++) {
		const struct datum *v = &d[i].partition[k];

		if (v->null)
			s->has_null = 1;
		else if ((t->kind == SCHEMA_FLOAT || t->kind == SCHEMA_DOUBLE) && isnan(v->d))
			s->has_nan = 1;
		else {
			lo = !lo || datum_cmp(t, v, lo) < 0 ? v : lo;
			hi = !hi || datum_cmp(t, v, hi) > 0 ? v : hi;
		}
	}
	if (!lo)
		return 0;
	return keep_bound(t, lo, &s->lower, &s->n_lower) < 0 || keep_bound(t, hi, &s->upper, &s->n_upper) < 0 ? -1 : 0;
}

static int
count(struct manifest *m, const struct manifest_file *d, size_t n, const struct spec *spec, const struct schema_field *type, struct fail *f)
{
	m->n_added = m->n_existing = m->n_deleted = m->rows_added = m->rows_existing = m->rows_deleted = 0;
	for (size_t i = 0; i < n; i++) {
		m->n_added += d[i].status == MANIFEST_ADDED;
		m->n_existing += d[i].status == MANIFEST_EXISTING;
		m->n_deleted += d[i].status == MANIFEST_DELETED;
		m->rows_added += d[i].status == MANIFEST_ADDED ? d[i].records : 0;
		m->rows_existing += d[i].status == MANIFEST_EXISTING ? d[i].records : 0;
		m->rows_deleted += d[i].status == MANIFEST_DELETED ? d[i].records : 0;
	}
	if (!spec->n)
		return 0;
	if (!(m->partition = calloc(spec->n, sizeof *m->partition)))
		return fail(f, WEIR_EAGAIN, "no memory for a manifest");
	m->n_partition = spec->n;
	for (size_t k = 0; k < spec->n; k++)
		if (summarize(d, n, k, &type[k], &m->partition[k]) < 0)
			return fail(f, WEIR_EAGAIN, "no memory for a manifest");
	return 0;
}

/* ---------------------------------------------------------------- files */

/* The block mark: it must differ from the data by chance only, and the same commit makes the same bytes. */
static void
mark(int64_t snapshot_id, uint32_t salt, unsigned char sync[16])
{
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t h = transform_murmur3(&snapshot_id, sizeof snapshot_id, salt + i);

		memcpy(sync + 4 * i, &h, 4);
	}
}

/* Result types of the spec's transforms, at most SPEC_MAX_FIELDS. */
static int
result_types(const struct spec *spec, const struct schema *schema, struct schema_field *type, struct fail *f)
{
	for (size_t i = 0; i < spec->n; i++) {
		const struct schema_field *source = schema_by_id(schema, spec->field[i].source_id);

		if (!source || transform_type(&spec->field[i].transform, source, &type[i]) < 0)
			return fail(f, WEIR_ECONFIG, "partition field %s: %s of column id %d cannot be computed", spec->field[i].name, spec->field[i].text,
			    spec->field[i].source_id);
	}
	return 0;
}

int
manifest_write(struct buf *out, const struct schema *schema, const struct spec *spec, const struct manifest_file *d, size_t n,
    int64_t snapshot_id, struct manifest *m, struct fail *f)
{
	struct schema_field type[SPEC_MAX_FIELDS];
	struct buf avro = { 0 }, objects = { 0 };
	json_t *schema_doc = schema_json(schema), *spec_doc = spec_fields_json(spec);
	char *schema_text = schema_doc ? json_dumps(schema_doc, JSON_COMPACT) : NULL;
	char *spec_text = spec_doc ? json_dumps(spec_doc, JSON_COMPACT) : NULL;
	char schema_id[16], spec_id[16];
	const char *content = n && d[0].content != MANIFEST_DATA ? "deletes" : "data";
	unsigned char sync[16];
	int e = 0;

	memset(m, 0, sizeof *m);
	m->spec_id = spec->id;
	m->content = *content == 'd' && content[1] == 'e';
	m->snapshot_id = snapshot_id;
	m->first_row_id = -1;
	if (!schema_text || !spec_text) {
		e = fail(f, WEIR_EAGAIN, "no memory for a manifest");
		goto out;
	}
	if ((e = result_types(spec, schema, type, f)) < 0)
		goto out;
	e = manifest_schema(&avro, spec, type) | buf_putc(&avro, '\0');
	for (size_t i = 0; !e && i < n; i++)
		e = put_entry(&objects, &d[i], spec, type, snapshot_id);
	if (e) {
		e = fail(f, WEIR_EAGAIN, "no memory for a manifest of %zu files", n);
		goto out;
	}
	if ((e = count(m, d, n, spec, type, f)) < 0)
		goto out;
	snprintf(schema_id, sizeof schema_id, "%d", schema->id);
	snprintf(spec_id, sizeof spec_id, "%d", spec->id);
	{
		const struct ocf_meta meta[] = {
			{ "schema", schema_text, strlen(schema_text) }, { "schema-id", schema_id, strlen(schema_id) },
			{ "partition-spec", spec_text, strlen(spec_text) }, { "partition-spec-id", spec_id, strlen(spec_id) },
			{ "format-version", "2", 1 }, { "content", content, strlen(content) },
		};

		mark(snapshot_id, 0x6d616e69, sync);
		e = ocf_write(out, avro.p, meta, sizeof meta / sizeof *meta, &objects, (int64_t)n, sync, f);
	}
out:
	json_decref(schema_doc);
	json_decref(spec_doc);
	free(schema_text);
	free(spec_text);
	buf_free(&avro);
	buf_free(&objects);
	return e;
}

/* ---------------------------------------------------------------- the list */

#define REQUIRED(name, type, doc, id)	"{\"name\":\"" name "\",\"type\":\"" type "\",\"doc\":\"" doc "\",\"field-id\":" #id "}"

static const char list_schema[] =
    "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["
    REQUIRED("manifest_path", "string", "Location URI with FS scheme", 500) ","
    REQUIRED("manifest_length", "long", "Total file size in bytes", 501) ","
    REQUIRED("partition_spec_id", "int", "Spec ID used to write", 502) ","
    REQUIRED("content", "int", "Contents of the manifest: 0=data, 1=deletes", 517) ","
    REQUIRED("sequence_number", "long", "Sequence number when the manifest was added", 515) ","
    REQUIRED("min_sequence_number", "long", "Lowest sequence number in the manifest", 516) ","
    REQUIRED("added_snapshot_id", "long", "Snapshot ID that added the manifest", 503) ","
    REQUIRED("added_files_count", "int", "Added entry count", 504) ","
    REQUIRED("existing_files_count", "int", "Existing entry count", 505) ","
    REQUIRED("deleted_files_count", "int", "Deleted entry count", 506) ","
    REQUIRED("added_rows_count", "long", "Added rows count", 512) ","
    REQUIRED("existing_rows_count", "long", "Existing rows count", 513) ","
    REQUIRED("deleted_rows_count", "long", "Deleted rows count", 514) ","
    "{\"name\":\"partitions\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"r508\",\"fields\":["
    REQUIRED("contains_null", "boolean", "True if any file has a null partition value", 509) ","
    "{\"name\":\"contains_nan\",\"type\":[\"null\",\"boolean\"],\"doc\":\"True if any file has a nan partition value\",\"default\":null,\"field-id\":518},"
    "{\"name\":\"lower_bound\",\"type\":[\"null\",\"bytes\"],\"doc\":\"Partition lower bound for all files\",\"default\":null,\"field-id\":510},"
    "{\"name\":\"upper_bound\",\"type\":[\"null\",\"bytes\"],\"doc\":\"Partition upper bound for all files\",\"default\":null,\"field-id\":511}"
    "]},\"element-id\":508}],\"doc\":\"Summary for each partition\",\"default\":null,\"field-id\":507},"
    "{\"name\":\"key_metadata\",\"type\":[\"null\",\"bytes\"],\"doc\":\"Encryption key metadata blob\",\"default\":null,\"field-id\":519}]}";

static int
put_optional_bytes(struct buf *b, const char *p, size_t n)
{
	return p ? avro_put_long(b, 1) | avro_put_bytes(b, p, n) : avro_put_long(b, 0);
}

static int
put_manifest(struct buf *b, const struct manifest *m)
{
	const int64_t number[] = { m->bytes, m->spec_id, m->content, m->sequence, m->min_sequence, m->snapshot_id, m->n_added, m->n_existing,
		m->n_deleted, m->rows_added, m->rows_existing, m->rows_deleted };
	int e = avro_put_bytes(b, m->path, strlen(m->path));

	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		e |= avro_put_long(b, number[i] < 0 ? 0 : number[i]);
	e |= avro_put_long(b, 1);		/* an empty array, not null: some readers go by position */
	if (m->n_partition)
		e |= avro_put_long(b, (int64_t)m->n_partition);
	for (size_t i = 0; i < m->n_partition; i++) {
		const struct manifest_partition *s = &m->partition[i];

		e |= buf_putc(b, s->has_null != 0);
		e |= s->has_nan < 0 ? avro_put_long(b, 0) : avro_put_long(b, 1) | buf_putc(b, s->has_nan != 0);
		e |= put_optional_bytes(b, s->lower, s->n_lower) | put_optional_bytes(b, s->upper, s->n_upper);
	}
	return e | avro_put_long(b, 0) | avro_put_long(b, 0);	/* end of the array; key_metadata */
}

int
manifest_list_write(struct buf *out, const struct manifest *m, size_t n, int64_t snapshot_id, int64_t parent, int64_t sequence, struct fail *f)
{
	char id[24], parent_id[24] = "null", seq[24];
	unsigned char sync[16];
	struct buf objects = { 0 };
	int e = 0;

	snprintf(id, sizeof id, "%" PRId64, snapshot_id);
	if (parent >= 0)
		snprintf(parent_id, sizeof parent_id, "%" PRId64, parent);
	snprintf(seq, sizeof seq, "%" PRId64, sequence);
	for (size_t i = 0; !e && i < n; i++)
		e = put_manifest(&objects, &m[i]);
	if (e)
		e = fail(f, WEIR_EAGAIN, "no memory for a list of %zu manifests", n);
	else {
		const struct ocf_meta meta[] = {
			{ "snapshot-id", id, strlen(id) }, { "parent-snapshot-id", parent_id, strlen(parent_id) },
			{ "sequence-number", seq, strlen(seq) }, { "format-version", "2", 1 },
		};

		mark(snapshot_id, 0x6c697374, sync);
		e = ocf_write(out, list_schema, meta, sizeof meta / sizeof *meta, &objects, (int64_t)n, sync, f);
	}
	buf_free(&objects);
	return e;
}
