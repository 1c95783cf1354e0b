/* rows.c - a lookup table in memory, see rows.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "buf.h"
#include "rows.h"

#define ROWS_FIRST	64		/* slots at the beginning; a power of two */
#define ROWS_ALIGN	8		/* of a row; ids count in this unit, so 32 GiB can be told apart */
#define ROWS_MAX_BYTES	(UINT64_C(1) << 34)

struct slot {
	uint32_t	tag;		/* of the hash */
	uint32_t	id;		/* where the row begins, 0: empty */
};

/* Before the lengths of the values, the key and the values. */
struct row {
	int64_t		from_us;
	uint32_t	next;		/* an older row of the same key, or 0 */
	uint32_t	line;
	uint32_t	key_n;
	uint32_t	len[];
};

struct rows {
	struct buf	 bytes;		/* begins with an unused unit: no row has id 0 */
	struct slot	*slot;
	uint64_t	 n_slots, n_keys, n_rows, seed, max_bytes;
	uint32_t	 n_values;
	int		 versioned;
};

struct rows *
rows_new(uint64_t seed, uint32_t n_values, uint64_t max_bytes, int versioned)
{
	static const char unused[ROWS_ALIGN];
	struct rows *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->seed = seed;
	r->n_values = n_values;
	r->versioned = versioned;
	r->max_bytes = max_bytes < ROWS_MAX_BYTES ? max_bytes : ROWS_MAX_BYTES;
	r->n_slots = ROWS_FIRST;
	r->slot = calloc(r->n_slots, sizeof *r->slot);
	if (!r->slot || buf_put(&r->bytes, unused, sizeof unused) < 0) {
		rows_free(r);
		return NULL;
	}
	return r;
}

void
rows_free(struct rows *r)
{
	if (!r)
		return;
	buf_free(&r->bytes);
	free(r->slot);
	free(r);
}

static struct row *
rows_at(const struct rows *r, uint32_t id)
{
	return (struct row *)(void *)(r->bytes.p + (size_t)id * ROWS_ALIGN);
}

static const char *
rows_key(const struct rows *r, const struct row *row)
{
	return (const char *)(row->len + r->n_values);
}

/* The slot of that key, or the empty one where it would go. */
static struct slot *
rows_slot(const struct rows *r, uint64_t hash, const char *key, size_t n)
{
	uint32_t tag = (uint32_t)(hash >> 32);

	for (uint64_t i = hash & (r->n_slots - 1); ; i = (i + 1) & (r->n_slots - 1)) {
		struct slot *s = &r->slot[i];
		const struct row *row;

		if (!s->id)
			return s;
		if (s->tag != tag)
			continue;
		row = rows_at(r, s->id);
		if (row->key_n == n && !memcmp(rows_key(r, row), key, n))
			return s;
	}
}

static int
rows_grow(struct rows *r)
{
	uint64_t n = r->n_slots * 2;
	struct slot *slot;

	if (n * sizeof *slot + r->bytes.n > r->max_bytes || !(slot = calloc(n, sizeof *slot)))
		return -1;
	for (uint64_t i = 0; i < r->n_slots; i++) {
		const struct slot *s = &r->slot[i];
		const struct row *row;
		uint64_t k;

		if (!s->id)
			continue;
		row = rows_at(r, s->id);
		k = XXH3_64bits_withSeed(rows_key(r, row), row->key_n, r->seed) & (n - 1);
		while (slot[k].id)
			k = (k + 1) & (n - 1);
		slot[k] = *s;
	}
	free(r->slot);
	r->slot = slot;
	r->n_slots = n;
	return 0;
}

/* Put a younger or older row of the same key into its place in the chain, youngest first. */
static int
rows_chain(struct rows *r, struct slot *s, uint32_t id, uint32_t *line_before)
{
	struct row *row = rows_at(r, id);
	uint32_t *at = &s->id;

	for (; *at; at = &rows_at(r, *at)->next) {
		const struct row *other = rows_at(r, *at);

		if (!r->versioned || other->from_us == row->from_us) {
			*line_before = other->line;
			return ROWS_DUPLICATE;
		}
		if (other->from_us < row->from_us)
			break;
	}
	row->next = *at;
	*at = id;
	return 0;
}

int
rows_add(struct rows *r, const char *key, size_t n, int64_t from_us, const struct rows_value *value, uint32_t line, uint32_t *line_before)
{
	uint64_t hash = XXH3_64bits_withSeed(key, n, r->seed);
	size_t size = sizeof(struct row) + r->n_values * sizeof(uint32_t) + n, start = r->bytes.n;
	struct row *row;
	struct slot *s;
	char *p;
	int e;

	for (uint32_t k = 0; k < r->n_values; k++)
		size += value[k].n;
	size = (size + ROWS_ALIGN - 1) & ~(size_t)(ROWS_ALIGN - 1);
	if ((r->n_keys + 1) * 3 > r->n_slots * 2 && rows_grow(r) < 0)
		return ROWS_FULL;
	if (size + r->bytes.n + r->n_slots * sizeof *s > r->max_bytes || buf_reserve(&r->bytes, size) < 0)
		return ROWS_FULL;
	row = rows_at(r, (uint32_t)(start / ROWS_ALIGN));
	row->from_us = from_us;
	row->next = 0;
	row->line = line;
	row->key_n = (uint32_t)n;
	p = (char *)(row->len + r->n_values);
	memcpy(p, key, n);
	p += n;
	for (uint32_t k = 0; k < r->n_values; p += value[k++].n) {
		row->len[k] = value[k].n;
		memcpy(p, value[k].p, value[k].n);
	}
	s = rows_slot(r, hash, key, n);
	r->n_keys += !s->id;
	s->tag = (uint32_t)(hash >> 32);
	if ((e = rows_chain(r, s, (uint32_t)(start / ROWS_ALIGN), line_before)) < 0)
		return e;
	r->bytes.n = start + size;
	r->n_rows++;
	return 0;
}

void
rows_touch(const struct rows *r, const char *key, size_t n, int step)
{
	const struct slot *s = &r->slot[XXH3_64bits_withSeed(key, n, r->seed) & (r->n_slots - 1)];

	if (step == 0)
		__builtin_prefetch(s);
	else if (s->id)
		__builtin_prefetch(rows_at(r, s->id));
}

int
rows_find(const struct rows *r, const char *key, size_t n, int64_t at_us, struct rows_value *value)
{
	uint64_t hash = XXH3_64bits_withSeed(key, n, r->seed);
	uint32_t id = rows_slot(r, hash, key, n)->id;
	const struct row *row;
	const char *p;

	while (id && r->versioned && rows_at(r, id)->from_us > at_us)
		id = rows_at(r, id)->next;
	if (!id)
		return 0;
	row = rows_at(r, id);
	p = rows_key(r, row) + row->key_n;
	for (uint32_t k = 0; k < r->n_values; p += row->len[k++]) {
		value[k].p = p;
		value[k].n = row->len[k];
	}
	return 1;
}

uint64_t
rows_count(const struct rows *r)
{
	return r->n_rows;
}

uint64_t
rows_bytes(const struct rows *r)
{
	return sizeof *r + r->bytes.cap + r->n_slots * sizeof *r->slot;
}
