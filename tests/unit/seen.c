/*
 * The set of seen keys against a model that a reader checks at a glance: an
 * array of (key, tick of the first event), searched from its beginning.
 *
 * WEIR_BENCH=1 prints the time per key of new and of old keys instead.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "seen.h"

#define HOUR	INT64_C(3600000000)
#define T0	INT64_C(1767225600000000)	/* 2026-01-01T00:00:00Z */

static const uint64_t seed[2] = { 0x1122334455667788, 0x99aabbccddeeff00 };

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x * UINT64_C(0x2545f4914f6cdd1d);
}

static struct seen_key
key_of(struct seen *s, uint64_t id, int64_t time_us, int64_t watermark_us)
{
	struct seen_key k = { .time_us = time_us, .watermark_us = watermark_us };

	seen_hash(s, &id, sizeof id, &k);
	return k;
}

static int
add(struct seen *s, uint64_t id, int64_t time_us)
{
	struct seen_key k = key_of(s, id, time_us, SEEN_NO_WATERMARK);
	uint64_t old;

	assert_int_equal(seen_add(s, &k, 1, &old), 0);
	return (int)old;
}

/* --- the model --- */

#define MODEL_KEYS	20000

struct model {
	int64_t		tick[MODEL_KEYS];
	uint8_t		known[MODEL_KEYS];
	int64_t		floor;
	unsigned	shift;
	int64_t		ttl_us;
};

static void
model_expire(struct model *m, int64_t watermark_us)
{
	int64_t floor = (watermark_us - m->ttl_us) >> m->shift;

	if (floor > m->floor)
		m->floor = floor;
}

static int
model_add(struct model *m, uint64_t id, int64_t time_us)
{
	int64_t tick = time_us >> m->shift;

	if (m->known[id] && m->tick[id] >= m->floor)
		return 1;
	m->known[id] = 0;
	if (tick < m->floor)
		return 0;
	m->known[id] = 1;
	m->tick[id] = tick > m->floor + 49151 ? m->floor + 49151 : tick;
	return 0;
}

static uint64_t
model_count(const struct model *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < MODEL_KEYS; i++)
		n += m->known[i] && m->tick[i] >= m->floor;
	return n;
}

/* Random keys, times, jumps of the watermark: the set answers as the model does, key by key, whatever the lanes. */
static void
against_model(uint64_t rnd, int64_t ttl_us, int64_t step_us, unsigned jump_every)
{
	struct model *m = calloc(1, sizeof *m);
	struct seen *s = seen_new(seed, ttl_us, 64 << 20, SEEN_FAIL);
	int64_t now = T0, watermark = T0;

	assert_non_null(m);
	assert_non_null(s);
	m->floor = INT64_MIN;
	m->ttl_us = ttl_us;
	while (ttl_us >> m->shift >= 16384)
		m->shift++;
	seen_expire(s, watermark);
	model_expire(m, watermark);
	for (int round = 0; round < 4000; round++) {
		struct seen_key key[SEEN_LANES];
		uint64_t want = 0, got, n = 1 + next_random(&rnd) % SEEN_LANES;

		for (uint64_t i = 0; i < n; i++) {
			uint64_t id = next_random(&rnd) % (round % 7 ? MODEL_KEYS : 50);
			int64_t t = now + (int64_t)(next_random(&rnd) % (uint64_t)(4 * step_us + 1)) - 2 * step_us;

			if (next_random(&rnd) % 200 == 0)	/* far in the future, far in the past */
				t += ((int64_t)(next_random(&rnd) % 16) - 8) * ttl_us;
			if (next_random(&rnd) % 4 == 0)
				watermark = now - step_us;
			now += (int64_t)(next_random(&rnd) % (uint64_t)(step_us / 16 + 1));
			if (jump_every && next_random(&rnd) % jump_every == 0)
				now += (int64_t)(next_random(&rnd) % (uint64_t)(3 * ttl_us));
			key[i] = key_of(s, id, t, watermark);
			model_expire(m, watermark);
			want |= (uint64_t)model_add(m, id, t) << i;
		}
		assert_int_equal(seen_add(s, key, n, &got), 0);
		if (got != want)
			fail_msg("round %d: %016jx, model %016jx", round, (uintmax_t)got, (uintmax_t)want);
		if (round % 500 == 0)
			assert_int_equal(seen_count(s), model_count(m));
	}
	assert_int_equal(seen_count(s), model_count(m));
	seen_free(s);
	free(m);
}

static void
as_the_model(void **state)
{
	(void)state;
	against_model(1, HOUR, HOUR / 1000, 0);
	against_model(2, HOUR, HOUR / 50000, 0);
	against_model(3, HOUR, HOUR / 100, 3000);
	against_model(4, HOUR, HOUR / 10, 50);
	against_model(5, 1000000, 10, 5000);
	against_model(6, 1, 3, 0);
	against_model(7, 365 * 24 * HOUR, 24 * HOUR, 1000);
}

/* --- time --- */

static void
first_event_counts(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 1 << 20, SEEN_FAIL);

	(void)state;
	seen_expire(s, T0);
	assert_int_equal(add(s, 1, T0), 0);
	assert_int_equal(add(s, 1, T0 + HOUR / 2), 1);		/* does not make it live longer */
	seen_expire(s, T0 + HOUR);				/* not yet older than an hour */
	assert_int_equal(add(s, 1, T0 + HOUR), 1);
	seen_expire(s, T0 + HOUR + HOUR / 8192);		/* one tick later at the latest */
	assert_int_equal(add(s, 1, T0 + HOUR), 0);
	seen_expire(s, T0);					/* time never goes back */
	assert_int_equal(add(s, 1, T0 + HOUR), 1);
	seen_free(s);
}

static void
within_one_call(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 1 << 20, SEEN_FAIL);
	struct seen_key k[4];
	uint64_t old;

	(void)state;
	k[0] = key_of(s, 7, T0, T0);
	k[1] = key_of(s, 7, T0, T0);
	k[2] = key_of(s, 7, T0 + 3 * HOUR, T0 + 2 * HOUR);	/* the watermark has passed the first one */
	k[3] = key_of(s, 7, T0 + 3 * HOUR, T0 + 2 * HOUR);
	assert_int_equal(seen_add(s, k, 4, &old), 0);
	assert_int_equal(old, 0xa);
	assert_int_equal(seen_count(s), 1);
	seen_free(s);
}

/* Too old to be remembered; but a duplicate of a live key stays one, however old it says it is. */
static void
stale_keys(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 1 << 20, SEEN_FAIL);

	(void)state;
	seen_expire(s, T0);
	assert_int_equal(add(s, 1, T0 - 2 * HOUR), 0);
	assert_int_equal(add(s, 1, T0 - 2 * HOUR), 0);
	assert_int_equal(seen_stale(s), 2);
	assert_int_equal(add(s, 2, T0), 0);
	assert_int_equal(add(s, 2, T0 - 2 * HOUR), 1);
	assert_int_equal(seen_count(s), 1);
	seen_free(s);
}

/* Ticks wrap in 16 bits: a dead entry must not come alive 65,536 ticks later, at any distance. */
static void
ticks_wrap(void **state)
{
	int64_t tick = 64;		/* of a ttl of 15,625 ticks */
	int64_t ttl = 15625 * tick;
	static const int64_t jumps[] = { 1, 8191, 8192, 12287, 12288, 16384, 32767, 32768, 49151, 65534, 65535, 65536, 65537, 131072, 1000000 };

	(void)state;
	for (size_t j = 0; j < sizeof jumps / sizeof *jumps; j++) {
		struct seen *s = seen_new(seed, ttl, 8 << 20, SEEN_FAIL);
		int64_t to = T0 + jumps[j] * tick;
		int dead = to - ttl >= T0 + tick;

		seen_expire(s, T0);
		for (uint64_t id = 0; id < 5000; id++)
			assert_int_equal(add(s, id, T0), 0);
		assert_int_equal(add(s, 5000, T0 + 16383 * tick), 0);	/* keeps the set from being empty at the shorter jumps */
		seen_expire(s, to);
		for (uint64_t id = 0; id < 5000; id++)
			assert_int_equal(add(s, id, to), !dead);
		assert_int_equal(seen_count(s), 5000 + (to - ttl < T0 + 16384 * tick));
		seen_free(s);
	}
}

/* The same, one tick after another through three rounds of the 16 bits. */
static void
ticks_wrap_slowly(void **state)
{
	struct seen *s = seen_new(seed, 15625 * 64, 8 << 20, SEEN_FAIL);

	(void)state;
	seen_expire(s, T0);
	for (int64_t t = 0; t < 200000; t++) {
		uint64_t id = (uint64_t)t % 40000;		/* comes back after 40,000 ticks: forgotten since 24,375 */

		seen_expire(s, T0 + t * 64);
		assert_int_equal(add(s, id, T0 + t * 64), 0);
		assert_int_equal(add(s, id, T0 + t * 64), 1);
	}
	assert_int_equal(seen_count(s), 15626);
	assert_in_range(seen_bytes(s), 0, 4 << 20);		/* dead slots are used again: no growth */
	seen_free(s);
}

/* Far ahead of the watermark: remembered, but as of two times to live ahead or a little more. */
static void
far_future(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 1 << 20, SEEN_FAIL);
	int64_t y9999 = INT64_C(253402300799999999);

	(void)state;
	seen_expire(s, T0);
	assert_int_equal(add(s, 1, y9999), 0);
	assert_int_equal(add(s, 1, y9999), 1);
	assert_int_equal(add(s, 2, T0), 0);
	assert_int_equal(add(s, 2, T0), 1);		/* nobody else is forgotten */
	seen_expire(s, T0 + 3 * HOUR);
	assert_int_equal(add(s, 1, y9999), 1);
	seen_expire(s, T0 + 8 * HOUR);
	assert_int_equal(add(s, 1, y9999), 0);
	seen_free(s);
}

/* Before the first watermark nothing is forgotten; a first event from the year 9999 does not spoil it. */
static void
before_the_first_watermark(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 8 << 20, SEEN_FAIL);

	(void)state;
	assert_int_equal(add(s, 1000000, INT64_C(253402300799999999)), 0);
	for (uint64_t id = 0; id < 20000; id++)
		assert_int_equal(add(s, id, T0 + (int64_t)id), 0);
	for (uint64_t id = 0; id < 20000; id++)
		assert_int_equal(add(s, id, T0), 1);
	assert_int_equal(seen_stale(s), 0);
	seen_expire(s, T0 + HOUR / 2);
	for (uint64_t id = 0; id < 20000; id++)
		assert_int_equal(add(s, id, T0), 1);
	assert_int_equal(seen_count(s), 20001);
	seen_expire(s, T0 + 100 * HOUR);
	assert_int_equal(seen_count(s), 0);
	for (uint64_t id = 0; id < 20000; id++)
		assert_int_equal(add(s, id, T0 + 100 * HOUR), 0);
	seen_free(s);
}

/* --- the ceiling --- */

static void
fails_at_the_ceiling(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 2 << 20, SEEN_FAIL);
	uint64_t id = 0, old;
	struct seen_key k;

	(void)state;
	seen_expire(s, T0);
	for (;; id++) {
		k = key_of(s, id, T0, T0);
		if (seen_add(s, &k, 1, &old) < 0)
			break;
		assert_int_equal(old, 0);
		assert_in_range(id, 0, 200000);
	}
	assert_int_equal(id, seen_room(s));
	assert_in_range(seen_bytes(s), 1 << 20, 2 << 20);
	for (uint64_t i = 0; i < id; i++)			/* old keys are still answered */
		assert_int_equal(add(s, i, T0), 1);
	seen_expire(s, T0 + 2 * HOUR);				/* and time makes room */
	for (uint64_t i = 0; i < id; i++)
		assert_int_equal(add(s, i, T0 + 2 * HOUR), 0);
	seen_free(s);
}

static void
evicts_the_oldest(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 2 << 20, SEEN_EVICT_OLDEST);
	uint64_t room = seen_room(s), n = 10 * room;

	(void)state;
	seen_expire(s, T0);
	for (uint64_t id = 0; id < n; id++) {			/* one tick after another, all within the hour */
		int64_t t = T0 + (int64_t)(id * (uint64_t)(HOUR / 2) / n);

		assert_int_equal(add(s, id, t), 0);
		assert_in_range(seen_count(s), seen_evicted(s) ? room - room / 16 - room / 400 : 1, room);	/* no more than a sixteenth at a time */
	}
	assert_in_range(seen_bytes(s), 1 << 20, 2 << 20);
	assert_int_equal(seen_count(s) + seen_evicted(s), n);
	for (uint64_t id = n - (room * 15 / 16 - room / 400); id < n; id++)	/* the youngest are all there */
		assert_int_equal(add(s, id, T0 + HOUR / 2), 1);
	assert_int_equal(add(s, 0, T0 + HOUR / 2), 0);
	seen_free(s);
}

/* --- snapshots --- */

static struct seen_key *
all_keys(struct seen *s, uint64_t *n)
{
	struct seen_key *k = calloc(seen_count(s) + 1, sizeof *k);
	struct seen_cursor at = { 0 };

	assert_non_null(k);
	for (*n = 0; seen_next(s, &at, &k[*n]); ++*n) {
		assert_true(*n < seen_count(s));
		if (*n)
			assert_true(k[*n - 1].hi < k[*n].hi);
	}
	assert_int_equal(*n, seen_count(s));
	return k;
}

static void
same_set_same_sequence(void **state)
{
	struct seen *a = seen_new(seed, HOUR, 64 << 20, SEEN_FAIL), *b = seen_new(seed, HOUR, 32 << 20, SEEN_FAIL);
	struct seen *c = seen_new(seed, HOUR / 2, 64 << 20, SEEN_FAIL), *d = seen_new(seed, HOUR, 64 << 20, SEEN_FAIL);
	struct seen_key *ka, *kb;
	struct seen_clock clock, clock_d;
	uint64_t na, nb, n = 100003, old;

	(void)state;
	seen_expire(a, T0);
	for (uint64_t i = 0; i < n; i++)
		(void)add(a, i, T0 + (int64_t)i * 36000);
	seen_expire(a, T0 + HOUR + HOUR / 4);			/* a quarter is forgotten but lies there */
	for (uint64_t i = n; i-- > 0; )
		if ((T0 + (int64_t)i * 36000) >> 18 >= (T0 + HOUR / 4) >> 18)
			(void)add(b, i, T0 + (int64_t)i * 36000);
	clock = seen_clock(a);
	seen_set_clock(b, &clock);
	ka = all_keys(a, &na);
	kb = all_keys(b, &nb);
	assert_in_range(na, n * 3 / 4, n * 3 / 4 + 100);
	assert_int_equal(na, nb);
	assert_memory_equal(ka, kb, na * sizeof *ka);
	free(kb);

	/* Restored in its own order, the set is the same again; with half the time to live, half of the keys live. */
	seen_set_clock(c, &clock);
	seen_set_clock(d, &clock);
	assert_int_equal(seen_reserve(c, na), 0);
	assert_int_equal(seen_reserve(d, na), 0);
	for (uint64_t i = 0; i < na; i++) {
		assert_int_equal(seen_add(c, &ka[i], 1, &old), 0);
		assert_int_equal(seen_add(d, &ka[i], 1, &old), 0);
		assert_int_equal(old, 0);
	}
	kb = all_keys(d, &nb);
	assert_int_equal(na, nb);
	assert_memory_equal(ka, kb, na * sizeof *ka);
	assert_in_range(seen_count(c), n / 4 - 50, n / 4 + 50);
	clock_d = seen_clock(d);
	assert_memory_equal(&clock, &clock_d, sizeof clock);
	assert_int_equal(seen_reserve(d, seen_room(d) + 1), -1);
	free(ka);
	free(kb);
	seen_free(a);
	seen_free(b);
	seen_free(c);
	seen_free(d);
}

/* One snapshot: what keys.c writes. */
struct part {
	struct seen_key		*key;
	uint64_t		 n;
	struct seen_clock	 clock;
};

static struct part
part_of(struct seen *s, int base)
{
	struct part p = { .clock = seen_clock(s) };
	int64_t listed = base ? 0 : seen_n_new(s);

	assert_true(listed >= 0);
	if (base)
		p.key = all_keys(s, &p.n);
	else {
		p.key = calloc((size_t)listed + 1, sizeof *p.key);
		assert_non_null(p.key);
		for (int64_t i = 0; i < listed; i++)
			p.n += (uint64_t)seen_new_key(s, (uint64_t)i, &p.key[p.n]);
	}
	seen_mark(s);
	return p;
}

static void
restored_is_same(struct seen *s, const struct part *p, size_t n, int64_t ttl_us, enum seen_full full)
{
	struct seen *r = seen_new(seed, ttl_us, 1 << 20, full);
	struct seen_key *a, *b;
	struct seen_clock ca = seen_clock(s), cb;
	uint64_t na, nb;

	assert_non_null(r);
	for (size_t k = 0; k < n; k++) {
		seen_set_clock(r, &p[k].clock);
		assert_int_equal(seen_reserve(r, seen_count(r) + p[k].n), 0);
		for (uint64_t i = 0; i < p[k].n; i++)
			assert_int_equal(seen_add_later(r, &p[k].key[i]), 0);
	}
	a = all_keys(s, &na);
	b = all_keys(r, &nb);
	cb = seen_clock(r);
	assert_int_equal(na, nb);
	assert_memory_equal(a, b, na * sizeof *a);
	assert_memory_equal(&ca, &cb, sizeof ca);
	free(a);
	free(b);
	seen_free(r);
}

/* A base and what was new since, in eight steps, is the set itself: keys that die and come again, late and future ones, evicted ones,
 * and a first watermark that comes late and lies far back. */
static void
deltas_add_up(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 24; round++) {
		enum seen_full full = round % 3 == 2 ? SEEN_EVICT_OLDEST : SEEN_FAIL;
		struct seen *s = seen_new(seed, HOUR, 1 << 20, full);
		uint64_t rnd = round + 1, ids = full == SEEN_FAIL ? 6000 : UINT64_MAX;
		int64_t watermark = T0;
		struct part part[9];

		assert_int_equal(seen_n_new(s), -1);		/* no mark yet */
		for (int step = 0; step < 9; step++) {
			for (int i = 0; i < 1500; i++)		/* the list holds 2,730 */
				(void)add(s, next_random(&rnd) % ids, watermark + (int64_t)(next_random(&rnd) % (2 * HOUR)) - HOUR / 2);
			if (round % 2 || step > 4) {
				watermark += (int64_t)(next_random(&rnd) % HOUR) - HOUR / 8;
				seen_expire(s, step == 5 && !(round % 2) ? T0 - 400 * HOUR : watermark);
			}
			part[step] = part_of(s, !step);
			restored_is_same(s, part, (size_t)step + 1, HOUR, full);
		}
		for (int step = 0; step < 9; step++)
			free(part[step].key);
		seen_free(s);
	}
}

/* More is new than the list holds: then it says so until the next mark. */
static void
list_overflows(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 1 << 20, SEEN_FAIL);
	uint64_t room = (1 << 20) / SEEN_LOG_SHARE / 24, id = 0;

	(void)state;
	seen_mark(s);
	while (id < room)
		(void)add(s, id++, T0);
	(void)add(s, 0, T0);					/* not new */
	assert_int_equal(seen_n_new(s), room);
	(void)add(s, id++, T0);
	assert_int_equal(seen_n_new(s), -1);
	seen_mark(s);
	assert_int_equal(seen_n_new(s), 0);
	(void)add(s, id++, T0);
	assert_int_equal(seen_n_new(s), 1);
	seen_free(s);
}

/* With another time to live the ticks are others: a key that died and came again may still live in what stands below. */
static void
later_time_counts(void **state)
{
	struct seen *s = seen_new(seed, HOUR, 1 << 20, SEEN_FAIL);
	struct seen_key k = key_of(s, 7, T0, SEEN_NO_WATERMARK), found;
	struct seen_cursor at = { 0 };

	(void)state;
	assert_int_equal(seen_add_later(s, &k), 0);
	k.time_us = T0 + HOUR / 2;
	assert_int_equal(seen_add_later(s, &k), 0);
	k.time_us = T0;
	assert_int_equal(seen_add_later(s, &k), 0);
	assert_int_equal(seen_count(s), 1);
	assert_int_equal(seen_next(s, &at, &found), 1);
	assert_in_range(found.time_us, T0 + HOUR / 2 - HOUR / 8192, T0 + HOUR / 2);
	seen_expire(s, T0 + HOUR + HOUR / 4);
	assert_int_equal(seen_count(s), 1);
	seen_expire(s, T0 + 2 * HOUR);
	assert_int_equal(seen_count(s), 0);
	seen_free(s);
}

static void
seed_keys_the_hash(void **state)
{
	static const uint64_t other[2] = { 0x1122334455667788, 0x99aabbccddeeff01 };
	struct seen *a = seen_new(seed, HOUR, 1 << 20, SEEN_FAIL), *b = seen_new(other, HOUR, 1 << 20, SEEN_FAIL);
	struct seen_key ka = key_of(a, 1, 0, 0), kb = key_of(b, 1, 0, 0);

	(void)state;
	assert_true(ka.hi != kb.hi && ka.lo != kb.lo);
	seen_free(a);
	seen_free(b);
}

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int
bench(void)
{
	for (uint64_t n = 1000000; n <= 10000000; n *= 10) {
		struct seen *s = seen_new(seed, 24 * HOUR, UINT64_C(1) << 30, SEEN_FAIL);
		struct seen_key key[SEEN_LANES];
		uint64_t old, rnd = 7;
		double t, longest = 0, start = now_ns();

		if (!s)
			return 1;
		for (int again = 0; again < 2; again++) {
			t = now_ns();
			for (uint64_t i = 0; i < n; i += SEEN_LANES) {
				double call = now_ns();

				for (uint64_t k = 0; k < SEEN_LANES; k++) {
					uint64_t id = again ? next_random(&rnd) % n : i + k;

					key[k] = (struct seen_key){ .time_us = T0 + (int64_t)id, .watermark_us = SEEN_NO_WATERMARK };
					seen_hash(s, &id, sizeof id, &key[k]);
				}
				if (seen_add(s, key, SEEN_LANES, &old) < 0)
					return 1;
				if (now_ns() - call > longest)
					longest = now_ns() - call;
			}
			t = now_ns() - t;
			printf("%9ju keys, %s: %5.1f ns/key\n", (uintmax_t)n, again ? "old" : "new", t / (double)n);
		}
		printf("%9ju keys, %.1f bytes/key, longest call %.2f ms, all %.2f s\n", (uintmax_t)n, (double)seen_bytes(s) / (double)n,
		    longest / 1e6, (now_ns() - start) / 1e9);
		seen_free(s);
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_model),
		cmocka_unit_test(first_event_counts),
		cmocka_unit_test(within_one_call),
		cmocka_unit_test(stale_keys),
		cmocka_unit_test(ticks_wrap),
		cmocka_unit_test(ticks_wrap_slowly),
		cmocka_unit_test(far_future),
		cmocka_unit_test(before_the_first_watermark),
		cmocka_unit_test(fails_at_the_ceiling),
		cmocka_unit_test(evicts_the_oldest),
		cmocka_unit_test(same_set_same_sequence),
		cmocka_unit_test(deltas_add_up),
		cmocka_unit_test(list_overflows),
		cmocka_unit_test(later_time_counts),
		cmocka_unit_test(seed_keys_the_hash),
	};

	if (getenv("WEIR_BENCH"))
		return bench();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
