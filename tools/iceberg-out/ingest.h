/*
 * ingest.h - batches of events into finished data files of the target.
 */
#ifndef INGEST_H
#define INGEST_H

#include "files.h"
#include "held.h"
#include "target.h"

struct ingest {
	struct target		*target;
	struct weir_ctx		*ctx;
	char			 run[96];	/* what file names of this process begin with */
	const char		*ignore;	/* --drop-meta's member, or NULL */
	uint64_t		 file_bytes;
	int			 may_want;	/* weir_want() is still allowed */
	int			 thread;	/* compress in a thread */
	struct shred		*shred;
	struct files		*files;
	/* the batch at hand */
	struct weir_batch	*batch;
	int			 held;		/* its events were taken before: none can be a reject */
	int			 probing;	/* unknown members and values too wide are noted, not rejected */
	uint32_t		 n_noted;
	uint8_t			*noted;		/* by event */
	uint32_t		 cap_noted;
	struct buf		 widen;		/* paths, each with its NUL */
	/* the epoch */
	uint64_t		 n_epochs;
	uint32_t		 n_named;
	struct manifest_file	*file;		/* finished ones */
	size_t			 n_files;
	int			 submitted;	/* to a commit that may have happened: they stay in the store */
	uint64_t		 rows;
};

/* Lay out columns and files; the target's table exists. */
int	ingest_open(struct ingest *, struct fail *);
void	ingest_close(struct ingest *);

/* Every event whose verdict is WEIR_PASSED becomes a row or a reject; the rows' verdict is then WEIR_TAKEN. */
int	ingest_batch(struct ingest *, struct weir_batch *, struct fail *);
/* The same of events that --infer held. */
int	ingest_held(struct ingest *, const struct held *, struct fail *);

/* All rows so far are durable: file[0..n_files). */
int	ingest_finish(struct ingest *, struct fail *);
/* The next epoch. */
void	ingest_forget(struct ingest *);
/* Finished files that no table has, nor will have, go from the store; none if they are submitted. */
void	ingest_discard(struct ingest *);

#endif
