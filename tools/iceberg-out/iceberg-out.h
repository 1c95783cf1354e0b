/*
 * iceberg-out.h - the stage's struct, and the part of the stage that commits.
 */
#ifndef ICEBERG_OUT_H
#define ICEBERG_OUT_H

#include <xxhash.h>

#include "batches.h"
#include "commit.h"
#include "feed.h"
#include "ingest.h"
#include "receipt.h"
#include "target.h"

struct iceberg_out {
	/* options */
	int			 mode;
	struct weir_ctx		*ctx;
	struct target		 target;
	struct ingest		 ingest;
	struct held		 held;
	int			 infers;	/* the table is made when the first epoch has told its columns */
	struct fail		 fail;
	struct buf		 position;
	/* the feed, or the batch */
	struct feed		 feed;
	char			*pipe, *shard, *chain, *prev, *batch_id;
	json_t			*hello_off;
	int			 framed, accept_change;
	int64_t			 empty_commit_us, last_commit_us;
	json_t			*off;		/* of the feed's last commit; NULL: none yet */
	char			*uuid;		/* of the table, when this run met it first */
	XXH3_state_t		*hash;		/* of a batch's events */
	char			 batch_hash[17];
	/* this epoch's commit */
	int64_t			 snapshot_id;
	const struct weir_barrier *bar;
	int64_t			 batch_snapshot, batch_rows;
	/* the run */
	uint64_t		 n_epochs;
	struct receipts		 receipts;
};

/* Keep what the stream is; guard: may it go on from what the table says? */
int	output_begin(struct iceberg_out *, const struct weir_stream *);
int	output_guard(struct iceberg_out *);
/* Add a batch's events to the hash of --batch-id. */
void	output_hash(struct iceberg_out *, struct weir_batch *);
/* The files are durable: write down which, for people and for the next run. */
int	output_prepare(struct iceberg_out *, const struct weir_barrier *);
int	output_commit(struct iceberg_out *, const struct weir_barrier *);
void	output_end(struct iceberg_out *);
/* For weir doctor: the catalog, the feeds of the table, the store. */
int	check_surroundings(struct iceberg_out *);

#endif
