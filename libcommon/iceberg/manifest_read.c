/* Reading manifests and their lists, whoever wrote them: by field id, every column but the path may be missing. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "manifest.h"
#include "ocf.h"
#include "weir.h"

#define LIST_MAX	1000000		/* manifests of one snapshot */

static int64_t
get_long(const struct avro_value *r, int32_t id, const char *name, int64_t otherwise)
{
	const struct avro_value *v = avro_field(r, id, name);

	return v && (v->kind == AVRO_LONG || v->kind == AVRO_INT || v->kind == AVRO_BOOLEAN) ? v->i : otherwise;
}

/* A copy with a NUL behind it; NULL when absent. *e becomes -1 when memory is short. */
static char *
get_bytes(const struct avro_value *r, int32_t id, const char *name, size_t *n, int *e)
{
	const struct avro_value *v = avro_field(r, id, name);
	char *p;

	*n = 0;
	if (!v || (v->kind != AVRO_BYTES && v->kind != AVRO_STRING && v->kind != AVRO_FIXED))
		return NULL;
	if (!(p = malloc(v->s.n + 1))) {
		*e = -1;
		return NULL;
	}
	if (v->s.n)
		memcpy(p, v->s.p, v->s.n);
	p[v->s.n] = '\0';
	*n = v->s.n;
	return p;
}

/* ---------------------------------------------------------------- metrics */

static struct manifest_metric *
metric_of(struct manifest_file *d, int32_t id, size_t hint)
{
	struct manifest_metric *m;

	if (hint < d->n_metric && d->metric[hint].id == id)
		return &d->metric[hint];
	for (size_t i = 0; i < d->n_metric; i++)
		if (d->metric[i].id == id)
			return &d->metric[i];
	if (!(m = realloc(d->metric, (d->n_metric + 1) * sizeof *m)))
		return NULL;
	d->metric = m;
	m += d->n_metric++;
	*m = (struct manifest_metric){ .id = id, .bytes = -1, .values = -1, .nulls = -1, .nans = -1 };
	return m;
}

/* One of the six maps: an array of key-value records, as Iceberg writes maps with int keys, or an Avro map. */
static int
get_map(const struct avro_value *r, int32_t id, const char *name, struct manifest_file *d, int which)
{
	const struct avro_value *map = avro_field(r, id, name), *k, *v;
	size_t per = map && map->kind == AVRO_MAP ? 2 : 1;
	struct manifest_metric *m;
	int e = 0;

	if (!map || (map->kind != AVRO_ARRAY && map->kind != AVRO_MAP))
		return 0;
	for (size_t i = 0; i < map->list.n; i += per) {
		char text[16] = "", **bound;
		int64_t *count;
		size_t n;

		if (per == 2) {
			k = &map->list.v[i];
			v = &map->list.v[i + 1];
			memcpy(text, k->s.p, k->s.n < sizeof text - 1 ? k->s.n : sizeof text - 1);
		} else {		/* ids of key and value may be missing: they are the first and the second field */
			if (map->list.v[i].kind != AVRO_RECORD || map->list.v[i].list.n < 2)
				return 0;
			k = &map->list.v[i].list.v[0];
			v = &map->list.v[i].list.v[1];
		}
		if (!(m = metric_of(d, per == 2 ? atoi(text) : (int32_t)k->i, i / per)))
			return -1;
		if (which < 4) {
			count = which == 0 ? &m->bytes : which == 1 ? &m->values : which == 2 ? &m->nulls : &m->nans;
			*count = v->kind == AVRO_LONG || v->kind == AVRO_INT ? v->i : -1;
			continue;
		}
		if (v->kind != AVRO_BYTES)
			continue;
		bound = which == 4 ? &m->lower : &m->upper;
		free(*bound);
		n = v->s.n;
		if (!(*bound = malloc(n + 1))) {
			e = -1;
			break;
		}
		if (n)
			memcpy(*bound, v->s.p, n);
		*(which == 4 ? &m->n_lower : &m->n_upper) = n;
	}
	return e;
}

/* ---------------------------------------------------------------- partition */

/* The value of one partition field as a datum that points into the Avro data. */
static int
to_datum(const struct avro_value *v, const struct schema_field *t, struct datum *d)
{
	memset(d, 0, sizeof *d);
	if (!v) {
		d->null = 1;
		return 0;
	}
	switch (t->kind) {
	case SCHEMA_STRING:
	case SCHEMA_BINARY:
	case SCHEMA_FIXED:
	case SCHEMA_UUID:
		d->s.p = v->s.p;
		d->s.n = v->s.n;
		return v->kind == AVRO_STRING || v->kind == AVRO_BYTES || v->kind == AVRO_FIXED ? 0 : -1;
	case SCHEMA_DECIMAL:
		return v->kind == AVRO_FIXED || v->kind == AVRO_BYTES ? datum_from_binary(t, v->s.p, v->s.n, d) : -1;
	case SCHEMA_FLOAT:
	case SCHEMA_DOUBLE:
		d->d = v->d;
		return v->kind == AVRO_FLOAT || v->kind == AVRO_DOUBLE ? 0 : -1;
	default:
		d->i = v->i;
		return v->kind == AVRO_INT || v->kind == AVRO_LONG || v->kind == AVRO_BOOLEAN ? 0 : -1;
	}
}

static int
get_partition(const struct avro_value *r, const struct spec *spec, const struct schema *schema, struct manifest_file *d, struct fail *f)
{
	const struct avro_value *tuple = avro_field(r, 102, "partition");
	size_t text = 0, used = 0;
	char *room;

	if (!spec->n)
		return 0;
	if (!(d->partition = calloc(spec->n, sizeof *d->partition)))
		return fail(f, WEIR_EAGAIN, "no memory for a manifest");
	d->n_partition = spec->n;
	for (size_t i = 0; i < spec->n; i++) {
		const struct schema_field *source = schema_by_id(schema, spec->field[i].source_id);
		struct schema_field type;

		d->partition[i].null = 1;
		/* a column dropped from the schema since, or a transform we do not know: not read, and so null to pruning */
		if (!tuple || !source || transform_type(&spec->field[i].transform, source, &type) < 0)
			continue;
		if (to_datum(avro_field(tuple, spec->field[i].field_id, spec->field[i].name), &type, &d->partition[i]) < 0)
			return fail(f, WEIR_ESTATE, "%s: partition value %s has an unexpected type", d->path, spec->field[i].name);
		if (type.kind == SCHEMA_STRING || type.kind == SCHEMA_BINARY || type.kind == SCHEMA_FIXED || type.kind == SCHEMA_UUID)
			text += d->partition[i].null ? 0 : d->partition[i].s.n;
	}
	if (!text)
		return 0;
	/* one block, so that one free() is enough: the tuple, then its strings */
	if (!(room = realloc(d->partition, spec->n * sizeof *d->partition + text)))
		return fail(f, WEIR_EAGAIN, "no memory for a manifest");
	d->partition = (struct datum *)(void *)room;
	room += spec->n * sizeof *d->partition;
	for (size_t i = 0; i < spec->n; i++) {
		const struct schema_field *source = schema_by_id(schema, spec->field[i].source_id);
		struct schema_field type;

		if (d->partition[i].null || !source || transform_type(&spec->field[i].transform, source, &type) < 0)
			continue;
		if (type.kind != SCHEMA_STRING && type.kind != SCHEMA_BINARY && type.kind != SCHEMA_FIXED && type.kind != SCHEMA_UUID)
			continue;
		memcpy(room + used, d->partition[i].s.p, d->partition[i].s.n);
		d->partition[i].s.p = room + used;
		used += d->partition[i].s.n;
	}
	return 0;
}

/* ---------------------------------------------------------------- entries */

static int
get_longs(const struct avro_value *r, struct manifest_file *d)
{
	const struct avro_value *split = avro_field(r, 132, "split_offsets"), *equality = avro_field(r, 135, "equality_ids");

	if (split && split->kind == AVRO_ARRAY && split->list.n) {
		if (!(d->split = calloc(split->list.n, sizeof *d->split)))
			return -1;
		for (; d->n_split < split->list.n; d->n_split++)
			d->split[d->n_split] = split->list.v[d->n_split].i;
	}
	if (equality && equality->kind == AVRO_ARRAY && equality->list.n) {
		if (!(d->equality = calloc(equality->list.n, sizeof *d->equality)))
			return -1;
		for (; d->n_equality < equality->list.n; d->n_equality++)
			d->equality[d->n_equality] = (int32_t)equality->list.v[d->n_equality].i;
	}
	return 0;
}

static int
get_entry(const struct avro_value *entry, const struct manifest *from, const struct spec *spec, const struct schema *schema,
    struct manifest_file *d, struct fail *f)
{
	static const struct { int32_t id; const char *name; } map[] = {
		{ 108, "column_sizes" }, { 109, "value_counts" }, { 110, "null_value_counts" }, { 137, "nan_value_counts" },
		{ 125, "lower_bounds" }, { 128, "upper_bounds" },
	};
	const struct avro_value *r = avro_field(entry, 2, "data_file"), *format;
	size_t n;
	int e = 0, added;

	memset(d, 0, sizeof *d);
	if (!r || r->kind != AVRO_RECORD)
		return fail(f, WEIR_ESTATE, "%s: a manifest entry has no data_file", from->path);
	d->status = (int)get_long(entry, 0, "status", MANIFEST_EXISTING);
	added = d->status == MANIFEST_ADDED;
	d->snapshot_id = get_long(entry, 1, "snapshot_id", from->snapshot_id);
	/* v1 has no sequence numbers: all are 0; added entries take the manifest's */
	d->sequence = get_long(entry, 3, "sequence_number", added || from->sequence == 0 ? from->sequence : -1);
	d->file_sequence = get_long(entry, 4, "file_sequence_number", added || from->sequence == 0 ? from->sequence : -1);
	d->content = (int)get_long(r, 134, "content", MANIFEST_DATA);
	d->spec_id = from->spec_id;
	d->path = get_bytes(r, 100, "file_path", &n, &e);
	format = avro_field(r, 101, "file_format");
	if (format && format->kind == AVRO_STRING)
		for (size_t i = 0; i < format->s.n && i < sizeof d->format - 1; i++)
			d->format[i] = (char)(format->s.p[i] >= 'a' && format->s.p[i] <= 'z' ? format->s.p[i] - 32 : format->s.p[i]);
	d->records = get_long(r, 103, "record_count", 0);
	d->bytes = get_long(r, 104, "file_size_in_bytes", 0);
	d->sort_order = (int32_t)get_long(r, 140, "sort_order_id", -1);
	d->first_row_id = get_long(r, 142, "first_row_id", -1);
	d->referenced = get_bytes(r, 143, "referenced_data_file", &n, &e);
	d->content_at = get_long(r, 144, "content_offset", -1);
	d->content_bytes = get_long(r, 145, "content_size_in_bytes", -1);
	for (int i = 0; !e && i < 6; i++)
		e = get_map(r, map[i].id, map[i].name, d, i);
	if (e < 0 || get_longs(r, d) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for the manifest %s", from->path);
	if (!d->path)
		return fail(f, WEIR_ESTATE, "%s: a manifest entry has no file_path", from->path);
	return get_partition(r, spec, schema, d, f);
}

int
manifest_read(const char *p, size_t n, const struct manifest *from, const struct spec *spec, const struct schema *schema,
    int (*fn)(void *, struct manifest_file *), void *arg, struct fail *f)
{
	struct ocf_reader r;
	struct avro_value v;
	struct manifest_file d;
	int e;

	if ((e = ocf_open(&r, p, n, from->path, f)) < 0)
		return e;
	while ((e = ocf_next(&r, from->path, &v, f)) > 0) {
		if ((e = get_entry(&v, from, spec, schema, &d, f)) == 0)
			e = fn(arg, &d);
		manifest_file_free(&d);
		if (e)
			break;
	}
	ocf_close(&r);
	return e;
}

/* ---------------------------------------------------------------- the list */

static int
get_summaries(const struct avro_value *r, struct manifest *m)
{
	const struct avro_value *a = avro_field(r, 507, "partitions");
	int e = 0;

	if (!a || a->kind != AVRO_ARRAY || !a->list.n)
		return 0;
	if (!(m->partition = calloc(a->list.n, sizeof *m->partition)))
		return -1;
	for (; m->n_partition < a->list.n && !e; m->n_partition++) {
		const struct avro_value *s = &a->list.v[m->n_partition];
		struct manifest_partition *out = &m->partition[m->n_partition];

		out->has_null = (int)get_long(s, 509, "contains_null", 1);
		out->has_nan = (int)get_long(s, 518, "contains_nan", -1);
		out->lower = get_bytes(s, 510, "lower_bound", &out->n_lower, &e);
		out->upper = get_bytes(s, 511, "upper_bound", &out->n_upper, &e);
	}
	return e;
}

/* Names differed before Java's 1.0: added_data_files_count; ids did not. */
static int
get_manifest(const struct avro_value *r, struct manifest *m)
{
	size_t n;
	int e = 0;

	memset(m, 0, sizeof *m);
	m->path = get_bytes(r, 500, "manifest_path", &n, &e);
	m->bytes = get_long(r, 501, "manifest_length", 0);
	m->spec_id = (int32_t)get_long(r, 502, "partition_spec_id", 0);
	m->content = (int)get_long(r, 517, "content", 0);
	m->sequence = get_long(r, 515, "sequence_number", 0);
	m->min_sequence = get_long(r, 516, "min_sequence_number", 0);
	m->snapshot_id = get_long(r, 503, "added_snapshot_id", -1);
	m->n_added = get_long(r, 504, "added_files_count", -1);
	m->n_existing = get_long(r, 505, "existing_files_count", -1);
	m->n_deleted = get_long(r, 506, "deleted_files_count", -1);
	m->rows_added = get_long(r, 512, "added_rows_count", -1);
	m->rows_existing = get_long(r, 513, "existing_rows_count", -1);
	m->rows_deleted = get_long(r, 514, "deleted_rows_count", -1);
	m->first_row_id = get_long(r, 520, "first_row_id", -1);
	return e < 0 || get_summaries(r, m) < 0 ? -1 : 0;
}

int
manifest_list_read(const char *p, size_t n, struct manifest **out, size_t *n_out, struct fail *f)
{
	static const char what[] = "the manifest list";
	struct manifest *list = NULL, *more;
	struct ocf_reader r;
	struct avro_value v;
	size_t k = 0, cap = 0;
	int e;

	*out = NULL;
	*n_out = 0;
	if ((e = ocf_open(&r, p, n, what, f)) < 0)
		return e;
	while ((e = ocf_next(&r, what, &v, f)) > 0) {
		if (k == cap) {
			cap = cap ? cap * 2 : 64;
			if (cap > 2 * LIST_MAX || !(more = realloc(list, cap * sizeof *list))) {
				e = fail(f, WEIR_EAGAIN, "no memory for a list of %zu manifests", k);
				break;
			}
			list = more;
		}
		if ((e = get_manifest(&v, &list[k++])) < 0) {
			e = fail(f, WEIR_EAGAIN, "no memory for a list of %zu manifests", k);
			break;
		}
		if (!list[k - 1].path) {
			e = fail(f, WEIR_ESTATE, "%s has an entry without a path", what);
			break;
		}
	}
	ocf_close(&r);
	if (e < 0) {
		while (k)
			manifest_free(&list[--k]);
		free(list);
		return e;
	}
	*out = list;
	*n_out = k;
	return 0;
}
