/*
 * watermark - how far event time has come, over partitions.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "watermark.h"

int
watermark_init(struct watermark *w, size_t n, int64_t out_of_order_us, int64_t idle_us)
{
	if (!(w->part = malloc((n ? n : 1) * sizeof *w->part)))
		return -1;
	for (size_t p = 0; p < n; p++)
		w->part[p] = (struct watermark_part){ .max_us = WATERMARK_NONE, .arrived_us = WATERMARK_NONE };
	w->n = n;
	w->out_of_order_us = out_of_order_us;
	w->idle_us = idle_us;
	w->raised_us = WATERMARK_NONE;
	return 0;
}

void
watermark_free(struct watermark *w)
{
	free(w->part);
	w->part = NULL;
	w->n = 0;
}

int
watermark_insert(struct watermark *w, size_t at, size_t n)
{
	struct watermark_part *part = realloc(w->part, (w->n + n + 1) * sizeof *part);

	if (!part)
		return -1;
	w->part = part;
	memmove(part + at + n, part + at, (w->n - at) * sizeof *part);
	for (size_t p = at; p < at + n; p++)
		part[p] = (struct watermark_part){ .max_us = WATERMARK_NONE, .arrived_us = WATERMARK_NONE };
	w->n += n;
	return 0;
}

void
watermark_arrival(struct watermark *w, size_t p, int64_t now_us)
{
	if (now_us > w->part[p].arrived_us)	/* a clock set back does not make a partition idle */
		w->part[p].arrived_us = now_us;
}

void
watermark_event(struct watermark *w, size_t p, int64_t event_us, int64_t now_us)
{
	if (event_us > w->part[p].max_us && event_us <= now_us + WATERMARK_AHEAD_US)
		w->part[p].max_us = event_us;
}

void
watermark_caught_up(struct watermark *w, size_t p, int yes)
{
	w->part[p].caught_up = yes;
}

int
watermark_is_idle(const struct watermark *w, size_t p, int64_t now_us)
{
	const struct watermark_part *part = &w->part[p];

	return part->caught_up && (part->arrived_us == WATERMARK_NONE || now_us - part->arrived_us > w->idle_us);
}

/* Every partition is idle: the clock carries on from the newest event. */
static int64_t
all_idle(const struct watermark *w, int64_t now_us)
{
	int64_t max = WATERMARK_NONE, arrived = WATERMARK_NONE, at;

	for (size_t p = 0; p < w->n; p++) {
		if (w->part[p].max_us > max)
			max = w->part[p].max_us;
		if (w->part[p].arrived_us > arrived)
			arrived = w->part[p].arrived_us;
	}
	if (max == WATERMARK_NONE || arrived == WATERMARK_NONE)
		return WATERMARK_NONE;
	at = max + (now_us - arrived) - w->out_of_order_us;
	return at < now_us ? at : now_us;
}

int
watermark_combine(struct watermark *w, int64_t now_us, int64_t *at)
{
	int64_t min = INT64_MAX;

	for (size_t p = 0; p < w->n; p++) {
		if (watermark_is_idle(w, p, now_us))
			continue;
		if (w->part[p].max_us == WATERMARK_NONE)
			return 0;
		if (w->part[p].max_us < min)
			min = w->part[p].max_us;
	}
	min = min == INT64_MAX ? all_idle(w, now_us) : min - w->out_of_order_us;
	if (min == WATERMARK_NONE || min <= w->raised_us)
		return 0;
	*at = w->raised_us = min;
	return 1;
}

int64_t
watermark_slowest(const struct watermark *w, int64_t now_us)
{
	int64_t min = INT64_MAX;

	for (size_t p = 0; p < w->n; p++) {
		if (w->part[p].closed || watermark_is_idle(w, p, now_us))
			continue;
		if (w->part[p].max_us == WATERMARK_NONE)
			return WATERMARK_NONE;
		if (w->part[p].max_us < min)
			min = w->part[p].max_us;
	}
	return min == INT64_MAX ? WATERMARK_NONE : min;
}
