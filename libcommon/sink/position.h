/*
 * position.h - how far a feed has come, and whether a stream may go on from there.
 *
 * A position is the token of the feed's last commit with the offsets that were
 * committed with it.  Where it is kept is the sink's affair (a table's
 * properties, a checkpoint); what it means is the same for all.  Rules:
 * weir-stream(5).  No I/O.
 */
#ifndef POSITION_H
#define POSITION_H

#include <jansson.h>

#include "buf.h"
#include "fail.h"

struct position {
	const char	*token;		/* "none": nothing was ever committed */
	const json_t	*off;		/* an object; NULL then */
	const char	*chain;		/* the stages before the sink, as hello named them */
};

/* A stream that wants to go on; texts are the caller's. */
struct position_stream {
	const char	*sink, *store;	/* "iceberg-out", "shop.orders": for messages */
	const char	*pipe, *prev, *chain;
	const json_t	*off;
	int		 explicit_pipe;	/* the pipe was named, and is not just the store's name */
	int		 accept_change;
};

/* May it?  WEIR_EFENCED or WEIR_ECONFIG; 0; 1: yes, and f->text is a warning. */
int	position_guard(const struct position *, const struct position_stream *, struct fail *);

/* {"off":...,"pipe":...,"token":...}, or none. */
int	position_write(const struct position *, const char *pipe, struct buf *out);

/* "orders/0:9901, orders/1:17" or the compact JSON of other sources' offsets; cut at some 300 bytes. */
int	position_describe(const json_t *off, struct buf *out);

/* Are the offsets of the same topics (names and ids) on the same cluster? */
int	position_same_source(const json_t *a, const json_t *b);

#endif
