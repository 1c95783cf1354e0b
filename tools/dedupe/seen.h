/*
 * seen.h - the set of keys seen within a time to live.
 *
 * Exact: a key is 112 bits of its 128-bit hash, keyed so that nobody can aim
 * for collisions.  64-byte buckets of four entries; an entry carries the tick
 * of its first event, so old keys are overwritten where they stand.  21 to 32
 * bytes a key.  The table lies in one reserved range of addresses and grows
 * there, a few buckets with every call: no second copy, no long pause.
 *
 * A list beside the table remembers the keys that are new since a mark, for
 * snapshots of what changed.  It has a sixteenth of the ceiling; when that is
 * not enough, the next snapshot is of everything.
 *
 * Time is kept in ticks, a power of two of microseconds: 8,192 to 16,384 of
 * them make the time to live.  A key is never forgotten before its time, and
 * at most one tick after it.  Only watermarks move time.
 *
 * No I/O, no globals, no exit: unit tests and the benchmark link this file
 * alone.
 */
#ifndef SEEN_H
#define SEEN_H

#include <stddef.h>
#include <stdint.h>

#define SEEN_LANES		64		/* keys per seen_add(): one cache miss in flight for each */
#define SEEN_MIN_BYTES		(UINT64_C(1) << 20)	/* the smallest ceiling */
#define SEEN_NO_WATERMARK	INT64_MIN	/* no watermark has come yet */
#define SEEN_TICKS		65536	/* what the 16 bits of an entry tell apart */
#define SEEN_LOG_SHARE		16		/* of the ceiling: this part is for the list of new keys */

struct seen;

struct seen_key {
	uint64_t	hi, lo;		/* hash of the key's bytes; the low 16 bits of lo are not used */
	int64_t		time_us;	/* event time, microseconds since 1970 */
	int64_t		watermark_us;	/* time moves here before the key is looked up; SEEN_NO_WATERMARK: it stays */
};

enum seen_full { SEEN_FAIL, SEEN_EVICT_OLDEST };

/* What is not in the keys: a snapshot keeps it beside them. */
struct seen_clock {
	int64_t		watermark_us;	/* the last one acted on, or SEEN_NO_WATERMARK */
	int64_t		floor_us;	/* older keys are forgotten; with no watermark yet: taken as of this time; or SEEN_NO_WATERMARK */
	int64_t		tick_us;	/* each key's time is the floor and less than SEEN_TICKS of these */
};

/* An empty set.  `seed` keys the hash; `memory_bytes` is a ceiling, at least SEEN_MIN_BYTES, not a reservation of memory;
 * `full` says what happens there.  NULL when memory is short. */
struct seen	*seen_new(const uint64_t seed[2], int64_t ttl_us, uint64_t memory_bytes, enum seen_full full);
void		 seen_free(struct seen *);

/* Hash of n bytes under the set's seed, into hi and lo. */
void		 seen_hash(const struct seen *, const void *p, size_t n, struct seen_key *);

/* Add up to SEEN_LANES keys, in order.  Bit i of *old is set when key i was there already, from an earlier call or from a
 * smaller i.  A key older than the watermark minus the time to live is new and is not remembered; one that is more than
 * two such times ahead of the watermark is remembered as if it were of just then.
 * Returns 0, or -1 when the set is full at its ceiling: the keys before the one that found it so were added. */
int		 seen_add(struct seen *, const struct seen_key *, size_t n, uint64_t *old);

/* Time moves: keys whose first event is older than the watermark minus the time to live are forgotten.  Never backwards. */
void		 seen_expire(struct seen *, int64_t watermark_us);

/* Room for n keys in all, before keys are added in sorted order (which without it takes quadratic time).  0, or -1 when
 * they would pass the ceiling. */
int		 seen_reserve(struct seen *, uint64_t n);

struct seen_clock seen_clock(const struct seen *);

/* Take over the clock of an earlier set, but for its ticks.  Time moves forwards only. */
void		 seen_set_clock(struct seen *, const struct seen_clock *);

/* The live keys in the order of their hashes: the same set gives the same sequence, whatever the order of insertion.
 * Start with a zeroed cursor; 0 at the end.  No other call may come in between. */
struct seen_cursor {
	uint64_t	bucket;		/* next one to look at */
	uint32_t	at, n;		/* within the run of buckets that was sorted last */
};
int		 seen_next(struct seen *, struct seen_cursor *, struct seen_key *);

/* From now on keys are listed as they are added, in this order; what was listed before is forgotten.  Not called: nothing is listed. */
void		 seen_mark(struct seen *);
/* How many keys were listed since the mark; -1 when there was no mark, or no more room in the list. */
int64_t		 seen_n_new(const struct seen *);
/* Key i of the list: 1; 0 when it is dead already. */
int		 seen_new_key(const struct seen *, uint64_t i, struct seen_key *);

/* A key of a snapshot that stands on others: as seen_add() of one key, but one that is there takes the later time of the two. */
int		 seen_add_later(struct seen *, const struct seen_key *);

uint64_t	 seen_count(const struct seen *);	/* live keys */
uint64_t	 seen_room(const struct seen *);	/* live keys that fit under the ceiling */
uint64_t	 seen_bytes(const struct seen *);	/* memory in use */
uint64_t	 seen_stale(const struct seen *);	/* keys that came too old to be remembered */
uint64_t	 seen_evicted(const struct seen *);	/* keys that made room before their time */

#endif
