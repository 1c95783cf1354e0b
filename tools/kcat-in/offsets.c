/*
 * offsets - the partitions of a run: where each starts, stands and ends.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "offsets.h"
#include "weir.h"

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for the table of partitions");
}

static struct part
new_part(size_t topic, int32_t partition)
{
	return (struct part){ .topic = (int32_t)topic, .partition = partition, .committed = OFFSETS_NONE, .at_start = OFFSETS_NONE,
	    .at_stop = OFFSETS_NONE, .jump = OFFSETS_NONE, .leader_epoch = -1, .last = { .offset = OFFSETS_NONE, .leader_epoch = -1 }, .high_mark = OFFSETS_NONE };
}

int
parts_add(struct parts *ps, const char *name, int32_t n_partitions, const struct partitions *which, struct fail *f)
{
	struct topic *t = realloc(ps->topic, (ps->n_topics + 1) * sizeof *t);
	struct part *part;

	if (!t)
		return no_memory(f);
	ps->topic = t;
	if (ps->n + (size_t)n_partitions > OFFSETS_MAX_PARTS)
		return fail(f, WEIR_ECONFIG, "more than %d partitions; name fewer topics, or divide them by --shard", OFFSETS_MAX_PARTS);
	if (!(part = realloc(ps->part, (ps->n + (size_t)n_partitions + 1) * sizeof *part)))
		return no_memory(f);
	ps->part = part;
	t += ps->n_topics;
	*t = (struct topic){ .name = strdup(name), .first = ps->n, .n_partitions = n_partitions };
	if (!t->name)
		return no_memory(f);
	for (int32_t p = 0; p < n_partitions; p++)
		if (partitions_have(which, p)) {
			part[ps->n++] = new_part(ps->n_topics, p);
			t->n++;
		}
	ps->n_topics++;
	return 0;
}

int
parts_grow(struct parts *ps, size_t t, int32_t n_partitions, const struct partitions *which, size_t *at, struct fail *f)
{
	struct topic *topic = &ps->topic[t];
	struct part *part;
	size_t n = 0;

	*at = topic->first + topic->n;
	for (int32_t p = topic->n_partitions; p < n_partitions; p++)
		n += (size_t)partitions_have(which, p);
	if (ps->n + n > OFFSETS_MAX_PARTS)
		return fail(f, WEIR_ECONFIG, "topic '%s' has grown, and now there are more than %d partitions; divide them by --shard", topic->name,
		    OFFSETS_MAX_PARTS);
	if (n) {
		if (!(part = realloc(ps->part, (ps->n + n + 1) * sizeof *part)))
			return no_memory(f);
		ps->part = part;
		memmove(part + *at + n, part + *at, (ps->n - *at) * sizeof *part);
		ps->n += n;
		for (size_t later = t + 1; later < ps->n_topics; later++)
			ps->topic[later].first += n;
		for (int32_t p = topic->n_partitions; p < n_partitions; p++)
			if (partitions_have(which, p)) {
				part[topic->first + topic->n] = new_part(t, p);
				part[topic->first + topic->n++].end = OFFSETS_NO_END;
			}
	}
	if (n_partitions > topic->n_partitions)
		topic->n_partitions = n_partitions;
	return (int)n;
}

void
parts_free(struct parts *ps)
{
	for (size_t t = 0; t < ps->n_topics; t++) {
		free(ps->topic[t].name);
		free(ps->topic[t].id);
	}
	free(ps->topic);
	free(ps->part);
	free(ps->cluster);
	json_decref(ps->base);
	memset(ps, 0, sizeof *ps);
}

int32_t
parts_topic(const struct parts *ps, const char *name)
{
	size_t low = 0, high = ps->n_topics;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = strcmp(name, ps->topic[mid].name);

		if (!c)
			return (int32_t)mid;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return -1;
}

ptrdiff_t
parts_find(const struct parts *ps, int32_t topic, int32_t partition)
{
	const struct topic *t = &ps->topic[topic];
	size_t low = t->first, high = t->first + t->n;

	/* All partitions of a topic are the usual case: then the place is known. */
	if ((size_t)partition < t->n && ps->part[low + (size_t)partition].partition == partition)
		return (ptrdiff_t)(low + (size_t)partition);
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (ps->part[mid].partition == partition)
			return (ptrdiff_t)mid;
		if (ps->part[mid].partition > partition)
			high = mid;
		else
			low = mid + 1;
	}
	return -1;
}

static int
offset_of(const json_t *leaf, int64_t *v)
{
	const char *s = json_string_value(leaf);
	char *end;

	if (!s || *s < '0' || *s > '9')
		return -1;
	errno = 0;
	*v = strtoll(s, &end, 10);
	return errno || *end ? -1 : 0;
}

int
parts_seek(struct parts *ps, const char *off, struct fail *f)
{
	const char *name, *partition;
	json_t *topic, *leaf;
	json_error_t why;
	int64_t v;

	json_decref(ps->base);
	if (!(ps->base = json_loads(off, JSON_REJECT_DUPLICATES, &why)) || !json_is_object(ps->base))
		return fail(f, WEIR_EUSAGE, "the position is no JSON object of offsets: %s", ps->base ? off : why.text);
	json_object_foreach(json_object_get(ps->base, "topics"), name, topic)
		json_object_foreach(json_object_get(topic, "next"), partition, leaf)
			if (offset_of(leaf, &v) < 0)
				return fail(f, WEIR_EUSAGE, "the position of %s/%s is no offset; offsets are strings such as \"8812\"", name, partition);
	return 0;
}

static json_t *
base_topic(const struct parts *ps, const char *name)
{
	return json_object_get(json_object_get(ps->base, "topics"), name);
}

int
parts_same(const struct parts *ps, struct fail *f)
{
	const char *was = json_string_value(json_object_get(ps->base, "cluster"));

	if (was && ps->cluster && strcmp(was, ps->cluster))
		return fail(f, WEIR_EOFFSET, "the position is of Kafka cluster %s, and -b leads to cluster %s: its offsets mean nothing here. "
		    "Put the right brokers back, or start a new pipeline", was, ps->cluster);
	for (size_t t = 0; t < ps->n_topics; t++) {
		was = json_string_value(json_object_get(base_topic(ps, ps->topic[t].name), "id"));
		if (was && ps->topic[t].id && strcmp(was, ps->topic[t].id))
			return fail(f, WEIR_EOFFSET, "topic '%s' was deleted and made anew (its id was %s and is %s): the position is of the old one. "
			    "Start a new pipeline for the new topic", ps->topic[t].name, was, ps->topic[t].id);
	}
	return 0;
}

const char *
parts_number(int64_t v, char text[32])
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%" PRId64, v), at = 0;

	for (int i = 0; i < n; i++) {
		if (i && digits[i - 1] != '-' && (n - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = 0;
	return text;
}

int
parts_gone(const struct parts *ps, size_t i, int64_t low, struct fail *f)
{
	const struct part *p = &ps->part[i];
	char lost[32];

	return fail(f, WEIR_EOFFSET, "%s/%d: offset %" PRId64 " is gone; the oldest is %" PRId64 ", so %s events are lost. "
	    "To go on without them: --on-gap skip. Nothing was committed", ps->topic[p->topic].name, (int)p->partition, p->next, low,
	    parts_number(low - p->next, lost));
}

int
parts_proven(const struct parts *ps, size_t i, const struct proof *now, struct fail *f)
{
	const struct part *p = &ps->part[i];
	const struct proof *was = &p->last;
	int other_leader = was->leader_epoch >= 0 && now->leader_epoch >= 0 && was->leader_epoch != now->leader_epoch;

	if (was->offset != now->offset || (was->ms == now->ms && was->hash == now->hash && !other_leader))
		return 0;
	return fail(f, WEIR_EOFFSET, "%s/%d: the record at offset %" PRId64 ", the last one that was read, is another one now (its timestamp was %" PRId64
	    " and is %" PRId64 "): the topic was deleted and made anew, or an unclean election has cut it off. The position is of the old one. "
	    "Start a new pipeline for it. Nothing was committed", ps->topic[p->topic].name, (int)p->partition, was->offset, was->ms, now->ms);
}

/* Where an -o leads, without looking whether it is still there. */
static int64_t
wanted(const struct part *p, const struct offsets *o)
{
	switch ((enum start)o->start) {
	case START_BEGINNING:
		break;
	case START_END:
		return p->high;
	case START_STORED:
		return p->committed >= 0 ? p->committed : p->low;
	case START_AT:
		return o->at;
	case START_TAIL:
		return p->high - p->low > o->at ? p->high - o->at : p->low;
	case START_TIME:
		return p->at_start >= 0 ? p->at_start : p->high;	/* nothing that new: the end */
	}
	return p->low;
}

int
parts_plan(struct parts *ps, size_t i, const struct offsets *o, int bounded, int skip_gaps, int64_t *lost, struct fail *f)
{
	struct part *p = &ps->part[i];
	const struct topic *t = &ps->topic[p->topic];
	json_t *next = json_object_get(base_topic(ps, t->name), "next");
	char key[16];

	snprintf(key, sizeof key, "%d", (int)p->partition);
	*lost = 0;
	p->resumed = 1;
	if (!ps->base || !json_object_size(json_object_get(ps->base, "topics"))) {
		p->next = wanted(p, o);
		p->resumed = 0;
	} else if (offset_of(json_object_get(next, key), &p->next) < 0) {
		p->next = 0;			/* a partition that was added since: all of it is new */
		p->resumed = 0;
	}
	if (p->next < p->low) {
		if (!skip_gaps)
			return parts_gone(ps, i, p->low, f);
		*lost = p->low - p->next;
		p->jump = p->low;
	}
	if (p->next > p->high)
		return fail(f, WEIR_EOFFSET, p->resumed ? "%s/%d: the position is offset %" PRId64 ", but the partition ends at %" PRId64 ": the topic was "
		    "deleted and made anew, or has lost records. Start a new pipeline for it" : "%s/%d: offset %" PRId64 " is beyond the end, %" PRId64
		    "; -o end waits for what comes next", t->name, (int)p->partition, p->next, p->high);
	p->end = OFFSETS_NO_END;
	if (bounded || o->stops)
		p->end = p->high;
	if (o->stops && p->at_stop >= 0 && p->at_stop < p->end)
		p->end = p->at_stop;
	if (p->jump > p->end)		/* -o e@TIME lies in the gap */
		p->jump = p->end;
	p->done = (p->jump != OFFSETS_NONE ? p->jump : p->next) >= p->end;
	return 0;
}

void
parts_jump(struct parts *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		if (ps->part[i].jump != OFFSETS_NONE) {
			ps->part[i].next = ps->part[i].jump;
			ps->part[i].jump = OFFSETS_NONE;
		}
}

static int
put(json_t *o, const char *key, int64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, v);
	return json_object_set_new(o, key, json_string(text));
}

static json_t *
child(json_t *o, const char *key)
{
	json_t *c = json_object_get(o, key);

	if (!c && json_object_set_new(o, key, json_object()) == 0)
		c = json_object_get(o, key);
	return c;
}

static int
put_topic(json_t *topics, const struct parts *ps, const struct topic *t)
{
	json_t *o = child(topics, t->name), *next = child(o, "next");
	char key[16];

	if (!next || (t->id && json_object_set_new(o, "id", json_string(t->id)) < 0))
		return -1;
	for (size_t i = t->first; i < t->first + t->n; i++) {
		const struct part *p = &ps->part[i];

		snprintf(key, sizeof key, "%d", (int)p->partition);
		if (put(next, key, p->next) < 0 || (p->leader_epoch >= 0 && put(child(o, "le"), key, p->leader_epoch) < 0))
			return -1;
	}
	return 0;
}

char *
parts_position(const struct parts *ps)
{
	json_t *root = ps->base ? json_deep_copy(ps->base) : json_object();
	json_t *topics = child(root, "topics");
	int bad = !topics || (ps->cluster && json_object_set_new(root, "cluster", json_string(ps->cluster)) < 0);
	char *text = NULL;

	for (size_t t = 0; !bad && t < ps->n_topics; t++)
		bad = ps->topic[t].n && put_topic(topics, ps, &ps->topic[t]) < 0;
	if (!bad)
		text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	json_decref(root);
	return text;
}
