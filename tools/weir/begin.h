/*
 * begin.h - what is settled before a stage starts: the feed and its name, the
 * state directory and its lock, the name of the run, the sink's position.
 */
#ifndef BEGIN_H
#define BEGIN_H

#include "launch.h"

/* What a sink is asked, as the function of launch_ask(), or in this process. */
struct begin_question {
	const struct launch_stage	*sink;
	const char			*pipeline;	/* --pipeline, or NULL */
	const char			*shard;
	int				 name_only;	/* the feed's name, which needs no look into the store */
};

/* Writes the feed's name, its position, and WEIR_EPOCH_MIN, each with its NUL.  Returns an exit code. */
int	begin_answer(void *question, int fd);

/* DIR from -s, WEIR_STATE, or the name of the feed.  *path NULL: there is none.  0 or an exit code after the message. */
int	begin_path(const char *option, const char *feed, char **path, int *is_default);

/* Open the directory of a shard and lock it.  An exit code after the message: 75 when another process has it. */
int	begin_lock(struct launch_shard *, const char *path, const char *feed);

/* A new run for the shard. */
int	begin_run(struct launch_shard *);

#endif
