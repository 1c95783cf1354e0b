/*
 * gc.h - what no run will read again goes; see weir-state(5).
 *
 * Kept are the last commit, the GC_KEEP newest commits, and what they stand
 * on.  The sink's process collects after each of its barriers: first the
 * checkpoints of epochs of its own run that a later one covers, and, once it
 * has seen a commit of its own, those of earlier runs.  Then they are dead: a
 * commit needs the exact one before it, and that place is taken.
 *
 * Earlier runs are those that were there when this one began; a run that came
 * later, or whose number is higher, is none of ours to remove, for we may be
 * the one that was left behind.  A run that lost its folder finds that out
 * when it writes there (WEIR_EFENCED).
 *
 * Crash at any instant: files go from the highest epoch to the lowest, so a
 * base goes after what stands on it, and what is half removed was dead.
 * The work of a barrier is bounded (GC_STEP), the rest waits for the next.
 */
#ifndef GC_H
#define GC_H

#include "dir.h"

#define GC_KEEP		3	/* commits */
#define GC_STEP		64	/* checkpoints removed at one barrier */
#define GC_CANDIDATES	16384	/* of earlier runs, taken up by one run */

struct state_gc;

/* At the beginning of a run, in the process of its sink.  `sink` is the instance's name, as in state_done(). */
int	state_gc_open(struct state_dir *, const char *sink, const char *run, struct state_gc **, struct fail *);
void	state_gc_close(struct state_gc *);

/* Epoch `id` of our run has come through: committed and marked, or held.  0, or an error; nothing depends on it: say it and go on. */
int	state_gc_barrier(struct state_gc *, uint64_t id, int committed, struct fail *);

/* The same by hand, while nothing runs (the caller holds the lock): keeps what the marks of commits name, what that stands on, and all
 * that is newer than the newest mark, for its commit may be in the store unseen.  gone() is told of each checkpoint before it is removed,
 * which it is not with dry_run. */
int	state_gc_all(struct state_dir *, int dry_run, int (*gone)(void *, const char *run, uint64_t id), void *, struct fail *);

#endif
