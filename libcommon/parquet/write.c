#include "config.h"

#include <stdlib.h>

#include "footer.h"
#include "pages.h"
#include "thrift.h"
#include "weir.h"
#include "write.h"

#define FIRST_CHECK	64		/* rows */
#define CHECK_ROWS	4096
#define CHECK_BYTES	(1u << 20)	/* or a sixteenth of what the row group, or file, may have */
#define CREATED_BY	"weir version " PACKAGE_VERSION " (build " PACKAGE_VERSION ")"

struct parquet_writer {
	const struct parquet_column	*root;
	const struct parquet_pair	*pair;
	struct parquet_metrics		*metrics;
	struct pages			*leaf;
	struct press			*press, *own_press;
	int64_t				*split;
	struct pages_limits		 limits;
	struct parquet_sink		 sink;
	struct buf			 groups, out;	/* the RowGroup structs so far; what is being put together */
	uint64_t			 row_group_bytes, file_bytes;
	uint64_t			 written, n_rows;
	size_t				 budget;
	uint32_t			 n_leaves, n_groups, n_pairs;
	uint32_t			 group_rows, next_check;	/* of the row group that is open */
	int				 full, broken;
};

static int
write_all(struct parquet_writer *w, const void *p, size_t n, struct fail *f)
{
	int rc = n ? w->sink.write(w->sink.arg, p, n, f) : 0;

	if (rc < 0)
		return rc;
	w->written += n;
	return 0;
}

static int
supported(const struct parquet_column *c, struct fail *f)
{
	char path[256];
	int rc;

	if (c->kind == COLUMN_PRIMITIVE && c->unit != COLUMN_US)
		return fail(f, WEIR_ECONFIG, "column %s: times are written in microseconds only", column_path(c, path, sizeof path));
	for (uint32_t i = 0; i < c->n_children; i++)
		if ((rc = supported(&c->child[i], f)) < 0)
			return rc;
	return 0;
}

struct parquet_writer *
parquet_writer_new(const struct parquet_column *root, const struct parquet_options *o, const struct parquet_sink *sink, struct fail *f)
{
	struct parquet_writer *w = NULL;
	struct press *press = o->press;

	if (supported(root, f) < 0)
		return NULL;
	if (!(w = calloc(1, sizeof *w)) || !(w->leaf = calloc(root->n_leaves, sizeof *w->leaf)) ||
	    !(w->metrics = calloc(root->n_leaves, sizeof *w->metrics)) ||
	    (!press && !(press = w->own_press = press_new(o->no_compression ? 0 : o->level ? o->level : 1, o->thread)))) {
		fail(f, WEIR_EAGAIN, "no memory for a Parquet file of %u columns", root->n_leaves);
		parquet_writer_free(w);
		return NULL;
	}
	w->root = root;
	w->press = press;
	w->sink = *sink;
	w->pair = o->pair;
	w->n_pairs = o->n_pairs;
	w->limits.page_rows = o->page_rows ? o->page_rows : PARQUET_PAGE_ROWS;
	w->limits.page_bytes = o->page_bytes ? o->page_bytes : PARQUET_PAGE_BYTES;
	w->limits.dictionary_bytes = o->no_dictionary ? 0 : o->dictionary_bytes ? o->dictionary_bytes : PARQUET_DICTIONARY_BYTES;
	w->row_group_bytes = o->row_group_bytes ? o->row_group_bytes : PARQUET_ROW_GROUP_BYTES;
	w->file_bytes = o->file_bytes;
	w->budget = PARQUET_DICTIONARIES_BYTES;
	w->next_check = FIRST_CHECK;
	for (; w->n_leaves < root->n_leaves; w->n_leaves++)
		pages_init(&w->leaf[w->n_leaves], column_leaf(root, w->n_leaves), &w->limits, press, &w->budget);
	return w;
}

void
parquet_writer_free(struct parquet_writer *w)
{
	struct fail ignored;

	if (!w)
		return;
	if (w->press)
		(void)press_wait(w->press, &ignored);		/* it may still work for us */
	for (uint32_t i = 0; i < w->n_leaves; i++)
		pages_release(&w->leaf[i]);
	press_free(w->own_press);
	buf_free(&w->groups);
	buf_free(&w->out);
	free(w->split);
	free(w->metrics);
	free(w->leaf);
	free(w);
}

static uint64_t
waiting(const struct parquet_writer *w)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->n_leaves; i++)
		n += pages_bytes(&w->leaf[i]);
	return n;
}

/* What the file would have if it ended now, as far as compression is known. */
static uint64_t
size_now(const struct parquet_writer *w)
{
	uint64_t n = w->written;

	for (uint32_t i = 0; i < w->n_leaves; i++) {
		const struct pages *p = &w->leaf[i];

		n += p->done.n + pages_bytes(p) - p->encoded;
	}
	return n;
}

static int
flush(struct parquet_writer *w, struct fail *f)
{
	int64_t begin, uncompressed = 0, *split;
	struct thrift_out t, g;
	struct buf columns = { 0 };
	int rc = 0;

	if (!w->group_rows)
		return 0;
	if (!w->written && (rc = write_all(w, "PAR1", 4, f)) < 0)
		return rc;
	if (!(split = realloc(w->split, (w->n_groups + 1) * sizeof *split)))
		return fail(f, WEIR_EAGAIN, "no memory for the footer of a Parquet file");
	w->split = split;
	w->split[w->n_groups] = begin = (int64_t)w->written;
	thrift_start(&t, &columns);
	for (uint32_t i = 0; i < w->n_leaves && rc == 0; i++) {
		struct pages *p = &w->leaf[i];
		int64_t at = (int64_t)w->written;

		if ((rc = pages_finish(p, &w->out, f)) < 0 || (rc = write_all(w, w->out.p, w->out.n, f)) < 0 ||
		    (rc = write_all(w, p->done.p, p->done.n, f)) < 0)
			break;
		footer_chunk(&t, p, at, (int64_t)w->out.n);
		uncompressed += (int64_t)p->uncompressed;
		pages_next(p, w->written - (uint64_t)at);
	}
	if (rc == 0) {
		thrift_start(&g, &w->groups);
		thrift_list(&g, 1, THRIFT_STRUCT, w->n_leaves);
		thrift_item_raw(&g, columns.p, columns.n);
		thrift_i64(&g, 2, uncompressed);
		thrift_i64(&g, 3, w->group_rows);
		thrift_i64(&g, 5, begin);
		thrift_i64(&g, 6, (int64_t)w->written - begin);
		if (w->n_groups <= INT16_MAX)
			thrift_i16(&g, 7, (int16_t)w->n_groups);
		thrift_end(&g);
		if (t.failed || g.failed)
			rc = fail(f, WEIR_EAGAIN, "no memory for the footer of a Parquet file");
	}
	buf_free(&columns);
	if (rc < 0)
		return rc;
	w->n_groups++;
	w->group_rows = 0;
	w->next_check = FIRST_CHECK;
	return 0;
}

/* At rows that depend on the rows before them alone: is the row group, or the file, large enough? */
static int
check(struct parquet_writer *w, struct fail *f)
{
	uint64_t bytes = waiting(w), step;
	int rc;

	if ((bytes >= w->row_group_bytes || w->group_rows >= PARQUET_ROW_GROUP_ROWS) && (rc = flush(w, f)) < 0)
		return rc;
	if (w->file_bytes && w->written + waiting(w) >= w->file_bytes) {
		if ((rc = press_wait(w->press, f)) < 0)
			return rc;
		w->full = size_now(w) >= w->file_bytes;
	}
	if (w->group_rows) {
		step = w->row_group_bytes / 16 < CHECK_BYTES ? w->row_group_bytes / 16 : CHECK_BYTES;
		if (w->file_bytes && w->file_bytes / 16 < step)
			step = w->file_bytes / 16;
		step /= bytes / w->group_rows + 1;
		w->next_check = w->group_rows + (uint32_t)(step < 1 ? 1 : step > CHECK_ROWS ? CHECK_ROWS : step);
	}
	return 0;
}

int
parquet_writer_append(struct parquet_writer *w, struct parquet_values *v, uint32_t n_rows, uint32_t *taken, struct fail *f)
{
	int rc = 0;

	*taken = 0;
	if (w->broken)
		return fail(f, WEIR_EBUG, "rows after a failed write");
	while (*taken < n_rows && !w->full && rc == 0) {
		uint32_t n = n_rows - *taken, room = w->next_check - w->group_rows;

		n = n < room ? n : room;
		for (uint32_t i = 0; i < w->n_leaves && rc == 0; i++)
			rc = pages_add(&w->leaf[i], &v[i], n, f);
		w->group_rows += n;
		w->n_rows += n;
		*taken += n;
		if (rc == 0 && w->group_rows == w->next_check)
			rc = check(w, f);
	}
	w->broken = rc < 0;
	return rc;
}

int
parquet_writer_full(const struct parquet_writer *w)
{
	return w->full;
}

int
parquet_writer_flush(struct parquet_writer *w, struct fail *f)
{
	int rc = w->broken ? fail(f, WEIR_EBUG, "a flush after a failed write") : flush(w, f);

	w->broken = rc < 0;
	for (uint32_t i = 0; rc == 0 && i < w->n_leaves; i++)
		pages_release(&w->leaf[i]);
	buf_free(&w->out);
	return rc;
}

static void
fill_metrics(struct parquet_writer *w)
{
	for (uint32_t i = 0; i < w->n_leaves; i++) {
		const struct pages *p = &w->leaf[i];
		struct parquet_metrics *m = &w->metrics[i];

		m->field_id = p->leaf->field_id;
		m->repeated = p->leaf->max_rep > 0;
		m->value_count = p->file_levels;
		m->null_count = p->file_nulls;
		m->nan_count = p->leaf->physical == PARQUET_FLOAT || p->leaf->physical == PARQUET_DOUBLE ? p->file_minmax.n_nan : -1;
		m->column_size = p->file_bytes;
		minmax_iceberg(&p->file_minmax, p->leaf, &m->lower, &m->upper);
	}
}

static int
write_footer(struct parquet_writer *w, struct fail *f)
{
	struct thrift_out t;
	uint32_t n;
	int rc;

	w->out.n = 0;
	thrift_start(&t, &w->out);
	thrift_i32(&t, 1, 2);
	footer_schema(&t, 2, w->root);
	thrift_i64(&t, 3, (int64_t)w->n_rows);
	thrift_list(&t, 4, THRIFT_STRUCT, w->n_groups);
	thrift_item_raw(&t, w->groups.p, w->groups.n);
	footer_pairs(&t, 5, w->pair, w->n_pairs);
	thrift_text(&t, 6, CREATED_BY);
	footer_orders(&t, 7, w->n_leaves);
	thrift_end(&t);
	n = (uint32_t)w->out.n;
	if (t.failed || buf_put(&w->out, &n, 4) < 0 || buf_put(&w->out, "PAR1", 4) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for the footer of a Parquet file");
	if ((rc = write_all(w, w->out.p, w->out.n, f)) < 0)
		return rc;
	return 0;
}

int
parquet_writer_finish(struct parquet_writer *w, struct parquet_result *r, struct fail *f)
{
	int rc;

	if (w->broken || !w->n_rows)
		return fail(f, WEIR_EBUG, w->broken ? "a footer after a failed write" : "a Parquet file without rows");
	if ((rc = flush(w, f)) < 0 || (rc = write_footer(w, f)) < 0) {
		w->broken = 1;
		return rc;
	}
	fill_metrics(w);
	*r = (struct parquet_result){
		.n_rows = (int64_t)w->n_rows, .file_size = (int64_t)w->written, .n_leaves = w->n_leaves, .n_splits = w->n_groups,
		.leaf = w->metrics, .split = w->split
	};
	w->broken = 1;		/* that was all */
	return 0;
}

uint64_t
parquet_writer_rows(const struct parquet_writer *w)
{
	return w->n_rows;
}

uint64_t
parquet_writer_bytes(const struct parquet_writer *w)
{
	return w->written + waiting(w);
}

size_t
parquet_writer_memory(const struct parquet_writer *w)
{
	size_t n = sizeof *w + w->groups.cap + w->out.cap + w->n_leaves * (sizeof *w->leaf + sizeof *w->metrics);

	for (uint32_t i = 0; i < w->n_leaves; i++)
		n += pages_memory(&w->leaf[i]);
	return n;
}
