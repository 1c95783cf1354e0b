/*
 * proof - is it still the topic that the position is of?
 *
 * An offset says nothing about the record that stands there: a topic that was
 * deleted and made anew has the same offsets again, and so has a partition
 * that an unclean election cut off and that has grown since.  A checkpoint
 * therefore keeps time and hash of the last record that was read of each
 * partition, and a run that goes on from it fetches these records before any
 * other.  A client of its own does that, so that nothing of it can get among
 * the records of the run.  The same fetch tells how far the partition goes
 * beyond open transactions, and runs that end want to know that, too.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "source.h"

#define SLICE_MS	50

struct look {
	struct source	*s;
	rd_kafka_t	*rk;
	rd_kafka_topic_partition_list_t	*list;
	uint8_t		*waits;		/* of part i */
	size_t		 n_waits;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void
proof_of(const rd_kafka_message_t *m, struct proof *p)
{
	uint64_t key = m->key ? XXH3_64bits(m->key, m->key_len) : 1;
	rd_kafka_timestamp_type_t type;

	p->offset = m->offset;
	p->ms = rd_kafka_message_timestamp(m, &type);
	p->hash = XXH3_64bits_withSeed(m->payload ? m->payload : "", m->payload ? m->len : 0, key);
	p->leader_epoch = -1;
#if RD_KAFKA_VERSION >= 0x02010000
	p->leader_epoch = rd_kafka_message_leader_epoch(m);
#endif
}

/* Of the records in hand only the last one of each partition counts. */
void
proof_keep(struct source *s)
{
	for (size_t k = s->n_released; k < s->at; k++) {
		struct part *p = s->part[k] == SOURCE_NO_PART ? NULL : &s->parts.part[s->part[k]];

		if (!p || p->newest != s->record[k])
			continue;
		proof_of(s->record[k], &p->last);
		p->newest = NULL;
	}
}

/* What is there to look at: the last records that were read, where the broker still has them; and with an end in sight what is
 * already read to its end, for the transactions behind it. */
static int
choose(struct look *l)
{
	struct parts *ps = &l->s->parts;

	for (size_t i = 0; i < ps->n; i++) {
		const struct part *p = &ps->part[i];
		int has = p->resumed && p->last.offset >= p->low && p->last.offset < p->high && p->last.offset < p->next;

		if (!has && !(l->s->bounded && p->done))
			continue;
		l->waits[i] = 1;
		l->n_waits++;
		rd_kafka_topic_partition_list_add(l->list, ps->topic[p->topic].name, p->partition)->offset = has ? p->last.offset :
		    p->jump != OFFSETS_NONE ? p->jump : p->next;
	}
	return l->n_waits > 0;
}

static void
answered(struct look *l, size_t i)
{
	struct part *p = &l->s->parts.part[i];
	int64_t low, high;

	l->waits[i] = 0;
	l->n_waits--;
	if (!rd_kafka_get_watermark_offsets(l->rk, l->s->parts.topic[p->topic].name, p->partition, &low, &high))
		p->high_mark = high;
}

/* The first thing that comes of each partition is the answer.  An end, or a later record: it was compacted away, and proves nothing. */
static int
hear(struct look *l, const rd_kafka_message_t *m, struct fail *f)
{
	struct parts *ps = &l->s->parts;
	int32_t t = m->rkt ? parts_topic(ps, rd_kafka_topic_name(m->rkt)) : -1;
	ptrdiff_t i = t < 0 ? -1 : parts_find(ps, t, m->partition);
	struct proof now;
	int e = 0;

	if (i < 0 || !l->waits[i])
		return 0;
	if (!m->err && ps->part[i].last.offset != OFFSETS_NONE) {
		proof_of(m, &now);
		e = parts_proven(ps, (size_t)i, &now, f);
	}
	answered(l, (size_t)i);
	return e;
}

static int
hear_all(struct look *l, struct fail *f)
{
	struct source *s = l->s;
	int64_t end = now_ms() + s->broker.timeout_ms;
	rd_kafka_resp_err_t err = rd_kafka_assign(l->rk, l->list);
	int e = 0;

	if (err)
		return fail(f, WEIR_EAGAIN, "librdkafka does not start to read: %s", rd_kafka_err2str(err));
	while (l->n_waits && !e) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(l->rk, SLICE_MS);

		if (m) {
			e = hear(l, m, f);
			rd_kafka_message_destroy(m);
		}
		if (s->broker.refused)
			return broker_explain(&s->broker, f);
		if (l->n_waits && !e && now_ms() > end)
			return fail(f, WEIR_EAGAIN, "%s does not give the last record that was read of %zu partition%s, to see that the topic is still the "
			    "same (tried for %g s). Run it again", s->broker.address, l->n_waits, l->n_waits == 1 ? "" : "s", s->broker.timeout_ms / 1000.0);
	}
	return e;
}

int
proof_check(struct source *s, struct fail *f)
{
	struct look l = { .s = s, .list = rd_kafka_topic_partition_list_new((int)s->parts.n + 1), .waits = calloc(s->parts.n + 1, 1) };
	int e = 0;

	if (!l.waits)
		e = fail(f, WEIR_EAGAIN, "no memory for the table of partitions");
	else if (choose(&l) && (e = broker_twin(&s->broker, &l.rk, f)) == 0)
		e = hear_all(&l, f);
	if (l.rk) {
		rd_kafka_consumer_close(l.rk);
		rd_kafka_destroy(l.rk);
	}
	rd_kafka_topic_partition_list_destroy(l.list);
	free(l.waits);
	return e;
}
