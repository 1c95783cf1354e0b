/*
 * publish.h - files that are written once, and are whole or not there.
 *
 * O_TMPFILE, write, fsync, linkat, fsync of the directory; where a file system
 * has no O_TMPFILE, a name with process and random number that is never used
 * twice.  A name that exists is never replaced.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include <stddef.h>

#include "fail.h"

struct publish {
	int	dir, fd;	/* dir belongs to the caller */
	char	temp[64];	/* empty: O_TMPFILE */
};

/* Begin a file in `dir`; write to p->fd. */
int	publish_begin(struct publish *p, int dir, struct fail *);

/* Make it durable under `name`.  0; or an error, WEIR_EFENCED when the name is taken.  Closes either way. */
int	publish_end(struct publish *p, const char *name, struct fail *);

/* Give it up. */
void	publish_abort(struct publish *p);

/* All of it at once. */
int	publish_bytes(int dir, const char *name, const void *bytes, size_t n, struct fail *);

/* All of p[0..n) to a descriptor: 0, or -1 with errno. */
int	publish_write(int fd, const void *p, size_t n);

#endif
