/*
 * keys.h - dedupe's snapshot: a header and keys; all that live, sorted, or in
 * a delta those that are new since the snapshot before, as they came.
 *
 * Little-endian.  Header, 48 bytes: "dedupe" and the version (0, 2); the last
 * watermark acted on; the floor (older keys are forgotten); the greatest event
 * time of plain input, each in microseconds since 1970 or the least int64 for
 * none; the number of keys; the microseconds of a tick.  Then blocks of
 * KEYS_BLOCK keys, the last of what is left, each one record of three columns:
 * 8 bytes of hash of each key, 6 more, and 2 for the ticks from the floor to
 * its first event.  Columns, because a compressor finds nothing in hashes and
 * looks for it ten times as long when times lie in between.  Equal sets give
 * equal bytes.
 *
 * Version 1, which is still read: a header without the tick, and 22 bytes a
 * key, 14 of hash and 8 of the time of its first event.
 */
#ifndef KEYS_H
#define KEYS_H

#include "seen.h"
#include "weir.h"

#define KEYS_BLOCK	4096	/* keys */
#define KEYS_KEY_V1	22	/* bytes of a key, the longer of the two versions */

/* 0 or an error that was said; then the next delta begins.  keys_save_new() may return 1 before it has written: too much is new. */
int	keys_save(struct weir_ctx *, struct weir_state *, struct seen *, int64_t greatest_us);
int	keys_save_new(struct weir_ctx *, struct weir_state *, struct seen *, int64_t greatest_us);

/* Adds to what the set holds; keys older than its time to live are left out.  0, or an error that was said; the next delta begins. */
int	keys_load(struct weir_ctx *, struct weir_state *, struct seen *, int64_t *greatest_us);

/* A snapshot that is read, for who only looks at it. */
struct keys_reader {
	struct weir_ctx		*ctx;
	struct weir_state	*state;
	struct seen_clock	 clock;
	int64_t			 greatest_us;
	uint64_t		 n;		/* keys in it */
	/* private */
	uint64_t		 left;		/* not yet in a block */
	unsigned		 version;
	size_t			 at, have;	/* within the block */
	unsigned char		 block[KEYS_BLOCK * KEYS_KEY_V1];
};

int	keys_open(struct keys_reader *, struct weir_ctx *, struct weir_state *);	/* 1, 0 when there is none, or an error that was said */
int	keys_next(struct keys_reader *, struct seen_key *);				/* 1, 0 at the end, or an error that was said */

#endif
