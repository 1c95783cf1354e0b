/*
 * out.h - the output of one process: data lines, counted and hashed, and the
 * control lines between them.
 */
#ifndef OUT_H
#define OUT_H

#include <stdint.h>

#include "buf.h"
#include "fail.h"
#include "meter.h"

#define OUT_BLOCK	(256u << 10)

struct out {
	int		 fd;
	int		 framed;	/* control lines are written */
	struct buf	 b;
	void		*hash;		/* XXH3_state_t over the data since the last mark */
	uint64_t	 n;		/* data lines since then */
	uint64_t	 seq;		/* control lines so far */
	uint64_t	 bytes;		/* written in all */
	struct meter	*meter;		/* who wants to know how long writing took, or NULL */
};

int	out_open(struct out *, int fd, struct fail *);
void	out_close(struct out *);

/* Whole lines: p[0..n) holds `events` of them, newlines included.  WEIR_EGONE when the reader is gone. */
int	out_data(struct out *, const char *p, size_t n, uint64_t events, struct fail *);
/* The same in two steps: room for n bytes, and then they are there. */
char	*out_room(struct out *, size_t n, struct fail *);
void	out_added(struct out *, size_t n, uint64_t events);

int	out_control(struct out *, const char *line, size_t n, struct fail *);
int	out_flush(struct out *, struct fail *);

/* Number and xxh3-64 of the data since the last call, and start anew. */
void	out_mark(struct out *, uint64_t *n, uint64_t *hash);

/* Grow a pipe to 1 MiB, or as far as it goes. */
void	out_grow_pipe(int fd);

#endif
