/*
 * shred.h - events into columns: what Parquet needs, typed and exact.
 *
 * Every column of the target reads one path of the event; the fields of a
 * struct read below its path.  An event with a value that does not fit its
 * column is rejected as a whole, with the path and a sentence; nothing of it
 * stays in the columns.
 */
#ifndef SHRED_H
#define SHRED_H

#include "convert.h"
#include "fail.h"
#include "values.h"
#include "weir.h"

struct shred;

/* Where a top-level column comes from. */
struct shred_source {
	const char	*path;		/* NULL: the member of the column's name */
	int		 unit;		/* enum weir_unit of times in or below it; 0: ISO 8601 */
};

enum shred_unknown {
	SHRED_UNKNOWN_REJECT,		/* a member that no column takes makes the event a reject */
	SHRED_UNKNOWN_REST,		/* such members go to the column `rest` */
	SHRED_UNKNOWN_TELL,		/* hooks.unknown() decides */
	SHRED_UNKNOWN_DROP
};

struct shred_options {
	int	unknown;		/* enum shred_unknown */
	int	rest;			/* SHRED_UNKNOWN_REST: an optional string among the top-level columns; it gets a JSON object,
					 * path to value, or null when there is no such member */
	const char *ignore;		/* a top-level member that no column takes and nobody misses; NULL: none */
};

struct shred_hooks {
	/* The host's column for a path (weir_want), or negative when it cannot be had any more: such paths (columns that came by
	 * evolution) are found by scanning each event once more. */
	int	(*want)(void *arg, const char *path);
	/* The bytes of event i of the batch (weir_event). */
	const char *(*event)(void *arg, uint32_t i, size_t *n);
	/* Has event i only members that want() was asked for (weir_known)?  0: maybe not. */
	int	(*known)(void *arg, uint32_t i);
	/* Event i does not fit.  Returns 0 or a negative weir_code, which ends the batch. */
	int	(*reject)(void *arg, uint32_t i, const char *code, const char *path, const char *text);
	/* SHRED_UNKNOWN_TELL: a member that no column takes.  0: the event stays, without it; 1: reject it; negative: an error. */
	int	(*unknown)(void *arg, uint32_t i, const char *path, const struct weir_value *);
	void	*arg;
};

/* What a batch became; valid until the next batch. */
struct shredded {
	uint32_t		 n_rows;
	const uint32_t		*row;		/* the event of each row */
	struct parquet_values	*v;		/* one for each leaf; the writer may eat it up */
};

/* root is laid out; it and its names outlive the shredder.  source[] has an entry per top-level column, or is NULL.
 * NULL: *fail tells. */
struct shred	*shred_new(const struct parquet_column *root, const struct shred_source *source, const struct shred_options *,
		    const struct shred_hooks *, struct fail *);
void		 shred_free(struct shred *);

/* The events of the batch whose verdict is WEIR_PASSED.  Code texts given to reject(): "type" (a value that does not fit),
 * "required", "unknown-member". */
int		 shred_batch(struct shred *, const struct weir_batch *, struct shredded *, struct fail *);

#endif
