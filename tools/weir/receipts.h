/*
 * receipts.h - what the sinks of a run say: one line of JSON per commit.
 *
 * The launcher stands between them and standard output, so that the lines of
 * shards never mix, a sink that is killed leaves no half line, and the last
 * line is the whole run's: of all shards, and of all attempts.
 */
#ifndef RECEIPTS_H
#define RECEIPTS_H

#include <jansson.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"

struct receipt_pipe {		/* of one shard's sink */
	int		 fd;	/* -1: at its end */
	struct buf	 torn;
	const char	*shard;
	uint64_t	 n_commits;
};

struct receipts {
	struct buf	 out;		/* whole lines on their way to standard output */
	json_t		*newest;	/* the line of the newest commit */
	json_t		*acct, *shards;	/* of all commits; the newest position of each shard */
	uint64_t	 n_commits, rows, files, bytes;
	int64_t		 sequence;
	int		 by_shard;	/* there are several */
};

/* Read once.  0, or an error: no memory, or a line that is too long. */
int	receipts_read(struct receipts *, struct receipt_pipe *, struct fail *);

/* Anything to write?  Nothing is read while there is more than a little. */
size_t	receipts_pending(const struct receipts *);
int	receipts_full(const struct receipts *);

/* Write once, what standard output takes without waiting for long.  WEIR_EGONE: nobody reads. */
int	receipts_write(struct receipts *, struct fail *);

/* Everything out; before that with `total` the last line, if the newest commit's is not it already. */
int	receipts_end(struct receipts *, int total, struct fail *);
void	receipts_free(struct receipts *);

#endif
