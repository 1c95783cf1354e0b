/*
 * state.h - the files of a state directory, one after another.
 */
#ifndef STATE_H
#define STATE_H

#include <stddef.h>
#include <stdint.h>

#include "chain.h"

enum state_kind { STATE_BASE, STATE_DELTA, STATE_FILE, STATE_MARK };

struct state_file {
	char		 shard[32];		/* 0-1; empty: of a run on plain input */
	char		 run[TOKEN_RUN_SIZE];	/* or empty */
	char		 sink[96];		/* of a mark: done/<sink>/<id> */
	uint64_t	 id;			/* epoch, or the number of a run on plain input */
	char		 name[256];		/* in its folder */
	char		 stage[256];		/* instance */
	int		 kind;			/* enum state_kind */
	uint64_t	 bytes;
	int64_t		 modified_us;
	char		 path[1024];		/* below DIR */
};

struct state_files {
	struct state_file *file;		/* by shard, run, epoch, name; marks behind the checkpoints */
	size_t		 n, room;
	int		 dir;			/* DIR */
	char		 shard[64][32];
	size_t		 n_shards;
};

/* List `path`.  0, or WEIR_ESTATE when it is no state directory, or another error.  Free it either way. */
int	state_files_list(const char *path, struct state_files *, struct fail *);
void	state_files_free(struct state_files *);

/* The token a mark holds: 0, or WEIR_ESTATE. */
int	state_files_mark(const struct state_files *, const struct state_file *, char token[TOKEN_SIZE], struct fail *);

/* 1 when a mark names this checkpoint. */
int	state_files_committed(const struct state_files *, const char *shard, const char *run, uint64_t id);

#endif
