/*
 * topics - which topics and partitions a run reads, and what the brokers know of their offsets.
 */
#include "config.h"

#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "conf.h"
#include "weir.h"

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name that is no topic: one that was mistyped, or one this user may not see. */
static int
unknown(struct broker *b, const char *name, const char **all, size_t n_all, struct fail *f)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_topic_t *t = rd_kafka_topic_new(b->rk, name, NULL);
	rd_kafka_resp_err_t e = RD_KAFKA_RESP_ERR_NO_ERROR;
	char similar[1024];

	if (t && !rd_kafka_metadata(b->rk, 0, t, &md, b->timeout_ms)) {
		if (md->topic_cnt == 1)
			e = md->topics[0].err;
		rd_kafka_metadata_destroy(md);
	}
	if (t)
		rd_kafka_topic_destroy(t);
	if (e == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return fail(f, WEIR_ECONFIG, "user '%s' may not read topic '%s' on %s: it needs the rights Describe and Read", b->user, name, b->address);
	if (e == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
		return fail(f, WEIR_ECONFIG, "'%s' cannot be the name of a topic", name);
	names_similar(name, all, n_all, similar, sizeof similar);
	return fail(f, WEIR_ECONFIG, "topic '%s' does not exist on %s%s", name, b->address, similar);
}

/* Mark in chosen[] the topics that one name stands for. */
static int
choose(struct broker *b, const char *name, const char **all, size_t n_all, char *chosen, struct fail *f)
{
	const char **found;
	char why[256];
	regex_t re;
	int e, any = 0;

	if (*name != '^') {
		if (!(found = bsearch(&name, all, n_all, sizeof *all, by_name)))
			return unknown(b, name, all, n_all, f);
		chosen[found - all] = 1;
		return 0;
	}
	if ((e = regcomp(&re, name, REG_EXTENDED | REG_NOSUB))) {
		regerror(e, &re, why, sizeof why);
		return fail(f, WEIR_EUSAGE, "-t '%s': %s", name, why);
	}
	for (size_t i = 0; i < n_all; i++)		/* internal topics only when the expression asks for them */
		if ((strncmp(all[i], "__", 2) || strncmp(name, "^__", 3) == 0) && regexec(&re, all[i], 0, NULL, 0) == 0)
			any = chosen[i] = 1;
	regfree(&re);
	return any ? 0 : fail(f, WEIR_ECONFIG, "no topic on %s matches '%s'", b->address, name);
}

static int32_t
partitions_of(const struct rd_kafka_metadata *md, const char *name)
{
	for (int t = 0; t < md->topic_cnt; t++)
		if (strcmp(md->topics[t].topic, name) == 0)
			return md->topics[t].partition_cnt;
	return 0;
}

int
broker_select(struct broker *b, const struct rd_kafka_metadata *md, const struct names *ns, const struct partitions *which, struct parts *ps,
    struct fail *f)
{
	size_t n = (size_t)md->topic_cnt;
	const char **all = calloc(n + 1, sizeof *all);
	char *chosen = calloc(n + 1, 1);
	int e = all && chosen ? 0 : fail(f, WEIR_EAGAIN, "no memory for the list of topics");

	for (size_t t = 0; !e && t < n; t++)
		all[t] = md->topics[t].topic;
	if (!e)
		qsort(all, n, sizeof *all, by_name);
	for (size_t i = 0; !e && i < ns->n; i++)
		e = choose(b, ns->item[i], all, n, chosen, f);
	for (size_t t = 0; !e && t < n; t++) {
		int32_t n_partitions;

		if (!chosen[t])
			continue;
		n_partitions = partitions_of(md, all[t]);
		e = parts_add(ps, all[t], n_partitions, which, f);
		for (size_t r = 0; !e && r < which->n; r++)
			if (which->range[r].first >= n_partitions)
				e = fail(f, WEIR_ECONFIG, "topic '%s' has no partition %d; it has 0 to %d", all[t], (int)which->range[r].first,
				    (int)n_partitions - 1);
	}
	free(all);
	free(chosen);
	return e;
}

static rd_kafka_topic_partition_list_t *
list_of(const struct parts *ps, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)ps->n);

	for (size_t i = 0; i < ps->n; i++)
		rd_kafka_topic_partition_list_add(list, ps->topic[ps->part[i].topic].name, ps->part[i].partition)->offset = offset;
	return list;
}

/* Ask for one number per part; `when` is a time in ms, or BEGINNING or END.  The member at `member` of each part is set. */
static int
ask_times(struct broker *b, struct parts *ps, int64_t when, size_t member, struct fail *f)
{
	rd_kafka_topic_partition_list_t *list = list_of(ps, when);
	rd_kafka_resp_err_t e = rd_kafka_offsets_for_times(b->rk, list, b->timeout_ms);
	int code = 0;

	rd_kafka_poll(b->rk, 0);
	if (e && b->refused)
		code = broker_explain(b, f);
	else if (e)
		code = fail(f, WEIR_EAGAIN, "%s does not say where the partitions begin and end: %s (tried for %g s)", b->address, rd_kafka_err2str(e),
		    b->timeout_ms / 1000.0);
	for (int k = 0; k < list->cnt && !code; k++) {
		const rd_kafka_topic_partition_t *got = &list->elems[k];
		int32_t t = parts_topic(ps, got->topic);
		ptrdiff_t i = t < 0 ? -1 : parts_find(ps, t, got->partition);

		if (i < 0)
			continue;
		if (got->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
			code = fail(f, WEIR_ECONFIG, "user '%s' may not read topic '%s' on %s: it needs the right Read", b->user, got->topic, b->address);
		else if (got->err)
			code = fail(f, WEIR_EAGAIN, "%s/%d: its offsets cannot be asked for: %s", got->topic, (int)got->partition,
			    rd_kafka_err2str(got->err));
		else
			memcpy((char *)&ps->part[i] + member, &got->offset, sizeof got->offset);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

static int
ask_committed(struct broker *b, struct parts *ps, struct fail *f)
{
	rd_kafka_topic_partition_list_t *list = list_of(ps, RD_KAFKA_OFFSET_INVALID);
	rd_kafka_resp_err_t e = rd_kafka_committed(b->rk, list, b->timeout_ms);
	int code = 0;

	if (e == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		code = fail(f, WEIR_ECONFIG, "-o stored: user '%s' may not read the offsets of this group; name another one by -X group.id=", b->user);
	else if (e)
		code = fail(f, WEIR_EAGAIN, "-o stored: the offsets of the group cannot be read: %s", rd_kafka_err2str(e));
	for (int k = 0; k < list->cnt && !code; k++) {
		int32_t t = parts_topic(ps, list->elems[k].topic);
		ptrdiff_t i = t < 0 ? -1 : parts_find(ps, t, list->elems[k].partition);

		if (i >= 0)
			ps->part[i].committed = list->elems[k].offset >= 0 ? list->elems[k].offset : OFFSETS_NONE;
	}
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

int
broker_offsets(struct broker *b, struct parts *ps, const struct offsets *o, struct fail *f)
{
	int e;

	if (!ps->n)
		return 0;
	if ((e = ask_times(b, ps, RD_KAFKA_OFFSET_BEGINNING, offsetof(struct part, low), f)) < 0 ||
	    (e = ask_times(b, ps, RD_KAFKA_OFFSET_END, offsetof(struct part, high), f)) < 0)
		return e;
	if (o->start == START_TIME && (e = ask_times(b, ps, o->at, offsetof(struct part, at_start), f)) < 0)
		return e;
	if (o->stops && (e = ask_times(b, ps, o->stop_ms, offsetof(struct part, at_stop), f)) < 0)
		return e;
	return o->start == START_STORED ? ask_committed(b, ps, f) : 0;
}

int
broker_ends(struct broker *b, const struct parts *ps, size_t i, int64_t *low, int64_t *high, struct fail *f)
{
	const struct part *p = &ps->part[i];
	struct topic topic = ps->topic[p->topic];
	struct part one = *p;
	struct parts alone = { .topic = &topic, .part = &one, .n_topics = 1, .n = 1 };
	int e;

	topic.first = 0;
	topic.n = 1;
	one.topic = 0;
	if ((e = ask_times(b, &alone, RD_KAFKA_OFFSET_BEGINNING, offsetof(struct part, low), f)) < 0 ||
	    (e = ask_times(b, &alone, RD_KAFKA_OFFSET_END, offsetof(struct part, high), f)) < 0)
		return e;
	*low = one.low;
	*high = one.high;
	return 0;
}

int
broker_assign(struct broker *b, const struct parts *ps, struct fail *f)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)ps->n + 1);
	rd_kafka_resp_err_t e;

	for (size_t i = 0; i < ps->n; i++)
		if (!ps->part[i].done)
			rd_kafka_topic_partition_list_add(list, ps->topic[ps->part[i].topic].name, ps->part[i].partition)->offset = ps->part[i].next;
	e = rd_kafka_assign(b->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return e ? fail(f, WEIR_EAGAIN, "librdkafka does not start to read: %s", rd_kafka_err2str(e)) : 0;
}

int
broker_assign_more(struct broker *b, const struct parts *ps, size_t at, size_t n, struct fail *f)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
	rd_kafka_error_t *error;
	int e = 0;

	for (size_t i = at; i < at + n; i++)
		rd_kafka_topic_partition_list_add(list, ps->topic[ps->part[i].topic].name, ps->part[i].partition)->offset = ps->part[i].next;
	if ((error = rd_kafka_incremental_assign(b->rk, list)))
		e = fail(f, WEIR_EAGAIN, "librdkafka does not start to read the partitions that were added: %s. Run it again", rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	rd_kafka_topic_partition_list_destroy(list);
	return e;
}

size_t
broker_held(struct broker *b, struct parts *ps, size_t *first)
{
	size_t n = 0, k = 0;
	int64_t low, high;
	int *held = calloc(ps->n + 1, sizeof *held);
	struct fail f;

	for (size_t i = 0; held && i < ps->n; i++) {
		struct part *p = &ps->part[i];

		if (!rd_kafka_get_watermark_offsets(b->rk, ps->topic[p->topic].name, p->partition, &low, &high) && high > p->high_mark)
			p->high_mark = high;
		held[i] = p->end >= p->high && p->high_mark > p->high;
		n += (size_t)held[i];
	}
	/* What came in since is no transaction's fault: then the end, as far as transactions are decided, has moved. */
	for (size_t i = 0; n && k < ps->n; k++)
		if (held[k] && (broker_ends(b, ps, k, &low, &high, &f) < 0 || high > ps->part[k].high))
			n--;
		else if (held[k] && !i++)
			*first = k;
	free(held);
	return n;
}

static rd_kafka_topic_partition_list_t *
one_of(const struct parts *ps, size_t i)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	const struct part *p = &ps->part[i];

	rd_kafka_topic_partition_list_add(list, ps->topic[p->topic].name, p->partition)->offset = p->next;
	return list;
}

int
broker_seek(struct broker *b, const struct parts *ps, size_t i, struct fail *f)
{
	rd_kafka_topic_partition_list_t *list = one_of(ps, i);
	rd_kafka_error_t *error = rd_kafka_seek_partitions(b->rk, list, b->timeout_ms);
	rd_kafka_resp_err_t e = error ? rd_kafka_error_code(error) : list->elems[0].err;
	int code = 0;

	if (e)
		code = fail(f, WEIR_EAGAIN, "%s/%d: cannot go to offset %" PRId64 ": %s", list->elems[0].topic, (int)list->elems[0].partition,
		    ps->part[i].next, rd_kafka_err2str(e));
	rd_kafka_error_destroy(error);
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

int
broker_hold(struct broker *b, const struct parts *ps, size_t i, int hold, struct fail *f)
{
	rd_kafka_topic_partition_list_t *list = one_of(ps, i);
	rd_kafka_resp_err_t e = hold ? rd_kafka_pause_partitions(b->rk, list) : rd_kafka_resume_partitions(b->rk, list);
	int code = 0;

	if (e || (e = list->elems[0].err))
		code = fail(f, WEIR_EAGAIN, "%s/%d: cannot %s: %s", list->elems[0].topic, (int)list->elems[0].partition, hold ? "pause" : "go on",
		    rd_kafka_err2str(e));
	rd_kafka_topic_partition_list_destroy(list);
	/* What was in the queue when it was held is thrown away, and librdkafka's own idea of where to go on has been wrong. */
	return code || hold ? code : broker_seek(b, ps, i, f);
}

static int
by_topic(const void *va, const void *vb, void *arg)
{
	const rd_kafka_topic_partition_t *a = va, *b = vb;
	int c = strcmp(a->topic, b->topic);

	(void)arg;
	return c ? c : (a->partition > b->partition) - (a->partition < b->partition);
}

/* Topics that were given whole or in part: parts_add() makes the runs of partitions. */
static int
take_given(struct broker *b, struct parts *ps, struct fail *f)
{
	rd_kafka_topic_partition_list_t *list = b->given;
	int e = 0;

	rd_kafka_topic_partition_list_sort(list, by_topic, NULL);
	for (int k = 0; k < list->cnt && !e; ) {
		const char *topic = list->elems[k].topic;
		int32_t last = -1;
		int first = k, at;
		size_t from = ps->n;

		for (; k < list->cnt && strcmp(list->elems[k].topic, topic) == 0; k++)
			last = list->elems[k].partition;
		if ((e = parts_add(ps, topic, last + 1, &(struct partitions){ 0 }, f)) < 0)
			return e;
		/* Of 0 to last only those in the list stay. */
		for (at = 0; first + at < k; at++)
			ps->part[from + (size_t)at] = ps->part[from + (size_t)list->elems[first + at].partition];
		ps->n = from + (size_t)at;
		ps->topic[ps->n_topics - 1].n = (size_t)at;
	}
	return e;
}

int
broker_join(struct broker *b, const struct names *ns, struct parts *ps, struct fail *f)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)ns->n);
	rd_kafka_resp_err_t e;
	rd_kafka_message_t *m;
	char session[32];
	int wait_ms;

	for (size_t i = 0; i < ns->n; i++)
		rd_kafka_topic_partition_list_add(list, ns->item[i], RD_KAFKA_PARTITION_UA);
	e = rd_kafka_subscribe(b->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (e)
		return fail(f, WEIR_ECONFIG, "-G: %s", rd_kafka_err2str(e));
	/* A member that went away without a word keeps its partitions for the group's session time. */
	wait_ms = b->timeout_ms + atoi(conf_get(rd_kafka_conf(b->rk), "session.timeout.ms", session, sizeof session));
	for (; !b->given && wait_ms > 0; wait_ms -= 100) {
		if (!(m = rd_kafka_consumer_poll(b->rk, 100)))
			continue;
		e = m->err;
		rd_kafka_message_destroy(m);
		if (e == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED || e == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
			return fail(f, WEIR_ECONFIG, "-G: user '%s' has no right to it: %s", b->user, rd_kafka_err2str(e));
		if (e == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			return fail(f, WEIR_ECONFIG, "-G: a topic does not exist on %s", b->address);
	}
	if (b->refused)
		return broker_explain(b, f);
	if (!b->given)
		return fail(f, WEIR_EAGAIN, "-G: the group gave out no partitions in time; are its brokers and its other members well?");
	if (!b->given->cnt)
		return fail(f, WEIR_EAGAIN, "-G: the other members of the group have all partitions; run fewer of them");
	return take_given(b, ps, f);
}

void
broker_commit(struct broker *b, const struct parts *ps, int wait)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)ps->n + 1);

	for (size_t i = 0; i < ps->n; i++)
		rd_kafka_topic_partition_list_add(list, ps->topic[ps->part[i].topic].name, ps->part[i].partition)->offset = ps->part[i].next;
	rd_kafka_commit(b->rk, list, !wait);		/* of no consequence when it fails: the next one covers it */
	rd_kafka_topic_partition_list_destroy(list);
}
