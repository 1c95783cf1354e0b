#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "arena.h"

#define BLOCK	65536
#define PAD	64
#define KEEP	(4u << 20)	/* a larger block is given back at the reset */

struct arena_block {
	struct arena_block	*next;
	size_t			 size;
	_Alignas(16) char	 p[];
};

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->now;
	void *p;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + 15) & ~(size_t)15;
	while (b && b->size - a->used < n) {
		if (!b->next)
			break;
		b = a->now = b->next;
		a->used = 0;
	}
	if (!b || b->size - a->used < n) {
		size_t size = n > BLOCK ? n : BLOCK;
		struct arena_block *more = malloc(sizeof *more + size + PAD);

		if (!more)
			return NULL;
		*more = (struct arena_block){ .size = size };
		for (size_t i = 0; i < PAD; i++)
			more->p[size + i] = 0;
		if (b)
			b->next = more;
		else
			a->first = more;
		b = a->now = more;
		a->used = 0;
	}
	p = b->p + a->used;
	a->used += n;
	return p;
}

void
arena_reset(struct arena *a)
{
	for (struct arena_block **at = &a->first; *at; ) {
		struct arena_block *b = *at;

		if (b->size > KEEP) {
			*at = b->next;
			free(b);
		} else {
			at = &b->next;
		}
	}
	a->now = a->first;
	a->used = 0;
}

void
arena_free(struct arena *a)
{
	for (struct arena_block *b = a->first, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}
