/*
 * restart.h - which exit codes another run may mend, and when to try.
 */
#ifndef RESTART_H
#define RESTART_H

#include <stdint.h>

#include "launch.h"

struct restart {
	uint64_t	limit, tries;	/* --restart; attempts in a row without a commit */
	int		framing;	/* 76 in a row without a commit */
	const char	*dir;		/* state directory, or NULL */
	uint64_t	pipeline;	/* hash of its words */
	unsigned	fenced[LAUNCH_SHARDS];	/* 77 in a row, of each shard */
};

/* 78 with a sentence when earlier runs were fenced too often; else 0. */
int	restart_may_begin(struct restart *, const struct launch *);

/* After an attempt that ended with `code`: 1: again, in *wait_ms; 0: that was it, and *code is the exit code.  Says what it does. */
int	restart_again(struct restart *, const struct launch *, int *code, int64_t *wait_ms);

/* Say that a request to end came before the next run.  0 */
int	restart_asked(int code);

#endif
