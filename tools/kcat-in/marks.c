/*
 * marks - what a checkpoint keeps of the source beside the sink's position, kcat-in.json:
 *
 *   {"off":…,"parts":{TOPIC:{"0":{"arrived":…,"last":{"hash":…,"le":…,"ms":…,"offset":…},"max":…}}},"raised":…,"v":"1"}
 *
 * off is the position; arrived, max and raised are the marks of time, in microseconds; last is the last record that was read.
 * Leaves are strings, keys sorted: same marks, same bytes.  What it says of partitions that a run does not read is carried forward.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "source.h"

static int
put_number(json_t *o, const char *key, int64_t v, int64_t none)
{
	char text[24];

	if (v == none)
		return 0;
	snprintf(text, sizeof text, "%" PRId64, v);
	return json_object_set_new(o, key, json_string(text));
}

static int64_t
get_number(const json_t *o, const char *key, int64_t none)
{
	const char *s = json_string_value(json_object_get(o, key));
	int64_t v;
	char *end;

	if (!s || !*s)
		return none;
	errno = 0;
	v = strtoll(s, &end, 10);
	return errno || *end ? none : v;
}

static int
put_proof(json_t *one, const struct proof *p)
{
	json_t *o;
	char hash[20];

	if (p->offset == OFFSETS_NONE)
		return 0;
	snprintf(hash, sizeof hash, "%016" PRIx64, p->hash);
	o = json_object();
	return json_object_set_new(one, "last", o) < 0 || json_object_set_new(o, "hash", json_string(hash)) < 0 ||
	    put_number(o, "le", p->leader_epoch, -1) < 0 || put_number(o, "ms", p->ms, INT64_MIN) < 0 ||
	    put_number(o, "offset", p->offset, OFFSETS_NONE) < 0;
}

static void
get_proof(const json_t *one, struct proof *p)
{
	const json_t *o = json_object_get(one, "last");
	const char *hash = json_string_value(json_object_get(o, "hash"));

	p->offset = hash ? get_number(o, "offset", OFFSETS_NONE) : OFFSETS_NONE;
	p->ms = get_number(o, "ms", INT64_MIN);
	p->leader_epoch = (int32_t)get_number(o, "le", -1);
	p->hash = hash ? strtoull(hash, NULL, 16) : 0;
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
put_part(json_t *topic, const struct source *s, size_t i)
{
	const struct part *p = &s->parts.part[i];
	json_t *one = json_object();
	char key[16];

	snprintf(key, sizeof key, "%d", (int)p->partition);
	return json_object_set_new(topic, key, one) < 0 || put_proof(one, &p->last) || (s->mark.part &&
	    (put_number(one, "max", s->mark.part[i].max_us, WATERMARK_NONE) < 0 || put_number(one, "arrived", s->mark.part[i].arrived_us, WATERMARK_NONE) < 0));
}

char *
marks_save(const struct source *s)
{
	json_t *root = json_object(), *parts = s->kept ? json_deep_copy(s->kept) : json_object();
	int bad = json_object_set_new(root, "v", json_string("1")) < 0 || json_object_set_new(root, "parts", parts) < 0 ||
	    json_object_set_new(root, "off", json_loads(s->position, 0, NULL)) < 0 ||
	    (s->mark.part && put_number(root, "raised", s->mark.raised_us, WATERMARK_NONE) < 0);
	char *text = NULL;

	for (size_t t = 0; t < s->parts.n_topics && !bad; t++) {
		const struct topic *topic = &s->parts.topic[t];
		json_t *o = child(parts, topic->name);

		bad = !o;
		for (size_t i = topic->first; i < topic->first + topic->n && !bad; i++)
			bad = put_part(o, s, i);
	}
	if (!bad)
		text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	json_decref(root);
	return text;
}

int
marks_load(const char *json, size_t n, struct source *s)
{
	json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL), *parts = json_object_get(root, "parts");
	const char *v = json_string_value(json_object_get(root, "v"));
	char key[16];

	if (!json_is_object(parts) || !v || strcmp(v, "1")) {
		json_decref(root);
		return -1;
	}
	if (s->mark.part)
		s->mark.raised_us = get_number(root, "raised", WATERMARK_NONE);
	for (size_t i = 0; i < s->parts.n; i++) {
		const json_t *one;

		snprintf(key, sizeof key, "%d", (int)s->parts.part[i].partition);
		one = json_object_get(json_object_get(parts, s->parts.topic[s->parts.part[i].topic].name), key);
		get_proof(one, &s->parts.part[i].last);
		if (!s->mark.part)
			continue;
		s->mark.part[i].max_us = get_number(one, "max", WATERMARK_NONE);
		s->mark.part[i].arrived_us = get_number(one, "arrived", WATERMARK_NONE);
	}
	json_decref(s->kept);
	s->kept = json_incref(parts);
	json_decref(root);
	return 0;
}
