#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "partition.h"
#include "weir.h"

/*
 * A key is, for each partition field: a byte, 1 for a value and 0 for null,
 * and for a value 4 bytes of length and its binary form.
 */
struct source {
	const struct schema_field	*field;
	struct schema_field		 result;
	const struct parquet_column	*leaf;
	uint32_t			 at;		/* next value of this leaf, while keys are made */
};

struct partition {
	const struct spec	*spec;
	struct source		 source[SPEC_MAX_FIELDS];
};

static const struct parquet_column *
leaf_of(const struct parquet_column *c, int32_t id)
{
	const struct parquet_column *r;

	for (uint32_t i = 0; i < c->n_children; i++) {
		if (c->child[i].kind == COLUMN_PRIMITIVE && c->child[i].field_id == id)
			return &c->child[i];
		if ((r = leaf_of(&c->child[i], id)))
			return r;
	}
	return NULL;
}

int
partition_new(const struct schema *schema, const struct spec *spec, const struct parquet_column *root, struct partition **out, struct fail *f)
{
	struct partition *p = calloc(1, sizeof *p);

	if (!p)
		return fail(f, WEIR_EAGAIN, "no memory for partitions");
	p->spec = spec;
	for (size_t i = 0; i < spec->n; i++) {
		struct source *s = &p->source[i];

		s->field = schema_by_id(schema, spec->field[i].source_id);
		s->leaf = leaf_of(root, spec->field[i].source_id);
		if (!s->field || !s->leaf || s->leaf->max_rep || transform_type(&spec->field[i].transform, s->field, &s->result) < 0) {
			fail(f, WEIR_ECONFIG, "the partition field %s, %s of column id %d, cannot be computed: %s", spec->field[i].name, spec->field[i].text,
			    spec->field[i].source_id, s->leaf && s->leaf->max_rep ? "the column is inside a list or map" : "no such column or transform");
			free(p);
			return f->code;
		}
	}
	*out = p;
	return 0;
}

void
partition_free(struct partition *p)
{
	free(p);
}

/* Value number k of a leaf. */
static void
get_value(const struct source *s, const struct parquet_values *v, uint32_t k, struct datum *d)
{
	const uint8_t *p;

	memset(d, 0, sizeof *d);
	switch (s->leaf->physical) {
	case PARQUET_BOOLEAN:
		d->i = v->bools[k];
		break;
	case PARQUET_INT32:
		d->i = v->i32[k];
		break;
	case PARQUET_INT64:
		d->i = v->i64[k];
		break;
	case PARQUET_FLOAT:
		d->d = (double)v->f32[k];
		break;
	case PARQUET_DOUBLE:
		d->d = v->f64[k];
		break;
	case PARQUET_BYTE_ARRAY:
		d->s.p = v->bytes[k].p;
		d->s.n = v->bytes[k].n;
		break;
	default:
		p = v->fixed + (size_t)k * s->leaf->width;
		if (s->field->kind == SCHEMA_DECIMAL) {
			(void)datum_from_binary(s->field, (const char *)p, s->leaf->width, d);	/* widths are 9 to 16 */
			return;
		}
		d->s.p = (const char *)p;
		d->s.n = s->leaf->width;
		return;
	}
	if (s->field->kind == SCHEMA_DECIMAL)
		d->dec = d->i;
}

static int
put_field(struct buf *keys, const struct source *s, const struct datum *d)
{
	char room[DATUM_SIZE];
	const char *p;
	uint32_t n;

	if (d->null)
		return buf_putc(keys, 0);
	n = (uint32_t)datum_binary(&s->result, d, room, &p);
	return buf_putc(keys, 1) | buf_put(keys, &n, sizeof n) | buf_put(keys, p, n);
}

int
partition_keys(void *arg, const struct parquet_values *v, uint32_t n_rows, struct buf *keys, uint32_t *end, struct fail *f)
{
	struct partition *p = arg;
	struct datum in, out;

	for (size_t i = 0; i < p->spec->n; i++)
		p->source[i].at = 0;
	for (uint32_t row = 0; row < n_rows; row++) {
		for (size_t i = 0; i < p->spec->n; i++) {
			struct source *s = &p->source[i];
			const struct parquet_values *x = &v[s->leaf->leaf];

			in = (struct datum){ .null = 1 };
			if (!x->def || x->def[row] == s->leaf->max_def)
				get_value(s, x, s->at++, &in);
			if (transform_apply(&p->spec->field[i].transform, s->field, &in, &out) < 0)
				return fail(f, WEIR_EDATA, "a value of column %s has no %s in its type's range: partition by another transform", s->field->name,
				    p->spec->field[i].text);
			if (put_field(keys, s, &out) < 0)
				return fail(f, WEIR_EAGAIN, "no memory for partition keys");
		}
		if (keys->n > UINT32_MAX)
			return fail(f, WEIR_EAGAIN, "the partition keys of one batch pass 4 GiB");
		end[row] = (uint32_t)keys->n;
	}
	return 0;
}

int
partition_tuple(const struct partition *p, const void *key, size_t n, struct datum *tuple)
{
	const char *k = key, *e = k + n;
	uint32_t len;

	for (size_t i = 0; i < p->spec->n; i++) {
		tuple[i] = (struct datum){ .null = 1 };
		if (k == e)
			return -1;
		if (!*k++)
			continue;
		if (e - k < (ptrdiff_t)sizeof len)
			return -1;
		memcpy(&len, k, sizeof len);
		k += sizeof len;
		if (len > (size_t)(e - k) || datum_from_binary(&p->source[i].result, k, len, &tuple[i]) < 0)
			return -1;
		k += len;
	}
	return k == e ? 0 : -1;
}

/* ---------------------------------------------------------------- finished files */

static char *
keep(const struct parquet_bound *b, size_t *n)
{
	char *p;

	*n = b->n;
	if ((p = malloc(b->n + 1u)))
		memcpy(p, b->b, b->n);
	return p;
}

static int
by_id(const void *a, const void *b)
{
	const struct manifest_metric *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int
put_metrics(const struct files_done *d, struct manifest_file *m)
{
	if (!(m->metric = calloc(d->n_leaves, sizeof *m->metric)))
		return -1;
	for (; m->n_metric < d->n_leaves; m->n_metric++) {
		const struct parquet_metrics *l = &d->leaf[m->n_metric];
		struct manifest_metric *x = &m->metric[m->n_metric];

		*x = (struct manifest_metric){ l->field_id, l->column_size, l->value_count, l->null_count, l->nan_count, NULL, NULL, 0, 0 };
		if (l->repeated) {		/* readers take these counts for rows */
			x->values = x->nulls = x->nans = -1;
			continue;
		}
		if ((l->lower.has && !(x->lower = keep(&l->lower, &x->n_lower))) || (l->upper.has && !(x->upper = keep(&l->upper, &x->n_upper)))) {
			m->n_metric++;
			return -1;
		}
	}
	qsort(m->metric, m->n_metric, sizeof *m->metric, by_id);
	return 0;
}

int
partition_file(const struct partition *p, const struct files_done *d, struct manifest_file *m, struct fail *f)
{
	char *room;

	memset(m, 0, sizeof *m);
	m->content = MANIFEST_DATA;
	m->status = MANIFEST_ADDED;
	m->snapshot_id = m->sequence = m->file_sequence = -1;
	m->content_at = m->content_bytes = m->first_row_id = -1;
	m->spec_id = p->spec->id;
	strcpy(m->format, "PARQUET");
	m->records = d->n_rows;
	m->bytes = d->bytes;
	m->sort_order = 0;
	if (!(m->path = strdup(d->name)) || put_metrics(d, m) < 0)
		goto memory;
	if (d->n_splits) {
		if (!(m->split = malloc(d->n_splits * sizeof *m->split)))
			goto memory;
		memcpy(m->split, d->split, d->n_splits * sizeof *m->split);
		m->n_split = d->n_splits;
	}
	if (!p->spec->n)
		return 0;
	/* one block: the tuple, then the key that its strings point into */
	if (!(m->partition = malloc(p->spec->n * sizeof *m->partition + d->key_n)))
		goto memory;
	m->n_partition = p->spec->n;
	room = (char *)(m->partition + p->spec->n);
	memcpy(room, d->key, d->key_n);
	if (partition_tuple(p, room, d->key_n, m->partition) == 0)
		return 0;
	manifest_file_free(m);
	return fail(f, WEIR_EBUG, "%s: its partition key cannot be read back", d->name);
memory:
	manifest_file_free(m);
	return fail(f, WEIR_EAGAIN, "no memory for the entry of %s", d->name);
}
