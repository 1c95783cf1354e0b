/*
 * load.h - one epoch, or one batch, into BigQuery by one load job, exactly once.
 *
 * weir-stream(5) has the rule: every remake of what follows a token meets at
 * one job id, and BigQuery lets an id load once.  The id of attempt 0 is the
 * base id, of attempt a "<base>_a<a>"; a new attempt is made only after the one
 * before was seen DONE with an error.  Labels of the job tell whose it is:
 * weir_run, weir_id and weir_hash, the hash over data and offsets.
 *
 * A load that does not fit into the spool is uploaded while it comes in.  Its
 * labels are sent before its end is known, so weir_hash is then "p" and the hash
 * of its first half ceiling; the job begins with its last byte, in load_commit().
 *
 *	load_open, load_put ..., load_finish, (publish the manifest), load_commit, load_close
 */
#ifndef LOAD_H
#define LOAD_H

#include "bq.h"
#include "spool.h"

#define LOAD_BASE_SIZE	46		/* "weir_", 40 hex digits, NUL */
#define LOAD_ID_SIZE	60
#define LOAD_LABEL_SIZE	64
#define LOAD_ROW_MAX	(UINT64_C(100) * 1000000)	/* BigQuery's limit for a row; the caller's to keep */
#define LOAD_GZIP_MAX	(UINT64_C(4) * 1000000000)	/* and for a compressed file */
#define LOAD_ATTEMPTS	5		/* jobs that fail for BigQuery's own reasons, in one load_commit() */
#define LOAD_ERRORS	5		/* rows that are named */

/* What makes a load the same load.  Either the feed (pipe, shard, prev), or a batch id. */
struct load_id {
	const char	*project, *dataset, *table;	/* table with its $partition */
	const char	*creation;			/* creationTime of the table */
	const char	*pipe, *shard, *prev;
	const char	*batch_id;			/* NULL: a feed */
};

/* "weir_" and the first 40 hex digits of SHA-256 over the parts, each with its length. */
void	load_base_id(const struct load_id *, char out[LOAD_BASE_SIZE]);
void	load_job_id(const char *base, unsigned attempt, char out[LOAD_ID_SIZE]);

/* ---------------------------------------------------------------- what has become of it */

enum load_state { LOAD_NONE, LOAD_DONE, LOAD_FAILED };

struct load_look {
	int		 state;			/* enum load_state; FAILED: all attempts so far, each with an error */
	unsigned	 next;			/* the attempt to begin with; DONE: the one that did it */
	char		 run[LOAD_LABEL_SIZE], id[LOAD_LABEL_SIZE], hash[LOAD_LABEL_SIZE];	/* labels of the last job that exists */
	uint64_t	 rows;			/* DONE: outputRows */
	json_t		*job;			/* that job or NULL; load_look_free() */
};

/* Walks the attempts of a base id until one is done or is not there; one that runs is waited for.  WEIR_EUNKNOWN: it runs and BigQuery does
 * not say how it ends; WEIR_EAGAIN: BigQuery does not answer at all. */
int	load_look(struct bq *, const char *base, struct load_look *, struct fail *);
void	load_look_free(struct load_look *);

/* ---------------------------------------------------------------- loading */

struct load;

struct load_options {
	const char	*base;			/* from load_base_id() */
	unsigned	 attempt;		/* the first: load_look.next */
	int		 done;			/* load_look() saw that attempt done: its data are only compared, not sent */
	int		 batch;			/* the id is a batch's: the hash alone tells whether it is ours */
	json_t		*load;			/* configuration.load: destinationTable, schema, writeDisposition...; borrowed until close.
						 * sourceFormat is added */
	const char	*run, *id;		/* labels; run is of this process alone */
	const char	*dir;			/* of the spool */
	uint64_t	 spool_bytes;		/* 0: SPOOL_BYTES */
	int		 plain;			/* without compression */
};

/* Texts are copied, but for *load.  bq_location() must be known. */
int	load_open(struct bq *, const struct load_options *, struct load **, struct fail *);
void	load_close(struct load *);

/* n bytes of NDJSON, n_rows lines.  WEIR_EIO: the disk, with the folder; WEIR_ECONFIG: more than BigQuery takes in one load, say a shorter
 * --epoch; WEIR_EAGAIN: an upload that had begun is lost, and what it had cannot be sent again.  Nothing is loaded in any of them. */
int	load_put(struct load *, const void *p, size_t n, uint64_t n_rows, struct fail *);

struct load_sum {
	uint64_t	rows, bytes, gzip_bytes;
	char		hash[LOAD_LABEL_SIZE];	/* the label: 40 hex digits, or "p" and 40 of what was streamed */
	int		streamed;
};

/* All rows have come; `off` goes into the hash.  Nothing is visible yet. */
int	load_finish(struct load *, const char *off, struct load_sum *, struct fail *);

struct load_error {
	uint64_t	row;			/* of this load, from 1; 0: not known */
	char		reason[BQ_REASON_SIZE];
	char		message[BQ_WORDS_SIZE];
	char		text[SPOOL_TEXT + 4];	/* how the row begins, "..." when it goes on; or "" */
};

struct load_result {
	char		 job[LOAD_ID_SIZE];	/* the last that was tried */
	unsigned	 attempt;
	uint64_t	 rows;			/* BigQuery's outputRows */
	int		 already;		/* another process has loaded this batch */
	size_t		 n_errors;		/* of WEIR_EDATA */
	struct load_error error[LOAD_ERRORS];
};

/* Upload, wait, decide.  0: the rows are in the table, once.  Else, and then nothing of this load is in it unless said:
 * WEIR_EFENCED	another run, or another content of the batch, has the id (its rows are in the table)
 * WEIR_EDATA	rows that BigQuery refuses: result->error names them
 * WEIR_ECONFIG	the table, the schema, a permission
 * WEIR_EAGAIN	BigQuery's fault, or a quota, which is named
 * WEIR_EUNKNOWN	the job may have begun and BigQuery does not say; load_look() of the next run finds out */
int	load_commit(struct load *, struct load_result *, struct fail *);

#endif
