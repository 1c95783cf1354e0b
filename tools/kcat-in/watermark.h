/*
 * watermark.h - how far event time has come, over partitions.
 *
 * A partition's watermark is its greatest event time minus out_of_order_us.
 * Combined: the minimum over the partitions that are not idle, and it never
 * goes back.  A partition is idle when it is caught up and its last record
 * arrived more than idle_us ago, or when it is caught up and never had one.
 * All idle: time goes on with the clock from the greatest event time, and
 * never past the clock.  (weir-stream(5), source rules.)
 *
 * Pure: the clock is an argument.  All times in microseconds since 1970.
 */
#ifndef WATERMARK_H
#define WATERMARK_H

#include <stddef.h>
#include <stdint.h>

#define WATERMARK_NONE		INT64_MIN
#define WATERMARK_AHEAD_US	INT64_C(300000000)	/* an event time further in the future than this moves nothing */

struct watermark_part {
	int64_t	max_us;		/* greatest event time, or WATERMARK_NONE */
	int64_t	arrived_us;	/* when its last record came, or WATERMARK_NONE */
	int	caught_up;
	int	closed;		/* this run reads no more of it: it still holds the watermark, but nobody waits for it */
};

struct watermark {
	struct watermark_part	*part;
	size_t			 n;
	int64_t			 out_of_order_us, idle_us;
	int64_t			 raised_us;	/* the last combined one, or WATERMARK_NONE */
};

/* 0, or -1 when memory is short.  All partitions start without records and not caught up. */
int	watermark_init(struct watermark *, size_t n, int64_t out_of_order_us, int64_t idle_us);
void	watermark_free(struct watermark *);

/* n partitions more, before partition `at`; as after watermark_init().  0, or -1 when memory is short. */
int	watermark_insert(struct watermark *, size_t at, size_t n);

/* A record of partition p came in; and its event time, known a little later. */
void	watermark_arrival(struct watermark *, size_t p, int64_t now_us);
void	watermark_event(struct watermark *, size_t p, int64_t event_us, int64_t now_us);

void	watermark_caught_up(struct watermark *, size_t p, int yes);
int	watermark_is_idle(const struct watermark *, size_t p, int64_t now_us);

/* 1 and *at when the combined watermark is above the last one given out, else 0. */
int	watermark_combine(struct watermark *, int64_t now_us, int64_t *at);

/* The event time no partition should be ahead of by more than a drift: the least greatest event time of those that are
 * neither idle nor closed; WATERMARK_NONE while one of them has none yet. */
int64_t	watermark_slowest(const struct watermark *, int64_t now_us);

#endif
