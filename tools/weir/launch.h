/*
 * launch.h - the processes of a pipeline: a run of native stages each, or a
 * wrapped foreign command; once, or once per shard.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "dir.h"
#include "pipeline.h"
#include "receipts.h"
#include "supervise.h"
#include "token.h"
#include "weir.h"

#define LAUNCH_SHARDS	256

struct launch_stage {
	const struct weir_stage	*is;	/* NULL: a foreign command */
	int			 argc;
	char			**argv;
};

/* A feed: what its stages are told, and what its sink told. */
struct launch_shard {
	char			 name[48];		/* "0/1" */
	char			 run[TOKEN_RUN_SIZE];	/* empty on plain input */
	char			*position;		/* malloc'd; NULL: there is no sink to know one */
	struct state_dir	*dir;			/* NULL: nothing is kept.  The lock is this process's alone. */
	struct receipt_pipe	 receipts;
	uint64_t		 n_commits;		/* of the last attempt */
	int			 code;			/* and its first real failure */
};

struct launch {
	struct launch_stage	 stage[PIPELINE_STAGES];
	size_t			 n;
	int			 fuse, quiet, framed, sink;
	int			 state_reset;		/* the stages', until the shard has a commit */
	struct launch_shard	*shard;
	size_t			 n_shards;
	struct supervisor	*supervisor;
	struct receipts		*receipts;		/* the sinks' lines, when there is a sink */
};

/* Start, watch, forward signals, end everything at the first failure, wait for all.  Returns the exit code of the pipeline. */
int	launch_run(struct launch *);

/* In a child of this process: run fn(arg, fd), whose return value is the exit code, and read what it writes to fd, at most `max`
 * bytes, NUL-terminated.  A request to end kills it: LAUNCH_NOT_BEGUN.  Returns the exit code. */
#define LAUNCH_NOT_BEGUN	-1
int	launch_ask(struct launch *, int (*fn)(void *arg, int fd), void *arg, char *answer, size_t max);

#endif
