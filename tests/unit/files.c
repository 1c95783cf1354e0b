#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#undef fail		/* cmocka's; ours is in fail.h */

#include "columns.h"
#include "files.h"
#include "weir.h"

#define ROWS	3000
#define OBJECTS	300

struct object {
	struct store	*store;
	char		 name[64];
	size_t		 n;
	int		 state;		/* 1 open, 2 finished, 3 aborted */
};

struct store {
	struct object	object[OBJECTS];
	uint32_t	n;
	uint32_t	fail_open, fail_finish;		/* at this object; 0: never */
	size_t		fail_write;			/* at this many bytes of all */
	size_t		bytes;
	int		partitions;			/* by id % partitions */
};

static int
keys(void *arg, const struct parquet_values *v, uint32_t n, struct buf *out, uint32_t *end, struct fail *f)
{
	struct store *s = arg;

	for (uint32_t i = 0; i < n; i++) {
		if (buf_printf(out, "p%d", (int)(v[0].i64[i] % s->partitions)) < 0)
			return fail(f, WEIR_EIO, "no memory");
		end[i] = (uint32_t)out->n;
	}
	return 0;
}

static int
name(void *arg, const void *key, size_t n, uint32_t number, struct buf *out, struct fail *f)
{
	(void)arg;
	(void)f;
	return buf_printf(out, "data/%.*s/%u", (int)n, n ? (const char *)key : "", number);
}

static int
put_open(void *arg, const char *text, void **stream, struct fail *f)
{
	struct store *s = arg;
	struct object *o = &s->object[s->n];

	assert_true(s->n < OBJECTS);
	for (uint32_t i = 0; i < s->n; i++)
		assert_string_not_equal(s->object[i].name, text);
	if (s->fail_open && s->n + 1 == s->fail_open)
		return fail(f, WEIR_EFENCED, "%s exists", text);
	*o = (struct object){ .store = s, .state = 1 };
	snprintf(o->name, sizeof o->name, "%s", text);
	s->n++;
	*stream = o;
	return 0;
}

static int
put_write(void *stream, const void *p, size_t n, struct fail *f)
{
	struct object *o = stream;

	(void)p;
	assert_int_equal(o->state, 1);
	o->n += n;
	o->store->bytes += n;
	return o->store->fail_write && o->store->bytes > o->store->fail_write ? fail(f, WEIR_EIO, "disk full") : 0;
}

static int
put_finish(void *stream, struct fail *f)
{
	struct object *o = stream;

	assert_int_equal(o->state, 1);
	o->state = 2;
	if (o->store->fail_finish && o == &o->store->object[o->store->fail_finish - 1])
		return fail(f, WEIR_EIO, "cannot sync");
	return 0;
}

static void
put_abort(void *stream)
{
	struct object *o = stream;

	assert_int_equal(o->state, 1);
	o->state = 3;
}

struct rows {
	int64_t			id[ROWS];
	uint8_t			def[ROWS];
	struct parquet_bytes	text[ROWS];
	char			room[ROWS][40];
	struct parquet_values	v[2];
};

static struct parquet_values *
fill(struct rows *r, uint32_t from, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		r->id[i] = from + i;
		r->def[i] = (from + i) % 5 > 0;
		if (r->def[i])
			r->text[k++] = (struct parquet_bytes){ r->room[i], (uint32_t)snprintf(r->room[i], 40, "text of row %u", from + i) };
	}
	r->v[0] = (struct parquet_values){ .n_levels = n, .n_values = n, .i64 = r->id };
	r->v[1] = (struct parquet_values){ .n_levels = n, .n_values = k, .def = r->def, .bytes = r->text };
	return r->v;
}

static struct files *
files(const struct parquet_column *root, struct files_options o, struct store *s)
{
	struct files_ops ops = { s->partitions ? keys : NULL, name, put_open, put_write, put_finish, put_abort, s };
	struct fail f;
	struct files *x = files_new(root, &o, &ops, &f);

	assert_non_null(x);
	return x;
}

static void
rows_go_to_their_partition(void **state)
{
	static struct rows r;
	struct store s = { .partitions = 7 };
	struct parquet_column *root = columns_parse("id:long!,text:string");
	struct files *x = files(root, (struct files_options){ { 0 } }, &s);
	const struct files_done *d;
	struct fail f;
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(files_append(x, fill(&r, i * 100, 100), 100, &f), 0);
	files_list(x, &n);
	assert_int_equal(n, 0);
	assert_int_equal(files_finish(x, &f), 0);
	assert_int_equal(files_rows(x), 2000);
	d = files_list(x, &n);
	assert_int_equal(n, 7);
	for (uint32_t i = 0; i < 7; i++) {
		int64_t lo, hi;
		char key[8];

		assert_int_equal(d[i].number, i);
		snprintf(key, sizeof key, "p%u", i);
		assert_int_equal(d[i].key_n, 2);
		assert_memory_equal(d[i].key, key, 2);
		assert_int_equal(d[i].n_rows, 2000 / 7 + (i < 2000 % 7));
		assert_int_equal(d[i].bytes, s.object[i].n);
		assert_int_equal(s.object[i].state, 2);
		assert_string_equal(d[i].name, s.object[i].name);
		memcpy(&lo, d[i].leaf[0].lower.b, 8);
		memcpy(&hi, d[i].leaf[0].upper.b, 8);
		assert_int_equal(lo, i);			/* the first of its rows, and the last */
		assert_int_equal(hi % 7, i);
		assert_true(hi > 2000 - 8);
		assert_int_equal(d[i].leaf[1].value_count, d[i].n_rows);
		assert_in_range(d[i].leaf[1].null_count, 55, 60);	/* every fifth */
		assert_int_equal(d[i].n_splits, 1);
		assert_int_equal(d[i].split[0], 4);
	}
	files_forget(x);
	files_list(x, &n);
	assert_int_equal(n, 0);
	assert_int_equal(files_rows(x), 0);
	files_free(x);
	columns_free(root);
}

static void
too_many_partitions_end_the_oldest(void **state)
{
	static struct rows r;
	struct store s = { .partitions = 20 };
	struct parquet_column *root = columns_parse("id:long!,text:string");
	struct files *x = files(root, (struct files_options){ .max_open = 4, .writer = { .thread = 1 } }, &s);
	const struct files_done *d;
	int64_t rows = 0;
	struct fail f;
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t open = 0;

		assert_int_equal(files_append(x, fill(&r, i * 200, 200), 200, &f), 0);
		for (uint32_t k = 0; k < s.n; k++)
			open += s.object[k].state == 1;
		assert_int_equal(open, 4);
	}
	assert_int_equal(files_evicted(x), 56);
	assert_int_equal(files_finish(x, &f), 0);
	d = files_list(x, &n);
	assert_int_equal(n, 60);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(d[i].number, i);
		rows += d[i].n_rows;
	}
	assert_int_equal(rows, 600);
	files_free(x);
	columns_free(root);
}

static void
a_file_ends_when_it_is_large(void **state)
{
	static struct rows r;
	struct store s = { .partitions = 0 };
	struct parquet_column *root = columns_parse("id:long!,text:string");
	struct files_options o = { .writer = { .no_compression = 1, .no_dictionary = 1 }, .file_bytes = 20000 };
	struct files *x = files(root, o, &s);
	const struct files_done *d;
	int64_t rows = 0;
	struct fail f;
	size_t n;

	(void)state;
	assert_int_equal(files_append(x, fill(&r, 0, ROWS), ROWS, &f), 0);
	assert_int_equal(files_finish(x, &f), 0);
	d = files_list(x, &n);
	assert_in_range(n, 4, 6);
	for (size_t i = 0; i < n; i++) {
		int64_t lo;

		memcpy(&lo, d[i].leaf[0].lower.b, 8);
		assert_int_equal(lo, rows);			/* in order, nothing twice, nothing missing */
		rows += d[i].n_rows;
		if (i + 1 < n)
			assert_in_range(d[i].bytes, 20000, 24000);
	}
	assert_int_equal(rows, ROWS);
	files_free(x);
	columns_free(root);
}

static void
memory_has_a_limit(void **state)
{
	static struct rows r;
	struct store s = { .partitions = 5 };
	struct parquet_column *root = columns_parse("id:long!,text:string");
	struct files_options o = { .writer = { .no_dictionary = 1, .page_rows = 500, .no_compression = 1 }, .memory = 3 << 20 };
	struct files *x = files(root, o, &s);
	uint32_t groups = 0;
	struct fail f;
	size_t n;
	const struct files_done *d;

	(void)state;
	for (uint32_t i = 0; i < 150; i++) {
		assert_int_equal(files_append(x, fill(&r, i * ROWS, ROWS), ROWS, &f), 0);
		assert_true(files_memory(x) < 5 << 20);
	}
	assert_int_equal(files_finish(x, &f), 0);
	d = files_list(x, &n);
	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++)
		groups += d[i].n_splits;
	assert_true(groups > 5);
	files_free(x);
	columns_free(root);
}

/* Whatever fails: the error comes through, nothing more is taken, what was open is aborted. */
static void
errors_stop_the_set(void **state)
{
	static struct rows r;
	static const struct store kinds[] = { { .partitions = 3, .fail_open = 2 }, { .partitions = 3, .fail_finish = 2 },
		{ .partitions = 3, .fail_write = 3000 } };

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct store s = kinds[i];
		struct parquet_column *root = columns_parse("id:long!,text:string");
		struct files *x = files(root, (struct files_options){ .writer = { .thread = i & 1 } }, &s);
		struct fail f = { 0 };
		int rc;

		if ((rc = files_append(x, fill(&r, 0, 1000), 1000, &f)) == 0)
			rc = files_finish(x, &f);
		assert_int_equal(rc, i == 0 ? WEIR_EFENCED : WEIR_EIO);
		assert_int_equal(f.code, rc);
		assert_true(f.text[0] != '\0');
		assert_int_equal(files_append(x, fill(&r, 0, 10), 10, &f), WEIR_EBUG);
		assert_int_equal(files_finish(x, &f), WEIR_EBUG);
		files_free(x);
		for (uint32_t k = 0; k < s.n; k++)
			assert_int_not_equal(s.object[k].state, 1);
		columns_free(root);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_go_to_their_partition),
		cmocka_unit_test(too_many_partitions_end_the_oldest),
		cmocka_unit_test(a_file_ends_when_it_is_large),
		cmocka_unit_test(memory_has_a_limit),
		cmocka_unit_test(errors_stop_the_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
