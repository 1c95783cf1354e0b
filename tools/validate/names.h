/*
 * names.h - a set of strings known at compile time, found in a few nanoseconds.
 *
 * Filled once from a schema, never from events: no input can make it grow or
 * collide.  A lookup reads the first and last 8 bytes and compares those once.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct names_slot {
	uint64_t	 head, tail;	/* first and last 8 bytes; of a short name the bytes it has, and 0 */
	const char	*p;
	uint32_t	 n;
	int32_t		 value;		/* -1: empty */
};

struct names {
	uint64_t		 mul;
	unsigned		 shift;
	struct names_slot	*slot;	/* 1 << (64 - shift) of them; NULL: no names */
};

/* p[i] must be readable for 8 bytes and outlive the set; value i for the i-th; of equal ones the first counts.
 * 0, or -1 when memory is short. */
int	names_build(struct names *, const char *const *p, const uint32_t *n, size_t count);
void	names_free(struct names *);

/* Head and tail of p[0..n); p is readable for 8 bytes. */
static inline uint64_t
names_words(const char *p, uint32_t n, uint64_t *tail)
{
	uint64_t head;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* Without a branch: lengths vary from event to event, and a wrong guess costs more than all of this. */
	const unsigned cut = n < 8 ? 64 - 8 * n : 0;

	memcpy(&head, p, 8);
	memcpy(tail, p + (n < 8 ? 0 : n - 8), 8);
	*tail = n < 8 ? 0 : *tail;
	return n ? head & (~UINT64_C(0) >> cut % 64) : 0;
#else
	head = *tail = 0;
	memcpy(&head, p, n < 8 ? n : 8);
	if (n >= 8)
		memcpy(tail, p + n - 8, 8);
	return head;
#endif
}

static inline size_t
names_hash(const struct names *s, uint64_t head, uint64_t tail, uint32_t n)
{
	return (size_t)((head ^ (tail << 23 | tail >> 41) ^ n) * s->mul >> s->shift);
}

static inline int
names_same(const struct names_slot *k, const char *p, uint32_t n, uint64_t head, uint64_t tail)
{
	return k->head == head && k->tail == tail && k->n == n && (n <= 16 || !memcmp(k->p + 8, p + 8, n - 16));
}

/* p is readable for 8 bytes, whatever n.  The value, or -1. */
static inline int
names_find(const struct names *s, const char *p, uint32_t n)
{
	uint64_t head, tail;
	size_t mask;

	if (!s->slot)
		return -1;
	mask = ((size_t)1 << (64 - s->shift)) - 1;
	head = names_words(p, n, &tail);
	for (size_t h = names_hash(s, head, tail, n); s->slot[h].value >= 0; h = (h + 1) & mask)
		if (names_same(&s->slot[h], p, n, head, tail))
			return s->slot[h].value;
	return -1;
}

#endif
