/*
 * windows.h - open windows of event time and their groups.
 *
 * Events are aggregated once, in the pane that holds their time; a window is a
 * run of panes, merged when it closes.  With tumbling windows a pane is a
 * window.  A pane's memory is freed at once when the last window over it has
 * closed.
 *
 * A window closes when the watermark has reached its end plus the wait, and
 * never opens again: an event whose windows have all closed is late.
 *
 * Memory has a ceiling.  No I/O, no globals, no exit.
 */
#ifndef WINDOWS_H
#define WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#include "aggregate.h"

#define WINDOWS_MAX_AGGS	64
#define WINDOWS_MAX_PANES	10000		/* of one window: --size / --slide */

struct windows;
struct group;

struct windows_plan {
	int64_t			 size_us;	/* of a window, > 0 */
	int64_t			 pane_us;	/* tumbling: size_us; else the step, of which size_us is a multiple */
	int64_t			 offset_us;	/* 0 <= offset_us < size_us: windows begin that much after a multiple of the step */
	int64_t			 wait_us;	/* >= 0 */
	int			 cumulate;	/* windows grow by a pane up to size_us, then begin anew; else they slide */
	size_t			 n_aggs;
	const struct aggregate	*agg[WINDOWS_MAX_AGGS];
	uint64_t		 memory_bytes;	/* ceiling of it all */
	uint64_t		 seed;		/* of the hash that finds groups; never seen in a result or in the state */
};

/* Results of windows_find() beside 0, and of the others below 0. */
enum { WINDOWS_LATE = 1, WINDOWS_OUTSIDE = 2, WINDOWS_FULL = -1, WINDOWS_DAMAGED = -2, WINDOWS_UNBALANCED = -3 };

/* NULL when memory is short. */
struct windows	*windows_new(const struct windows_plan *);
void		 windows_free(struct windows *);

uint64_t	 windows_hash(const struct windows *, const char *key, size_t n);
/* A hint that windows_find() follows soon. */
void		 windows_prefetch(const struct windows *, int64_t time_us, uint64_t hash);

/* The group `key` at that time, made when it is not there; the event counts as taken.  0; WINDOWS_LATE; WINDOWS_OUTSIDE: a window
 * would begin before year 1 or end after year 9999; WINDOWS_FULL. */
int		 windows_find(struct windows *, int64_t time_us, uint64_t hash, const char *key, size_t n, struct group **);
/* Add a value to aggregate `a` of a group just found.  0 or WINDOWS_FULL. */
int		 windows_add(struct windows *, struct group *, size_t a, const struct aggregate_value *);

/* One row of a closed window. */
struct windows_row {
	int64_t				 start_us, end_us;
	const struct group	*group;
	const char			*key;
	size_t				 key_n;
};
const void	*windows_cell(const struct windows *, const struct group *, size_t a);

/* Time has come this far: rows of the windows that close go to row(), by end of the window, then by key.  A smaller watermark than
 * before does nothing.  0, WINDOWS_FULL, or what row() returned if that is not 0. */
int		 windows_advance(struct windows *, int64_t watermark_us, int (*row)(void *, const struct windows_row *), void *);
/* Close all that is open.  Later events of these windows are late. */
int		 windows_flush(struct windows *, int (*row)(void *, const struct windows_row *), void *);

/* All open windows, the watermark and how far windows have closed: the same bytes for the same state, whatever the order of events. */
int		 windows_save(struct windows *, int (*put)(void *, const void *, size_t), void *);
/* Into new windows.  get() is weir_read(): exactly n bytes and 1, 0 at the end, or an error, which is returned.  key_ok() says
 * whether bytes can be a key.  WINDOWS_DAMAGED: no state of ours, or of other aggregates. */
int		 windows_load(struct windows *, int (*get)(void *, void *, size_t), int (*key_ok)(void *, const char *, size_t), void *);

/* The open panes as they are, in the order of the state: each group as a row from the pane's start to its end.  0, WINDOWS_FULL, or what
 * row() returned. */
int		 windows_each(struct windows *, int (*row)(void *, const struct windows_row *), void *);
int64_t		 windows_closed(const struct windows *);	/* windows that end up to here have closed; INT64_MIN: none yet */

struct windows_count {
	uint64_t	windows, rows;		/* closed so far */
	uint64_t	partly_late;		/* (event, window) pairs missed by events that other windows took */
	uint64_t	panes;			/* open now */
	uint64_t	memory_bytes;
};
void		 windows_count(const struct windows *, struct windows_count *);
uint64_t	 windows_groups(const struct windows *);	/* in open panes; walks over them */
int64_t		 windows_watermark(const struct windows *);	/* INT64_MIN: none yet */
/* Taken before + taken = closed + open, in (event, window) pairs, each side counted on its own way: 0 or WINDOWS_UNBALANCED. */
int		 windows_balance(const struct windows *);

#endif
