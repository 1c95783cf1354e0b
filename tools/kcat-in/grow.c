/*
 * grow - what changes about the topics while a run reads them: partitions that are added, topics that are made anew.
 *
 * librdkafka looks at the metadata by itself every topic.metadata.refresh.interval.ms, and tells nobody; this looks as often, and
 * only a run without an end does.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf.h"
#include "source.h"

#define LOOK_MS		1000		/* for an answer; without one it is asked again, sooner */
#define AGAIN_MS	5000

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static int
grow_topic(struct weir_ctx *ctx, struct source *s, size_t t, int32_t n_partitions)
{
	struct parts *ps = &s->parts;
	struct fail f;
	size_t at;
	int n = parts_grow(ps, t, n_partitions, &s->which, &at, &f);

	if (n < 0 || (n && broker_assign_more(&s->broker, ps, at, (size_t)n, &f) < 0))
		return source_fail(ctx, &f);
	if (!n)
		return 0;
	s->last_handle = NULL;			/* the places of the later partitions have moved */
	if (s->mark.part && watermark_insert(&s->mark, at, (size_t)n) < 0)
		return weir_error(ctx, WEIR_EAGAIN, "no memory for the watermarks");
	weir_warn(ctx, "topic '%s' has %d partitions more; they are read from their beginning", ps->topic[t].name, n);
	return 0;
}

int
source_grow(struct weir_ctx *ctx, struct source *s)
{
	const struct rd_kafka_metadata *md;
	int64_t now = now_ms();
	struct fail f;
	int e = 0;

	if (!s->look_every_ms) {
		char text[32];

		s->look_every_ms = atoll(conf_get(rd_kafka_conf(s->broker.rk), "topic.metadata.refresh.interval.ms", text, sizeof text));
		s->look_next_ms = now + s->look_every_ms;
	}
	if (s->bounded || s->where.stops || s->group || s->look_every_ms <= 0 || now < s->look_next_ms)
		return 0;
	s->look_next_ms = now + AGAIN_MS;
	if (rd_kafka_metadata(s->broker.rk, 0, NULL, &md, LOOK_MS))
		return 0;
	for (int k = 0; k < md->topic_cnt && !e; k++) {
		int32_t t = parts_topic(&s->parts, md->topics[k].topic);

		if (t >= 0 && !md->topics[k].err && md->topics[k].partition_cnt > s->parts.topic[t].n_partitions)
			e = grow_topic(ctx, s, (size_t)t, md->topics[k].partition_cnt);
	}
	rd_kafka_metadata_destroy(md);
	s->look_next_ms = now_ms() + s->look_every_ms;
	if (!e && broker_still(&s->broker, &s->parts, &f) < 0)
		e = source_fail(ctx, &f);
	return e;
}
