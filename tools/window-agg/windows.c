#include "config.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "bytes.h"
#include "iso.h"
#include "pane.h"
#include "windows.h"

#define STATE_VERSION	1
#define STATE_BYTES	(60u << 20)	/* of one group in the state; a record of a snapshot is at most 63 MiB */
#define PREFETCH_SLOTS	4096		/* a smaller table is in the cache anyway */

struct windows {
	struct windows_plan	  plan;
	struct pool_budget	  budget;
	struct layout		  layout;
	size_t			  cell_at[WINDOWS_MAX_AGGS];
	struct pane		**pane;		/* by start */
	size_t			  n_panes, room;
	struct pane		 *hot;		/* the one last found */
	int64_t			  watermark_us;
	int64_t			  closed_us;	/* windows that end here or before have closed; a pane's border, or INT64_MIN */
	int64_t			  next_us;	/* no window closes before the watermark gets here */
	uint64_t		  pairs_in, pairs_closed, n_windows, n_rows, n_partly_late;
	struct group	**sorted;	/* scratch */
	size_t			  sorted_room;
	struct buf		  cells;	/* scratch */
};

static int64_t
floor_to(int64_t t, int64_t step, int64_t offset)
{
	int64_t r = (t - offset) % step;

	return t - (r < 0 ? r + step : r);
}

/* The end of the last window over the pane that starts here. */
static int64_t
last_end(const struct windows *w, int64_t start_us)
{
	return (w->plan.cumulate ? floor_to(start_us, w->plan.size_us, w->plan.offset_us) : start_us) + w->plan.size_us;
}

/* Where the window that ends here begins. */
static int64_t
window_start(const struct windows *w, int64_t end_us)
{
	return w->plan.cumulate ? floor_to(end_us - w->plan.pane_us, w->plan.size_us, w->plan.offset_us) : end_us - w->plan.size_us;
}

/* Windows over this pane that are still open. */
static uint64_t
open_windows(const struct windows *w, int64_t start_us)
{
	int64_t from = w->closed_us > start_us ? w->closed_us : start_us, to = last_end(w, start_us);

	return to > from ? (uint64_t)((to - from) / w->plan.pane_us) : 0;
}

struct windows *
windows_new(const struct windows_plan *plan)
{
	struct windows *w = calloc(1, sizeof *w);
	size_t at = sizeof(struct group);

	if (!w)
		return NULL;
	w->plan = *plan;
	w->budget.max_bytes = plan->memory_bytes;
	w->watermark_us = w->closed_us = w->next_us = INT64_MIN;
	for (size_t a = 0; a < plan->n_aggs; a++) {
		w->cell_at[a] = at;
		at += (plan->agg[a]->cell_bytes + 15) & ~(size_t)15;
	}
	w->layout = (struct layout){ .n_aggs = plan->n_aggs, .agg = w->plan.agg, .cell_at = w->cell_at, .key_at = at };
	w->cells.max = STATE_BYTES;
	return w;
}

void
windows_free(struct windows *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_panes; i++)
		pane_free(w->pane[i]);
	free(w->pane);
	free(w->sorted);
	buf_free(&w->cells);
	free(w);
}

uint64_t
windows_hash(const struct windows *w, const char *key, size_t n)
{
	return XXH3_64bits_withSeed(key, n, w->plan.seed);
}

void
windows_prefetch(const struct windows *w, int64_t time_us, uint64_t hash)
{
	const struct pane *p = w->hot;

	/* The subtraction cannot overflow: both lie in years 1 to 9999. */
	if (p && p->n_slots >= PREFETCH_SLOTS && time_us - p->start_us < w->plan.pane_us && time_us >= p->start_us)
		__builtin_prefetch(&p->slot[hash & (p->n_slots - 1)]);
}

/* Panes */

/* The first pane that does not start before. */
static size_t
pane_lower(const struct windows *w, int64_t start_us)
{
	size_t low = 0, high = w->n_panes;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->pane[mid]->start_us < start_us)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
panes_grow(struct windows *w)
{
	size_t room = w->room ? w->room * 2 : 16;
	struct pane **p;

	if (w->n_panes < w->room)
		return 0;
	if (!(p = pool_resize(&w->budget, w->pane, w->room * sizeof *p, room * sizeof *p)))
		return -1;
	w->pane = p;
	w->room = room;
	return 0;
}

/* The pane that starts here, made when it is not there. */
static struct pane *
pane_get(struct windows *w, int64_t start_us)
{
	size_t i = pane_lower(w, start_us);
	struct pane *p;

	if (i < w->n_panes && w->pane[i]->start_us == start_us)
		return w->pane[i];
	if (panes_grow(w) < 0 || !(p = pane_new(&w->budget, start_us)))
		return NULL;
	memmove(w->pane + i + 1, w->pane + i, (w->n_panes - i) * sizeof *w->pane);
	w->pane[i] = p;
	w->n_panes++;
	return p;
}

int
windows_find(struct windows *w, int64_t time_us, uint64_t hash, const char *key, size_t n, struct group **g)
{
	struct pane *p = w->hot;
	uint64_t all, open;

	if (!p || time_us < p->start_us || time_us - p->start_us >= w->plan.pane_us) {
		int64_t start_us = floor_to(time_us, w->plan.pane_us, w->plan.offset_us);

		if (last_end(w, start_us) > ISO_MAX_US || window_start(w, start_us + w->plan.pane_us) < ISO_MIN_US)
			return WINDOWS_OUTSIDE;
		if (last_end(w, start_us) <= w->closed_us)
			return WINDOWS_LATE;
		if (!(p = pane_get(w, start_us)))
			return WINDOWS_FULL;
		w->hot = p;
	}
	if (!(*g = pane_group(p, &w->layout, hash, key, n)))
		return WINDOWS_FULL;
	++(*g)->n;
	open = all = 1;
	if (w->plan.pane_us != w->plan.size_us) {
		open = open_windows(w, p->start_us);
		all = (uint64_t)((last_end(w, p->start_us) - p->start_us) / w->plan.pane_us);
	}
	w->pairs_in += open;
	w->n_partly_late += all - open;
	return 0;
}

int
windows_add(struct windows *w, struct group *g, size_t a, const struct aggregate_value *v)
{
	/* The group lies in the hot pane: windows_find() has just found it. */
	return w->plan.agg[a]->add(group_cell(&w->layout, g, a), v, &w->hot->pool) < 0 ? WINDOWS_FULL : 0;
}

const void *
windows_cell(const struct windows *w, const struct group *g, size_t a)
{
	return group_cell(&w->layout, g, a);
}

/* Closing */

/* The groups of a pane, by key, in w->sorted. */
static int
sort_groups(struct windows *w, const struct pane *p)
{
	struct group **s;

	if (p->n_groups > w->sorted_room) {
		if (!(s = pool_resize(&w->budget, w->sorted, w->sorted_room * sizeof *s, p->n_groups * sizeof *s)))
			return WINDOWS_FULL;
		w->sorted = s;
		w->sorted_room = p->n_groups;
	}
	pane_sort(p, &w->layout, w->sorted);
	return 0;
}

static int
emit_rows(struct windows *w, const struct pane *p, int64_t end_us, int (*row)(void *, const struct windows_row *), void *arg)
{
	struct windows_row r = { .start_us = window_start(w, end_us), .end_us = end_us };
	int e = sort_groups(w, p);

	w->n_windows++;
	for (size_t i = 0; !e && i < p->n_groups; i++) {
		r.group = w->sorted[i];
		r.key = group_key(&w->layout, r.group);
		r.key_n = r.group->key_n;
		w->pairs_closed += r.group->n;
		w->n_rows++;
		e = row(arg, &r);
	}
	return e;
}

/* Close the window that ends here: merge its panes, if it has more than one. */
static int
close_window(struct windows *w, int64_t end_us, int (*row)(void *, const struct windows_row *), void *arg)
{
	size_t from = pane_lower(w, window_start(w, end_us)), to = pane_lower(w, end_us);
	struct pane *all;
	int e = 0;

	if (to - from == 1)
		return emit_rows(w, w->pane[from], end_us, row, arg);
	if (!(all = pane_new(&w->budget, end_us)))
		return WINDOWS_FULL;
	for (size_t i = from; !e && i < to; i++)
		e = pane_merge(all, w->pane[i], &w->layout) < 0 ? WINDOWS_FULL : 0;
	if (!e)
		e = emit_rows(w, all, end_us, row, arg);
	pane_free(all);
	return e;
}

/* Close every window that ends at `bound_us` or before, in the order of their ends, and free the panes that no open window needs. */
static int
close_until(struct windows *w, int64_t bound_us, int (*row)(void *, const struct windows_row *), void *arg)
{
	while (w->n_panes) {
		int64_t from = w->pane[0]->start_us > w->closed_us ? w->pane[0]->start_us : w->closed_us, end_us = from + w->plan.pane_us;
		size_t done = 0;
		int e;

		if (end_us > bound_us)
			break;
		if ((e = close_window(w, end_us, row, arg)))
			return e;
		w->closed_us = end_us;
		while (done < w->n_panes && last_end(w, w->pane[done]->start_us) <= end_us)
			pane_free(w->pane[done++]);
		if (done)
			w->hot = NULL;
		w->n_panes -= done;
		memmove(w->pane, w->pane + done, w->n_panes * sizeof *w->pane);
	}
	if (bound_us > w->closed_us)
		w->closed_us = bound_us;
	return 0;
}

/* The border up to which windows are closed at a watermark. */
static int64_t
bound_at(const struct windows *w, int64_t watermark_us)
{
	int64_t t;

	/* A wait of millennia closes nothing. */
	if (__builtin_sub_overflow(watermark_us, w->plan.wait_us, &t) || t < ISO_MIN_US - w->plan.size_us)
		return INT64_MIN;
	return floor_to(t, w->plan.pane_us, w->plan.offset_us);
}

int
windows_advance(struct windows *w, int64_t watermark_us, int (*row)(void *, const struct windows_row *), void *arg)
{
	int64_t bound_us;
	int e;

	if (watermark_us <= w->watermark_us)
		return 0;
	w->watermark_us = watermark_us;
	if (watermark_us < w->next_us || (bound_us = bound_at(w, watermark_us)) == INT64_MIN)
		return 0;
	if ((e = close_until(w, bound_us, row, arg)))
		return e;
	if (__builtin_add_overflow(w->closed_us, w->plan.pane_us, &w->next_us) ||
	    __builtin_add_overflow(w->next_us, w->plan.wait_us, &w->next_us))
		w->next_us = INT64_MAX;
	return 0;
}

int
windows_flush(struct windows *w, int (*row)(void *, const struct windows_row *), void *arg)
{
	int64_t end_us = INT64_MIN;

	for (size_t i = 0; i < w->n_panes; i++)
		if (last_end(w, w->pane[i]->start_us) > end_us)
			end_us = last_end(w, w->pane[i]->start_us);
	return end_us == INT64_MIN ? 0 : close_until(w, end_us, row, arg);
}

void
windows_count(const struct windows *w, struct windows_count *c)
{
	*c = (struct windows_count){ .windows = w->n_windows, .rows = w->n_rows, .partly_late = w->n_partly_late, .panes = w->n_panes,
	    .memory_bytes = w->budget.used_bytes };
}

uint64_t
windows_groups(const struct windows *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->n_panes; i++)
		n += w->pane[i]->n_groups;
	return n;
}

int64_t
windows_watermark(const struct windows *w)
{
	return w->watermark_us;
}

int64_t
windows_closed(const struct windows *w)
{
	return w->closed_us;
}

int
windows_each(struct windows *w, int (*row)(void *, const struct windows_row *), void *arg)
{
	int e = 0;

	for (size_t i = 0; !e && i < w->n_panes; i++) {
		const struct pane *p = w->pane[i];
		struct windows_row r = { .start_us = p->start_us, .end_us = p->start_us + w->plan.pane_us };

		e = sort_groups(w, p);
		for (size_t k = 0; !e && k < p->n_groups; k++) {
			r.group = w->sorted[k];
			r.key = group_key(&w->layout, r.group);
			r.key_n = r.group->key_n;
			e = row(arg, &r);
		}
	}
	return e;
}

/* (event, window) pairs of a pane that are still open. */
static uint64_t
pane_pairs(const struct windows *w, const struct pane *p)
{
	return pane_events(p) * open_windows(w, p->start_us);
}

int
windows_balance(const struct windows *w)
{
	uint64_t open = 0;

	for (size_t i = 0; i < w->n_panes; i++)
		open += pane_pairs(w, w->pane[i]);
	return w->pairs_in == w->pairs_closed + open ? 0 : WINDOWS_UNBALANCED;
}

/* State: version, watermark, closed, panes; of each pane its start and groups; of each group its events, key and cells. */

static int
group_save(struct windows *w, const struct group *g)
{
	struct buf *b = &w->cells;
	uint32_t n;

	b->n = 0;
	if (bytes_put64(b, g->n) < 0 || bytes_put32(b, g->key_n) < 0 || bytes_put32(b, 0) < 0 || buf_put(b, group_key(&w->layout, g), g->key_n) < 0)
		return WINDOWS_FULL;
	n = (uint32_t)b->n;
	for (size_t a = 0; a < w->plan.n_aggs; a++)
		if (w->plan.agg[a]->save(group_cell(&w->layout, g, a), b) < 0)
			return WINDOWS_FULL;
	n = htole32((uint32_t)b->n - n);
	memcpy(b->p + 12, &n, sizeof n);
	return 0;
}

int
windows_save(struct windows *w, int (*put)(void *, const void *, size_t), void *arg)
{
	struct buf *b = &w->cells;
	int e;

	b->n = 0;
	if (bytes_put32(b, STATE_VERSION) < 0 || bytes_put64(b, (uint64_t)w->watermark_us) < 0 || bytes_put64(b, (uint64_t)w->closed_us) < 0 ||
	    bytes_put64(b, w->n_panes) < 0)
		return WINDOWS_FULL;
	e = put(arg, b->p, b->n);
	for (size_t i = 0; !e && i < w->n_panes; i++) {
		const struct pane *p = w->pane[i];

		b->n = 0;
		if (bytes_put64(b, (uint64_t)p->start_us) < 0 || bytes_put64(b, p->n_groups) < 0)
			return WINDOWS_FULL;
		if (!(e = put(arg, b->p, b->n)))
			e = sort_groups(w, p);
		for (size_t k = 0; !e && k < p->n_groups; k++)
			if (!(e = group_save(w, w->sorted[k])))
				e = put(arg, b->p, b->n);
	}
	return e;
}

/* Exactly n bytes into w->cells: 0, WINDOWS_DAMAGED when they end, or an error of get(). */
static int
load_bytes(struct windows *w, size_t n, int (*get)(void *, void *, size_t), void *arg)
{
	int e;

	w->cells.n = 0;
	if (buf_reserve(&w->cells, n) < 0)
		return n > STATE_BYTES ? WINDOWS_DAMAGED : WINDOWS_FULL;
	if (n && (e = get(arg, w->cells.p, n)) <= 0)
		return e ? e : WINDOWS_DAMAGED;
	w->cells.n = n;
	return 0;
}

static int
group_load(struct windows *w, struct pane *p, int (*get)(void *, void *, size_t), int (*key_ok)(void *, const char *, size_t), void *arg)
{
	const char *at, *end, *key;
	struct group *g;
	uint32_t key_n, cells_n;
	size_t before = p->n_groups;
	uint64_t n;
	int e;

	if ((e = load_bytes(w, 16, get, arg)))
		return e;
	at = w->cells.p;
	bytes_get64(&at, at + 16, &n);
	bytes_get32(&at, at + 8, &key_n);
	bytes_get32(&at, at + 4, &cells_n);
	if (!n || (e = load_bytes(w, (size_t)key_n + cells_n, get, arg)))
		return n ? e : WINDOWS_DAMAGED;
	key = w->cells.p;
	at = key + key_n;
	end = at + cells_n;
	if (!key_ok(arg, key, key_n))
		return WINDOWS_DAMAGED;
	if (!(g = pane_group(p, &w->layout, windows_hash(w, key, key_n), key, key_n)))
		return WINDOWS_FULL;
	if (p->n_groups == before)
		return WINDOWS_DAMAGED;			/* the same key twice */
	g->n = n;
	for (size_t a = 0; a < w->plan.n_aggs; a++)
		if ((e = w->plan.agg[a]->load(group_cell(&w->layout, g, a), &at, end, &p->pool)))
			return e > 0 ? WINDOWS_DAMAGED : WINDOWS_FULL;
	return at == end ? 0 : WINDOWS_DAMAGED;
}

/* Whether a pane can start here, in a state of this plan. */
static int
start_valid(const struct windows *w, int64_t start_us)
{
	if (start_us < ISO_MIN_US || start_us > ISO_MAX_US || floor_to(start_us, w->plan.pane_us, w->plan.offset_us) != start_us)
		return 0;
	return last_end(w, start_us) > w->closed_us && last_end(w, start_us) <= ISO_MAX_US &&
	    (!w->n_panes || w->pane[w->n_panes - 1]->start_us < start_us);
}

int
windows_load(struct windows *w, int (*get)(void *, void *, size_t), int (*key_ok)(void *, const char *, size_t), void *arg)
{
	uint64_t watermark, closed, n_panes, start, n_groups;
	uint32_t version;
	const char *at;
	struct pane *p;
	char more;
	int e;

	if ((e = load_bytes(w, 28, get, arg)))
		return e;
	at = w->cells.p;
	bytes_get32(&at, at + 4, &version);
	bytes_get64(&at, at + 8, &watermark);
	bytes_get64(&at, at + 8, &closed);
	bytes_get64(&at, at + 8, &n_panes);
	if (version != STATE_VERSION)
		return WINDOWS_DAMAGED;
	w->watermark_us = (int64_t)watermark;
	w->closed_us = (int64_t)closed;
	for (; n_panes; n_panes--) {
		if ((e = load_bytes(w, 16, get, arg)))
			return e;
		at = w->cells.p;
		bytes_get64(&at, at + 8, &start);
		bytes_get64(&at, at + 8, &n_groups);
		if (!n_groups || !start_valid(w, (int64_t)start))
			return WINDOWS_DAMAGED;
		if (!(p = pane_get(w, (int64_t)start)))
			return WINDOWS_FULL;
		for (; n_groups; n_groups--)
			if ((e = group_load(w, p, get, key_ok, arg)))
				return e;
		w->pairs_in += pane_pairs(w, p);
	}
	e = get(arg, &more, 1);
	return e > 0 ? WINDOWS_DAMAGED : e;
}
