/*
 * records - records of one's own for the demo broker.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "records.h"

#define TOPIC_DEFAULT	"events"

struct records {
	json_t	*line;		/* array of objects */
	json_t	*topics;	/* object: a set in the order of the file */
	size_t	 at;
	char	*bytes;		/* of the last "hex" */
};

static const char *
topic_of(const json_t *r)
{
	const json_t *t = json_object_get(r, "topic");

	return json_is_string(t) ? json_string_value(t) : TOPIC_DEFAULT;
}

struct records *
records_open(const char *file, char *text, size_t size)
{
	FILE *f = fopen(file, "r");
	struct records *all = calloc(1, sizeof *all);
	json_error_t why;
	json_t *one;
	int c;

	if (!f || !all || !(all->line = json_array()) || !(all->topics = json_object())) {
		snprintf(text, size, "cannot read %s: %s", file, strerror(errno));
		goto bad;
	}
	for (;;) {
		while ((c = getc(f)) == '\n' || c == ' ')
			;
		if (c == EOF)
			break;
		ungetc(c, f);
		if (!(one = json_loadf(f, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &why)) || !json_is_object(one)) {
			snprintf(text, size, "%s: record %zu: %s", file, json_array_size(all->line) + 1, one ? "no object" : why.text);
			json_decref(one);
			goto bad;
		}
		if (json_object_set_new(all->topics, topic_of(one), json_true()) < 0 || json_array_append_new(all->line, one) < 0) {
			snprintf(text, size, "%s: no memory", file);
			goto bad;
		}
	}
	fclose(f);
	return all;
bad:
	if (f)
		fclose(f);
	records_close(all);
	return NULL;
}

const char *
records_topic(const struct records *all, size_t i)
{
	void *it = json_object_iter(all->topics);

	while (it && i--)
		it = json_object_iter_next(all->topics, it);
	return it ? json_object_iter_key(it) : NULL;
}

static int
from_hex(struct records *all, const json_t *hex, struct record *r)
{
	const char *s = json_string_value(hex);
	size_t n = json_string_length(hex) / 2;
	unsigned byte;

	free(all->bytes);
	if (!(all->bytes = malloc(n + 1)))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (sscanf(s + 2 * i, "%2x", &byte) != 1)
			return -1;
		all->bytes[i] = (char)byte;
	}
	r->value = all->bytes;
	r->n_value = n;
	return 0;
}

static int
add_headers(const json_t *headers, struct record *r)
{
	const char *name;
	json_t *v;

	if (!headers)
		return 0;
	r->headers = rd_kafka_headers_new(json_object_size(headers));
	json_object_foreach((json_t *)headers, name, v)
		if (rd_kafka_header_add(r->headers, name, -1, json_string_value(v), (ssize_t)json_string_length(v)))
			return -1;
	return 0;
}

int
records_next(struct records *all, struct record *r, char *text, size_t size)
{
	json_t *one = json_array_get(all->line, all->at), *v;

	if (!one)
		return 0;
	all->at++;
	memset(r, 0, sizeof *r);
	r->topic = topic_of(one);
	r->partition = (int32_t)json_integer_value(json_object_get(one, "partition"));
	r->timestamp_ms = json_integer_value(json_object_get(one, "timestamp"));
	if ((v = json_object_get(one, "key")) && json_is_string(v)) {
		r->key = json_string_value(v);
		r->n_key = json_string_length(v);
	}
	if ((v = json_object_get(one, "value")) && json_is_string(v)) {
		r->value = json_string_value(v);
		r->n_value = json_string_length(v);
	}
	if (((v = json_object_get(one, "hex")) && from_hex(all, v, r) < 0) || add_headers(json_object_get(one, "headers"), r) < 0 || r->partition < 0) {
		snprintf(text, size, "record %zu: a bad hex, header or partition", all->at);
		return -1;
	}
	return 1;
}

void
records_close(struct records *all)
{
	if (!all)
		return;
	json_decref(all->line);
	json_decref(all->topics);
	free(all->bytes);
	free(all);
}
