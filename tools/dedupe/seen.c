/*
 * seen.c - the set of keys seen within a time to live; see seen.h.
 *
 * Layout.  A key's home bucket is the high part of hi * n, so buckets are in
 * the order of the hashes; a full bucket overflows into the next one (no wrap:
 * SEEN_TAIL buckets follow the last home).  A bucket's slots fill from the
 * first to the last and are emptied only all at once, so its last slot tells
 * whether it is full, and a bucket that is not full ends every search.
 *
 * A pass takes the table, from its end to its beginning and run by run (a run
 * ends where a bucket is not full, so nothing reaches over its edge), to a
 * layout of as many or more buckets, and leaves out what is dead.  Since n
 * never shrinks, a key's new home is at or behind its old one: the run just
 * taken out always fits where it stood.  Homes below `frontier` are still in
 * the old layout.  Passes grow the table, win back dead slots, and make sure
 * that no tick is older than the 16 bits of an entry can tell.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "seen.h"

#define SEEN_SLOTS	4		/* entries of a bucket: one cache line */
#define SEEN_FIRST	1024		/* buckets at the beginning */
#define SEEN_TAIL	64		/* at 85 % full, more than this overflows once in e^90 tables */
#define SEEN_RUN	4096		/* buckets of one run; at 85 % a run of 400 is not seen in 10^9 buckets */
#define SEEN_TTL_TICKS	16384		/* a time to live is fewer ticks than this */
#define SEEN_AHEAD	49151		/* ticks above `floor` that are kept as they are */
#define SEEN_PASS_START	8192		/* ticks from `clean` to `floor` when a pass begins ... */
#define SEEN_PASS_END	12288		/* ... and when it must be over: + SEEN_AHEAD stays below SEEN_TICKS */
#define SEEN_STEP	4		/* buckets that a pass takes with each key */
#define SEEN_HUGE	(UINT64_C(1) << 21)
#define SEEN_TTL_MAX_US	(INT64_C(1) << 59)

struct entry {
	uint64_t	hi;		/* 0: empty */
	uint64_t	lo;		/* 48 bits of the hash, 16 of the tick */
};

struct bucket {
	struct entry	e[SEEN_SLOTS];
};

/* A key that is new since the mark.  Its tick is whole here: the 16 bits of an entry depend on `clean`, which moves. */
struct listed {
	uint64_t	hi, lo;
	int64_t		tick;
};

struct seen {
	struct bucket	*table;
	uint64_t	 n, n_max;	/* homes */
	uint64_t	 n_old, frontier;	/* during a pass; n_old 0: none */
	uint64_t	 used;		/* slots that are not empty */
	uint64_t	 live, stale, evicted;
	int64_t		 watermark_us, ttl_us;
	int64_t		 floor;		/* older ticks are dead */
	int64_t		 clean;		/* there are no older ticks, not even dead ones */
	int64_t		 pass_floor;	/* `floor` when the pass began */
	unsigned	 shift;		/* a tick is 2^shift microseconds */
	int		 anchored;	/* `floor` means something */
	int		 broken;	/* a pass met a run that cannot be: nothing is added any more */
	enum seen_full	 full;
	void		*range;		/* what mmap() gave */
	size_t		 range_bytes;
	uint32_t	*born;		/* live keys by tick mod SEEN_TICKS */
	struct entry	*run;		/* SEEN_RUN buckets */
	struct listed	*list;		/* n_list of them since the mark; memory comes as it is touched */
	uint64_t	n_list, list_room;	/* room 0: there was no mark */
	uint64_t	list_max;
	int		list_full;
	unsigned char	 secret[XXH3_SECRET_DEFAULT_SIZE];
};

#define SEEN_OVERHEAD	(sizeof(struct seen) + SEEN_TICKS * sizeof(uint32_t) + SEEN_RUN * sizeof(struct bucket))

static uint64_t
seen_home(uint64_t hi, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)hi * n) >> 64);
}

static int64_t
seen_tick(const struct seen *s, uint64_t lo)
{
	return s->clean + (uint16_t)((uint16_t)lo - (uint16_t)s->clean);
}

static int
seen_is_live(const struct seen *s, uint64_t lo)
{
	return seen_tick(s, lo) >= s->floor;
}

/* Make the first n homes and their tail usable.  0 or -1. */
static int
seen_commit(struct seen *s, uint64_t n)
{
	size_t bytes = ((n + SEEN_TAIL) * sizeof *s->table + SEEN_HUGE - 1) & ~(SEEN_HUGE - 1);

	return mprotect(s->table, bytes, PROT_READ | PROT_WRITE);
}

struct seen *
seen_new(const uint64_t seed[2], int64_t ttl_us, uint64_t memory_bytes, enum seen_full full)
{
	struct seen *s = calloc(1, sizeof *s);
	uint64_t word;

	if (!s)
		return NULL;
	if (memory_bytes < SEEN_MIN_BYTES)
		memory_bytes = SEEN_MIN_BYTES;
	s->full = full;
	s->watermark_us = SEEN_NO_WATERMARK;
	s->ttl_us = ttl_us < 0 ? 0 : ttl_us > SEEN_TTL_MAX_US ? SEEN_TTL_MAX_US : ttl_us;
	while (s->ttl_us >> s->shift >= SEEN_TTL_TICKS)
		s->shift++;
	s->list_max = memory_bytes / SEEN_LOG_SHARE / sizeof *s->list;
	s->n_max = (memory_bytes - memory_bytes / SEEN_LOG_SHARE - SEEN_OVERHEAD) / sizeof *s->table - SEEN_TAIL;
	s->n = s->n_max < SEEN_FIRST ? s->n_max : SEEN_FIRST;
	/* The secret of XXH3 is all of the key: 192 bytes drawn from both words. */
	for (size_t i = 0; i < sizeof s->secret; i += sizeof word) {
		word = XXH64(seed, 2 * sizeof *seed, i);
		memcpy(s->secret + i, &word, sizeof word);
	}
	s->born = calloc(SEEN_TICKS, sizeof *s->born);
	s->run = malloc(SEEN_RUN * sizeof(struct bucket));
	s->range_bytes = (s->n_max + SEEN_TAIL) * sizeof *s->table + 2 * SEEN_HUGE;
	s->range = mmap(NULL, s->range_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->range == MAP_FAILED)
		s->range = NULL;
	if (!s->born || !s->run || !s->range) {
		seen_free(s);
		return NULL;
	}
	s->table = (void *)(((uintptr_t)s->range + SEEN_HUGE - 1) & ~(uintptr_t)(SEEN_HUGE - 1));
	(void)madvise(s->table, s->range_bytes - SEEN_HUGE, MADV_HUGEPAGE);	/* only a wish */
	if (seen_commit(s, s->n) < 0) {
		seen_free(s);
		return NULL;
	}
	return s;
}

void
seen_free(struct seen *s)
{
	if (!s)
		return;
	if (s->range)
		(void)munmap(s->range, s->range_bytes);
	if (s->list)
		(void)munmap(s->list, s->list_max * sizeof *s->list);
	free(s->born);
	free(s->run);
	free(s);
}

void
seen_hash(const struct seen *s, const void *p, size_t n, struct seen_key *key)
{
	XXH128_hash_t h = XXH3_128bits_withSecret(p, n, s->secret, sizeof s->secret);

	key->hi = h.high64;
	key->lo = h.low64;
}

/* --- passes --- */

/* An entry that is known to be new goes into the layout of n homes. */
static int
seen_place(struct seen *s, const struct entry *e)
{
	for (uint64_t b = seen_home(e->hi, s->n); b < s->n + SEEN_TAIL; b++)
		for (int k = 0; k < SEEN_SLOTS; k++)
			if (!s->table[b].e[k].hi) {
				s->table[b].e[k] = *e;
				s->used++;
				return 0;
			}
	return -1;
}

static void
seen_pass_begin(struct seen *s, uint64_t n)
{
	s->n_old = s->n;
	s->frontier = s->n + SEEN_TAIL;
	s->n = n;
	s->pass_floor = s->floor;
}

/* Take at least `buckets` of them, and whole runs.  0, or -1 when a run is impossibly long: then for ever. */
static int
seen_pass_step(struct seen *s, uint64_t buckets)
{
	if (s->broken)
		return -1;
	while (s->n_old && buckets) {
		uint64_t g = s->frontier;
		size_t n = 0;

		do {
			struct bucket *b = &s->table[--g];

			for (int k = 0; k < SEEN_SLOTS && b->e[k].hi; k++) {
				if (seen_is_live(s, b->e[k].lo))
					s->run[n++] = b->e[k];
				s->used--;
			}
			if (b->e[0].hi)
				memset(b, 0, sizeof *b);
		} while (g && s->table[g - 1].e[SEEN_SLOTS - 1].hi && s->frontier - g < SEEN_RUN);
		if (g && s->table[g - 1].e[SEEN_SLOTS - 1].hi)
			s->broken = 1;
		buckets -= s->frontier - g < buckets ? s->frontier - g : buckets;
		s->frontier = g;
		while (n)
			s->broken |= seen_place(s, &s->run[--n]) < 0;
		if (s->broken)
			return -1;
		if (!g) {
			s->n_old = 0;
			s->clean = s->pass_floor;
		}
	}
	return 0;
}

/* Nothing lives: start small again, so that emptying stays cheap for a thin stream after a burst. */
static void
seen_clear(struct seen *s)
{
	uint64_t n = s->n_max < SEEN_FIRST ? s->n_max : SEEN_FIRST;
	size_t end = ((s->n > s->n_old ? s->n : s->n_old) + SEEN_TAIL) * sizeof *s->table;
	size_t keep = (n + SEEN_TAIL) * sizeof *s->table;
	size_t pages = (keep + 4095) & ~(size_t)4095;

	if (end <= pages)
		memset(s->table, 0, end);
	else {
		memset(s->table, 0, pages);
		if (madvise((char *)s->table + pages, end - pages, MADV_DONTNEED) < 0)
			memset((char *)s->table + pages, 0, end - pages);
	}
	s->n = n;
	s->n_old = 0;
	s->used = 0;
	s->clean = s->floor;
}

/* How many slots may be in use before a pass grows the table or wins back its dead ones. */
static uint64_t
seen_limit(const struct seen *s)
{
	return s->n < s->n_max ? 3 * s->n : 3 * s->n + s->n * 2 / 5;
}

uint64_t
seen_room(const struct seen *s)
{
	return 3 * s->n_max;
}

/* Too many slots are in use. */
static int
seen_make_room(struct seen *s)
{
	uint64_t n = s->n;

	if (seen_pass_step(s, UINT64_MAX) < 0)
		return -1;
	if (s->used <= seen_limit(s))
		return 0;
	if (s->live > 2 * s->n && s->n < s->n_max) {
		n = s->n + s->n / 2 < s->n_max ? s->n + s->n / 2 : s->n_max;
		if (seen_commit(s, n) < 0)
			s->n_max = n = s->n;	/* no more memory: the ceiling is here */
	}
	seen_pass_begin(s, n);
	return 0;
}

/* --- time --- */

/* Keys of ticks below `floor` are dead from now on.  0 or -1. */
static int
seen_drop(struct seen *s, int64_t floor)
{
	uint64_t ticks = (uint64_t)(floor - s->floor);

	if (ticks >= SEEN_TICKS) {
		memset(s->born, 0, SEEN_TICKS * sizeof *s->born);
		s->live = 0;
	} else
		for (int64_t t = s->floor; t < floor && s->live; t++) {
			s->live -= s->born[t & (SEEN_TICKS - 1)];
			s->born[t & (SEEN_TICKS - 1)] = 0;
		}
	s->floor = floor;
	if (s->floor - s->clean < SEEN_PASS_START)
		return 0;
	if (!s->live) {
		seen_clear(s);
		return 0;
	}
	if (!s->n_old)
		seen_pass_begin(s, s->n);
	if (s->floor - s->clean < SEEN_PASS_END)
		return seen_pass_step(s, ticks * (s->n_old + SEEN_TAIL) / (SEEN_PASS_END - SEEN_PASS_START) + 1);
	if (seen_pass_step(s, UINT64_MAX) < 0)
		return -1;
	if (s->floor - s->clean < SEEN_PASS_START)
		return 0;
	seen_pass_begin(s, s->n);	/* time jumped, or that pass was begun long ago */
	return seen_pass_step(s, UINT64_MAX);
}

/* The first watermark lies before the times that were taken for granted without one. */
static int
seen_anchor_back(struct seen *s, int64_t floor)
{
	if (seen_pass_step(s, UINT64_MAX) < 0)
		return -1;
	seen_pass_begin(s, s->n);
	if (seen_pass_step(s, UINT64_MAX) < 0)
		return -1;
	memset(s->born, 0, SEEN_TICKS * sizeof *s->born);
	for (uint64_t b = 0; b < s->n + SEEN_TAIL; b++)
		for (int k = 0; k < SEEN_SLOTS && s->table[b].e[k].hi; k++) {
			struct entry *e = &s->table[b].e[k];
			int64_t t = seen_tick(s, e->lo);

			if (t > floor + SEEN_AHEAD)
				t = floor + SEEN_AHEAD;
			e->lo = (e->lo & ~UINT64_C(0xffff)) | (uint16_t)t;
			s->born[t & (SEEN_TICKS - 1)]++;
		}
	for (uint64_t i = 0; i < s->n_list; i++)
		if (s->list[i].tick > floor + SEEN_AHEAD)
			s->list[i].tick = floor + SEEN_AHEAD;
	s->floor = s->clean = floor;
	return 0;
}

static int
seen_advance(struct seen *s, int64_t watermark_us)
{
	int64_t floor;
	int first = s->watermark_us == SEEN_NO_WATERMARK;

	if (watermark_us <= s->watermark_us)
		return 0;
	s->watermark_us = watermark_us;
	floor = (watermark_us - s->ttl_us) >> s->shift;
	if (!s->anchored) {
		s->anchored = 1;
		s->floor = s->clean = floor;
		return 0;
	}
	if (first && floor < s->floor)
		return seen_anchor_back(s, floor);
	return floor > s->floor ? seen_drop(s, floor) : 0;
}

void
seen_expire(struct seen *s, int64_t watermark_us)
{
	(void)seen_advance(s, watermark_us);	/* what a pass could not do, the next seen_add() reports */
}

/* Forget the oldest ticks until a sixteenth of the room is free. */
static int
seen_evict(struct seen *s)
{
	uint64_t before = s->live, left = s->live, goal = seen_room(s) - seen_room(s) / 16;
	int64_t floor = s->floor;
	int e;

	for (; left > goal; floor++)
		left -= s->born[floor & (SEEN_TICKS - 1)];
	e = seen_drop(s, floor);
	s->evicted += before - s->live;
	return e;
}

/* --- keys --- */

/* Where the search for a key begins, and the first bucket that it may not enter. */
static uint64_t
seen_first(const struct seen *s, uint64_t hi, uint64_t *end)
{
	if (s->n_old) {
		uint64_t b = seen_home(hi, s->n_old);

		if (b < s->frontier) {
			*end = s->frontier;
			return b;
		}
	}
	*end = s->n + SEEN_TAIL;
	return seen_home(hi, s->n);
}

/* 1: the key is there and lives, in *slot.  0: it is not; *slot is where it can go, NULL when there is no room before the frontier. */
static int
seen_find(const struct seen *s, uint64_t hi, uint64_t lo, struct entry **slot)
{
	uint64_t end, b = seen_first(s, hi, &end);

	*slot = NULL;
	for (; b < end; b++) {
		struct entry *e = s->table[b].e;

		for (int k = 0; k < SEEN_SLOTS; k++) {
			if (!e[k].hi) {
				if (!*slot)
					*slot = &e[k];
				return 0;
			}
			if (seen_is_live(s, e[k].lo)) {
				if (e[k].hi == hi && !((e[k].lo ^ lo) >> 16)) {
					*slot = &e[k];
					return 1;
				}
			} else if (!*slot)
				*slot = &e[k];
		}
	}
	return 0;
}

/* A key that is new since the mark. */
static void
seen_list(struct seen *s, uint64_t hi, uint64_t lo, int64_t tick)
{
	if (s->n_list < s->list_room)
		s->list[s->n_list++] = (struct listed){ hi, lo, tick };
	else
		s->list_full = 1;
}

/* 1 old, and *slot it; 0 new; -1 full. */
static inline int
seen_add_one(struct seen *s, const struct seen_key *key, struct entry **at)
{
	struct entry *slot;
	int64_t tick = key->time_us >> s->shift;
	uint64_t hi = key->hi ? key->hi : 1;	/* 0 marks an empty slot */

	if (!s->anchored) {
		s->anchored = 1;
		s->floor = s->clean = tick - SEEN_AHEAD / 2;
	}
	while (!seen_find(s, hi, key->lo, &slot)) {
		if (tick < s->floor && s->watermark_us != SEEN_NO_WATERMARK) {
			s->stale++;
			return 0;
		}
		if (s->live >= seen_room(s)) {
			if (s->full == SEEN_FAIL || seen_evict(s) < 0)
				return -1;
			continue;
		}
		if (!slot) {		/* the old layout ends at the frontier: move that away */
			if (!s->n_old || seen_pass_step(s, 1) < 0)
				return -1;
			continue;
		}
		if (tick < s->floor)
			tick = s->floor;
		if (tick > s->floor + SEEN_AHEAD)
			tick = s->floor + SEEN_AHEAD;
		s->used += !slot->hi;
		slot->hi = hi;
		slot->lo = (key->lo & ~UINT64_C(0xffff)) | (uint16_t)tick;
		s->born[tick & (SEEN_TICKS - 1)]++;
		s->live++;
		seen_list(s, hi, slot->lo, tick);
		return s->used > seen_limit(s) ? seen_make_room(s) : 0;
	}
	*at = slot;
	return 1;
}

int
seen_add(struct seen *s, const struct seen_key *key, size_t n, uint64_t *old)
{
	struct entry *at;

	*old = 0;
	if (seen_pass_step(s, n * SEEN_STEP) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t end;

		__builtin_prefetch(&s->table[seen_first(s, key[i].hi, &end)], 1);
	}
	for (size_t i = 0; i < n; i++) {
		int e = 0;

		if (key[i].watermark_us > s->watermark_us)
			e = seen_advance(s, key[i].watermark_us);
		if (e < 0 || (e = seen_add_one(s, &key[i], &at)) < 0)
			return -1;
		*old |= (uint64_t)e << i;
	}
	return 0;
}

int
seen_add_later(struct seen *s, const struct seen_key *key)
{
	struct entry *at;
	int64_t tick, now;
	int e = seen_pass_step(s, SEEN_STEP);

	if (e < 0 || (e = seen_add_one(s, key, &at)) <= 0)
		return e;
	now = seen_tick(s, at->lo);
	tick = key->time_us >> s->shift;
	if (tick > s->floor + SEEN_AHEAD)
		tick = s->floor + SEEN_AHEAD;
	if (tick > now) {
		s->born[now & (SEEN_TICKS - 1)]--;
		s->born[tick & (SEEN_TICKS - 1)]++;
		at->lo = (at->lo & ~UINT64_C(0xffff)) | (uint16_t)tick;
	}
	return 0;
}

void
seen_mark(struct seen *s)
{
	if (!s->list) {
		void *p = mmap(NULL, s->list_max * sizeof *s->list, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		s->list = p == MAP_FAILED ? NULL : p;
		s->list_room = s->list ? s->list_max : 0;
	}
	s->n_list = 0;
	s->list_full = 0;
}

int64_t
seen_n_new(const struct seen *s)
{
	return s->list_room && !s->list_full ? (int64_t)s->n_list : -1;
}

int
seen_new_key(const struct seen *s, uint64_t i, struct seen_key *key)
{
	const struct listed *l = &s->list[i];

	key->hi = l->hi;
	key->lo = l->lo & ~UINT64_C(0xffff);
	key->time_us = l->tick * (INT64_C(1) << s->shift);
	key->watermark_us = SEEN_NO_WATERMARK;
	return l->tick >= s->floor;
}

int
seen_reserve(struct seen *s, uint64_t n)
{
	uint64_t homes = n / 3 + n / 16 + 1;	/* two thirds full or less, where the ceiling allows it */

	if (n > seen_room(s) || seen_pass_step(s, UINT64_MAX) < 0)
		return -1;
	homes = homes < s->n_max ? homes : s->n_max;
	if (homes <= s->n)
		return 0;
	if (seen_commit(s, homes) < 0)
		return -1;
	seen_pass_begin(s, homes);
	return seen_pass_step(s, UINT64_MAX);
}

/* --- snapshots --- */

struct seen_clock
seen_clock(const struct seen *s)
{
	int64_t tick_us = INT64_C(1) << s->shift;
	struct seen_clock c = { s->watermark_us, s->anchored ? s->floor * tick_us : SEEN_NO_WATERMARK, tick_us };

	return c;
}

void
seen_set_clock(struct seen *s, const struct seen_clock *c)
{
	int64_t floor = c->floor_us >> s->shift;

	seen_expire(s, c->watermark_us);
	if (c->floor_us == SEEN_NO_WATERMARK)
		return;
	if (!s->anchored) {
		s->anchored = 1;
		s->floor = s->clean = floor;
	} else if (floor > s->floor && s->watermark_us == c->watermark_us)
		(void)seen_drop(s, floor);
}

/* Sort the run of buckets at at->bucket into s->run; live keys only. */
static void
seen_sort_run(struct seen *s, struct seen_cursor *at)
{
	uint64_t first = at->bucket;
	int full;

	at->at = at->n = 0;
	do {
		const struct bucket *b = &s->table[at->bucket++];

		for (int k = 0; k < SEEN_SLOTS && b->e[k].hi; k++) {
			struct entry e = b->e[k];
			uint32_t i = at->n;

			if (!seen_is_live(s, e.lo))
				continue;
			/* Nearly in order already: by home. */
			for (; i && (s->run[i - 1].hi > e.hi || (s->run[i - 1].hi == e.hi && s->run[i - 1].lo > e.lo)); i--)
				s->run[i] = s->run[i - 1];
			s->run[i] = e;
			at->n++;
		}
		full = b->e[SEEN_SLOTS - 1].hi != 0;
	} while (full && at->bucket < s->n + SEEN_TAIL && at->bucket - first < SEEN_RUN);
}

int
seen_next(struct seen *s, struct seen_cursor *at, struct seen_key *key)
{
	if (!at->bucket && seen_pass_step(s, UINT64_MAX) < 0)
		return 0;
	while (at->at == at->n) {
		if (at->bucket == s->n + SEEN_TAIL)
			return 0;
		seen_sort_run(s, at);
	}
	key->hi = s->run[at->at].hi;
	key->lo = s->run[at->at].lo & ~UINT64_C(0xffff);
	key->time_us = seen_tick(s, s->run[at->at].lo) * (INT64_C(1) << s->shift);
	key->watermark_us = SEEN_NO_WATERMARK;
	at->at++;
	return 1;
}

uint64_t
seen_count(const struct seen *s)
{
	return s->live;
}

uint64_t
seen_bytes(const struct seen *s)
{
	return SEEN_OVERHEAD + ((s->n > s->n_old ? s->n : s->n_old) + SEEN_TAIL) * sizeof *s->table + s->n_list * sizeof *s->list;
}

uint64_t
seen_stale(const struct seen *s)
{
	return s->stale;
}

uint64_t
seen_evicted(const struct seen *s)
{
	return s->evicted;
}
