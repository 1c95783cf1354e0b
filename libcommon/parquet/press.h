/*
 * press.h - compresses pages; one for all writers that one thread runs.
 */
#ifndef PRESS_H
#define PRESS_H

#include "buf.h"
#include "fail.h"

struct press;

/* zstd's level 1 to 19; 0: compress nothing.  NULL when memory is short. */
struct press	*press_new(int level);
void		 press_free(struct press *);
int		 press_level(const struct press *);

/* p[0..n) compressed; *out stays valid until the next call. */
int		 press_zstd(struct press *, const void *p, size_t n, const char **out, size_t *out_n, struct fail *);

/* Room to put a page together; emptied by who uses it. */
struct buf	*press_scratch(struct press *);

/* Bytes of memory that are in use. */
size_t		 press_memory(const struct press *);

#endif
