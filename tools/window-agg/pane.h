/*
 * pane.h - the groups of one stretch of event time, and where they lie in memory.
 *
 * A group is its header, the cells of the aggregates, and its key, in one
 * piece of the pane's pool; a hash table finds it.
 */
#ifndef PANE_H
#define PANE_H

#include "aggregate.h"

#define PANE_SLOTS	16	/* of a new table; always a power of two, at most half of them taken */

/* What every group of one run looks like. */
struct layout {
	size_t			 n_aggs;
	const struct aggregate	*const *agg;
	const size_t		*cell_at;	/* of n_aggs, each a multiple of 16 */
	size_t			 key_at;
};

struct group {
	uint64_t	hash, n;	/* n: events */
	uint32_t	key_n, pad;
	uint64_t	unused;		/* cells begin at a multiple of 16 */
};

struct pane_slot {
	uint64_t	 hash;
	struct group	*group;		/* NULL: free */
};

struct pane {
	int64_t			 start_us;
	struct pane_slot	*slot;
	size_t			 n_slots, n_groups;
	struct pool		 pool;
};

/* NULL at the ceiling or when memory is short.  pane_free() frees the groups too. */
struct pane	*pane_new(struct pool_budget *, int64_t start_us);
void		 pane_free(struct pane *);

/* The group of that key, made with zeroed cells when it is not there; NULL as above. */
struct group	*pane_group(struct pane *, const struct layout *, uint64_t hash, const char *key, size_t n);

/* Add the groups of a pane of later time to another.  0, or -1 at the ceiling. */
int		 pane_merge(struct pane *to, const struct pane *from, const struct layout *);

/* All groups, ordered by key; sorted has room for n_groups. */
void		 pane_sort(const struct pane *, const struct layout *, struct group **sorted);

uint64_t	 pane_events(const struct pane *);

static inline const char *
group_key(const struct layout *l, const struct group *g)
{
	return (const char *)g + l->key_at;
}

static inline void *
group_cell(const struct layout *l, const struct group *g, size_t a)
{
	return (char *)g + l->cell_at[a];
}

#endif
