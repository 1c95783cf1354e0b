#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "breakage.h"
#include "feed.h"
#include "weir.h"

#define ENTRY_V		"1"		/* of an entry */

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

/* ---------------------------------------------------------------- finding */

void
feed_state_free(struct feed_state *s)
{
	json_decref(s->entry);
	memset(s, 0, sizeof *s);
	s->at.token = "none";
}

static void
set_state(struct feed_state *s, json_t *entry)
{
	s->entry = entry;
	s->at = (struct position){ text(entry, "token"), json_object_get(entry, "off"), text(entry, "chain") };
	s->hash = text(entry, "hash");
}

/* The feed's entry: 1, or 0 without one.  What cannot be read is not taken for nothing: that would load everything again. */
static int
get_entry(const struct metadata *m, const struct feed *feed, json_t **entry, struct fail *f)
{
	struct buf key = { 0 };
	const char *value, *v;
	int e = 0;

	*entry = NULL;
	if (buf_printf(&key, FEED_PREFIX "%s/%s/%s", feed->pipe, feed->shard, feed->ref) < 0 || buf_putc(&key, '\0') < 0)
		e = no_memory(f);
	else if ((value = metadata_property(m, key.p))) {
		*entry = json_loads(value, 0, NULL);
		v = text(*entry, "v");
		if (*v && strcmp(v, ENTRY_V))
			e = fail(f, WEIR_ESTATE, "the property %s of %s is of version %s, this weir knows %s: use the newer weir", key.p, feed->table, v, ENTRY_V);
		else if (!*v || !*text(*entry, "token") || !*text(*entry, "snapshot") || !*text(*entry, "seq") ||
		    !json_is_object(json_object_get(*entry, "off")))
			e = fail(f, WEIR_ESTATE, "the property %s of %s is damaged, so the position of this pipeline is not known. Put it back from an older "
			    "metadata file of the table", key.p, feed->table);
		else
			e = 1;
	}
	if (e < 0) {
		json_decref(*entry);
		*entry = NULL;
	}
	buf_free(&key);
	return e;
}

/* What the summary of a snapshot of this feed says, as an entry; NULL: it is not one. */
static json_t *
from_summary(const struct metadata_snapshot *s, const struct feed *feed)
{
	const char *pipe = metadata_summary(s, "weir.pipe"), *shard = metadata_summary(s, "weir.shard"), *off = metadata_summary(s, "weir.off");
	const char *key[] = { "chain", "hash", "prev", "token" };
	char id[24], name[16];
	json_t *entry, *parsed;

	if (!pipe || !shard || !off || strcmp(pipe, feed->pipe) || strcmp(shard, feed->shard) || !(parsed = json_loads(off, 0, NULL)))
		return NULL;
	snprintf(id, sizeof id, "%" PRId64, s->id);
	entry = json_pack("{s:o, s:s}", "off", parsed, "snapshot", id);
	for (size_t i = 0; entry && i < sizeof key / sizeof *key; i++) {
		const char *v;

		snprintf(name, sizeof name, "weir.%s", key[i]);
		v = metadata_summary(s, name);
		if (json_object_set_new(entry, key[i], json_string(v ? v : "")) < 0) {
			json_decref(entry);
			return NULL;
		}
	}
	return entry;
}

/* The newest commit of the feed below `head`; *all: the walk came to the first snapshot, none has expired. */
static json_t *
newest_summary(const struct metadata *m, const struct feed *feed, int64_t head, int *all)
{
	const struct metadata_snapshot *s;
	json_t *entry;

	for (size_t n = 0; head != -1 && n <= m->n_snapshot && (s = metadata_snapshot(m, head)); head = s->parent, n++)
		if ((entry = from_summary(s, feed)))
			return entry;
	*all = head == -1;
	return NULL;
}

/* Does the walk from the head meet something older than the snapshot of the entry before that snapshot itself? */
static int
rolled_back(const struct metadata *m, int64_t head, int64_t snapshot, int64_t sequence)
{
	const struct metadata_snapshot *s;

	if (head == -1)
		return 1;
	for (size_t n = 0; head != -1 && n <= m->n_snapshot && (s = metadata_snapshot(m, head)); head = s->parent, n++) {
		if (s->id == snapshot)
			return 0;
		if (s->sequence < sequence)
			return 1;
	}
	return 0;		/* the walk ends at an expired parent, or at a first snapshot that is younger: the entry holds */
}

static int
stopped(const struct metadata *m, const struct feed *feed, const json_t *entry, int64_t head, struct fail *f)
{
	int all = 0;
	json_t *older = newest_summary(m, feed, head, &all);
	struct buf was = { 0 }, is = { 0 };

	if (position_describe(json_object_get(entry, "off"), &was) | buf_putc(&was, '\0') | (older ? position_describe(json_object_get(older, "off"), &is) :
	    buf_puts(&is, all ? "nothing of this pipeline" : "a position that expired snapshots no longer tell")) | buf_putc(&is, '\0'))
		no_memory(f);
	else if (!older && !all && feed->rollback == FEED_REPLAY)
		fail(f, WEIR_ESTATE, "%s was rolled back, and the snapshots that would tell which rows of this pipeline are left have expired: --after-rollback "
		    "replay cannot know where to begin, the last commit was %s (up to %s). Leave the rows out: --after-rollback keep. Or fill the table "
		    "anew: another table", feed->table, text(entry, "snapshot"), was.p);
	else
		fail(f, WEIR_ESTATE, "%s was rolled back by another program: the last commit of this pipeline is %s (up to %s), the head of %s is %" PRId64
		    " (up to %s). The rows between are no longer in the table. Load them again: --after-rollback replay. Leave them out: "
		    "--after-rollback keep", feed->table, text(entry, "snapshot"), was.p, feed->ref, head, is.p);
	json_decref(older);
	buf_free(&was);
	buf_free(&is);
	return f->code;
}

int
feed_find(const struct metadata *m, const struct feed *feed, struct feed_state *s, struct fail *f)
{
	int all = 1, e;
	json_t *entry;
	int64_t head;

	memset(s, 0, sizeof *s);
	s->at.token = "none";
	metadata_ref(m, feed->ref, &head);
	if ((e = get_entry(m, feed, &entry, f)) < 0)
		return e;
	if (!entry)
		entry = newest_summary(m, feed, head, &all);
	else if (rolled_back(m, head, strtoll(text(entry, "snapshot"), NULL, 10), strtoll(text(entry, "seq"), NULL, 10)) && feed->rollback != FEED_KEEP) {
		json_t *older = feed->rollback == FEED_REPLAY ? newest_summary(m, feed, head, &all) : NULL;

		if (feed->rollback == FEED_STOP || !all) {
			stopped(m, feed, entry, head, f);
			json_decref(entry);
			return f->code;
		}
		json_decref(entry);
		entry = older;
	}
	if (entry)
		set_state(s, entry);
	return 0;
}

/* ---------------------------------------------------------------- offsets */

/* Do two feeds read the same partition of the same cluster? */
static int
overlap(const json_t *a, const json_t *b)
{
	const json_t *ta = json_object_get(a, "topics"), *topic, *v;
	const char *name, *part;

	if (*text(a, "cluster") && *text(b, "cluster") && strcmp(text(a, "cluster"), text(b, "cluster")))
		return 0;
	json_object_foreach((json_t *)(uintptr_t)ta, name, topic)
		json_object_foreach(json_object_get(topic, "next"), part, v)
			if (json_object_get(json_object_get(json_object_get(json_object_get(b, "topics"), name), "next"), part))
				return 1;
	return !json_is_object(ta) && json_object_size(a) && json_equal(a, b);
}

/* ---------------------------------------------------------------- the guards */

/* A stream that the table does not know: does it take the place of one that it knows? */
static int
guard_new(const struct metadata *m, const struct feed *feed, const json_t *off, struct fail *f)
{
	const json_t *properties = json_object_get(m->doc, "properties"), *v;
	char pipe[FEED_NAME_BYTES], shard[FEED_NAME_BYTES];
	const char *key, *why, *n, *my_n = strrchr(feed->shard, '/');
	json_t *entry;
	int bad;

	if (feed->as_new_feed)
		return 0;
	json_object_foreach((json_t *)(uintptr_t)properties, key, v) {
		if (feed_split_key(key, feed->ref, pipe, shard, sizeof pipe) < 0 || !(entry = json_loads(json_string_value(v) ? json_string_value(v) : "", 0, NULL)))
			continue;
		n = strrchr(shard, '/');
		bad = 1;
		if (strcmp(pipe, feed->pipe) == 0 && n && my_n && strcmp(n, my_n))
			why = "";
		else if (strcmp(pipe, feed->pipe) == 0 && !position_same_source(json_object_get(entry, "off"), off))
			why = "other topics, or another cluster";
		else {
			why = "the same partitions";
			bad = overlap(json_object_get(entry, "off"), off);
		}
		json_decref(entry);
		if (bad && n && my_n && strcmp(n, my_n) && strcmp(pipe, feed->pipe) == 0)
			return fail(f, WEIR_EFENCED, "%s already has the feed %s/%s with another number of shards than this stream's %s: rows would be loaded twice. "
			    "Go on with that number: weir run --parallel %s. If this is meant to be a second feed: --as-new-feed", feed->table, pipe, shard,
			    feed->shard, n + 1);
		if (bad)
			return fail(f, WEIR_EFENCED, "%s already has the feed %s/%s with %s: rows would be loaded twice. Go on with that one: --pipeline %s. "
			    "If this is meant to be a second feed: --as-new-feed", feed->table, pipe, shard, why, pipe);
	}
	return 0;
}

/* The stream goes on after a commit that this feed does not have at all. */
static int
unknown_prev(const struct metadata *m, const struct feed *feed, const char *prev, struct fail *f)
{
	char pipe[FEED_NAME_BYTES], shard[FEED_NAME_BYTES];
	struct buf names = { 0 };
	int n = feed_list(m, NULL, NULL, feed->ref, &names, pipe, shard);

	if (n < 0)
		no_memory(f);
	else if (n)
		fail(f, WEIR_EFENCED, "the source goes on after the commit %s, and %s has none of this pipeline (%s). It has the feeds %s: name one with "
		    "--pipeline. To begin a feed: kcat-in --resume none", prev, feed->table, feed->pipe, names.p);
	else
		fail(f, WEIR_EFENCED, "the source goes on after the commit %s, and %s has no commit of a pipeline. Use `weir run`, or kcat-in --resume none",
		    prev, feed->table);
	buf_free(&names);
	return f->code;
}

int
feed_guard(const struct metadata *m, const struct feed *feed, const struct feed_state *s, const struct position_stream *stream, struct fail *f)
{
	int e;

	if (!s->entry && !BROKEN("no-prev")) {
		if (strcmp(stream->prev, "none"))
			return unknown_prev(m, feed, stream->prev, f);
		if ((e = guard_new(m, feed, stream->off, f)) < 0)
			return e;
	}
	return position_guard(&s->at, stream, f);
}
