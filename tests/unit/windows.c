/* Windows against a model that keeps every (event, window) pair, with random events, watermarks and snapshots. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "iso.h"
#include "key.h"
#include "value.h"
#include "windows.h"

#define N_STEPS		400
#define N_KEYS		7
#define SPAN		600	/* event times lie in -SPAN..SPAN */

static uint64_t random_state = 7;

static uint64_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* An event, or a watermark. */
struct step {
	int	is_watermark;
	int64_t	time_us;
	int	key;
	int	value;
};

static const struct aggregate *
agg(const char *name)
{
	return aggregate_find(name, strlen(name));
}

static struct windows_plan
plan_of(int64_t size, int64_t pane, int64_t offset, int64_t wait, int cumulate)
{
	return (struct windows_plan){ .size_us = size, .pane_us = pane, .offset_us = offset, .wait_us = wait, .cumulate = cumulate,
	    .n_aggs = 5, .agg = { agg("count"), agg("sum"), agg("min"), agg("last"), agg("count_distinct") }, .memory_bytes = 64 << 20, .seed = 99 };
}

/* The rows of closed windows as text. */

struct rows {
	struct windows	*w;
	struct buf	 out;
};

static int
print_row(void *arg, const struct windows_row *r)
{
	struct rows *rows = arg;
	const char *key = r->key;

	assert_int_equal(buf_printf(&rows->out, "%ld %ld ", (long)r->start_us, (long)r->end_us), 0);
	assert_int_equal(key_emit(&key, r->key + r->key_n, &rows->out), 0);
	for (size_t a = 0; a < 5; a++) {
		assert_int_equal(buf_putc(&rows->out, ' '), 0);
		assert_int_equal(plan_of(1, 1, 0, 0, 0).agg[a]->emit(windows_cell(rows->w, r->group, a), &rows->out), 0);
	}
	return buf_putc(&rows->out, '\n');
}

static size_t
key_number(char *key, int k)
{
	char literal[8];
	struct weir_value v;

	if (!k) {
		v = (struct weir_value){ .kind = WEIR_ABSENT };
		return key_put(key, 0, &v);
	}
	snprintf(literal, sizeof literal, "%d", k);
	v = value_of(literal, strlen(literal));
	return key_put(key, 0, &v);
}

static int
take(struct windows *w, int64_t time_us, int k, int value)
{
	char key[KEY_BYTES], literal[16];
	size_t n = key_number(key, k);
	uint64_t hash = windows_hash(w, key, n);
	struct aggregate_value a = { .time_us = time_us, .exact = 1 };
	struct weir_value v;
	struct group *g;
	int e;

	windows_prefetch(w, time_us, hash);
	if ((e = windows_find(w, time_us, hash, key, n, &g)))
		return e;
	snprintf(literal, sizeof literal, "%d", value);
	v = value_of(literal, strlen(literal));
	a.v = &v;
	a.text = v.p;
	a.n = v.n;
	a.number.coef = value;
	for (size_t i = 0; i < 5; i++)
		if ((e = windows_add(w, g, i, i ? &a : NULL)))
			return e;
	return 0;
}

/* The model: windows by number, each event looked at again for each row. */

struct model {
	struct windows_plan	 plan;
	int64_t			 watermark, flushed;
	const struct step	*step;
	size_t			 n;
	uint8_t			*taken;		/* [n * n_windows]: the event is in the window */
	uint8_t			*closed;	/* [n_windows] */
	int64_t			 first;		/* start of the first window, as a multiple of the pane */
	size_t			 n_windows;
	struct buf		 out;
};

static void
model_window(const struct model *m, size_t i, int64_t *start, int64_t *end)
{
	int64_t border = m->first + (int64_t)i * m->plan.pane_us;	/* of the last pane */

	*end = border + m->plan.pane_us;
	*start = *end - m->plan.size_us;
	if (m->plan.cumulate)
		for (*start = border; (*start - m->plan.offset_us) % m->plan.size_us; *start -= m->plan.pane_us)
			;
}

static void
model_new(struct model *m, const struct windows_plan *plan, const struct step *step, size_t n)
{
	memset(m, 0, sizeof *m);
	m->plan = *plan;
	m->step = step;
	m->n = n;
	m->watermark = m->flushed = INT64_MIN;
	m->first = plan->offset_us - 40 * plan->size_us;
	m->n_windows = (size_t)(80 * plan->size_us / plan->pane_us);
	assert_true(m->first < -SPAN && -m->first > SPAN + 2 * plan->size_us);
	m->taken = calloc(m->n_windows, n);
	m->closed = calloc(m->n_windows, 1);
	assert_true(m->taken && m->closed);
}

static void
model_free(struct model *m)
{
	free(m->taken);
	free(m->closed);
	buf_free(&m->out);
}

static void
model_row(struct model *m, size_t w, int key)
{
	long count = 0, sum = 0, min = 0, last = 0, distinct = 0;
	int64_t start, end, last_time = 0;
	uint8_t seen[64] = { 0 };

	model_window(m, w, &start, &end);
	for (size_t i = 0; i < m->n; i++) {
		const struct step *s = &m->step[i];

		if (!m->taken[w * m->n + i] || s->key != key)
			continue;
		if (!count || s->value < min)
			min = s->value;
		if (!count || s->time_us >= last_time) {
			last_time = s->time_us;
			last = s->value;
		}
		count++;
		sum += s->value;
		distinct += !seen[s->value + 20];
		seen[s->value + 20] = 1;
	}
	if (!count)
		return;
	assert_int_equal(buf_printf(&m->out, "%ld %ld ", (long)start, (long)end), 0);
	assert_int_equal(key ? buf_printf(&m->out, "%d", key) : buf_puts(&m->out, "null"), 0);
	assert_int_equal(buf_printf(&m->out, " %ld %ld %ld %ld %ld\n", count, sum, min, last, distinct), 0);
}

static void
model_close(struct model *m, int64_t until)
{
	for (size_t w = 0; w < m->n_windows; w++) {
		int64_t start, end;

		model_window(m, w, &start, &end);
		if (end > until || m->closed[w])
			continue;
		m->closed[w] = 1;
		for (int key = 0; key < N_KEYS; key++)
			model_row(m, w, key);
	}
}

/* Returns whether the event is late. */
static int
model_take(struct model *m, size_t i)
{
	int late = 1;

	for (size_t w = 0; w < m->n_windows; w++) {
		int64_t start, end;

		model_window(m, w, &start, &end);
		if (m->step[i].time_us < start || m->step[i].time_us >= end || m->closed[w])
			continue;
		m->taken[w * m->n + i] = 1;
		late = 0;
	}
	return late;
}

static void
model_step(struct model *m, size_t i, int *late)
{
	*late = 0;
	if (!m->step[i].is_watermark)
		*late = model_take(m, i);
	else if (m->step[i].time_us > m->watermark)
		model_close(m, (m->watermark = m->step[i].time_us) - m->plan.wait_us);
}

static void
model_flush(struct model *m)
{
	int64_t until = INT64_MIN;

	for (size_t w = 0; w < m->n_windows; w++)
		for (size_t i = 0; i < m->n && !m->closed[w]; i++)
			if (m->taken[w * m->n + i]) {
				int64_t start, end;

				model_window(m, w, &start, &end);
				until = end > until ? end : until;
			}
	model_close(m, until);
}

static void
random_steps(struct step *s, size_t n)
{
	int64_t now = -SPAN;

	for (size_t i = 0; i < n; i++) {
		s[i].is_watermark = next_random() % 8 == 0;
		now += (int64_t)(next_random() % 7) - 1;
		s[i].time_us = now - (int64_t)(next_random() % 60);
		if (s[i].time_us < -SPAN)
			s[i].time_us = -SPAN;
		if (s[i].time_us > SPAN)
			s[i].time_us = SPAN;
		s[i].key = (int)(next_random() % N_KEYS);
		s[i].value = (int)(next_random() % 40) - 20;
	}
}

/* State: written to and read from memory. */

struct disk {
	struct buf	bytes;
	size_t		at, end;
};

static int
disk_put(void *arg, const void *p, size_t n)
{
	struct disk *d = arg;

	return buf_put(&d->bytes, p, n);
}

static int
disk_get(void *arg, void *p, size_t n)
{
	struct disk *d = arg;

	if (d->end - d->at < n)
		return 0;		/* as weir_read() at the end */
	memcpy(p, d->bytes.p + d->at, n);
	d->at += n;
	return 1;
}

static int
key_ok(void *arg, const char *key, size_t n)
{
	(void)arg;
	return key_valid(key, n, 1);
}

/* The same windows, through a snapshot. */
static struct windows *
reborn(struct windows *w, const struct windows_plan *plan)
{
	struct windows *next = windows_new(plan);
	struct disk d = { 0 }, again = { 0 };

	assert_non_null(next);
	assert_int_equal(windows_save(w, disk_put, &d), 0);
	d.end = d.bytes.n;
	assert_int_equal(windows_load(next, disk_get, key_ok, &d), 0);
	assert_int_equal(d.at, d.end);
	assert_int_equal(windows_save(next, disk_put, &again), 0);
	assert_int_equal(again.bytes.n, d.bytes.n);
	assert_memory_equal(again.bytes.p, d.bytes.p, d.bytes.n);
	buf_free(&d.bytes);
	buf_free(&again.bytes);
	windows_free(w);
	return next;
}

/* Run all steps; through a snapshot after step `at` (or after each, -1, or never, N_STEPS). */
static void
run(const struct windows_plan *plan, const struct step *s, long at, struct buf *out, uint8_t *late)
{
	struct rows rows = { .w = windows_new(plan) };

	assert_non_null(rows.w);
	for (long i = 0; i < N_STEPS; i++) {
		int e = s[i].is_watermark ? windows_advance(rows.w, s[i].time_us, print_row, &rows) : take(rows.w, s[i].time_us, s[i].key, s[i].value);

		assert_true(e == 0 || (!s[i].is_watermark && e == WINDOWS_LATE));
		late[i] = e == WINDOWS_LATE;
		if (at == i || at == -1)
			rows.w = reborn(rows.w, plan);
		assert_int_equal(windows_balance(rows.w), 0);
	}
	assert_int_equal(windows_flush(rows.w, print_row, &rows), 0);
	assert_int_equal(windows_balance(rows.w), 0);
	windows_free(rows.w);
	*out = rows.out;
}

static const struct { int64_t size, pane, offset, wait; int cumulate; } shape[] = {
	{ 60, 60, 0, 0, 0 }, { 60, 60, 17, 25, 0 }, { 60, 20, 0, 0, 0 }, { 60, 10, 7, 30, 0 }, { 60, 12, 0, 0, 1 }, { 60, 20, 33, 45, 1 },
	{ 100, 100, 0, 1000, 0 }, { 32, 1, 5, 3, 0 },
};

static void
equals_the_model(void **state)
{
	size_t n_late = 0, n_rows = 0;

	(void)state;
	for (size_t k = 0; k < sizeof shape / sizeof *shape; k++)
		for (int round = 0; round < 6; round++) {
			struct windows_plan plan = plan_of(shape[k].size, shape[k].pane, shape[k].offset, shape[k].wait, shape[k].cumulate);
			uint8_t late[N_STEPS], late_again[N_STEPS];
			struct step s[N_STEPS];
			struct model m;
			struct buf out, again;

			random_steps(s, N_STEPS);
			run(&plan, s, N_STEPS, &out, late);
			model_new(&m, &plan, s, N_STEPS);
			for (size_t i = 0; i < N_STEPS; i++) {
				int model_late;

				model_step(&m, i, &model_late);
				assert_int_equal(late[i], model_late);
				n_late += late[i];
			}
			model_flush(&m);
			assert_int_equal(out.n, m.out.n);
			assert_memory_equal(out.p, m.out.p, out.n);
			for (size_t i = 0; i < out.n; i++)
				n_rows += out.p[i] == '\n';
			for (long at = -1; at < N_STEPS; at += round ? 97 : 1) {
				run(&plan, s, at, &again, late_again);
				assert_int_equal(again.n, out.n);
				assert_memory_equal(again.p, out.p, out.n);
				assert_memory_equal(late_again, late, sizeof late);
				buf_free(&again);
			}
			buf_free(&out);
			model_free(&m);
		}
	assert_true(n_late > 300 && n_rows > 3000);		/* the random data does reach what it should */
}

static void
state_ignores_the_order(void **state)
{
	struct windows_plan plan = plan_of(60, 20, 0, 0, 0);
	struct windows *a = windows_new(&plan), *b = windows_new(&plan);
	struct disk da = { 0 }, db = { 0 };
	struct step s[N_STEPS];

	(void)state;
	random_steps(s, N_STEPS);
	for (size_t i = 0; i < N_STEPS; i++)			/* one value a time, so that last() has no ties */
		s[i].value = (int)(((s[i].time_us + SPAN) * 7) % 40) - 20;
	for (size_t i = 0; i < N_STEPS; i++) {
		assert_int_equal(take(a, s[i].time_us, s[i].key, s[i].value), 0);
		assert_int_equal(take(b, s[N_STEPS - 1 - i].time_us, s[N_STEPS - 1 - i].key, s[N_STEPS - 1 - i].value), 0);
	}
	assert_int_equal(windows_save(a, disk_put, &da) | windows_save(b, disk_put, &db), 0);
	assert_int_equal(da.bytes.n, db.bytes.n);
	assert_memory_equal(da.bytes.p, db.bytes.p, da.bytes.n);
	buf_free(&da.bytes);
	buf_free(&db.bytes);
	windows_free(a);
	windows_free(b);
}

static void
flushed_windows_stay_closed(void **state)
{
	struct windows_plan plan = plan_of(60, 60, 0, 0, 0);
	struct rows rows = { .w = windows_new(&plan) };

	(void)state;
	assert_int_equal(take(rows.w, 61, 1, 1), 0);
	assert_int_equal(windows_flush(rows.w, print_row, &rows), 0);
	rows.w = reborn(rows.w, &plan);
	assert_int_equal(take(rows.w, 119, 1, 1), WINDOWS_LATE);
	assert_int_equal(take(rows.w, 0, 1, 1), WINDOWS_LATE);
	assert_int_equal(take(rows.w, 120, 1, 1), 0);
	assert_int_equal(windows_flush(rows.w, print_row, &rows), 0);
	assert_string_equal((buf_putc(&rows.out, '\0'), rows.out.p), "60 120 1 1 1 1 1 1\n120 180 1 1 1 1 1 1\n");
	buf_free(&rows.out);
	windows_free(rows.w);
}

static void
borders_of_time(void **state)
{
	const int64_t day = INT64_C(86400000000);
	struct windows_plan plan = plan_of(day, day, 0, 0, 0), week = plan_of(7 * day, day, 0, 0, 0);
	struct windows *w = windows_new(&plan), *slide = windows_new(&week);

	(void)state;
	assert_int_equal(take(w, ISO_MIN_US, 1, 1), 0);
	assert_int_equal(take(w, ISO_MAX_US - day, 1, 1), 0);
	assert_int_equal(take(w, ISO_MAX_US, 1, 1), WINDOWS_OUTSIDE);		/* it would end in the year 10000 */
	assert_int_equal(take(slide, ISO_MIN_US, 1, 1), WINDOWS_OUTSIDE);	/* the first of its windows begins before year 1 */
	assert_int_equal(take(slide, ISO_MIN_US + 6 * day, 1, 1), 0);
	assert_int_equal(windows_balance(w) | windows_balance(slide), 0);
	windows_free(w);
	windows_free(slide);
}

/* Watermarks and waits at the ends of int64 do no harm. */
static void
extreme_watermarks(void **state)
{
	static const int64_t mark[] = { INT64_MIN, INT64_MIN + 1, ISO_MIN_US, 0, ISO_MAX_US, INT64_MAX - 1, INT64_MAX };
	static const int64_t wait[] = { 0, 1, ISO_MAX_US, INT64_MAX };

	(void)state;
	for (size_t k = 0; k < sizeof wait / sizeof *wait; k++) {
		struct windows_plan plan = plan_of(60, 20, 3, wait[k], 0);
		struct rows rows = { .w = windows_new(&plan) };

		for (size_t i = 0; i < sizeof mark / sizeof *mark; i++) {
			assert_int_equal(windows_advance(rows.w, mark[i], print_row, &rows), 0);
			assert_in_range(take(rows.w, (int64_t)i, 1, 1), 0, WINDOWS_LATE);
			assert_int_equal(windows_balance(rows.w), 0);
			rows.w = reborn(rows.w, &plan);
		}
		assert_int_equal(windows_flush(rows.w, print_row, &rows), 0);
		buf_free(&rows.out);
		windows_free(rows.w);
	}
}

static void
memory_has_a_ceiling(void **state)
{
	struct windows_plan plan = plan_of(60, 20, 0, 0, 0);

	(void)state;
	for (uint64_t bytes = 0; bytes < 64 << 10; bytes += 777) {
		struct rows rows;
		struct windows_count c;
		int e = 0;

		plan.memory_bytes = bytes;
		rows = (struct rows){ .w = windows_new(&plan) };
		for (int i = 0; !e && i < 100000; i++)
			e = take(rows.w, i * 13 % 997, i % 100, 1);
		assert_int_equal(e, WINDOWS_FULL);
		windows_count(rows.w, &c);
		assert_true(c.memory_bytes <= bytes);
		e = windows_flush(rows.w, print_row, &rows);	/* merging may need more than there is */
		assert_true(e == 0 || e == WINDOWS_FULL);
		buf_free(&rows.out);
		windows_free(rows.w);
	}
}

static void
damaged_state(void **state)
{
	struct windows_plan plan = plan_of(60, 20, 0, 0, 0), other = plan_of(60, 60, 0, 0, 0);
	struct windows *w = windows_new(&plan);
	struct disk d = { 0 };
	size_t n;

	(void)state;
	for (int i = 0; i < 40; i++)
		assert_int_equal(take(w, i * 5, i % N_KEYS, i), 0);
	assert_int_equal(windows_save(w, disk_put, &d), 0);
	windows_free(w);
	n = d.bytes.n;
	for (d.end = 0; d.end < n; d.end++) {
		d.at = 0;
		w = windows_new(&plan);
		assert_int_equal(windows_load(w, disk_get, key_ok, &d), WINDOWS_DAMAGED);
		windows_free(w);
	}
	assert_int_equal(buf_putc(&d.bytes, 0), 0);
	d.at = 0;
	d.end = n + 1;
	w = windows_new(&plan);
	assert_int_equal(windows_load(w, disk_get, key_ok, &d), WINDOWS_DAMAGED);
	windows_free(w);
	d.at = 0;
	d.end = n;
	w = windows_new(&other);
	assert_int_equal(windows_load(w, disk_get, key_ok, &d), WINDOWS_DAMAGED);
	windows_free(w);
	for (int i = 0; i < 20000; i++) {		/* the host's checksums stand before; here it must only not crash */
		size_t at = next_random() % n;
		char was = d.bytes.p[at];
		int e;

		d.bytes.p[at] = (char)next_random();
		d.at = 0;
		w = windows_new(&plan);
		e = windows_load(w, disk_get, key_ok, &d);
		assert_true(e == 0 || e == WINDOWS_DAMAGED || e == WINDOWS_FULL);
		windows_free(w);
		d.bytes.p[at] = was;
	}
	buf_free(&d.bytes);
}

/* Many groups and far-apart panes: the tables grow, the rows are sorted. */
static void
many_groups(void **state)
{
	struct windows_plan plan = plan_of(1000, 1000, 0, 0, 0);
	struct rows rows = { .w = windows_new(&plan) };
	struct windows_count c;

	(void)state;
	for (int i = 0; i < 50000; i++)
		assert_int_equal(take(rows.w, (int64_t)(next_random() % 3) * 1000000000, i, 1), 0);
	windows_count(rows.w, &c);
	assert_int_equal(c.panes, 3);
	assert_int_equal(windows_groups(rows.w), 50000);
	rows.w = reborn(rows.w, &plan);
	assert_int_equal(windows_advance(rows.w, INT64_C(1000000000000), print_row, &rows), 0);
	windows_count(rows.w, &c);
	assert_int_equal(c.panes, 0);
	assert_int_equal(c.rows, 50000);
	assert_int_equal(c.windows, 3);
	assert_int_equal(windows_balance(rows.w), 0);
	buf_free(&rows.out);
	windows_free(rows.w);
}

int
main(void)
{
	const struct CMUnitTest test[] = {
		cmocka_unit_test(equals_the_model),
		cmocka_unit_test(state_ignores_the_order),
		cmocka_unit_test(flushed_windows_stay_closed),
		cmocka_unit_test(borders_of_time),
		cmocka_unit_test(extreme_watermarks),
		cmocka_unit_test(memory_has_a_ceiling),
		cmocka_unit_test(damaged_state),
		cmocka_unit_test(many_groups),
	};

	return cmocka_run_group_tests(test, NULL, NULL);
}
