#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "read.h"
#include "rows.h"
#include "weir.h"

/* Reserved field ids of position delete files (spec, "Position Delete Files"). */
#define DELETE_PATH_ID	2147483546
#define DELETE_POS_ID	2147483545

struct file {
	struct store		*store;
	struct store_source	*source;
	struct parquet_read	*read;
};

struct rows {
	struct table		*table;
	const struct plan	*plan;
	const struct parquet_column *root;
	struct filter		*filter;
	struct file		 data;
	int64_t			*deleted;	/* positions in this file, ascending */
	size_t			 n_deleted, cap_deleted, at_deleted;
	size_t			 next;		/* data file */
	uint32_t		 group;		/* the next one */
	int64_t			 position;	/* of the next row in the file */
	int			 in_group;
};

static int
source_at(void *arg, uint64_t at, void *p, size_t n, struct fail *f)
{
	struct file *x = arg;

	return x->store->ops->read(x->source, at, p, n, f);
}

static void
file_close(struct file *x)
{
	parquet_read_close(x->read);
	if (x->source)
		x->store->ops->shut(x->source);
	*x = (struct file){ 0 };
}

static int
file_open(struct file *x, struct store *store, const char *path, struct fail *f)
{
	struct chunk_source s = { .at = source_at, .arg = x, .name = path };
	int e;

	*x = (struct file){ .store = store };
	if ((e = store->ops->open(store, path, &x->source, &s.size, f)) < 0) {
		x->source = NULL;
		return e == WEIR_EGONE ? fail(f, WEIR_ESTATE, "%s does not exist: the table is damaged, or its snapshot has just expired", path) : e;
	}
	f->code = WEIR_EDATA;
	if (!(x->read = parquet_read_open(&s, f))) {
		e = f->code;
		file_close(x);
		return e;
	}
	return 0;
}

/* ---- deletes ---- */

static int
same_partition(const struct manifest_file *a, const struct manifest_file *b, const struct table *t)
{
	const struct spec *spec = metadata_spec(t->meta, a->spec_id);

	if (a->spec_id != b->spec_id || a->n_partition != b->n_partition)
		return 0;
	for (size_t i = 0; spec && i < a->n_partition && i < spec->n; i++) {
		const struct schema_field *source = NULL;
		struct schema_field result = { 0 };

		for (size_t n = t->meta->n_schema; n-- && !source; )
			source = schema_by_id(t->meta->schema[n], spec->field[i].source_id);
		if (!source || transform_type(&spec->field[i].transform, source, &result) < 0)
			continue;		/* not known: may be the same */
		if (a->partition[i].null != b->partition[i].null ||
		    (!a->partition[i].null && datum_cmp(&result, &a->partition[i], &b->partition[i]) != 0))
			return 0;
	}
	return 1;
}

/* Can the delete file be about the data file?  Strict in one direction only. */
static int
concerns(const struct table *t, const struct manifest_file *d, const struct manifest_file *data)
{
	size_t n = strlen(data->path);

	if (d->content == MANIFEST_EQUALITY_DELETES) {
		const struct spec *spec = metadata_spec(t->meta, d->spec_id);

		/* of an unpartitioned spec they are about all partitions */
		return d->sequence > data->sequence && ((spec && spec->n == 0) || same_partition(d, data, t));
	}
	if (d->sequence < data->sequence || (d->referenced && !store_same(d->referenced, data->path)))
		return 0;
	if (!d->referenced && !same_partition(d, data, t))
		return 0;
	for (size_t i = 0; i < d->n_metric; i++) {
		const struct manifest_metric *m = &d->metric[i];
		size_t lower = m->n_lower < n ? m->n_lower : n, upper = m->n_upper < n ? m->n_upper : n;

		if (m->id != DELETE_PATH_ID)
			continue;
		if (m->lower && memcmp(data->path, m->lower, lower) < 0)
			return 0;
		if (m->upper && memcmp(data->path, m->upper, upper) > 0)
			return 0;
	}
	return 1;
}

/* Everything that cannot be read, before the first row. */
static int
check(const struct rows *r, struct fail *f)
{
	const struct plan *p = r->plan;
	const char *name = r->table->name ? r->table->name : r->table->metadata_location;

	for (size_t i = 0; i < p->n_data; i++)
		if (strcasecmp(p->data[i].format, "PARQUET") != 0)
			return fail(f, WEIR_ECONFIG, "table %s: %s is of format %s; only Parquet is supported", name, p->data[i].path, p->data[i].format);
	for (size_t k = 0; k < p->n_deletes; k++) {
		const struct manifest_file *d = &p->deletes[k];
		const char *what = d->content == MANIFEST_EQUALITY_DELETES ? "equality deletes" :
		    d->content_at >= 0 || strcasecmp(d->format, "PUFFIN") == 0 ? "deletion vectors (format v3)" :
		    strcasecmp(d->format, "PARQUET") != 0 ? "position deletes that are not Parquet" : NULL;

		for (size_t i = 0; what && i < p->n_data; i++)
			if (concerns(r->table, d, &p->data[i]))
				return fail(f, WEIR_ECONFIG, "table %s has %s (%s), which are not supported: compact the table first", name, what, d->path);
	}
	return 0;
}

static int
keep_position(struct rows *r, int64_t position, struct fail *f)
{
	if (r->n_deleted == r->cap_deleted) {
		size_t cap = r->cap_deleted ? r->cap_deleted * 2 : 1024;
		int64_t *more;

		if (cap > ROWS_DELETED)
			return fail(f, WEIR_ECONFIG, "more than %u rows of one data file are deleted: compact the table first", ROWS_DELETED);
		if (!(more = realloc(r->deleted, cap * sizeof *more)))
			return fail(f, WEIR_EAGAIN, "no memory for deleted positions");
		r->deleted = more;
		r->cap_deleted = cap;
	}
	r->deleted[r->n_deleted++] = position;
	return 0;
}

/* The positions that one delete file has for `path`. */
static int
read_deletes(struct rows *r, const char *path, const char *delete_path, struct fail *f)
{
	struct parquet_column column[] = { { .name = "file_path", .field_id = DELETE_PATH_ID, .type = COLUMN_STRING },
		{ .name = "pos", .field_id = DELETE_POS_ID, .type = COLUMN_LONG } };
	struct parquet_column none = { .name = "", .kind = COLUMN_STRUCT };
	const struct parquet_column *watch[2] = { &column[0], &column[1] };
	struct show_key k, want = { .kind = SHOW_KEY_BYTES, .bytes = { path, strlen(path) } };
	struct file x;
	int e = file_open(&x, r->table->store, delete_path, f);

	if (e < 0)
		return e;
	if ((e = parquet_read_columns(x.read, &none, f)) == 0)
		for (int i = 0; i < 2 && e >= 0; i++)
			e = parquet_read_watch(x.read, &watch[i], 1, f);
	for (uint32_t g = 0; e >= 0 && g < parquet_read_footer(x.read)->n_groups; g++) {
		struct show_key min, max;
		int64_t nulls;
		int known = parquet_read_bounds(x.read, g, 0, &min, &max, &nulls);

		if ((known & 1 && show_compare(&min, &want) == 1) || (known & 2 && show_compare(&max, &want) == -1))
			continue;
		if ((e = parquet_read_group(x.read, g, f)) < 0)
			break;
		while ((e = parquet_read_next(x.read, f)) > 0) {
			if ((e = parquet_read_peek(x.read, 0, &k, f)) <= 0)
				break;
			if (show_compare(&k, &want) != 0)
				continue;
			if ((e = parquet_read_peek(x.read, 1, &k, f)) <= 0 || (e = keep_position(r, (int64_t)k.number.coef, f)) < 0)
				break;
			e = 1;
		}
		if (e == 0 && parquet_read_at_row(x.read))
			e = fail(f, WEIR_EDATA, "%s is damaged: a row of position deletes has no path or no position", delete_path);
	}
	file_close(&x);
	return e < 0 ? e : 0;
}

static int
by_position(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
load_deletes(struct rows *r, const struct manifest_file *data, struct fail *f)
{
	int e;

	r->n_deleted = r->at_deleted = 0;
	for (size_t i = 0; i < r->plan->n_deletes; i++)
		if (r->plan->deletes[i].content == MANIFEST_POSITION_DELETES && concerns(r->table, &r->plan->deletes[i], data) &&
		    (e = read_deletes(r, data->path, r->plan->deletes[i].path, f)) < 0)
			return e;
	if (r->n_deleted)
		qsort(r->deleted, r->n_deleted, sizeof *r->deleted, by_position);
	return 0;
}

static int
is_deleted(struct rows *r, int64_t position)
{
	while (r->at_deleted < r->n_deleted && r->deleted[r->at_deleted] < position)
		r->at_deleted++;
	return r->at_deleted < r->n_deleted && r->deleted[r->at_deleted] == position;
}

/* ---- rows ---- */

int
rows_open(struct table *t, const struct plan *p, const struct parquet_column *root, struct filter *filter, struct rows **out, struct fail *f)
{
	struct rows *r = calloc(1, sizeof *r);
	int e;

	if (!r)
		return fail(f, WEIR_EAGAIN, "no memory to read a table");
	*r = (struct rows){ .table = t, .plan = p, .root = root, .filter = filter };
	if ((e = check(r, f)) < 0) {
		rows_free(r);
		return e;
	}
	*out = r;
	return 0;
}

void
rows_free(struct rows *r)
{
	if (!r)
		return;
	file_close(&r->data);
	free(r->deleted);
	free(r);
}

/* Open the next data file that can have a matching row: 1; 0: there is none. */
static int
next_file(struct rows *r, struct fail *f)
{
	for (; r->next < r->plan->n_data; r->next++) {
		const struct manifest_file *data = &r->plan->data[r->next];
		int e;

		if (r->filter && !filter_file(r->filter, data))
			continue;
		if ((e = load_deletes(r, data, f)) < 0 || (e = file_open(&r->data, r->table->store, data->path, f)) < 0 ||
		    (e = parquet_read_columns(r->data.read, r->root, f)) < 0 || (r->filter && (e = filter_watch(r->filter, r->data.read, f)) < 0))
			return e;
		r->group = 0;
		r->in_group = 0;
		r->next++;
		return 1;
	}
	return 0;
}

/* The next row group that can have one. */
static int
next_group(struct rows *r, struct fail *f)
{
	const struct tail *m = parquet_read_footer(r->data.read);

	for (; r->group < m->n_groups; r->group++) {
		int e;

		if (r->filter && !filter_group(r->filter, r->data.read, r->group))
			continue;
		if ((e = parquet_read_group(r->data.read, r->group, f)) < 0)
			return e;
		r->position = m->group[r->group++].first_row;
		r->in_group = 1;
		return 1;
	}
	return 0;
}

int
rows_next(struct rows *r, struct buf *out, struct fail *f)
{
	for (;;) {
		int e;

		if (!r->data.read && (e = next_file(r, f)) <= 0)
			return e;
		if (!r->in_group) {
			if ((e = next_group(r, f)) < 0)
				return e;
			if (e == 0)
				file_close(&r->data);
			continue;
		}
		if ((e = parquet_read_next(r->data.read, f)) < 0)
			return e;
		if (e == 0) {
			r->in_group = 0;
			continue;
		}
		if (is_deleted(r, r->position++))
			continue;
		if (r->filter && (e = filter_row(r->filter, r->data.read, f)) <= 0) {
			if (e < 0)
				return e;
			continue;
		}
		return (e = parquet_read_json(r->data.read, out, f)) < 0 ? e : 1;
	}
}
