/*
 * lag - how far this source is behind its topics, for weir top and the progress line.
 */
#include "config.h"

#include <time.h>

#include "source.h"

#define LOOK_US		1000000		/* between two looks at the ends of the partitions */

int64_t
source_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* The end of a part as the last answer of its broker had it; nothing is asked. */
static int64_t
end_of(const struct source *s, const struct part *p)
{
	int64_t low, high;

	if (rd_kafka_get_watermark_offsets(s->broker.rk, s->parts.topic[p->topic].name, p->partition, &low, &high) || high < p->high)
		return p->high;
	return high;
}

static void
last_record(struct source *s)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms;

	for (size_t k = s->n; k-- > 0; )
		if (!s->record[k]->err) {
			if ((ms = rd_kafka_message_timestamp(s->record[k], &type)) > 0 && type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
				s->last_us = ms * 1000;
			return;
		}
}

void
source_lag(struct weir_ctx *ctx, struct source *s)
{
	int64_t now = source_clock_us(), lag = 0, left = 0;
	int bounded = 1;

	weir_gauge(ctx, "waited_us", s->blocked_us);
	if (s->n)
		last_record(s);
	if (s->lag_us && now - s->lag_us < LOOK_US)
		return;
	s->lag_us = now;
	for (size_t i = 0; i < s->parts.n; i++) {
		const struct part *p = &s->parts.part[i];
		int64_t end = end_of(s, p);

		lag += end > p->next ? end - p->next : 0;
		left += p->end > p->next ? p->end - p->next : 0;
		if (p->end == OFFSETS_NO_END) {
			bounded = 0;
			left = 0;
		}
	}
	weir_gauge(ctx, "lag_events", lag);
	weir_gauge(ctx, "lag_us", lag && s->last_us && weir_now(ctx) > s->last_us ? weir_now(ctx) - s->last_us : 0);
	if (bounded)
		weir_gauge(ctx, "left_events", left);
}
