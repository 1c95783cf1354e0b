/*
 * held.h - the events of the first epoch, kept until they have told the columns of a new table (--infer).
 */
#ifndef HELD_H
#define HELD_H

#include "buf.h"
#include "infer.h"
#include "weir.h"

#define HELD_MAX	(UINT64_C(64) << 20)	/* bytes; then the columns are settled by what has come */
#define HELD_BATCH	16384			/* events given out at once */

struct held {
	struct infer	*infer;
	const char	*ignore;	/* as for infer_new() */
	struct buf	 bytes;		/* events, each with its newline */
	uint32_t	*line;		/* n + 1 offsets */
	uint32_t	 n, cap;
};

/* 0, or WEIR_ECONFIG, WEIR_EAGAIN. */
int	held_add(struct held *, const char *p, size_t n, struct fail *);
int	held_full(const struct held *);
/* The events from `at` on as a batch without columns, whose verdict[] has room for HELD_BATCH: how many. */
uint32_t held_batch(const struct held *, uint32_t at, struct weir_batch *, uint8_t *verdict);
void	held_free(struct held *);

#endif
