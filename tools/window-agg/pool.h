/*
 * pool.h - memory that is freed at once, under a ceiling that several pools share.
 *
 * One pool holds the groups of one pane: closing it frees them without a walk.
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_FIRST	2048		/* bytes of a pool's first chunk; each next one is twice as long, up to POOL_CHUNK */
#define POOL_CHUNK	(256 * 1024)

/* What all pools of one owner may take together. */
struct pool_budget {
	uint64_t	used_bytes, max_bytes;
};

struct pool_chunk;

/* Zeroed, with `budget` set. */
struct pool {
	struct pool_budget	*budget;
	struct pool_chunk	*chunk;		/* the newest; it leads to the others */
	char			*at;
	size_t			 left;
};

/* n zeroed bytes, aligned to 16; NULL at the ceiling or when memory is short. */
void	*pool_get(struct pool *, size_t n);
/* A copy that lives as long as the pool. */
void	*pool_keep(struct pool *, const void *p, size_t n);
/* Empty again; the memory is given back. */
void	 pool_free(struct pool *);

/* malloc(3) and free(3) for what grows and shrinks on its own, on the same account.  `old` bytes become `n`; NULL: nothing changed. */
void	*pool_resize(struct pool_budget *, void *p, size_t old, size_t n);

#endif
