#include "config.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

struct pool_chunk {
	struct pool_chunk	*next;
	size_t			 size;		/* with this header */
	alignas(16) char	 bytes[];
};

static int
chunk_add(struct pool *pool, size_t n)
{
	size_t size = pool->chunk ? pool->chunk->size * 2 : POOL_FIRST;
	struct pool_chunk *c;

	if (size > POOL_CHUNK)
		size = POOL_CHUNK;
	if (n > SIZE_MAX / 2)
		return -1;
	if (size < n + sizeof *c)
		size = n + sizeof *c;
	if (size > pool->budget->max_bytes - pool->budget->used_bytes || !(c = calloc(1, size)))
		return -1;
	pool->budget->used_bytes += size;
	c->size = size;
	c->next = pool->chunk;
	pool->chunk = c;
	pool->at = c->bytes;
	pool->left = size - sizeof *c;
	return 0;
}

void *
pool_get(struct pool *pool, size_t n)
{
	size_t round;
	void *p;

	if (n > SIZE_MAX - 15)
		return NULL;
	round = (n + 15) & ~(size_t)15;
	if (round > pool->left && chunk_add(pool, round) < 0)
		return NULL;
	p = pool->at;
	pool->at += round;
	pool->left -= round;
	return p;
}

void *
pool_keep(struct pool *pool, const void *p, size_t n)
{
	void *copy = pool_get(pool, n);

	if (copy && n)
		memcpy(copy, p, n);
	return copy;
}

void
pool_free(struct pool *pool)
{
	struct pool_chunk *c, *next;

	for (c = pool->chunk; c; c = next) {
		next = c->next;
		pool->budget->used_bytes -= c->size;
		free(c);
	}
	pool->chunk = NULL;
	pool->at = NULL;
	pool->left = 0;
}

void *
pool_resize(struct pool_budget *b, void *p, size_t old, size_t n)
{
	void *q;

	if (n > old && n - old > b->max_bytes - b->used_bytes)
		return NULL;
	if (n == 0) {
		free(p);
		q = NULL;
	} else if (!(q = realloc(p, n))) {
		return NULL;
	}
	b->used_bytes = b->used_bytes - old + n;
	return q;
}
