/*
 * keys.h - dedupe's snapshot: a header and keys; all that live, sorted, or in
 * a delta those that are new since the snapshot before, as they came.
 *
 * Little-endian.  Header, 40 bytes: "dedupe" and the version (0, 1); the last
 * watermark acted on; the floor (older keys are forgotten); the greatest event
 * time of plain input, each in microseconds since 1970 or the least int64 for
 * none; the number of keys.  A key, 22 bytes: 8 and 6 bytes of hash, 8 bytes of
 * the time of its first event.  Equal sets give equal bytes.
 */
#ifndef KEYS_H
#define KEYS_H

#include "seen.h"
#include "weir.h"

struct keys_head {
	struct seen_clock	clock;
	int64_t			greatest_us;
	uint64_t		n;
};

/* 0 or an error that was said; then the next delta begins.  keys_save_new() may return 1 before it has written: too much is new. */
int	keys_save(struct weir_ctx *, struct weir_state *, struct seen *, int64_t greatest_us);
int	keys_save_new(struct weir_ctx *, struct weir_state *, struct seen *, int64_t greatest_us);

/* Adds to what the set holds; keys older than its time to live are left out.  0, or an error that was said; the next delta begins. */
int	keys_load(struct weir_ctx *, struct weir_state *, struct seen *, int64_t *greatest_us);

/* The parts of a snapshot, for who only looks at it.  keys_read_head(): 1, 0 at the end, or an error that was said. */
int	keys_read_head(struct weir_ctx *, struct weir_state *, struct keys_head *);
int	keys_read(struct weir_ctx *, struct weir_state *, uint64_t left, struct seen_key *);	/* 0, or an error that was said */

#endif
