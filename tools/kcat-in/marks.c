/*
 * marks - watermarks and arrival times in a checkpoint: {"parts":{TOPIC:{"0":{"arrived":…,"max":…}}},"raised":…,"v":"1"},
 * times in microseconds, as strings.  Keys sorted: same marks, same bytes.
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
put_time(json_t *o, const char *key, int64_t us)
{
	char text[24];

	if (us == WATERMARK_NONE)
		return 0;
	snprintf(text, sizeof text, "%" PRId64, us);
	return json_object_set_new(o, key, json_string(text));
}

static int64_t
get_time(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	int64_t us;
	char *end;

	if (!s || !*s)
		return WATERMARK_NONE;
	errno = 0;
	us = strtoll(s, &end, 10);
	return errno || *end ? WATERMARK_NONE : us;
}

char *
marks_save(const struct parts *ps, const struct watermark *w)
{
	json_t *root = json_object(), *parts = json_object();
	int bad = json_object_set_new(root, "v", json_string("1")) < 0 || json_object_set_new(root, "parts", parts) < 0 ||
	    put_time(root, "raised", w->raised_us) < 0;
	char *text = NULL, key[16];

	for (size_t t = 0; t < ps->n_topics && !bad; t++) {
		const struct topic *topic = &ps->topic[t];
		json_t *o = json_object();

		bad = json_object_set_new(parts, topic->name, o) < 0;
		for (size_t i = topic->first; i < topic->first + topic->n && !bad; i++) {
			json_t *one = json_object();

			snprintf(key, sizeof key, "%d", (int)ps->part[i].partition);
			bad = json_object_set_new(o, key, one) < 0 || put_time(one, "max", w->part[i].max_us) < 0 ||
			    put_time(one, "arrived", w->part[i].arrived_us) < 0;
		}
	}
	if (!bad)
		text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	json_decref(root);
	return text;
}

int
marks_load(const char *json, size_t n, const struct parts *ps, struct watermark *w)
{
	json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL), *parts = json_object_get(root, "parts");
	const char *v = json_string_value(json_object_get(root, "v"));
	char key[16];

	if (!json_is_object(parts) || !v || strcmp(v, "1")) {
		json_decref(root);
		return -1;
	}
	w->raised_us = get_time(root, "raised");
	for (size_t i = 0; i < ps->n; i++) {
		const json_t *one;

		snprintf(key, sizeof key, "%d", (int)ps->part[i].partition);
		one = json_object_get(json_object_get(parts, ps->topic[ps->part[i].topic].name), key);
		w->part[i].max_us = get_time(one, "max");
		w->part[i].arrived_us = get_time(one, "arrived");
	}
	json_decref(root);
	return 0;
}
