/*
 * consume - records from librdkafka to the host, batch by batch.
 *
 * Each poll offers up to 256 KiB.  The records stay until the next poll,
 * because the host may find one that is no JSON object and its bytes go into
 * a reject; in between it calls process() with the events it took, which is
 * where their event times come from.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "payload.h"
#include "source.h"
#include "value.h"

#define COMMIT_EVERY_MS	5000		/* enable.auto.commit: between two commits to the group */
#define DOWN_MS		1000		/* all brokers are gone this long: look whether one answers */

static int64_t
clock_ms(void)
{
	return source_clock_us() / 1000;
}

static const char *
topic_of(const struct source *s, size_t part)
{
	return s->parts.topic[s->parts.part[part].topic].name;
}

void
source_release(struct source *s)
{
	proof_keep(s);
	for (; s->n_released < s->at; s->n_released++)
		rd_kafka_message_destroy(s->record[s->n_released]);
	if (s->at == s->n)
		s->at = s->n = s->n_released = 0;
	s->n_offered = s->n_processed = 0;
}

/* The part of a record; records come in runs of one partition.  -1: not ours any more. */
static ptrdiff_t
part_of(struct source *s, const rd_kafka_message_t *m)
{
	int32_t t = 0;

	if (m->rkt == s->last_handle && m->partition == s->last_partition && s->last_handle)
		return s->last_part;
	while (t < (int32_t)s->parts.n_topics && s->parts.topic[t].handle != m->rkt)
		t++;
	if (t == (int32_t)s->parts.n_topics) {
		if (!m->rkt || (t = parts_topic(&s->parts, rd_kafka_topic_name(m->rkt))) < 0)
			return -1;
		s->parts.topic[t].handle = m->rkt;
	}
	s->last_handle = m->rkt;
	s->last_partition = m->partition;
	return s->last_part = (int)parts_find(&s->parts, t, m->partition);
}

static void
set_done(struct source *s, struct part *p)
{
	if (p->done)
		return;
	p->done = 1;
	s->n_done++;
	if (!s->mark.part)
		return;
	s->mark.part[p - s->parts.part].closed = 1;
	if (p->end >= p->high)
		watermark_caught_up(&s->mark, (size_t)(p - s->parts.part), 1);
}

/* The end of a partition.  Its offset is behind markers and aborted records, which are never delivered. */
static int
at_end(struct weir_ctx *ctx, struct source *s, size_t i, int64_t offset)
{
	struct part *p = &s->parts.part[i];
	int64_t low, high;
	struct fail f;

	if (offset > p->next)
		p->next = offset < p->end ? offset : p->end;
	if (s->mark.part)
		watermark_caught_up(&s->mark, i, 1);
	if (p->end == OFFSETS_NO_END || p->done)
		return 0;
	if (p->next < p->end) {		/* it ends before the end that was taken at the start */
		if (broker_ends(&s->broker, &s->parts, i, &low, &high, &f) < 0)
			return source_fail(ctx, &f);
		if (high < p->end && p->next > high)
			return weir_error(ctx, WEIR_EOFFSET, "%s/%d: the partition ended at offset %" PRId64 " and ends at %" PRId64
			    " now: it has lost records, or was made anew. Nothing was committed", topic_of(s, i), (int)p->partition, p->end, high);
		weir_warn(ctx, "%s/%d: an open transaction holds back what comes after offset %" PRId64 "; it is left to the next run", topic_of(s, i),
		    (int)p->partition, p->next);
	}
	set_done(s, p);
	return 0;
}

/* The broker does not have the next offset. */
static int
out_of_range(struct weir_ctx *ctx, struct source *s, size_t i)
{
	struct part *p = &s->parts.part[i];
	int64_t low, high;
	struct fail f;
	char lost[32];

	if (broker_ends(&s->broker, &s->parts, i, &low, &high, &f) < 0)
		return source_fail(ctx, &f);
	if (p->next > high)
		return weir_error(ctx, WEIR_EOFFSET, "%s/%d: offset %" PRId64 " was next, and the partition ends at %" PRId64
		    " now: it has lost records, or was made anew. Nothing was committed", topic_of(s, i), (int)p->partition, p->next, high);
	if (p->next < low && s->on_gap == GAP_STOP) {
		parts_gone(&s->parts, i, low, &f);
		return source_fail(ctx, &f);
	}
	if (p->next < low) {
		weir_warn(ctx, "%s/%d: %s events are gone, on with offset %" PRId64 " (--on-gap skip)", topic_of(s, i), (int)p->partition,
		    parts_number(low - p->next, lost), low);
		weir_count(ctx, "lost", (uint64_t)(low - p->next));
		p->next = low < p->end ? low : p->end;
		if (p->next == p->end)
			set_done(s, p);
	}
	return broker_seek(&s->broker, &s->parts, i, &f) < 0 ? source_fail(ctx, &f) : 0;
}

/* A message that is no record.  Trouble that librdkafka cures by itself is passed over. */
static int
trouble(struct weir_ctx *ctx, struct source *s, const rd_kafka_message_t *m)
{
	const char *where = m->rkt ? rd_kafka_topic_name(m->rkt) : s->broker.address;
	ptrdiff_t i = m->rkt ? part_of(s, m) : -1;

	switch (m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		return i < 0 ? 0 : at_end(ctx, s, (size_t)i, m->offset);
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		if (i < 0 || s->parts.part[i].done)
			return 0;
		if (strcasestr(rd_kafka_message_errstr(m), "truncat"))		/* from 2.1 on it asks for the end of the old leader's epoch */
			return weir_error(ctx, WEIR_EOFFSET, "%s/%d: an unclean election has cut the partition off before offset %" PRId64 ", which was next: "
			    "records that were read are gone, and others stand in their place. Nothing of this epoch was committed", where,
			    (int)m->partition, s->parts.part[i].next);
		return out_of_range(ctx, s, (size_t)i);
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		return weir_error(ctx, WEIR_EOFFSET, "%s/%d was deleted while it was read. Nothing was committed", where, (int)m->partition);
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return weir_error(ctx, WEIR_ECONFIG, "user '%s' may not read topic '%s': it needs the right Read", s->broker.user, where);
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		if (!s->group)		/* only -G and -o stored need a group */
			return 0;
		return weir_error(ctx, WEIR_ECONFIG, "user '%s' has no right to group '%s'", s->broker.user, s->group);
	case RD_KAFKA_RESP_ERR__BAD_MSG:
	case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
		return weir_error(ctx, WEIR_EIO, "%s/%d: damaged records at offset %" PRId64 ": %s. Nothing of this epoch was committed", where,
		    (int)m->partition, m->offset, rd_kafka_message_errstr(m));
	case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
		return weir_error(ctx, WEIR_EAGAIN, "-G: the group took the partitions away, because a stage was slower than max.poll.interval.ms; run again");
	case RD_KAFKA_RESP_ERR__FATAL:
		return weir_error(ctx, WEIR_EAGAIN, "librdkafka gave up: %s; run again", rd_kafka_message_errstr(m));
	default:
		return 0;
	}
}

static int
reject(struct weir_ctx *ctx, struct source *s, const rd_kafka_message_t *m, size_t part, const char *code, const char *message)
{
	s->member.n = 0;
	if (meta_source(&s->member, m, topic_of(s, part)) < 0 || buf_putc(&s->member, 0) < 0)
		return weir_error(ctx, WEIR_EAGAIN, "no memory for a reject");
	return weir_reject_raw(ctx, s->member.p, m->payload ? m->payload : "", m->len, code, "%s", message);
}

/* Offer one record.  Returns 0 or an error. */
static int
offer(struct weir_ctx *ctx, struct source *s, size_t k, size_t *bytes)
{
	const struct scan_limits limits = { SCAN_MAX_DEPTH, 1 };	/* only newlines are at stake: the host's limits come later */
	const rd_kafka_message_t *m = s->record[k];
	const char *p = m->payload;
	struct scan_fault fault;
	size_t n = m->len;
	int e = 0;

	if (!p && s->tombstones == TOMBSTONE_SKIP) {
		weir_count(ctx, "tombstones", 1);
		return 0;
	}
	if (!p)
		return reject(ctx, s, m, s->part[k], "tombstone", "the record has no value; --tombstones skip passes over such records");
	s->line.n = s->spliced.n = s->member.n = 0;
	if (payload_has_newline(p, &n)) {
		if ((e = payload_one_line(&s->line, p, n, &limits, &fault)) > 0)
			return reject(ctx, s, m, s->part[k], fault.code, fault.message);
		p = s->line.p;
		n = s->line.n;
	}
	if (e == 0 && s->meta && (e = meta_member(&s->member, s->meta, m, topic_of(s, s->part[k]))) == 0 &&
	    (e = payload_splice(&s->spliced, p, n, s->member.p, s->member.n)) == 0) {
		p = s->spliced.p;
		n = s->spliced.n;
	}
	if (e < 0)
		return weir_error(ctx, WEIR_EAGAIN, "no memory for a record of %zu bytes", n);
	s->offered[s->n_offered] = (uint32_t)k;
	s->refused[s->n_offered] = 0;
	s->n_offered++;
	*bytes += n + 1;
	return weir_offer(ctx, p, n, s->n_offered - 1);
}

static void
note_time(struct weir_ctx *ctx, struct source *s, size_t k, size_t part)
{
	rd_kafka_timestamp_type_t type;
	int64_t ms, now = weir_now(ctx);

	if (!s->mark.part)
		return;
	watermark_caught_up(&s->mark, part, 0);
	watermark_arrival(&s->mark, part, now);
	if (s->by_timestamp && (ms = rd_kafka_message_timestamp(s->record[k], &type)) > 0 && type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
		watermark_event(&s->mark, part, ms * 1000, now);
}

/* A record later than the end that was taken at the start: the partition is read, and nothing more of it is wanted. */
static int
behind_end(struct weir_ctx *ctx, struct source *s, size_t i)
{
	struct part *p = &s->parts.part[i];
	struct fail f;

	p->next = p->end;
	set_done(s, p);
	if (p->stopped)
		return 0;
	p->stopped = 1;
	return broker_hold(&s->broker, &s->parts, i, 1, &f) < 0 ? source_fail(ctx, &f) : 0;
}

/* One thing from the queue. */
static int
take(struct weir_ctx *ctx, struct source *s, size_t k, size_t *bytes)
{
	rd_kafka_message_t *m = s->record[k];
	struct part *p;
	ptrdiff_t i;

	s->waited_ms = 0;
	s->part[k] = SOURCE_NO_PART;
	if (m->err)
		return trouble(ctx, s, m);
	if ((i = part_of(s, m)) < 0)
		return 0;
	p = &s->parts.part[i];
	if (m->offset >= p->end)
		return behind_end(ctx, s, (size_t)i);
	if (m->offset < p->next) {		/* librdkafka before 2.4 can deliver twice after a change of leader */
		weir_count(ctx, "repeated", 1);
		return 0;
	}
	if (p->done || p->paused)		/* it was in the queue when the partition was stopped, and comes again */
		return 0;
	p->next = m->offset + 1;
	note_time(ctx, s, k, (size_t)i);
#if RD_KAFKA_VERSION >= 0x02010000
	if (rd_kafka_message_leader_epoch(m) >= 0)
		p->leader_epoch = rd_kafka_message_leader_epoch(m);
#endif
	if (p->next >= p->end)
		set_done(s, p);
	s->part[k] = (uint32_t)i;
	p->newest = m;
	s->n_events++;
	return offer(ctx, s, k, bytes);
}

/* The queue has become half empty since the last look, or empty: it shall be filled again. */
static void
watch_queue(struct source *s)
{
	size_t n = rd_kafka_queue_length(s->broker.queue);
	int low = n < SOURCE_QUEUE / 2;

	if ((low && !s->was_low) || (!n && s->n))
		broker_nudge(&s->broker);
	s->was_low = low;
}

/* Fill record[]: what is there; else wait for one, and take what came with it.  librdkafka itself would wait for a full array. */
static void
fetch(struct source *s, int timeout_ms)
{
	int64_t since;
	ssize_t n;

	n = rd_kafka_consume_batch_queue(s->broker.queue, 0, s->record, SOURCE_RECORDS);
	if (n <= 0 && timeout_ms > 0) {
		since = source_clock_us();
		n = rd_kafka_consume_batch_queue(s->broker.queue, timeout_ms, s->record, 1);
		since = source_clock_us() - since;
		s->blocked_us += since;
		if (n <= 0)
			s->waited_ms += since / 1000;
		else if ((n = rd_kafka_consume_batch_queue(s->broker.queue, 0, s->record + 1, SOURCE_RECORDS - 1)) >= 0)
			n++;
		else
			n = 1;
	}
	s->n = n > 0 ? (size_t)n : 0;
	watch_queue(s);
}

/* Hold the partitions that are ahead of the slowest one, let go those that are not any more. */
static int
drift(struct weir_ctx *ctx, struct source *s)
{
	int64_t slowest = watermark_slowest(&s->mark, weir_now(ctx));
	struct fail f;

	for (size_t i = 0; i < s->parts.n; i++) {
		struct part *p = &s->parts.part[i];
		int64_t ahead = slowest == WATERMARK_NONE || s->mark.part[i].max_us == WATERMARK_NONE ? 0 : s->mark.part[i].max_us - slowest;
		int hold = !p->done && ahead > (p->paused ? s->max_drift_us / 2 : s->max_drift_us);

		if (hold == p->paused)
			continue;
		p->paused = (uint8_t)hold;
		if (!p->done && broker_hold(&s->broker, &s->parts, i, hold, &f) < 0)
			return source_fail(ctx, &f);
	}
	return 0;
}

static int
raise_mark(struct weir_ctx *ctx, struct source *s)
{
	int64_t at;
	int e;

	if (!s->mark.part)
		return 0;
	if (s->raise_first && (e = weir_raise(ctx, s->mark.raised_us)) < 0)
		return e;
	s->raise_first = 0;
	if (watermark_combine(&s->mark, weir_now(ctx), &at) && (e = weir_raise(ctx, at)) < 0)
		return e;
	return s->max_drift_us ? drift(ctx, s) : 0;
}

/* What has to be looked at when nothing comes. */
static int
silence(struct weir_ctx *ctx, struct source *s)
{
	struct fail f;
	size_t i = 0;

	if (s->broker.all_down && s->waited_ms >= DOWN_MS) {
		if (broker_probe(&s->broker, &f) < 0)
			return source_fail(ctx, &f);
		s->waited_ms = 0;
	}
	if (s->waited_ms * 1000 < s->timeout_us)
		return 0;
	while (i < s->parts.n && (s->parts.part[i].done || s->parts.part[i].end == OFFSETS_NO_END))
		i++;
	if (i == s->parts.n)		/* an open end: waiting is what it is for */
		return 0;
	return weir_error(ctx, WEIR_EAGAIN, "%s/%d: nothing came for %" PRId64 " s, and offset %" PRId64 " is not the end, %" PRId64
	    ": has the partition a leader? Run it again", topic_of(s, i), (int)s->parts.part[i].partition, s->waited_ms / 1000, s->parts.part[i].next,
	    s->parts.part[i].end);
}

/* Errors that librdkafka reported by callback, and the group's decisions. */
static int
reports(struct weir_ctx *ctx, struct source *s)
{
	struct fail f;

	if (s->broker.refused) {
		broker_explain(&s->broker, &f);
		return source_fail(ctx, &f);
	}
	if (s->group && s->broker.n_rebalances > 1)
		return weir_error(ctx, WEIR_EAGAIN, "-G: the group moved partitions to another member; run it again to go on with the new share");
	if (s->commits && clock_ms() - s->committed_ms > COMMIT_EVERY_MS) {
		broker_commit(&s->broker, &s->parts, 0);
		s->committed_ms = clock_ms();
	}
	return 0;
}

/* At the end of a bounded run: what open transactions hold back, maybe for ever when their producer has died. */
static void
say_held(struct weir_ctx *ctx, struct source *s)
{
	const struct part *p;
	size_t n, first = 0;

	if (!s->bounded || s->said_held || s->n_done < s->parts.n)
		return;
	s->said_held = 1;
	if (!(n = broker_held(&s->broker, &s->parts, &first)))
		return;
	p = &s->parts.part[first];
	weir_warn(ctx, "%s/%d: an open transaction holds back what comes after offset %" PRId64 ", up to %" PRId64 "%s; it is left to the next run",
	    topic_of(s, first), (int)p->partition, p->high, p->high_mark, n > 1 ? ", and other partitions likewise" : "");
}

int
source_poll(struct weir_ctx *ctx, void *self, int timeout_ms)
{
	struct source *s = self;
	size_t bytes = 0;
	int e;

	if (s->list)
		return source_list(ctx, s);
	if ((e = source_start(ctx, s)) < 0 || (e = reports(ctx, s)) < 0)
		return e;
	source_release(s);
	if ((e = source_assign(ctx, s)) < 0 || (e = source_grow(ctx, s)) < 0 || (e = raise_mark(ctx, s)) < 0)
		return e;
	say_held(ctx, s);
	if ((s->n_done == s->parts.n && (s->bounded || s->where.stops)) || (s->count && s->n_events >= s->count)) {
		s->lag_us = 0;		/* how it ended */
		source_lag(ctx, s);
		return 0;
	}
	if (weir_ending(ctx))
		return 2;
	if (s->at == s->n) {
		fetch(s, timeout_ms);
		source_lag(ctx, s);
		if (!s->n)
			return (e = silence(ctx, s)) < 0 ? e : 1;
	}
	while (s->at < s->n && bytes < SOURCE_BATCH_BYTES && !(s->count && s->n_events >= s->count))
		if ((e = take(ctx, s, s->at++, &bytes)) < 0)
			return e;
	return 1;
}

int
source_refused(struct weir_ctx *ctx, void *self, uint64_t tag, const char *code, const char *message)
{
	struct source *s = self;
	size_t k;

	if (tag >= s->n_offered)
		return weir_error(ctx, WEIR_EBUG, "the host refused event %" PRIu64 " of %zu", tag, s->n_offered);
	s->refused[tag] = 1;
	k = s->offered[tag];
	return reject(ctx, s, s->record[k], s->part[k], code, message);
}

/* The events that were taken, in the order they were offered: their event times. */
int
source_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	struct source *s = self;
	int64_t us, now;

	if (s->time_col < 0)
		return 0;
	now = weir_now(ctx);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct weir_value *v = &b->col[s->time_col][i];

		while (s->n_processed < s->n_offered && s->refused[s->n_processed])
			s->n_processed++;
		if (s->n_processed == s->n_offered)
			return weir_error(ctx, WEIR_EBUG, "the host processes more events than were offered");
		if (v->kind == WEIR_NUMBER && s->time.unit == WEIR_UNIT_ISO)
			return weir_error(ctx, WEIR_ECONFIG, "--time %s: %.*s is a number and has no unit; say --time %s:ms, or s, us, ns", s->time.path,
			    (int)v->n, v->p, s->time.path);
		if (value_time(v, s->time.unit, &us) == 0)
			watermark_event(&s->mark, s->part[s->offered[s->n_processed]], us, now);
		s->n_processed++;
	}
	return 0;
}
