/*
 * decide.h - what a load job means to us: decisions without I/O.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include <jansson.h>

#include "load.h"

enum decide {
	DECIDE_WAIT,		/* it is not DONE */
	DECIDE_COMMITTED,	/* ours, loaded */
	DECIDE_ALREADY,		/* the same batch, loaded by another process */
	DECIDE_FENCED,		/* loaded, and not what we have */
	DECIDE_NEXT,		/* it failed, and another attempt may do better */
	DECIDE_QUOTA,
	DECIDE_CANCELLED,
	DECIDE_ROWS,		/* rows of ours are refused */
	DECIDE_CONFIG		/* something else that stays wrong */
};

/* What we would load.  A batch is known by its hash, an epoch by run and id too. */
struct decide_mine {
	const char	*run, *id, *hash;
	uint64_t	 rows, bytes;		/* bytes: as uploaded */
	int		 batch;
};

/* A job resource, as far as it matters; texts point into it, and are never NULL. */
struct decide_job {
	const char	*state, *run, *id, *hash;
	const char	*reason, *message;	/* of errorResult; reason "" when there is none */
	uint64_t	 rows, bytes;		/* outputRows, inputFileBytes; 0: not said */
	int		 failed;		/* errorResult is there */
	int		 about_rows;		/* its errors are about what was read, not about the job */
};

void	decide_read(const json_t *job, struct decide_job *);
enum decide decide(const struct decide_mine *, const struct decide_job *);

/* Errors of single rows, at most `max`: message and reason into error[], byte positions, ascending, into at[]; how many.  Row numbers and
 * texts are for the caller to find. */
size_t	decide_errors(const json_t *job, struct load_error *error, uint64_t *at, size_t max);

/* What the user can do about a job that failed for this reason; begins with "; ", or "". */
const char *decide_remedy(const char *reason);

#endif
