/*
 * list - kcat's -L: brokers, topics, partitions.
 */
#include "config.h"

#include "source.h"

static int
put_ids(struct buf *b, const char *what, const int32_t *id, int n)
{
	if (buf_puts(b, what) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (buf_printf(b, "%s%d", i ? "," : "", (int)id[i]) < 0)
			return -1;
	return 0;
}

static int
put_partition(struct buf *b, const struct rd_kafka_metadata_partition *p)
{
	if (buf_printf(b, "    partition %d, leader %d", (int)p->id, (int)p->leader) < 0 || put_ids(b, ", replicas: ", p->replicas, p->replica_cnt) < 0 ||
	    put_ids(b, ", isrs: ", p->isrs, p->isr_cnt) < 0)
		return -1;
	return p->err ? buf_printf(b, ", %s", rd_kafka_err2str(p->err)) : 0;
}

static int
out(struct weir_ctx *ctx, struct buf *b, int bad)
{
	int e = bad < 0 ? weir_error(ctx, WEIR_EAGAIN, "no memory for the list of topics") : weir_receipt(ctx, b->p, b->n);

	b->n = 0;
	return e;
}

static int
list_topic(struct weir_ctx *ctx, struct buf *b, const struct rd_kafka_metadata_topic *t)
{
	int e = out(ctx, b, t->err ? buf_printf(b, "  topic \"%s\" with %d partitions: %s", t->topic, t->partition_cnt, rd_kafka_err2str(t->err)) :
	    buf_printf(b, "  topic \"%s\" with %d partitions:", t->topic, t->partition_cnt));

	for (int p = 0; p < t->partition_cnt && !e; p++)
		e = out(ctx, b, put_partition(b, &t->partitions[p]));
	return e;
}

/* Without -t all topics; with it those that it names. */
int
source_list(struct weir_ctx *ctx, struct source *s)
{
	const struct rd_kafka_metadata *md;
	struct fail f;
	int e, n = 0, controller;

	if (broker_metadata(&s->broker, &md, &f) < 0)
		return source_fail(ctx, &f);
	if (s->names.n && broker_select(&s->broker, md, &s->names, &s->which, &s->parts, &f) < 0) {
		rd_kafka_metadata_destroy(md);
		return source_fail(ctx, &f);
	}
	for (int t = 0; t < md->topic_cnt; t++)
		n += !s->names.n || parts_topic(&s->parts, md->topics[t].topic) >= 0;
	controller = rd_kafka_controllerid(s->broker.rk, s->broker.timeout_ms);
	e = out(ctx, &s->line, buf_printf(&s->line, "Metadata for %s (from broker %d: %s):", s->names.n ? "the topics asked for" : "all topics",
	    (int)md->orig_broker_id, md->orig_broker_name));
	if (!e)
		e = out(ctx, &s->line, buf_printf(&s->line, " %d brokers:", md->broker_cnt));
	for (int i = 0; i < md->broker_cnt && !e; i++)
		e = out(ctx, &s->line, buf_printf(&s->line, "  broker %d at %s:%d%s", (int)md->brokers[i].id, md->brokers[i].host, md->brokers[i].port,
		    md->brokers[i].id == controller ? " (controller)" : ""));
	if (!e)
		e = out(ctx, &s->line, buf_printf(&s->line, " %d topics:", n));
	for (int t = 0; t < md->topic_cnt && !e; t++)
		if (!s->names.n || parts_topic(&s->parts, md->topics[t].topic) >= 0)
			e = list_topic(ctx, &s->line, &md->topics[t]);
	rd_kafka_metadata_destroy(md);
	return e;
}
