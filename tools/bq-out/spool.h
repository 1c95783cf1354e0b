/*
 * spool.h - rows on their way to BigQuery: compressed, in a file without a name.
 *
 * A window over the stream of compressed bytes: put() adds at its end,
 * release() gives up its front.  The file is a ring as large as the ceiling,
 * so the ceiling holds whatever goes through it.  Nothing is left behind by
 * any end of the process.
 *
 * ISA-L compresses where it was built in, else zlib, both at level 1.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"

#define SPOOL_BYTES	(UINT64_C(256) << 20)	/* default of --spool */
#define SPOOL_LEAST	(UINT64_C(4) << 20)	/* the least ceiling */
#define SPOOL_SLICE	(64u << 10)		/* of one spool_put() */
#define SPOOL_TEXT	120			/* of a row that is shown */

struct spool;

struct spool_options {
	const char	*dir;		/* must be there; copied */
	uint64_t	 bytes;		/* the ceiling; 0: SPOOL_BYTES; less than SPOOL_LEAST is that */
	int		 plain;		/* do not compress */
};

struct spool_sum {
	uint64_t	rows, in, out;		/* out: compressed, from the first byte on, whatever was released */
	uint64_t	hash[2];		/* XXH3-128 of the bytes that came in, low and high */
	uint64_t	head_hash[2];		/* the same of the first half ceiling of them: not before that many came, then for ever */
};

/* WEIR_ECONFIG: the folder is not there or not ours; WEIR_EIO: no file can be made in it. */
int	spool_open(const struct spool_options *, struct spool **, struct fail *);
void	spool_close(struct spool *);

/* At most SPOOL_SLICE bytes, with n_rows newlines among them.  0; 1 full: nothing was taken, release the front and ask again. */
int	spool_put(struct spool *, const void *p, size_t n, uint64_t n_rows, struct fail *);
/* No more comes: the trailer is written, for which there is always room. */
int	spool_finish(struct spool *, struct fail *);
void	spool_sum(const struct spool *, struct spool_sum *);

/* Bytes [at, at + n) of the compressed stream, which must be in the window: spool_from() <= at, at + n <= sum.out. */
int	spool_read(struct spool *, uint64_t at, void *p, size_t n, struct fail *);
uint64_t spool_from(const struct spool *);
void	spool_release(struct spool *, uint64_t to);

/* A row that BigQuery complains about. */
struct spool_row {
	uint64_t	at;			/* asked: a position in the bytes that came in */
	uint64_t	number;			/* from 1; 0: there is none at that position */
	size_t		n;			/* of text; SPOOL_TEXT: it goes on */
	char		text[SPOOL_TEXT];	/* its first bytes */
};

/* The rows that lie at these positions, in ascending order of them; nothing may have been released.  Reads everything up to the last. */
int	spool_find(struct spool *, struct spool_row *, size_t n, struct fail *);

#endif
