/* Positions of feeds: compared, and told. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "breakage.h"
#include "position.h"
#include "weir.h"

#define DESCRIBE_MAX	300
#define COMMAND_MAX	400		/* a longer position is fetched by the command that a message prints */

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for the position of a feed");
}

int
position_describe(const json_t *off, struct buf *out)
{
	const json_t *topics = json_object_get(off, "topics"), *topic, *v;
	const char *name, *part;
	size_t start = out->n;
	char *compact;
	int e = 0;

	if (!json_object_size(topics)) {
		if (!(compact = json_dumps(off, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)))
			return -1;
		e = buf_put(out, compact, strnlen(compact, DESCRIBE_MAX));
		free(compact);
		return e;
	}
	json_object_foreach((json_t *)(uintptr_t)topics, name, topic)
		json_object_foreach(json_object_get(topic, "next"), part, v) {
			if (out->n - start > DESCRIBE_MAX)
				return buf_puts(out, ", ...");
			e |= buf_printf(out, "%s%s/%s:%s", out->n > start ? ", " : "", name, part, json_string_value(v) ? json_string_value(v) : "?");
		}
	return e;
}

int
position_write(const struct position *at, const char *pipe, struct buf *out)
{
	json_t *o;
	char *line;
	int e;

	if (!at->off)
		return buf_puts(out, "none");
	if (!(o = json_pack("{s:O, s:s, s:s}", "off", at->off, "pipe", pipe, "token", at->token)))
		return -1;
	line = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	e = line ? buf_puts(out, line) : -1;
	free(line);
	json_decref(o);
	return e;
}

/* Is this stream where the store is?  Partitions that came since begin at 0; what the stream carries besides is another shard's. */
static int
same_offsets(const json_t *stored, const json_t *off)
{
	const json_t *was = json_object_get(stored, "topics"), *is = json_object_get(off, "topics"), *topic, *v, *other;
	const char *name, *part;

	if (!json_is_object(was) || !json_is_object(is))
		return json_equal(stored, off);
	json_object_foreach((json_t *)(uintptr_t)was, name, topic) {
		other = json_object_get(is, name);
		json_object_foreach(json_object_get(topic, "next"), part, v)
			if (!json_equal(v, json_object_get(json_object_get(other, "next"), part)))
				return 0;
	}
	json_object_foreach((json_t *)(uintptr_t)is, name, topic) {
		other = json_object_get(was, name);
		json_object_foreach(json_object_get(topic, "next"), part, v)
			if (!json_object_get(json_object_get(other, "next"), part) && strcmp(json_string_value(v) ? json_string_value(v) : "", "0"))
				return 0;
	}
	return 1;
}

/* Same topics (names and ids) on the same cluster? */
int
position_same_source(const json_t *a, const json_t *b)
{
	const json_t *ta = json_object_get(a, "topics"), *tb = json_object_get(b, "topics"), *topic;
	const char *name, *ida, *idb;

	if (json_object_size(ta) != json_object_size(tb) ||
	    (*text(a, "cluster") && *text(b, "cluster") && strcmp(text(a, "cluster"), text(b, "cluster"))))
		return 0;
	json_object_foreach((json_t *)(uintptr_t)ta, name, topic) {
		if (!json_object_get(tb, name))
			return 0;
		ida = text(topic, "id");
		idb = text(json_object_get(tb, name), "id");
		if (*ida && *idb && strcmp(ida, idb))
			return 0;
	}
	return 1;
}

/* A word for sh. */
static int
quote(const char *p, size_t n, struct buf *out)
{
	int e = buf_putc(out, '\'');

	for (size_t i = 0; i < n; i++)
		e |= p[i] == '\'' ? buf_puts(out, "'\\''") : buf_putc(out, p[i]);
	return e | buf_putc(out, '\'');
}

/* The option that makes a source go on from here. */
static int
resume(const struct position *at, const struct position_stream *s, struct buf *out)
{
	struct buf position = { 0 };
	int e = position_write(at, s->pipe, &position);

	if (!e && position.n <= COMMAND_MAX)
		e = buf_puts(out, "--resume ") | quote(position.p, position.n, out);
	else if (!e)
		e = buf_printf(out, "--resume \"$(%s --table %s --position --pipeline ", s->sink, s->store) | quote(s->pipe, strlen(s->pipe), out) |
		    buf_puts(out, ")\"");
	buf_free(&position);
	return e | buf_putc(out, '\0');
}

static int
fenced(const struct position *at, const struct position_stream *s, struct fail *f)
{
	struct buf done = { 0 }, start = { 0 }, command = { 0 };
	int e = at->off ? position_describe(at->off, &done) : buf_puts(&done, "nothing");

	e |= position_describe(s->off, &start) | buf_putc(&done, '\0') | buf_putc(&start, '\0') | resume(at, s, &command);
	if (e)
		no_memory(f);
	else
		fail(f, WEIR_EFENCED, "this pipeline (%s) has already committed up to %s (token %s), but the source started at %s (token %s). Use `weir run`, or "
		    "kcat-in %s", s->pipe, done.p, at->token, start.n > 3 ? start.p : "the beginning", s->prev, command.p);
	buf_free(&done);
	buf_free(&start);
	buf_free(&command);
	return f->code;
}

/* The positions are of two different sources, whatever they say: one topic may have the other's offsets. */
static int
other_source(const struct position *at, const struct position_stream *s, struct fail *f)
{
	const json_t *was = json_object_get(at->off, "topics"), *is = json_object_get(s->off, "topics"), *topic;
	const char *name, *a = text(at->off, "cluster"), *b = text(s->off, "cluster");

	if (*a && *b && strcmp(a, b))
		return fail(f, WEIR_EFENCED, "the positions of this pipeline (%s) in %s are of the cluster %s, the source reads from the cluster %s. For a second "
		    "feed from there: --pipeline NAME", s->pipe, s->store, a, b);
	json_object_foreach((json_t *)(uintptr_t)was, name, topic) {
		a = text(topic, "id");
		b = text(json_object_get(is, name), "id");
		if (*a && *b && strcmp(a, b))
			return fail(f, WEIR_EFENCED, "the topic %s is another one than %s has rows of (its id was %s, now it is %s): it was deleted and made again. "
			    "To load the new one: --pipeline NAME --as-new-feed", name, s->store, a, b);
	}
	return 0;
}

int
position_guard(const struct position *at, const struct position_stream *s, struct fail *f)
{
	int e;

	if (BROKEN("no-prev"))
		return 0;
	if (!at->off)
		return !strcmp(s->prev, "none") ? 0 : fail(f, WEIR_EFENCED, "the source goes on after the commit %s, and %s has none of this pipeline (%s). Use "
		    "`weir run`, or kcat-in --resume none", s->prev, s->store, s->pipe);
	if ((e = other_source(at, s, f)) < 0)
		return e;
	if (strcmp(s->prev, at->token) || !same_offsets(at->off, s->off))
		return fenced(at, s, f);
	if (strcmp(at->chain, s->chain) == 0 || s->accept_change)
		return 0;
	fail(f, WEIR_ECONFIG, "the stages before %s were '%s' at the last commit of %s, now they are '%s': rows may differ. Go on all the same: "
	    "--accept-change. A second feed beside it: --pipeline NAME", s->sink, at->chain, s->pipe, s->chain);
	return s->explicit_pipe ? 1 : f->code;
}
