/*
 * bq-out.h - the stage's struct, and its parts: the table, the place in the stream, the two ways rows go in.
 *
 *	target.c	the table: its name, columns, partitions; made, changed
 *	place.c		where the feed is: checkpoints here, jobs there
 *	jobs.c		--mode load: one load job an epoch
 *	insert.c	--mode insert-all: rows at once, at least once
 *	check.c		weir doctor
 *	refresh.c	iceberg-refresh
 */
#ifndef BQ_OUT_H
#define BQ_OUT_H

#include <jansson.h>

#include "bq.h"
#include "load.h"
#include "position.h"
#include "receipt.h"
#include "row.h"
#include "schema.h"
#include "weir.h"

#define BQ_OUT_MIN_EPOCH_US	(INT64_C(60) * 1000000)	/* 1,500 loads a table and day, failed ones included, are one in 57.6 s */

enum bq_out_mode { BQ_OUT_LOAD, BQ_OUT_INSERT_ALL };
enum bq_out_write { BQ_OUT_APPEND, BQ_OUT_TRUNCATE, BQ_OUT_TRUNCATE_DATA };

/* The table that rows go to.  Texts are malloc'd. */
struct target {
	char		*name;		/* project.dataset.table[$partition], as messages and the feed have it */
	char		*project, *dataset, *table, *part;	/* table without, part with its $; "" */
	char		*creation;	/* creationTime: the same name made anew is another table; NULL: not there */
	struct schema	*schema;	/* what rows are made for */
	int		 changes;	/* the load changes the table to that schema */
	int		 made;		/* by this process: it may not be visible everywhere yet */
};

struct bq_out {
	/* options */
	const char	*table, *schema, *partition, *cluster, *update, *location, *project, *spool_dir, *endpoint, *credentials, *metadata;
	int		 mode, create, write, plain_upload;
	uint64_t	 spool_bytes, request_rows;
	int64_t		 retry_us;

	struct weir_ctx	*ctx;
	struct fail	 fail;
	struct bq	*bq;
	struct target	 target;
	struct buf	 position, pinned;	/* answers to the host */
	struct receipts	 receipts;

	/* the stream */
	char		*run, *pipe, *shard, *chain, *batch_id, *ignore;
	int		 framed, as_new_feed;
	uint64_t	 id;		/* of the open epoch */
	char		*committed;	/* the token that a commit must follow, or "none" */
	uint64_t	 n_epochs;

	/* the open epoch */
	struct row	*row;
	int		*column;	/* weir_want()'s, of each field of target.schema */
	const struct weir_value **value;	/* of one event */
	struct buf	 rows;		/* of one batch, as NDJSON */
	struct load	*load;		/* NULL: no row has come yet */
	json_t		*job;		/* its configuration */
	struct load_sum	 sum;
	char		 base[LOAD_BASE_SIZE];
	unsigned	 attempt;	/* the next of that base, as place_find() saw it */
	struct insert	*insert;
};

/* s->fail as a message, once. */
int	bq_out_say(struct bq_out *);
int	bq_out_no_memory(struct bq_out *);
/* A feed, a batch, or just rows? */
int	bq_out_is_feed(const struct bq_out *);

/* ---- target.c: functions return a code whose sentence is in s->fail */

/* "project.dataset.table[$partition]", also project:dataset.table and, with a project known otherwise, dataset.table. */
int	target_name(struct bq_out *);
/* Is it there?  Then creation and the schema that it has. */
int	target_look(struct bq_out *);
/* Make it, or check what is there against the options; then the schema that rows get. */
int	target_settle(struct bq_out *);
/* What --schema says against what is there: part of it. */
int	target_compare(struct bq_out *);
/* configuration.load, without what load.h adds. */
json_t	*target_job(const struct bq_out *);
void	target_free(struct target *);

/* ---- place.c: functions have said what is wrong */

/* What a checkpoint keeps of a commit; see weir-state(5). */
struct place {
	json_t		*prep;		/* owned; NULL: nothing was ever committed */
	struct position	 at;
	unsigned	 next;		/* attempts of the next load that have failed */
};

/* The newest commit: from the newest that this directory has seen, on along the jobs. */
int	place_find(struct bq_out *, struct place *);
void	place_free(struct place *);
/* Write down what is about to be committed. */
int	place_prepare(struct bq_out *, const struct weir_barrier *, const char *hash, uint64_t rows);
/* The base id of the load that follows s->committed. */
void	place_base(const struct bq_out *, const char *prev, char base[LOAD_BASE_SIZE]);

/* ---- jobs.c, insert.c: rows in, epoch done; 1 from commit: held */
int	jobs_put(struct bq_out *, uint64_t n_rows);	/* s->rows */
int	jobs_prepare(struct bq_out *, const struct weir_barrier *);
int	jobs_commit(struct bq_out *, const struct weir_barrier *);
int	insert_open(struct bq_out *);
int	insert_batch(struct bq_out *, struct weir_batch *);
int	insert_prepare(struct bq_out *, const struct weir_barrier *);
int	insert_commit(struct bq_out *, const struct weir_barrier *);
void	insert_close(struct bq_out *);
/* What both say of a commit; *more is stolen. */
int	bq_out_receipt(struct bq_out *, const struct weir_barrier *, uint64_t rows, uint64_t bytes, json_t *more);

/* Event i as a row at the end of `out`: 0; 1: it is none, and was rejected; or a code. */
int	bq_out_row(struct bq_out *, struct weir_batch *, uint32_t i, struct buf *out);

const char *bq_out_spool_dir(const struct bq_out *);
int	check_surroundings(struct bq_out *);
int	refresh(struct bq_out *);

#endif
