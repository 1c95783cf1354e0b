#include "config.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dictionary.h"

#define SLOTS_FIRST	1024u
#define PROBES_MAX	256u	/* the hash has no key: who makes values collide gets plain pages, not a slow writer */

void
dictionary_init(struct dictionary *d, const struct parquet_column *leaf, size_t max_bytes, size_t *budget)
{
	memset(d, 0, sizeof *d);
	d->width = leaf->physical == PARQUET_BYTE_ARRAY ? 0 : values_stride(leaf);
	d->max_bytes = max_bytes;
	d->budget = budget;
}

void
dictionary_free(struct dictionary *d)
{
	*d->budget += d->charged;
	d->charged = 0;
	buf_free(&d->plain);
	free(d->slot);
	free(d->at);
	d->slot = NULL;
	d->at = NULL;
	d->n = d->mask = d->n_cap = 0;
}

void
dictionary_clear(struct dictionary *d)
{
	if (d->slot)
		memset(d->slot, 0, ((size_t)d->mask + 1) * sizeof *d->slot);
	d->plain.n = 0;
	d->n = 0;
}

const char *
dictionary_entry(const struct dictionary *d, uint32_t i, uint32_t *n)
{
	const char *p = d->plain.p;

	if (d->width) {
		*n = d->width;
		return p + (size_t)i * d->width;
	}
	memcpy(n, p + d->at[i], 4);
	return p + d->at[i] + 4;
}

/* Twice the slots.  1 done, 0 the budget does not allow it, -1 no memory. */
static int
grow(struct dictionary *d)
{
	uint32_t slots = d->slot ? (d->mask + 1) * 2 : SLOTS_FIRST, mask = slots - 1, cap = slots / 2;
	size_t more = (slots - (d->slot ? d->mask + 1 : 0)) * sizeof *d->slot + (d->width ? 0 : (cap - d->n_cap) * sizeof *d->at);
	uint64_t *slot;

	if (d->n >= DICTIONARY_ENTRIES || more > *d->budget)
		return 0;
	if (!d->width) {
		uint32_t *at = realloc(d->at, cap * sizeof *at);

		if (!at)
			return -1;
		d->at = at;
	}
	if (!(slot = calloc(slots, sizeof *slot)))
		return -1;
	for (uint32_t i = 0; d->slot && i <= d->mask; i++)
		if (d->slot[i]) {
			uint32_t k = (uint32_t)(d->slot[i] >> 32) & mask;

			while (slot[k])
				k = (k + 1) & mask;
			slot[k] = d->slot[i];
		}
	free(d->slot);
	d->slot = slot;
	d->mask = mask;
	d->n_cap = cap;
	*d->budget -= more;
	d->charged += more;
	return 1;
}

/* A new entry at slot k: 1, or 0 at a limit, -1 no memory. */
static int
add(struct dictionary *d, uint32_t k, uint32_t hash, const void *p, uint32_t n)
{
	size_t bytes = n + (d->width ? 0 : 4), had = d->plain.cap;

	if (d->n >= DICTIONARY_ENTRIES || d->plain.n + bytes > d->max_bytes)
		return 0;
	if (d->plain.n + bytes > had && bytes + had > *d->budget)	/* it will double */
		return 0;
	if (buf_reserve(&d->plain, bytes) < 0)
		return -1;
	if (d->plain.cap > had) {
		size_t more = d->plain.cap - had;

		if (more > *d->budget)		/* past by one value at most */
			more = *d->budget;
		*d->budget -= more;
		d->charged += more;
	}
	if (!d->width) {
		d->at[d->n] = (uint32_t)d->plain.n;
		memcpy(d->plain.p + d->plain.n, &n, 4);
		d->plain.n += 4;
	}
	memcpy(d->plain.p + d->plain.n, p, n);
	d->plain.n += n;
	d->slot[k] = (uint64_t)hash << 32 | ++d->n;
	return 1;
}

static inline __attribute__((always_inline)) uint32_t
mix(uint64_t v)
{
	v *= UINT64_C(0x9E3779B97F4A7C15);
	return (uint32_t)(v >> 32) ^ (uint32_t)(v >> 13);
}

/* Up to 16 bytes as two words; with the length they are the whole string. */
struct words {
	uint64_t a, b;
};

static inline __attribute__((always_inline)) struct words
words_of(const char *p, uint32_t n)
{
	struct words w = { 0, 0 };
	uint32_t x, y;

	if (n >= 8) {
		memcpy(&w.a, p, 8);
		memcpy(&w.b, p + n - 8, 8);
	} else if (n >= 4) {
		memcpy(&x, p, 4);
		memcpy(&y, p + n - 4, 4);
		w.a = x;
		w.b = y;
	} else if (n) {
		w.a = (unsigned char)p[0];
		w.b = (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
	}
	return w;
}

static inline __attribute__((always_inline)) uint32_t
hash_words(struct words w, uint32_t n)
{
	return mix(w.a ^ (w.b + n) * UINT64_C(0xC2B2AE3D27D4EB4F));
}

/* The entry of a value, or a new one.  1, or 0 at a limit, or -1: no memory. */
static inline __attribute__((always_inline)) int
lookup(struct dictionary *d, uint32_t hash, const void *p, uint32_t n, uint32_t width, struct words w, uint32_t *index)
{
	uint32_t k, probes = 0, len;
	int rc;

	if (d->n >= d->n_cap && (rc = grow(d)) <= 0)
		return rc;
	for (k = hash & d->mask; d->slot[k]; k = (k + 1) & d->mask) {
		uint32_t e = (uint32_t)d->slot[k] - 1;
		const char *q;

		if (++probes > PROBES_MAX)
			return 0;
		if ((uint32_t)(d->slot[k] >> 32) != hash)
			continue;
		if (width) {
			if (memcmp(d->plain.p + (size_t)e * width, p, width))
				continue;
		} else {
			q = d->plain.p + d->at[e];
			memcpy(&len, q, 4);
			if (len != n)
				continue;
			if (n <= 16) {
				struct words x = words_of(q + 4, n);

				if (x.a != w.a || x.b != w.b)
					continue;
			} else if (memcmp(q + 4, p, n)) {
				continue;
			}
		}
		*index = e;
		return 1;
	}
	*index = d->n;
	return add(d, k, hash, p, n);
}

/* One loop a width: 4, 8, another (fixed), 0 (byte arrays). */
static inline __attribute__((always_inline)) int64_t
put(struct dictionary *d, const struct parquet_values *v, uint32_t from, uint32_t to, uint32_t *index, uint32_t width)
{
	struct words w = { 0, 0 };
	int rc;

	for (uint32_t i = from; i < to; i++) {
		const char *p = width ? (const char *)v->fixed + (size_t)i * width : v->bytes[i].p;
		uint32_t n = width ? width : v->bytes[i].n, hash, x;

		if (width == 4) {
			memcpy(&x, p, 4);
			hash = mix(x);
		} else if (width == 8) {
			memcpy(&w.a, p, 8);
			hash = mix(w.a);
		} else if (!width && n <= 16) {
			w = words_of(p, n);
			hash = hash_words(w, n);
		} else {
			hash = (uint32_t)XXH3_64bits(p, n);
		}
		if ((rc = lookup(d, hash, p, n, width, w, &index[i - from])) <= 0)
			return rc < 0 ? -1 : (int64_t)(i - from);
	}
	return to - from;
}

int64_t
dictionary_put(struct dictionary *d, const struct parquet_values *v, uint32_t from, uint32_t to, uint32_t *index)
{
	switch (d->width) {
	case 0:
		return put(d, v, from, to, index, 0);
	case 4:
		return put(d, v, from, to, index, 4);
	case 8:
		return put(d, v, from, to, index, 8);
	default:
		return put(d, v, from, to, index, d->width);
	}
}
