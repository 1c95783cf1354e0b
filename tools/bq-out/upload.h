/*
 * upload.h - the two ways a load job and its data get to BigQuery.
 *
 * Small ones in one multipart request.  Others by a resumable session, in
 * chunks of multiples of 256 KiB; after any break the session is asked how
 * far it got, and what it lost, or stored less of, is sent again while the
 * spool still has it.  The job begins with the last byte.
 *
 * What became of a job is not this file's to decide: see load.c.
 */
#ifndef UPLOAD_H
#define UPLOAD_H

#include "bq.h"
#include "spool.h"

#define UPLOAD_MULTIPART	(UINT64_C(8) << 20)	/* more goes by a session */
#define UPLOAD_UNIT		(UINT64_C(256) << 10)
#define UPLOAD_CHUNK		(32 * UPLOAD_UNIT)
#define UPLOAD_SESSIONS		4		/* of one job, that may get lost without anything stored */

enum upload_end {
	UPLOAD_GOING,		/* within upload.c alone */
	UPLOAD_JOB,		/* here is the job */
	UPLOAD_EXISTS,		/* there is a job of this id */
	UPLOAD_ABSENT,		/* there is none of ours, and BigQuery has no time for it: wait, again */
	UPLOAD_MAYBE,		/* it may have begun: look */
	UPLOAD_LOST		/* the session is gone, and the spool has released its beginning */
};

struct upload {
	struct bq	*bq;
	struct spool	*spool;
	char		*what, *role;	/* for messages */
	char		*job;		/* the resource, JSON */
	struct buf	 url;		/* where sessions and multipart jobs are made */
	struct buf	 session;	/* n 0: none */
	uint64_t	 stored;	/* bytes the session has confirmed */
	unsigned	 lost;		/* sessions, since the last byte that was confirmed */
	int		 asking;	/* something broke: ask the session first */
	int		 last;		/* the last byte may be there */
	struct retry	 retry;
	int		 failing;	/* retry has begun */
	char		 words[BQ_WORDS_SIZE];	/* why it does not go on */
};

/* What to upload, for which job.  `job`, `what` and `role` are malloc'd and taken, what there was before is forgotten. */
int	upload_begin(struct upload *, char *job, char *what, char *role, struct fail *);
void	upload_free(struct upload *);

/* While rows still come, and the spool is full: what can go in whole units, but never the last byte; what is confirmed is released.  0 and UPLOAD_JOB: done. */
int	upload_stream(struct upload *, enum upload_end *, struct fail *);

/* The spool is finished: the rest, and the job.  *job is the caller's, of UPLOAD_JOB alone.  Negative: BigQuery refuses, and no job is made. */
int	upload_finish(struct upload *, enum upload_end *, json_t **job, struct fail *);

/* After ABSENT and MAYBE: 0, or -1 when the budget is spent.  It begins anew when something went well. */
int	upload_wait(struct upload *, int64_t wait_us);

/* The Range of a 308, "bytes=0-42" or "0-42", as the number of bytes that are stored; NULL is 0.  -1: it is none. */
int	upload_range(const char *range, uint64_t *stored);

#endif
