/*
 * batch.h - a batch of events with its columns, and the members that stages
 * added to them.
 *
 * Bytes are borrowed (lines of the input) or its own (events that a stage
 * made).  A member that was added stays apart until somebody needs the bytes:
 * a process boundary, or a stage that asks.
 */
#ifndef BATCH_H
#define BATCH_H

#include "arena.h"
#include "fail.h"
#include "scan.h"
#include "weir.h"

#define BATCH_BYTES	(256u << 10)	/* of one batch's lines, or one line */

struct splice {
	struct splice	*next;
	const char	*p;
	uint32_t	 n;
	int		 column;
};

struct edit {			/* of one event; NULL where nobody touched it */
	const char	*p;	/* other bytes in place of the line; NULL: the line */
	size_t		 n;
	struct splice	*first, *last;
};

struct batch {
	struct weir_batch	  pub;		/* what stages see */
	struct scan		 *scan;
	size_t			  n_cols;
	uint32_t		  cap;
	uint32_t		 *line;
	struct weir_value	**col;
	struct edit		**edit;
	uint8_t			 *rest;		/* not 0: the event may have members that no column holds */
	char			 *own;		/* own bytes, own_cap + padding; NULL: borrowed */
	size_t			  own_cap, own_n;
	uint32_t		  count[WEIR_N_VERDICTS];	/* of pub.verdict, kept by the host */
	uint32_t		  n_edits, n_marked;	/* events with edits; with a top-level key that begins with '@' */
	struct arena		  arena;
};

int	batch_open(struct batch *, struct scan *, size_t own_cap, struct fail *);
void	batch_close(struct batch *);
void	batch_reset(struct batch *, const char *bytes);

/* Scan the line p[0..n] (newline at p[n]) as the next event; `marks` as in scan_event().  1: it is in; 0: refused, *fault says why,
 * and it is in with verdict WEIR_REJECTED when `keep` is set, else not at all.  Or an error. */
int	batch_add(struct batch *, const char *p, size_t n, int keep, unsigned *marks, struct scan_fault *, struct fail *);

/* Copy p[0..n) behind the own bytes, with a newline, for batch_add(); NULL when there is no room left in a batch that is not empty. */
const char *batch_copy(struct batch *, const char *p, size_t n, struct fail *);

/* See weir_event(), weir_set(), weir_replace(). */
const char *batch_event(struct batch *, uint32_t i, size_t *n);
int	batch_set(struct batch *, uint32_t i, int column, const char *json, size_t n, struct fail *);
int	batch_replace(struct batch *, uint32_t i, const char *json, size_t n, struct fail *);

/* Memory of this batch; the process ends when there is none. */
void	*batch_alloc(struct batch *, size_t n);

/* Bytes that batch_write() needs at most; and event i as it stands, with its newline, into p.  Returns its length. */
size_t	batch_room(const struct batch *, uint32_t i);
size_t	batch_write(const struct batch *, uint32_t i, char *p);

#endif
