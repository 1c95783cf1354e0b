#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#undef fail		/* cmocka's; ours is in fail.h */

#include "columns.h"
#include "weir.h"
#include "write.h"

#define ROWS	5000

struct memory {
	struct buf	b;
	size_t		fail_at;	/* 0: never */
};

static int
put(void *arg, const void *p, size_t n, struct fail *f)
{
	struct memory *m = arg;

	if (m->fail_at && m->b.n + n >= m->fail_at)
		return fail(f, WEIR_EIO, "disk full");
	return buf_put(&m->b, p, n);
}

/* id long, name string (null every third), tags list of string (i % 4 of them) */
struct rows {
	int64_t			id[ROWS];
	uint8_t			def[ROWS], ldef[ROWS * 4], lrep[ROWS * 4];
	struct parquet_bytes	name[ROWS], tag[ROWS * 4];
	char			text[ROWS][16];
	struct parquet_values	v[3];
};

/* Rows from..from + n, at most ROWS. */
static void
fill(struct rows *r, uint32_t from, uint32_t n)
{
	uint32_t names = 0, levels = 0, tags = 0;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = from + k;

		r->id[k] = (int64_t)i * 7 - 100;
		r->def[k] = i % 3 != 0;
		snprintf(r->text[k], sizeof r->text[k], "name %u", i % 50);
		if (r->def[k])
			r->name[names++] = (struct parquet_bytes){ r->text[k], (uint32_t)strlen(r->text[k]) };
		for (uint32_t t = 0; t < i % 4; t++) {
			r->lrep[levels] = t > 0;
			r->ldef[levels++] = 3;
			r->tag[tags++] = (struct parquet_bytes){ "abcdef" + i % 5, 2 };
		}
		if (i % 4 == 0) {
			r->lrep[levels] = 0;
			r->ldef[levels++] = i % 8 == 0;		/* null or empty */
		}
	}
	r->v[0] = (struct parquet_values){ .n_levels = n, .n_values = n, .i64 = r->id };
	r->v[1] = (struct parquet_values){ .n_levels = n, .n_values = names, .def = r->def, .bytes = r->name };
	r->v[2] = (struct parquet_values){ .n_levels = levels, .n_values = tags, .def = r->ldef, .rep = r->lrep, .bytes = r->tag };
}

static struct parquet_writer *
writer(const struct parquet_column *root, const struct parquet_options *o, struct memory *m)
{
	struct parquet_sink sink = { put, m };
	struct fail f;
	struct parquet_writer *w = parquet_writer_new(root, o, &sink, &f);

	assert_non_null(w);
	return w;
}

#define TREE	"id:long!,name:string,tags:list<string>"

static void
write_rows(struct memory *m, uint32_t n, uint32_t batch, const struct parquet_options *o, struct parquet_result *r,
    struct parquet_writer **keep, struct parquet_column **tree)
{
	static struct rows rows;
	struct fail f;
	uint32_t taken;

	*tree = columns_parse(TREE);
	*keep = writer(*tree, o, m);
	for (uint32_t i = 0; i < n; i += batch) {
		uint32_t k = n - i < batch ? n - i : batch;

		fill(&rows, i, k);
		assert_int_equal(parquet_writer_append(*keep, rows.v, k, &taken, &f), 0);
		assert_int_equal(taken, k);
		for (int c = 0; c < 3; c++)
			assert_int_equal(rows.v[c].n_levels + rows.v[c].n_values, 0);	/* eaten up */
	}
	assert_int_equal(parquet_writer_finish(*keep, r, &f), 0);
}

static void
batches_leave_no_trace(void **state)
{
	static const uint32_t batch[] = { 1, 3, 64, 1000, ROWS };
	static const struct parquet_options o[] = { { 0 }, { .page_rows = 100, .row_group_bytes = 10000 }, { .page_bytes = 900 },
		{ .dictionary_bytes = 200, .page_rows = 333 }, { .dictionary_bytes = 200, .page_rows = 333, .thread = 1 }, { .no_dictionary = 1, .no_compression = 1, .page_bytes = 77 } };

	struct memory last = { { 0 } };

	(void)state;
	for (size_t k = 0; k < sizeof o / sizeof *o; k++) {
		struct memory first = { { 0 } };

		for (size_t i = 0; i < sizeof batch / sizeof *batch; i++) {
			struct memory m = { { 0 } };
			struct parquet_writer *w;
			struct parquet_column *tree;
			struct parquet_result r;

			write_rows(&m, ROWS, batch[i], &o[k], &r, &w, &tree);
			assert_int_equal(r.file_size, m.b.n);
			assert_int_equal(r.n_rows, ROWS);
			if (k == 1)
				assert_true(r.n_splits > 2);
			if (i == 0 && k == 4) {			/* the thread changes no byte */
				assert_int_equal(m.b.n, last.b.n);
				assert_memory_equal(m.b.p, last.b.p, last.b.n);
			}
			if (i == 0) {
				first = m;
			} else {
				assert_int_equal(m.b.n, first.b.n);
				assert_memory_equal(m.b.p, first.b.p, first.b.n);
				buf_free(&m.b);
			}
			parquet_writer_free(w);
			columns_free(tree);
		}
		buf_free(&last.b);
		last = first;
	}
	buf_free(&last.b);
}

static void
metrics_are_those_of_the_rows(void **state)
{
	struct parquet_options o = { .row_group_bytes = 20000 };
	struct memory m = { { 0 } };
	struct parquet_writer *w;
	struct parquet_column *tree;
	struct parquet_result r;
	int64_t size = 0;
	uint32_t footer;

	(void)state;
	write_rows(&m, ROWS, 777, &o, &r, &w, &tree);
	assert_memory_equal(m.b.p, "PAR1", 4);
	assert_memory_equal(m.b.p + m.b.n - 4, "PAR1", 4);
	memcpy(&footer, m.b.p + m.b.n - 8, 4);
	assert_true(footer < m.b.n - 12);
	assert_int_equal(r.n_leaves, 3);
	assert_int_equal(r.leaf[0].field_id, 1);
	assert_int_equal(r.leaf[2].field_id, 4);		/* the element, not the list */
	assert_int_equal(r.leaf[0].value_count, ROWS);
	assert_int_equal(r.leaf[0].null_count, 0);
	assert_int_equal(r.leaf[0].nan_count, -1);
	assert_int_equal(r.leaf[1].null_count, (ROWS + 2) / 3);
	assert_int_equal(r.leaf[0].repeated, 0);
	assert_int_equal(r.leaf[2].repeated, 1);
	assert_memory_equal(r.leaf[0].lower.b, "\x9c\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_memory_equal(r.leaf[1].lower.b, "name 0", 6);
	assert_int_equal(r.leaf[1].lower.n, 6);
	assert_memory_equal(r.leaf[1].upper.b, "name 9", 6);
	assert_true(r.n_splits > 1);
	assert_int_equal(r.split[0], 4);
	for (uint32_t i = 1; i < r.n_splits; i++)
		assert_true(r.split[i] > r.split[i - 1]);
	for (uint32_t i = 0; i < 3; i++)
		size += r.leaf[i].column_size;
	assert_int_equal(size + 4 + footer + 8, m.b.n);
	parquet_writer_free(w);
	columns_free(tree);
	buf_free(&m.b);
}

static void
a_full_file_takes_no_more(void **state)
{
	static struct rows rows;
	struct parquet_column *tree = columns_parse(TREE);
	struct parquet_options o = { .file_bytes = 15000, .row_group_bytes = 5000, .no_compression = 1 };
	uint32_t taken, total = 0, files = 0;
	struct fail f;

	(void)state;
	fill(&rows, 0, ROWS);
	while (total < ROWS) {
		struct memory m = { { 0 } };
		struct parquet_writer *w = writer(tree, &o, &m);
		struct parquet_result r;

		assert_int_equal(parquet_writer_append(w, rows.v, ROWS - total, &taken, &f), 0);
		assert_true(taken > 0);
		assert_int_equal(parquet_writer_full(w), taken < ROWS - total);
		total += taken;
		assert_int_equal(parquet_writer_finish(w, &r, &f), 0);
		assert_int_equal(r.n_rows, taken);
		if (total < ROWS)
			assert_in_range(r.file_size, 15000, 18000);
		parquet_writer_free(w);
		buf_free(&m.b);
		files++;
	}
	assert_true(files > 2);
	assert_int_equal(rows.v[2].n_levels, 0);
	columns_free(tree);
}

static void
the_sinks_error_comes_through_and_sticks(void **state)
{
	static struct rows rows;
	struct parquet_column *tree = columns_parse(TREE);

	(void)state;
	for (size_t at = 1; at < 12000; at += 997) {
		struct parquet_options o = { .row_group_bytes = 3000, .thread = at & 1 };
		struct memory m = { .fail_at = at };
		struct parquet_writer *w = writer(tree, &o, &m);
		struct parquet_result r;
		struct fail f = { 0 };
		uint32_t taken;

		fill(&rows, 0, ROWS);
		assert_int_equal(parquet_writer_append(w, rows.v, ROWS, &taken, &f), WEIR_EIO);
		assert_string_equal(f.text, "disk full");
		assert_int_equal(parquet_writer_append(w, rows.v, 1, &taken, &f), WEIR_EBUG);
		assert_int_equal(parquet_writer_flush(w, &f), WEIR_EBUG);
		assert_int_equal(parquet_writer_finish(w, &r, &f), WEIR_EBUG);
		parquet_writer_free(w);
		buf_free(&m.b);
	}
	columns_free(tree);
}

static void
flush_gives_memory_back(void **state)
{
	static struct rows rows;
	struct parquet_column *tree = columns_parse(TREE);
	struct parquet_options o = { 0 };
	struct memory m = { { 0 } };
	struct parquet_writer *w = writer(tree, &o, &m);
	struct parquet_result r;
	struct fail f;
	uint32_t taken;
	size_t empty = parquet_writer_memory(w), some;

	(void)state;
	assert_int_equal(parquet_writer_finish(w, &r, &f), WEIR_EBUG);	/* no rows, no file */
	assert_int_equal(m.b.n, 0);
	for (int i = 0; i < 3; i++) {
		fill(&rows, 0, ROWS);
		assert_int_equal(parquet_writer_append(w, rows.v, ROWS, &taken, &f), 0);
		some = parquet_writer_memory(w);
		assert_true(some > empty + 50000);
		assert_int_equal(parquet_writer_flush(w, &f), 0);
		assert_true(parquet_writer_memory(w) < empty + 4096);
	}
	assert_int_equal(parquet_writer_flush(w, &f), 0);		/* nothing: no empty row group */
	assert_int_equal(parquet_writer_finish(w, &r, &f), 0);
	assert_int_equal(r.n_splits, 3);
	assert_int_equal(r.n_rows, 3 * ROWS);
	parquet_writer_free(w);
	columns_free(tree);
	buf_free(&m.b);
}

static void
bad_trees_are_refused_with_their_path(void **state)
{
	struct parquet_column in[2] = { { .name = "x", .type = COLUMN_DECIMAL, .precision = 39 }, { .name = "y" } };
	struct parquet_column top[1] = { { .name = "s", .kind = COLUMN_STRUCT, .n_children = 2, .child = in } };
	struct parquet_column root = { .kind = COLUMN_STRUCT, .n_children = 1, .child = top };
	struct fail f;

	(void)state;
	assert_int_equal(column_layout(&root, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "column s.x: a decimal has 1 to 38 digits"));
	in[0].precision = 3;
	in[1].name = "x";
	assert_int_equal(column_layout(&root, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "two fields of this name"));
	in[1].name = "";
	assert_int_equal(column_layout(&root, &f), WEIR_ECONFIG);
	in[1].name = "y";
	in[1].field_id = -1;
	assert_int_equal(column_layout(&root, &f), WEIR_ECONFIG);
	in[1].field_id = 0;
	top[0].kind = COLUMN_LIST;
	assert_int_equal(column_layout(&root, &f), WEIR_ECONFIG);
	top[0].kind = COLUMN_MAP;
	assert_int_equal(column_layout(&root, &f), WEIR_ECONFIG);	/* an optional key */
	in[0].required = 1;
	assert_int_equal(column_layout(&root, &f), 0);
	assert_int_equal(in[1].max_def, 3);
	assert_int_equal(in[1].max_rep, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_leave_no_trace),
		cmocka_unit_test(metrics_are_those_of_the_rows),
		cmocka_unit_test(a_full_file_takes_no_more),
		cmocka_unit_test(the_sinks_error_comes_through_and_sticks),
		cmocka_unit_test(flush_gives_memory_back),
		cmocka_unit_test(bad_trees_are_refused_with_their_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
