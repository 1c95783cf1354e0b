#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "pane.h"

struct pane *
pane_new(struct pool_budget *budget, int64_t start_us)
{
	struct pane *p = pool_resize(budget, NULL, 0, sizeof *p);

	if (!p)
		return NULL;
	memset(p, 0, sizeof *p);
	p->start_us = start_us;
	p->pool.budget = budget;
	if (!(p->slot = pool_resize(budget, NULL, 0, PANE_SLOTS * sizeof *p->slot))) {
		pool_resize(budget, p, sizeof *p, 0);
		return NULL;
	}
	p->n_slots = PANE_SLOTS;
	memset(p->slot, 0, PANE_SLOTS * sizeof *p->slot);
	return p;
}

void
pane_free(struct pane *p)
{
	struct pool_budget *budget = p->pool.budget;

	pool_resize(budget, p->slot, p->n_slots * sizeof *p->slot, 0);
	pool_free(&p->pool);
	pool_resize(budget, p, sizeof *p, 0);
}

/* A free slot for a hash; there is one, half of them are. */
static struct pane_slot *
slot_free(struct pane_slot *slot, size_t n_slots, uint64_t hash)
{
	size_t k = hash & (n_slots - 1);

	while (slot[k].group)
		k = (k + 1) & (n_slots - 1);
	return &slot[k];
}

static int
slots_grow(struct pane *p)
{
	struct pool_budget *budget = p->pool.budget;
	size_t n = p->n_slots * 2;
	struct pane_slot *s = pool_resize(budget, NULL, 0, n * sizeof *s);

	if (!s)
		return -1;
	memset(s, 0, n * sizeof *s);
	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slot[i].group)
			*slot_free(s, n, p->slot[i].hash) = p->slot[i];
	pool_resize(budget, p->slot, p->n_slots * sizeof *s, 0);
	p->slot = s;
	p->n_slots = n;
	return 0;
}

static struct group *
group_new(struct pane *p, const struct layout *l, uint64_t hash, const char *key, size_t n)
{
	struct pane_slot *s;
	struct group *g;

	if ((2 * p->n_groups >= p->n_slots && slots_grow(p) < 0) || !(g = pool_get(&p->pool, l->key_at + n)))
		return NULL;
	g->hash = hash;
	g->key_n = (uint32_t)n;
	if (n)
		memcpy((char *)g + l->key_at, key, n);
	s = slot_free(p->slot, p->n_slots, hash);
	s->hash = hash;
	s->group = g;
	p->n_groups++;
	return g;
}

struct group *
pane_group(struct pane *p, const struct layout *l, uint64_t hash, const char *key, size_t n)
{
	struct group *g;

	for (size_t k = hash & (p->n_slots - 1); (g = p->slot[k].group); k = (k + 1) & (p->n_slots - 1))
		if (p->slot[k].hash == hash && g->key_n == n && !memcmp(group_key(l, g), key, n))
			return g;
	return group_new(p, l, hash, key, n);
}

int
pane_merge(struct pane *to, const struct pane *from, const struct layout *l)
{
	for (size_t i = 0; i < from->n_slots; i++) {
		const struct group *g = from->slot[i].group;
		struct group *t;

		if (!g)
			continue;
		if (!(t = pane_group(to, l, g->hash, group_key(l, g), g->key_n)))
			return -1;
		t->n += g->n;
		for (size_t a = 0; a < l->n_aggs; a++)
			if (l->agg[a]->merge(group_cell(l, t, a), group_cell(l, g, a), &to->pool) < 0)
				return -1;
	}
	return 0;
}

static int
by_key(const void *a, const void *b, void *layout)
{
	const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
	uint32_t n = x->key_n < y->key_n ? x->key_n : y->key_n;
	int c = memcmp(group_key(layout, x), group_key(layout, y), n);

	return c ? c : (x->key_n > y->key_n) - (x->key_n < y->key_n);
}

void
pane_sort(const struct pane *p, const struct layout *l, struct group **sorted)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slot[i].group)
			sorted[n++] = p->slot[i].group;
	if (n)
		qsort_r(sorted, n, sizeof *sorted, by_key, (void *)(uintptr_t)l);
}

uint64_t
pane_events(const struct pane *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slot[i].group)
			n += p->slot[i].group->n;
	return n;
}
