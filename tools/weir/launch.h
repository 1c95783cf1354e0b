/*
 * launch.h - the processes of one pipeline: a run of native stages each, or a
 * wrapped foreign command.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "pipeline.h"
#include "weir.h"

struct launch_stage {
	const struct weir_stage	*is;	/* NULL: a foreign command */
	int			 argc;
	char			**argv;
};

struct launch {
	struct launch_stage	stage[PIPELINE_STAGES];
	size_t			n;
	int			fuse, quiet;
};

/* Start, watch, forward signals, end the group at the first death.  Returns the exit code of the pipeline. */
int	launch_run(const struct launch *);

#endif
