/*
 * broker - the connection to Kafka, and what is wrong with it in words.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker.h"
#include "conf.h"

#define SLICE_MS	100		/* the first wait for a broker; each later one is twice as long */
#define IDS_MS		2000		/* for the ids of topics: a broker that cannot tell them does not answer at all (librdkafka's mock cluster) */
#define SCRAM_FIXED	0x02060100	/* the first librdkafka whose SCRAM login Kafka 4 takes */
#define LEADER_FIXED	0x02040000	/* the first one that does not deliver twice after a leader change */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void
on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct broker *b = opaque;

	(void)rk;
	if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {	/* the reason came just before */
		b->all_down = 1;
		return;
	}
	if (b->refused)						/* what follows from it says less */
		return;
	b->err = err;
	snprintf(b->reason, sizeof b->reason, "%s", reason ? reason : "");
	b->refused = err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL ||
	    err == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

/* Errors come to on_error() too; the log says no more and would stand among our own lines. */
static void
on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
	(void)rk, (void)level, (void)fac, (void)text;
}

static void
on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct broker *b = opaque;

	b->n_rebalances++;
	if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !b->given)
		b->given = rd_kafka_topic_partition_list_copy(list);	/* broker_assign() follows, with offsets */
	else
		rd_kafka_assign(rk, NULL);
}

int
broker_open(struct broker *b, rd_kafka_conf_t *conf, int timeout_ms, struct fail *f)
{
	char text[512], debug[8];

	b->timeout_ms = timeout_ms;
	conf_get(conf, "bootstrap.servers", b->address, sizeof b->address);
	conf_get(conf, "sasl.username", b->user, sizeof b->user);
	conf_get(conf, "sasl.mechanism", b->mechanism, sizeof b->mechanism);
	conf_get(conf, "security.protocol", b->protocol, sizeof b->protocol);
	b->needs_nudge = !*conf_get(conf, "fetch.queue.backoff.ms", debug, sizeof debug);
	rd_kafka_conf_set_opaque(conf, b);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	if (!*conf_get(conf, "debug", debug, sizeof debug))
		rd_kafka_conf_set_log_cb(conf, on_log);
	if (!(b->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text))) {
		rd_kafka_conf_destroy(conf);
		return fail(f, WEIR_ECONFIG, "librdkafka does not take the settings: %s", text);
	}
	rd_kafka_poll_set_consumer(b->rk);
	if (!(b->queue = rd_kafka_queue_get_consumer(b->rk)))
		return fail(f, WEIR_EBUG, "librdkafka gives no queue");
	return 0;
}

int
broker_twin(struct broker *b, rd_kafka_t **rk, struct fail *f)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(rd_kafka_conf(b->rk));
	char text[512];

	if (!(*rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text))) {
		rd_kafka_conf_destroy(conf);
		return fail(f, WEIR_EAGAIN, "librdkafka gives no second client: %s", text);
	}
	rd_kafka_poll_set_consumer(*rk);
	return 0;
}

void
broker_close(struct broker *b)
{
	if (b->given)
		rd_kafka_topic_partition_list_destroy(b->given);
	if (b->queue)
		rd_kafka_queue_destroy(b->queue);
	if (b->rk) {
		rd_kafka_consumer_close(b->rk);
		rd_kafka_destroy(b->rk);
	}
	memset(b, 0, sizeof *b);
}

/* There is no call for it.  New credentials make the threads of all brokers wake up and look around, and these are the old
 * ones: with a queue that fits a processor's cache the difference is 25 times the speed. */
void
broker_nudge(struct broker *b)
{
	char password[1024];

	if (!b->needs_nudge)
		return;
	conf_get(rd_kafka_conf(b->rk), "sasl.password", password, sizeof password);
	if (strlen(b->user) < sizeof b->user - 1 && strlen(password) < sizeof password - 1)	/* else they may have been cut */
		rd_kafka_error_destroy(rd_kafka_sasl_set_credentials(b->rk, b->user, password));
	explicit_bzero(password, sizeof password);
}

/* The reason without what librdkafka puts around it: "host:1/bootstrap: Connect to … failed: Connection refused (after 0ms …)". */
static void
words(const char *reason, char *out, size_t size)
{
	const char *p = strstr(reason, ": "), *end = strstr(reason, " (after "), *failed = NULL;

	p = p && memchr(reason, '/', (size_t)(p - reason)) ? p + 2 : reason;
	if (strncmp(p, "Connect to ", 11) == 0 && (failed = strstr(p, " failed: ")))
		p = failed + 9;
	snprintf(out, size, "%.*s", (int)(end && end > p ? (size_t)(end - p) : strlen(p)), p);
	if (failed)
		*out = (char)tolower((unsigned char)*out);
}

const char *
broker_library_remark(const struct broker *b)
{
	if (strncmp(b->mechanism, "SCRAM", 5) == 0 && rd_kafka_version() < SCRAM_FIXED)
		return "which cannot log in to Kafka 4 with SCRAM; 2.6.1 or newer can";
	if (rd_kafka_version() < LEADER_FIXED)
		return "which may deliver records twice after a change of leader (they are dropped here); 2.4 or newer does not";
	return NULL;
}

static int
refused(struct broker *b, const char *why, struct fail *f)
{
	int scram = strncmp(b->mechanism, "SCRAM", 5) == 0;

	if (b->err == RD_KAFKA_RESP_ERR__SSL || strstr(b->reason, "SSL handshake failed"))
		return fail(f, WEIR_ECONFIG, "no TLS connection to %s: %s", b->address, why);
	if (scram && rd_kafka_version() < SCRAM_FIXED)
		return fail(f, WEIR_ECONFIG, "SCRAM login refused for user '%s' by %s: %s. This librdkafka is %s, which cannot log in to Kafka 4 with "
		    "SCRAM even with the right password; 2.6.1 or newer can, and PLAIN over TLS works", b->user, b->address, why, rd_kafka_version_str());
	return fail(f, WEIR_ECONFIG, "%s login refused for user '%s' by %s: %s", scram ? "SCRAM" : b->mechanism, b->user, b->address, why);
}

int
broker_explain(struct broker *b, struct fail *f)
{
	char why[512];

	words(b->reason, why, sizeof why);
	if (b->refused)
		return refused(b, why, f);
	return fail(f, WEIR_EAGAIN, "no broker answers at %s: %s (tried for %g s). Is the address right? `weir doctor` checks each part", b->address,
	    *why ? why : "no answer", b->timeout_ms / 1000.0);
}

int
broker_metadata(struct broker *b, const struct rd_kafka_metadata **md, struct fail *f)
{
	int64_t end = now_ms() + b->timeout_ms, left;
	rd_kafka_resp_err_t e;

	for (int slice = SLICE_MS; (left = end - now_ms()) > 0; slice *= 2) {
		e = rd_kafka_metadata(b->rk, 1, NULL, md, slice < left ? slice : (int)left);
		if (!e)
			return 0;
		rd_kafka_poll(b->rk, 0);		/* what happened, for on_error() */
		if (b->refused)
			break;
	}
	return broker_explain(b, f);
}

int
broker_probe(struct broker *b, struct fail *f)
{
	const struct rd_kafka_metadata *md;
	int e;

	b->all_down = 0;
	if ((e = broker_metadata(b, &md, f)) < 0)
		return e;
	rd_kafka_metadata_destroy(md);
	return 0;
}

#if RD_KAFKA_VERSION >= 0x02030000
/* Topic ids tell a topic from another one of the same name that was made later. */
static void
topic_ids(struct broker *b, struct parts *ps)
{
	rd_kafka_queue_t *answers = rd_kafka_queue_new(b->rk);
	const char **name = calloc(ps->n_topics + 1, sizeof *name);
	rd_kafka_TopicCollection_t *all = NULL;
	rd_kafka_event_t *event = NULL;
	const rd_kafka_TopicDescription_t **d;
	size_t n = 0;

	for (size_t t = 0; name && t < ps->n_topics; t++)
		name[t] = ps->topic[t].name;
	if (name && (all = rd_kafka_TopicCollection_of_topic_names(name, ps->n_topics))) {
		rd_kafka_DescribeTopics(b->rk, all, NULL, answers);
		event = rd_kafka_queue_poll(answers, b->timeout_ms < IDS_MS ? b->timeout_ms : IDS_MS);
	}
	if (event && !rd_kafka_event_error(event) && rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT) {
		d = rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &n);
		for (size_t i = 0; i < n; i++) {
			int32_t t = parts_topic(ps, rd_kafka_TopicDescription_name(d[i]));
			const rd_kafka_Uuid_t *id = rd_kafka_TopicDescription_topic_id(d[i]);

			if (t >= 0 && id && (rd_kafka_Uuid_most_significant_bits(id) || rd_kafka_Uuid_least_significant_bits(id))) {
				free(ps->topic[t].id);
				ps->topic[t].id = strdup(rd_kafka_Uuid_base64str(id));
			}
		}
	}
	if (event)
		rd_kafka_event_destroy(event);
	if (all)
		rd_kafka_TopicCollection_destroy(all);
	rd_kafka_queue_destroy(answers);
	free(name);
}
#endif

/* An answer that does not come proves nothing. */
int
broker_still(struct broker *b, const struct parts *ps, struct fail *f)
{
	int e = 0;
#if RD_KAFKA_VERSION >= 0x02030000
	struct parts now = { .topic = calloc(ps->n_topics + 1, sizeof *now.topic), .n_topics = ps->n_topics };
	int known = 0;

	for (size_t t = 0; now.topic && t < ps->n_topics; t++) {
		now.topic[t].name = ps->topic[t].name;
		known |= ps->topic[t].id != NULL;
	}
	if (now.topic && known)
		topic_ids(b, &now);
	for (size_t t = 0; now.topic && t < ps->n_topics; t++) {
		if (!e && now.topic[t].id && ps->topic[t].id && strcmp(now.topic[t].id, ps->topic[t].id))
			e = fail(f, WEIR_EOFFSET, "topic '%s' was deleted and made anew while it was read (its id was %s and is %s). Start a new pipeline for "
			    "the new topic. Nothing of this epoch was committed", ps->topic[t].name, ps->topic[t].id, now.topic[t].id);
		free(now.topic[t].id);
	}
	free(now.topic);
#else
	(void)b, (void)ps, (void)f;
#endif
	return e;
}

int
broker_identify(struct broker *b, struct parts *ps, struct fail *f)
{
	char *id = rd_kafka_clusterid(b->rk, b->timeout_ms);

	if (id) {
		ps->cluster = strdup(id);
		rd_kafka_mem_free(b->rk, id);
		if (!ps->cluster)
			return fail(f, WEIR_EAGAIN, "no memory for the id of the cluster");
	}
#if RD_KAFKA_VERSION >= 0x02030000
	topic_ids(b, ps);
#endif
	return 0;
}
