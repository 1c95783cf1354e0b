/*
 * aggregate.h - what can be computed over the events of a window and a group.
 *
 * An aggregate is a table of functions over a cell: fixed bytes inside the
 * group, zeroed at first; what does not fit there comes from the pane's pool.
 * Built-in ones are written exactly as others would be.  A missing or null
 * value is not added, as in SQL; count() without a path counts events.
 *
 * No I/O, no globals, no exit.
 */
#ifndef AGGREGATE_H
#define AGGREGATE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "number.h"
#include "pool.h"
#include "weir.h"

#define AGGREGATE_KIND(kind)	(1u << (kind))
#define AGGREGATE_SCALARS	(AGGREGATE_KIND(WEIR_FALSE) | AGGREGATE_KIND(WEIR_TRUE) | AGGREGATE_KIND(WEIR_NUMBER) | AGGREGATE_KIND(WEIR_STRING))
#define AGGREGATE_ANY		(AGGREGATE_SCALARS | AGGREGATE_KIND(WEIR_OBJECT) | AGGREGATE_KIND(WEIR_ARRAY))

#define AGGREGATE_AVG_DIGITS	6	/* fraction digits of avg() beyond those of the sum */
#define AGGREGATE_EXACT		4096	/* distinct values that count_distinct() counts exactly */
#define AGGREGATE_HLL_BITS	14	/* then HyperLogLog with 2^14 registers: standard error 1.04 / 2^7 = 0.81 % */

/* One member of one event, read once for all aggregates that want it.  Never WEIR_ABSENT or WEIR_NULL. */
struct aggregate_value {
	const struct weir_value	*v;
	const char		*text;		/* a string's content, escapes undone; of any other value the literal */
	size_t			 n;
	int64_t			 time_us;	/* of the event */
	struct number		 number;
	int			 exact;		/* `number` holds it: a number of at most 38 digits */
};

struct aggregate {
	const char	*name;
	int		 path;		/* 0: takes none or one; 1: takes one */
	unsigned	 kinds;		/* AGGREGATE_KIND()s it can take */
	int		 numbers;	/* wants `number` and `exact` */
	size_t		 cell_bytes;

	/* All return 0, or -1 when the pool is at its ceiling; then the run ends, the cell need not make sense. */
	int	(*add)(void *cell, const struct aggregate_value *, struct pool *);	/* value NULL: no path was given */
	int	(*merge)(void *cell, const void *from, struct pool *);	/* `from` outlives neither; it covers later events than the cell */
	/* The result as JSON.  1: it has overflowed and null stands for it. -1: memory is short. */
	int	(*emit)(const void *cell, struct buf *);
	/* To bytes, the same for the same state, and back into a zeroed cell.  load() moves *p and returns 1 for bytes it never made. */
	int	(*save)(const void *cell, struct buf *);
	int	(*load)(void *cell, const char **p, const char *end, struct pool *);
};

/* By name of n bytes, or NULL.  aggregate_names(): all of them, for a message. */
const struct aggregate	*aggregate_find(const char *name, size_t n);
const char		*aggregate_names(void);

/* Parts of the table. */
extern const struct aggregate aggregate_count, aggregate_sum, aggregate_avg, aggregate_min, aggregate_max, aggregate_first, aggregate_last,
    aggregate_count_distinct;

#endif
