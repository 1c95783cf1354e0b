/*
 * names.h - a set of strings known at compile time, found in a few nanoseconds.
 *
 * Filled once from a schema, never from events: no input can make it grow or
 * collide.  A lookup reads the first and last 8 bytes and compares once.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct names_slot {
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

static inline uint64_t
names_word(const char *p, uint32_t n)
{
	uint64_t w;

	memcpy(&w, p, 8);
	return n >= 8 ? w : w & ~(~UINT64_C(0) << 8 * n);	/* little or big endian: only equality matters */
}

static inline size_t
names_hash(const struct names *s, const char *p, uint32_t n)
{
	uint64_t w, tail;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	w = n ? names_word(p, n) : 0;
#else
	w = 0;
	memcpy(&w, p, n < 8 ? n : 8);
#endif
	if (n > 8) {
		memcpy(&tail, p + n - 8, 8);
		w ^= tail << 23 | tail >> 41;
	}
	return (size_t)(((w ^ n) * s->mul) >> s->shift);
}

/* p is readable for 8 bytes, whatever n.  The value, or -1. */
static inline int
names_find(const struct names *s, const char *p, uint32_t n)
{
	const size_t mask = ((size_t)1 << (64 - s->shift)) - 1;

	if (!s->slot)
		return -1;
	for (size_t h = names_hash(s, p, n); s->slot[h].value >= 0; h = (h + 1) & mask)
		if (s->slot[h].n == n && !memcmp(s->slot[h].p, p, n))
			return s->slot[h].value;
	return -1;
}

#endif
