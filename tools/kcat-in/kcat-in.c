/*
 * kcat-in - records of Kafka topics as NDJSON, byte for byte.
 *
 * A source: it knows, and gives out at each barrier, the next offset of every
 * partition, so that whoever commits the data commits the offsets with it;
 * Kafka itself is told nothing.  Partitions are assigned, not subscribed to.
 * The rules are those of weir-stream(5), source rules; the letters are kcat's.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "source.h"

#define TIMEOUT_MAX_US	INT64_C(3600000000)
#define META_MAX	255		/* bytes of --meta's key */
#define MEMBER_MAX	(16 << 20)	/* of an event's origin: its headers */

#define OPT(member)	offsetof(struct source, member)

static const struct weir_opt opts[] = {
	{ 'b', "brokers", "HOST[:PORT][,...]", "where to find the cluster", WEIR_TEXT, 0, OPT(brokers), NULL },
	{ 't', "topic", "TOPIC[,...]|^REGEX", "what to read; may be repeated", WEIR_TEXTS, 0, OPT(topics), NULL },
	{ 'p', "partitions", "N[,N-N...]", "only these partitions", WEIR_TEXT, 0, OPT(partitions), NULL },
	{ 'o', "offset", "beginning|end|stored|N|-N|s@TIME|e@TIME", "where to start, and with e@ to stop, when there is no position yet", WEIR_TEXTS, 0,
	    OPT(offset), NULL },
	{ 'e', "exit-at-end", NULL, "read to where the partitions end now, then exit", WEIR_FLAG, 0, OPT(bounded), NULL },
	{ 'c', "count", "N", "exit after N records", WEIR_COUNT, 0, OPT(count), NULL },
	{ 'X', "set", "PROPERTY=VALUE", "a setting of librdkafka; a secret may be @FILE; may be repeated", WEIR_TEXTS, 0, OPT(set), NULL },
	{ 'F', "config", "FILE", "settings of librdkafka, one a line; default $KCAT_CONFIG", WEIR_TEXT, 0, OPT(file), NULL },
	{ 'G', "group", "GROUP", "share the topics (operands) with the other members of a consumer group", WEIR_TEXT, 0, OPT(group), NULL },
	{ 'L', "list", NULL, "list brokers, topics and partitions", WEIR_FLAG, 0, OPT(list), NULL },
	{ 'C', "consume", NULL, "as kcat has it; reading is all this does", WEIR_FLAG, 0, OPT(consume), NULL },
	{ 0, "shard", "I/N", "only partitions p with p mod N = I", WEIR_TEXT, 0, OPT(shard), NULL },
	{ 0, "partitioned-by", "PATH[,PATH...]", "what producers partition by, for stages that keep state by key in a shard", WEIR_TEXT, 0, OPT(partitioned_by), NULL },
	{ 0, "meta", "[=KEY]", "add topic, partition, offset, timestamp, key and headers under KEY (_kafka)", WEIR_TEXT, 0, OPT(meta), NULL },
	{ 0, "time", "PATH[:UNIT]|@timestamp", "event time, for watermarks", WEIR_TIME, 0, OPT(time), NULL },
	{ 0, "out-of-order", "DURATION", "how far behind the newest event of its partition an event may be", WEIR_DURATION, 0, OPT(out_of_order_us), "30s" },
	{ 0, "idle", "DURATION", "a partition without records for so long does not hold time back", WEIR_DURATION, 0, OPT(idle_us), "10s" },
	{ 0, "max-drift", "DURATION", "hold partitions that are further ahead of the slowest; 0: never", WEIR_DURATION, 0, OPT(max_drift_us), "5m" },
	{ 0, "tombstones", "reject|skip", "what to do with records without value", WEIR_CHOICE, 0, OPT(tombstones), "reject" },
	{ 0, "on-gap", "stop|skip", "what to do when offsets that come next are gone", WEIR_CHOICE, 0, OPT(on_gap), "stop" },
	{ 0, "timeout", "DURATION", "how long to try to reach a broker", WEIR_DURATION, 0, OPT(timeout_us), "10s" },
	{ 0, "insecure", NULL, "do not check whom TLS talks to", WEIR_FLAG, 0, OPT(insecure), NULL },
	{ 0 }
};

int
source_fail(struct weir_ctx *ctx, const struct fail *f)
{
	return weir_error(ctx, (enum weir_code)f->code, "%s", f->text);
}

static void
on_warning(void *arg, const char *text)
{
	struct weir_ctx *ctx = arg;

	weir_warn(ctx, "%s", text);
}

/* Topics come by -t, or with -G as operands. */
static int
open_topics(struct weir_ctx *ctx, struct source *s, const char *const *operand)
{
	struct fail f;

	if (operand[0] && !s->group)
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand, '%s' given; topics are named by -t", operand[0]);
	for (size_t i = 0; s->topics && i < s->topics->n; i++)
		if (names_add(&s->names, s->topics->item[i], &f) < 0)
			return source_fail(ctx, &f);
	for (; *operand; operand++)
		if (names_add(&s->names, *operand, &f) < 0)
			return source_fail(ctx, &f);
	if (!s->names.n && !s->list)
		return weir_error(ctx, WEIR_EUSAGE, s->group ? "-G needs topics: kcat-in -G GROUP TOPIC..." :
		    "-t is missing: name a topic; kcat-in -L lists them");
	return 0;
}

static int
open_places(struct weir_ctx *ctx, struct source *s)
{
	struct fail f;

	for (size_t i = 0; s->offset && i < s->offset->n; i++)
		if (options_offset(s->offset->item[i], &s->where, &f) < 0)
			return source_fail(ctx, &f);
	if (s->partitions && options_partitions(s->partitions, &s->which, &f) < 0)
		return source_fail(ctx, &f);
	if (s->shard && options_shard(s->shard, &s->which, &f) < 0)
		return source_fail(ctx, &f);
	if (s->group && (s->partitions || s->shard))
		return weir_error(ctx, WEIR_EUSAGE, "-G shares out the partitions itself: leave out -p and --shard");
	if (s->group && !s->where.given)
		s->where.start = START_STORED;
	return 0;
}

static int
open_time(struct weir_ctx *ctx, struct source *s)
{
	s->time_col = -1;
	s->by_timestamp = s->time.path && strcmp(s->time.path, "@timestamp") == 0;
	if (s->time.path && !s->by_timestamp && (s->time_col = weir_want(ctx, s->time.path)) < 0)
		return s->time_col;
	if (s->timeout_us < 1000 || s->timeout_us > TIMEOUT_MAX_US)
		return weir_error(ctx, WEIR_EUSAGE, "--timeout takes 1ms to 1h");
	if (s->meta && !*s->meta)
		s->meta = SOURCE_META;
	if (s->meta && strlen(s->meta) > META_MAX)
		return weir_error(ctx, WEIR_EUSAGE, "--meta: the key has more than %d bytes", META_MAX);
	s->member.max = MEMBER_MAX;
	return 0;
}

static int
ki_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct source *s = self;
	struct conf_input in = { s->brokers, s->group, s->file, s->set, s->insecure, &s->commits, on_warning, ctx };
	rd_kafka_conf_t *conf;
	struct fail f;
	int e;

	if ((e = open_topics(ctx, s, operand)) < 0 || (e = open_places(ctx, s)) < 0 || (e = open_time(ctx, s)) < 0)
		return e;
	if (!(conf = conf_new(&in, &f)))
		return source_fail(ctx, &f);
	if (broker_open(&s->broker, conf, (int)(s->timeout_us / 1000), &f) < 0)
		return source_fail(ctx, &f);
	s->opened = 1;
	return 0;
}

static int
choose_topics(struct source *s, struct fail *f)
{
	const struct rd_kafka_metadata *md;
	int e;

	if ((e = broker_metadata(&s->broker, &md, f)) < 0)
		return e;
	e = s->group ? broker_join(&s->broker, &s->names, &s->parts, f) : broker_select(&s->broker, md, &s->names, &s->which, &s->parts, f);
	rd_kafka_metadata_destroy(md);
	return e < 0 ? e : broker_identify(&s->broker, &s->parts, f);
}

static int
place(struct weir_ctx *ctx, struct source *s)
{
	struct fail f;
	int64_t lost;
	char text[32];

	for (size_t i = 0; i < s->parts.n; i++) {
		if (parts_plan(&s->parts, i, &s->where, s->bounded, s->on_gap == GAP_SKIP, &lost, &f) < 0)
			return source_fail(ctx, &f);
		s->n_done += s->parts.part[i].done;
		if (lost) {
			weir_warn(ctx, "%s/%d: %s events are gone, on with offset %" PRId64 " (--on-gap skip)", s->parts.topic[s->parts.part[i].topic].name,
			    (int)s->parts.part[i].partition, parts_number(lost, text), s->parts.part[i].jump);
			weir_count(ctx, "lost", (uint64_t)lost);
		}
	}
	return 0;
}

int
source_start(struct weir_ctx *ctx, struct source *s)
{
	struct fail f;
	int e;

	if (s->started)
		return 0;
	if (choose_topics(s, &f) < 0 || parts_same(&s->parts, &f) < 0 || broker_offsets(&s->broker, &s->parts, &s->where, &f) < 0)
		return source_fail(ctx, &f);
	if ((e = place(ctx, s)) < 0)
		return e;
	if (s->time.path && watermark_init(&s->mark, s->parts.n, s->out_of_order_us, s->idle_us) < 0)
		return weir_error(ctx, WEIR_EAGAIN, "no memory for the watermarks");
	for (size_t i = 0; s->mark.part && i < s->parts.n; i++) {
		s->mark.part[i].closed = s->parts.part[i].done;
		s->mark.part[i].caught_up = s->parts.part[i].next >= s->parts.part[i].high;
	}
	s->started = 1;
	return 0;
}

int
source_assign(struct weir_ctx *ctx, struct source *s)
{
	struct fail f;

	if (s->reading)
		return 0;
	parts_jump(&s->parts);		/* only now: hello has the position that the sink knows */
	if (broker_assign(&s->broker, &s->parts, &f) < 0)
		return source_fail(ctx, &f);
	s->reading = 1;
	return 0;
}

static int
ki_seek(struct weir_ctx *ctx, void *self, const char *off)
{
	struct source *s = self;
	struct fail f;

	return parts_seek(&s->parts, off, &f) < 0 ? source_fail(ctx, &f) : 0;
}

/* Does the input end by itself? */
static int
ki_bounded(struct weir_ctx *ctx, void *self)
{
	const struct source *s = self;

	(void)ctx;
	return s->bounded || s->where.stops || s->count || s->list;
}

/* The first one after begin() is for hello; the others are barriers, and the marks of time go into their checkpoints. */
static int
ki_position(struct weir_ctx *ctx, void *self, const char **off)
{
	struct source *s = self;
	char *marks;
	int e;

	if (s->list) {
		*off = "{}";
		return 0;
	}
	if ((e = source_start(ctx, s)) < 0)
		return e;
	free(s->position);
	if (!(*off = s->position = parts_position(&s->parts)))
		return weir_error(ctx, WEIR_EAGAIN, "no memory for the position");
	if (!s->begun || !s->framed)
		return 0;
	if (!s->greeted) {
		s->greeted = 1;
		return 0;
	}
	proof_keep(s);
	if (!(marks = marks_save(s)))
		return weir_error(ctx, WEIR_EAGAIN, "no memory for the checkpoint");
	e = weir_publish(ctx, SOURCE_FILE, marks, strlen(marks));
	free(marks);
	return e;
}

/* The checkpoint this run goes on from: the last records that were read, and the marks of time.  The watermark that was reached
 * there is the first to be sent. */
static int
restore_marks(struct weir_ctx *ctx, struct source *s, const char *token, int has_state)
{
	const void *p;
	size_t n;
	int found = weir_load(ctx, token, SOURCE_FILE, &p, &n);

	if (found < 0)
		return found;
	if (found && marks_load(p, n, s) < 0)
		return weir_error(ctx, WEIR_ESTATE, "%s of checkpoint %s is of another version; --state-reset goes on without it", SOURCE_FILE, token);
	if (!found && (s->mark.part || has_state))
		weir_warn(ctx, "the checkpoint %s has no %s: %sthat the topic is still the same is not checked", token, SOURCE_FILE,
		    s->mark.part ? "watermarks and arrival times start anew, and " : "");
	s->raise_first = s->mark.part && s->mark.raised_us != WATERMARK_NONE;
	return 0;
}

static int
ki_begin(struct weir_ctx *ctx, void *self, const struct weir_stream *stream)
{
	struct source *s = self;
	struct fail f;
	int e;

	if (s->list)
		return 0;
	if ((e = source_start(ctx, s)) < 0)
		return e;
	s->framed = stream->framed;
	s->begun = 1;
	if (s->framed && stream->prev && *stream->prev && strcmp(stream->prev, "none") && (e = restore_marks(ctx, s, stream->prev, stream->state)) < 0)
		return e;
	return proof_check(s, &f) < 0 ? source_fail(ctx, &f) : 0;
}

static void
check_topics(struct weir_ctx *ctx, struct source *s)
{
	char text[32];

	for (size_t t = 0; t < s->parts.n_topics; t++) {
		const struct topic *topic = &s->parts.topic[t];
		int64_t kept = 0;

		for (size_t i = topic->first; i < topic->first + topic->n; i++)
			kept += s->parts.part[i].high - s->parts.part[i].low;
		weir_finding(ctx, "topic", WEIR_OK, "%s, %zu partitions, %s offsets kept", topic->name, topic->n, parts_number(kept, text));
	}
}

static int
ki_check(struct weir_ctx *ctx, void *self)
{
	struct source *s = self;
	const struct rd_kafka_metadata *md;
	const char *remark = broker_library_remark(&s->broker);
	struct fail f;
	int64_t lost;

	if (remark)
		weir_finding(ctx, "librdkafka", WEIR_WARN, "%s, %s", rd_kafka_version_str(), remark);
	else
		weir_finding(ctx, "librdkafka", WEIR_OK, "%s", rd_kafka_version_str());
	if (broker_metadata(&s->broker, &md, &f) < 0)
		return weir_finding(ctx, "broker", WEIR_FAIL, "%s", f.text);
	weir_finding(ctx, "broker", WEIR_OK, "%s, %d broker%s, %s", s->broker.address, md->broker_cnt, md->broker_cnt == 1 ? "" : "s", s->broker.protocol);
	rd_kafka_metadata_destroy(md);
	if (!s->names.n || s->group)
		return 0;
	if (choose_topics(s, &f) < 0 || parts_same(&s->parts, &f) < 0 || broker_offsets(&s->broker, &s->parts, &s->where, &f) < 0)
		return weir_finding(ctx, "topic", WEIR_FAIL, "%s", f.text);
	check_topics(ctx, s);
	for (size_t i = 0; i < s->parts.n; i++)
		if (parts_plan(&s->parts, i, &s->where, s->bounded, s->on_gap == GAP_SKIP, &lost, &f) < 0)
			weir_finding(ctx, "offsets", WEIR_FAIL, "%s", f.text);
	return 0;
}

static void
ki_close(struct weir_ctx *ctx, void *self)
{
	struct source *s = self;

	(void)ctx;
	for (; s->n_released < s->n; s->n_released++)
		rd_kafka_message_destroy(s->record[s->n_released]);
	if (s->opened) {
		if (s->commits && s->started)
			broker_commit(&s->broker, &s->parts, 1);
		broker_close(&s->broker);
	}
	parts_free(&s->parts);
	watermark_free(&s->mark);
	names_free(&s->names);
	buf_free(&s->line);
	buf_free(&s->spliced);
	buf_free(&s->member);
	free(s->position);
	json_decref(s->kept);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "kcat-in", .version = "1", .summary = "records of Kafka topics as NDJSON",
	.self_size = sizeof(struct source), .opts = opts, .role = WEIR_SOURCE,
	.open = ki_open, .begin = ki_begin, .process = source_process, .poll = source_poll, .refused = source_refused,
	.seek = ki_seek, .position = ki_position, .check = ki_check, .close = ki_close, .bounded = ki_bounded,
};
