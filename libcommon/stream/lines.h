/*
 * lines.h - whole lines out of a descriptor, in blocks.
 *
 * One read(2) of up to LINES_BLOCK bytes when no whole line is left, and never
 * before: the caller writes out what it has before it asks for more.
 */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>

#include "fail.h"
#include "meter.h"

#define LINES_BLOCK	(256u << 10)

struct lines {
	int	 fd;
	char	*p;		/* cap + padding */
	size_t	 start, end, cap;
	size_t	 max_line;	/* bytes, newline not counted */
	int	 in_long, eof;
	uint64_t bytes;		/* read so far */
	struct meter *meter;	/* who wants to know how long reading took, or NULL */
};

enum lines_what {
	LINES_EOF,		/* nothing more */
	LINES_WHOLE,		/* one or more whole lines */
	LINES_LONG,		/* a piece of a line longer than max_line */
	LINES_LONG_END,		/* its last piece, newline included */
	LINES_TORN		/* the last line, without a newline */
};

int	lines_open(struct lines *, int fd, size_t max_line, struct fail *);
void	lines_close(struct lines *);

/* Allow lines of another length from now on. */
int	lines_set_max(struct lines *, size_t max_line, struct fail *);

/* The next span, valid until the next call; 64 bytes behind it are readable.  enum lines_what, or WEIR_EIO, or WEIR_EAGAIN when a
 * signal came before a byte did. */
int	lines_next(struct lines *, char **p, size_t *n, struct fail *);

/* Would lines_next() have to read? */
int	lines_empty(const struct lines *);

/* Put back the end of the last span, from p on. */
void	lines_unread(struct lines *, const char *p);

#endif
