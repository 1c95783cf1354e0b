/*
 * names - strings known at compile time; see names.h.
 */
#include "config.h"

#include <stdlib.h>

#include "names.h"

#define TRIES	200	/* multipliers tried for a table without collisions */

/* Collisions with this multiplier; fills the table. */
static size_t
fill(struct names *s, const char *const *p, const uint32_t *n, size_t count)
{
	const size_t size = (size_t)1 << (64 - s->shift);
	size_t hits = 0;

	for (size_t i = 0; i < size; i++)
		s->slot[i].value = -1;
	for (size_t i = 0; i < count; i++) {
		uint64_t tail, head = names_words(p[i], n[i], &tail);
		size_t h = names_hash(s, head, tail, n[i]);
		int same = 0;

		for (; s->slot[h].value >= 0 && !same; h = (h + 1) & (size - 1)) {
			same = names_same(&s->slot[h], p[i], n[i], head, tail);
			hits += !same;
		}
		if (!same)
			s->slot[h] = (struct names_slot){ head, tail, p[i], n[i], (int32_t)i };
	}
	return hits;
}

int
names_build(struct names *s, const char *const *p, const uint32_t *n, size_t count)
{
	size_t least = SIZE_MAX;
	uint64_t best = 0;
	unsigned bits = 2;

	*s = (struct names){ 0 };
	if (!count)
		return 0;
	while (((size_t)1 << bits) < count * 2 + 2)
		bits++;
	bits += count <= 64;
	s->shift = 64 - bits;
	if (!(s->slot = malloc(sizeof *s->slot << bits)))
		return -1;
	for (uint64_t t = 0; t < TRIES && least; t++) {
		size_t hits;

		s->mul = (t + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		if (count > 1000 && t)
			break;
		if ((hits = fill(s, p, n, count)) < least) {
			least = hits;
			best = s->mul;
		}
	}
	s->mul = best;
	fill(s, p, n, count);
	return 0;
}

void
names_free(struct names *s)
{
	free(s->slot);
	*s = (struct names){ 0 };
}
