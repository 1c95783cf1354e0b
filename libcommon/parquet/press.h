/*
 * press.h - compresses pages; one for all writers of a thread, with or
 * without a thread of its own.
 *
 * With one, pages are handed over and compressed in the order in which they
 * came, so that the bytes are the same either way.
 */
#ifndef PRESS_H
#define PRESS_H

#include <stdint.h>

#include "buf.h"
#include "fail.h"

#define PRESS_QUEUE	4	/* pages that may wait for the thread */

struct press;

/* zstd's level 1 to 19; 0: compress nothing.  NULL when memory is short.  A thread that cannot be had is done without. */
struct press	*press_new(int level, int thread);
void		 press_free(struct press *);
int		 press_level(const struct press *);

/* Room to put a page together. */
struct buf	*press_scratch(struct press *);

/* Let work(owner, press, raw, n, encoding) have the page in the scratch room: now, or later in the thread.  Between this and
 * press_wait() what work() touches belongs to the thread.  Returns what an earlier work() failed with, or this one. */
int		 press_page(struct press *, int (*work)(void *owner, struct press *, const struct buf *raw, uint32_t n, int encoding,
		    struct fail *), void *owner, uint32_t n, int encoding, struct fail *);

/* Until every page is done.  0, or what one of them failed with. */
int		 press_wait(struct press *, struct fail *);

/* For work(): p[0..n) compressed; *out stays valid until the next call. */
int		 press_zstd(struct press *, const void *p, size_t n, const char **out, size_t *out_n, struct fail *);

/* Bytes of memory that are in use. */
size_t		 press_memory(const struct press *);

#endif
