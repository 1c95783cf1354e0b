/*
 * chain.h - a stage's state in several files: a base, and deltas that stand on it; see weir-state(5).
 *
 * A checkpoint holds one file of a stage: NAME.base with all of its state, or
 * NAME.delta.zst with what changed since the checkpoint that its header names.
 * So a state is a base and at most CHAIN_DELTAS deltas, in the folders of as
 * many checkpoints.
 */
#ifndef CHAIN_H
#define CHAIN_H

#include "dir.h"
#include "snapshot.h"

#define CHAIN_DELTAS		64		/* on one base */
#define CHAIN_SMALL_BYTES	16384		/* a smaller base is rather written again than followed by deltas */
#define CHAIN_TIMES		2		/* a base with more than so many times its bytes of deltas is done with */

#define CHAIN_BASE		".base"
#define CHAIN_DELTA		".delta.zst"
#define CHAIN_NAME		112		/* room for a file's name */

/* What a stage's next snapshot may stand on.  Zeroed: nothing, it must be a base. */
struct chain {
	char		token[TOKEN_SIZE];
	unsigned	depth;			/* deltas so far */
	uint64_t	base_bytes, delta_bytes;
	int		gone;			/* chain_open() failed because a file was not there */
};

/* 1 when the next snapshot should be a base: nothing to stand on, or the one there is small, or has enough deltas. */
int	chain_wants_base(const struct chain *);

/* The snapshot `token` was published, with so many bytes. */
void	chain_add(struct chain *, const char *token, int base, uint64_t bytes);

/* The files of the state `token` of the instance `name`, base first, each verified from its first byte to its last; `want` is whose they
 * must be, run and id apart; NULL: whose they are.  0 and *n handles, to be closed by the caller, and the chain for the next snapshot; or WEIR_ESTATE and
 * none. */
int	chain_open(struct state_dir *, const char *token, const char *name, const struct snapshot_meta *want, struct weir_state *file[CHAIN_DELTAS + 1],
	    size_t *n, struct chain *, struct fail *);

/* The header of the newest of these files, not verified: for messages.  0 or an error. */
int	chain_peek(struct state_dir *, const char *token, const char *name, struct snapshot_head *, struct fail *);

#endif
