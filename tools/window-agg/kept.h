/*
 * kept.h - one value of an event, kept beyond its batch in a pane's pool.
 */
#ifndef KEPT_H
#define KEPT_H

#include "aggregate.h"

#define KEPT_FIRST	32		/* bytes of the first room; it doubles, so replacing wastes at most as much as it holds */
#define KEPT_BYTES	(64 << 20)	/* of one value read back from a snapshot: above any --max-line */

struct kept {
	char		*p;		/* a string's content or a literal */
	uint32_t	 n, room;
	uint8_t		 kind;		/* enum weir_kind; WEIR_ABSENT: nothing kept yet */
};

/* Replace what is kept.  0, or -1 when the pool is at its ceiling. */
int	kept_set(struct kept *, int kind, const char *p, size_t n, struct pool *);
/* As JSON; null when nothing is kept. */
int	kept_emit(const struct kept *, struct buf *);
int	kept_save(const struct kept *, struct buf *);
int	kept_load(struct kept *, const char **p, const char *end, struct pool *);

#endif
