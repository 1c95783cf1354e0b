/*
 * arena.h - memory that dies all at once: reset, not freed, between batches.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {			/* zero it */
	struct arena_block	*first, *now;
	size_t			 used;
};

/* Aligned to 16; 64 readable bytes follow.  NULL when memory is short. */
void	*arena_alloc(struct arena *, size_t n);
void	 arena_reset(struct arena *);
void	 arena_free(struct arena *);

#endif
