/*
 * stage.h - what the files of the stage share: its options, and an event on its way into the windows.
 */
#ifndef STAGE_H
#define STAGE_H

#include "buf.h"
#include "expr.h"
#include "key.h"
#include "spec.h"
#include "weir.h"
#include "windows.h"

#define STAGE_LANES	32	/* events that are read before the first of them looks for its group */
#define STAGE_MAX_BY	32
#define STAGE_ROW_BYTES	(64u << 20)	/* of one row */

/* A member that aggregates want. */
struct input {
	const char	*path, *name;		/* name: the --agg that takes fewest kinds, for messages */
	int		 column;
	unsigned	 kinds;			/* AGGREGATE_KIND()s that all of them can take */
	int		 numbers;
};

/* One event, read. */
struct lane {
	uint32_t		 i;		/* its place in the batch */
	int			 take;		/* 0: only its time counts, it was filtered or rejected */
	int64_t			 time_us;
	uint64_t		 hash;
	const char		*key;
	size_t			 key_n;
	struct aggregate_value	*value;		/* n_inputs; v is NULL for a missing or null member */
};

struct window_agg {
	/* options */
	struct weir_time	 time;
	int64_t			 size_us, slide_us, cumulate_us, session_us, offset_us, wait_us;
	const char		*tz, *late, *where_text;
	struct weir_list	*by, *agg;
	int			 flush;
	uint64_t		 memory_bytes;
	/* from the options */
	struct windows		*windows;
	struct expr		*where;
	int			 time_column, by_column[STAGE_MAX_BY], input_of[WINDOWS_MAX_AGGS];	/* input_of: -1 without a path */
	size_t			 n_by, n_aggs, n_inputs;
	const struct aggregate	*function[WINDOWS_MAX_AGGS];
	struct input		 input[WINDOWS_MAX_AGGS];
	char			*path_text;	/* what input.path and input.name point into */
	struct buf		 prefix;	/* of every member of a row: ,"name": */
	size_t			 prefix_end[STAGE_MAX_BY + WINDOWS_MAX_AGGS];
	/* of the run */
	struct weir_ctx		*ctx;		/* of the call that is going on */
	struct windows_count	 counted;	/* what the host has been told */
	struct buf		 row;
	int			 framed, state, seen_time, warned;
	int64_t			 seen_us;	/* plain input: the greatest event time so far */
	char			 minute[17];	/* "2026-01-31T23:59:" of the last time read, and that minute; see event.c */
	int64_t			 minute_us;
	/* the lanes */
	struct lane		*lane;
	size_t			 n_lanes;
	struct aggregate_value	*value;
	char			*keys;
	size_t			 keys_n;
};

/* plan.c: the options make sense; columns and names.  0 or a weir_code, said. */
int	plan_open(struct weir_ctx *, struct window_agg *);
/* The windows, if they are not there yet.  Not before restore() or begin(): the pipeline's seed comes with its state directory. */
int	plan_windows(struct weir_ctx *, struct window_agg *);

/* event.c: read event i into the next lane.  0, also when it was rejected and took no lane; or a weir_code. */
int	event_read(struct weir_ctx *, struct window_agg *, struct weir_batch *, uint32_t i);

/* window-agg.c: the lanes so far, in order, into the windows; none are left. */
int	lanes_take(struct weir_ctx *, struct window_agg *, struct weir_batch *);

/* row.c: emit a row of a closed window; `self` is the window_agg. */
int	row_emit(void *self, const struct windows_row *);

#endif
