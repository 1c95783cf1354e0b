/*
 * keep.c - what stages keep from run to run: the state directory, their snapshots, and what the sink has done.
 */
#include "config.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"
#include "emit.h"
#include "host.h"

#define DUMP_BYTES	49152	/* of a snapshot, in one line of weir state dump */

/* Names of instances count along the chain: dedupe, dedupe.2. */
void
host_name_instances(struct host *h)
{
	for (size_t k = 0; k < h->n; k++) {
		struct stage *s = &h->stage[k];
		size_t n = 1, len = strlen(s->is->name);

		for (const char *p = h->stream.chain; *p; p += strcspn(p, ";") + (p[strcspn(p, ";")] == ';'))
			n += !strncmp(p, s->is->name, len) && p[len] == ':';
		for (size_t j = 0; j < k; j++)
			n += !strcmp(h->stage[j].is->name, s->is->name);
		if (n > 1)
			snprintf(s->name, sizeof s->name, "%s.%zu", s->is->name, n);
	}
}

char *
host_words(const struct opt_set *set)
{
	struct buf b = { 0 };
	json_t *j = json_array();
	char *text = NULL;
	int e = opt_words(set, &b);

	for (const char *p = b.p; !e && p < b.p + b.n; p += strlen(p) + 1)
		e = json_array_append_new(j, json_string(p));
	if (!e)
		text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	buf_free(&b);
	return text;
}

static struct snapshot_meta
meta_of(const struct stage *s)
{
	const struct host *h = s->host;

	return (struct snapshot_meta){ .stage = s->is->name, .semantic = s->is->version, .config = s->meaning, .args = s->words, .pipe = h->stream.pipe,
		.run = h->run, .id = h->id };
}

/* A plugin may have been built when the descriptor was shorter. */
#define HAS(is, member)	((is)->size >= offsetof(struct weir_stage, member) + sizeof (is)->member && (is)->member)

/* --state-reset: say what is left behind. */
static void
forget(struct stage *s)
{
	struct host *h = s->host;
	struct snapshot_head head = { 0 };
	struct fail f = { 0 };
	char text[320], name[CHAIN_NAME];
	const char *what = h->stream.prev;
	uint64_t n;
	int dir, e = 0;

	if (h->stream.framed) {
		if (!strcmp(what, "none"))
			return;
		e = chain_peek(h->state, what, s->name, &head, &f);
	} else {
		snprintf(name, sizeof name, "%s" CHAIN_BASE, s->name);
		if (state_plain_newest(h->state, name, &n, &f) || !n || (dir = state_plain(h->state, n, 0, &f)) < 0)
			return;
		what = "of the last run";
		e = snapshot_peek(dir, name, &head, &f);
		close(dir);
	}
	snprintf(text, sizeof text, e ? "--state-reset: begins with empty state; checkpoint %s has none that could be read" :
	    "--state-reset: begins with empty state; checkpoint %s is forgotten%s%s", what, *head.holds ? ": " : "", head.holds);
	snapshot_head_free(&head);
	host_say(s, "warning", text);
}

/* The files to restore from, verified: their number, 0 when there is nothing to restore, or an error in h->fail. */
static int
open_files(struct stage *s, struct weir_state *file[CHAIN_DELTAS + 1])
{
	struct host *h = s->host;
	struct snapshot_meta want = meta_of(s);
	char run[TOKEN_RUN_SIZE], name[CHAIN_NAME];
	uint64_t id = 0;
	size_t n;
	int dir, e;

	if (h->stream.framed) {
		if (token_parse(h->stream.prev, run, &id) < 0)
			return 0;
		e = chain_open(h->state, h->stream.prev, s->name, &want, file, &n, &s->chain, &h->fail);
		return e ? e : (int)n;
	}
	snprintf(name, sizeof name, "%s" CHAIN_BASE, s->name);
	if ((e = state_plain_newest(h->state, name, &id, &h->fail)) || !id)
		return e;
	want.pipe = want.run = "";
	if ((dir = state_plain(h->state, id, 0, &h->fail)) < 0)
		return h->fail.code;
	e = snapshot_open(dir, name, &want, &file[0], &h->fail);
	close(dir);
	if (e) {
		size_t len = strlen(h->fail.text);

		snprintf(h->fail.text + len, sizeof h->fail.text - len, " (checkpoint of the last run on plain input)");
	}
	return e ? e : 1;
}

/* State that is not there because the pipeline went on without us is no lost state. */
static void
overtaken(struct stage *s)
{
	char token[TOKEN_SIZE], run[TOKEN_RUN_SIZE];
	struct host *h = s->host;
	uint64_t id;

	if (s->chain.gone && h->stream.framed && token_parse(h->stream.prev, run, &id) == 0 && state_overtaken(h->state, id, token))
		fail(&h->fail, WEIR_EFENCED, "the state of checkpoint %s cannot be restored, and commits up to %s were made since: another run has gone on; run it "
		    "again. If the sink was rolled back: --state-reset begins with empty state", h->stream.prev, token);
}

/* State kept by key needs all events of a key in one shard: what producers partition by is part of the key. */
int
host_shard_holds_keys(struct stage *s)
{
	const struct weir_stream *st = &s->host->stream;
	const char *shards = st->framed ? strchr(st->shard, '/') : NULL;

	if (!shards || !strcmp(shards, "/1"))
		return 0;
	for (const struct weir_opt *o = s->is->opts; o && o->name; o++) {
		const struct weir_list *key;
		int in = *st->by != '\0';

		if (o->type != WEIR_PATHS || !(o->flags & WEIR_BY_KEY))
			continue;
		key = *(struct weir_list *const *)(const void *)((const char *)s->self + o->offset);
		for (const char *by = st->by; in && *by; by += strcspn(by, ","), by += *by == ',') {
			size_t n = strcspn(by, ","), k;

			for (k = 0; key && k < key->n && (strlen(key->item[k]) != n || memcmp(key->item[k], by, n)); k++)
				;
			in = key && k < key->n;
		}
		if (!in) {
			fail(&s->host->fail, WEIR_ECONFIG, "keeps state by --%s, and the stream is shard %s: events of one key may be in other shards. Say what "
			    "producers partition by, --partitioned-by PATH, with a path that is in --%s", o->name, st->shard, o->name);
			return host_stage_fail(s);
		}
	}
	return 0;
}

/* The snapshot of the last committed epoch into the stage.  A source's is a help and no more. */
int
host_restore(struct stage *s)
{
	struct weir_state *file[CHAIN_DELTAS + 1];
	struct host *h = s->host;
	int n, e = 0;

	if (!s->is->restore || !h->state)
		return 0;
	if (s->common.state_reset) {
		forget(s);
		return 0;
	}
	n = open_files(s, file);
	if (n < 0 && s->is->role == WEIR_SOURCE && n == WEIR_ESTATE) {
		host_say(s, "note", "no snapshot of its own: watermarks and arrival times start anew");
		return 0;
	}
	if (n < 0) {
		overtaken(s);
		return host_stage_fail(s);
	}
	for (int k = 0; k < n; k++) {
		if (e >= 0)
			e = s->is->restore(&s->ctx, s->self, file[k]);
		snapshot_close(file[k]);
	}
	return e < 0 ? e : 0;
}

/* One file, whole or a delta.  0; 1: no delta can be written; or an error, said. */
static int
write_snapshot(struct stage *s, int dir, int base)
{
	struct host *h = s->host;
	struct snapshot_meta meta = meta_of(s);
	char name[CHAIN_NAME], holds[96] = "", token[TOKEN_SIZE];
	struct weir_state *w;
	uint64_t bytes;
	int e;

	if (HAS(s->is, holds) && (e = s->is->holds(&s->ctx, s->self, holds, sizeof holds)) < 0)
		return e;
	if (*holds)
		meta.holds = holds;
	if (!base) {
		meta.on = s->chain.token;
		meta.depth = s->chain.depth + 1;
	}
	snprintf(name, sizeof name, "%s%s", s->name, base ? CHAIN_BASE : CHAIN_DELTA);
	if (snapshot_create(dir, name, &meta, &w, &h->fail) < 0)
		return host_fail(h);
	meter_enter(&h->meter, s->index);
	e = s->is->snapshot(&s->ctx, s->self, w, base);
	meter_enter(&h->meter, METER_HOST);
	if (e) {
		snapshot_abort(w);
		return e;
	}
	if (snapshot_finish(w, &bytes, &h->fail) < 0)
		return host_fail(h);
	token_format(h->run, h->id, token);
	chain_add(&s->chain, token, base, bytes);
	if (!h->stream.framed)
		state_plain_tidy(h->state, h->id, name);
	return 0;
}

/* Plain input: a run is one epoch, and its state one file. */
static int
snapshot(struct stage *s, int dir)
{
	int e = s->host->stream.framed && HAS(s->is, deltas) && !chain_wants_base(&s->chain) ? write_snapshot(s, dir, 0) : 1;

	return e > 0 ? write_snapshot(s, dir, 1) : e;
}

int
host_snapshots(struct host *h, size_t from, size_t to)
{
	int dir = -1, e = 0;

	for (size_t k = from; !e && k < to; k++) {
		struct stage *s = &h->stage[k];

		if (!h->state || !s->is->snapshot)
			continue;
		if (dir < 0)
			dir = h->stream.framed ? state_ckpt(h->state, h->run, h->id, 1, &h->fail) : state_plain(h->state, h->id, 1, &h->fail);
		e = dir < 0 ? host_fail(h) : snapshot(s, dir);
	}
	if (dir >= 0)
		close(dir);
	return e;
}

/* The state belongs to what one sink has committed to one place. */
static int
pin_sink(struct host *h)
{
	struct stage *s = &h->stage[h->n - 1];
	const char *target = "";
	int e;

	if (!h->sink || !h->stream.framed || *h->stream.batch_id)
		return 0;
	if (HAS(s->is, pin))
		e = s->is->pin(&s->ctx, s->self, &target);
	else
		e = s->is->feed ? s->is->feed(&s->ctx, s->self, &target) : 0;
	if (e < 0)
		return e;
	return state_pin_sink(h->state, s->is->name, target, &h->fail) < 0 ? host_stage_fail(s) : 0;
}

/* Rows that were loaded as so many shards would be loaded again as another number of them: each has its own position here. */
static int
other_shards(struct host *h)
{
	struct stage *s = &h->stage[h->n - 1];
	char other[STATE_SHARD];
	int e;

	if (s->common.as_new_feed || !*h->stream.shard || (e = state_other_shards(h->state, s->name, other, &h->fail)) == 0)
		return 0;
	if (e > 0)
		fail(&h->fail, WEIR_EFENCED, "%s has the position of shard %s of this pipeline, with another number of shards than this stream's %s: rows would be "
		    "loaded twice. Go on with that number: weir run --parallel %s. If this is meant to be a second feed: --as-new-feed",
		    state_path(h->state), other, h->stream.shard, strchr(other, '/') + 1);
	return host_stage_fail(s);
}

/* Where the positions of a sink are that its store does not keep. */
int
host_open_positions(struct host *h)
{
	struct stage *s = &h->stage[h->n - 1];
	const char *path = s->common.state;
	struct buf usual = { 0 };
	int e = 0;

	if (!HAS(s->is, needs_state) || h->state)
		return 0;
	if (!path && (e = state_default_path(h->stream.pipe, &usual, &h->fail)) == 0)
		path = usual.p;
	if (e || state_open(path, h->stream.pipe, *h->stream.shard ? h->stream.shard : "0/1", &h->state, &h->fail) < 0)
		e = host_stage_fail(s);
	buf_free(&usual);
	return e;
}

/* The directory that keeps state, when somebody named one or needs one. */
int
host_open_state(struct host *h)
{
	struct stage *need = NULL;
	const char *path = NULL;

	for (size_t k = 0; k < h->n; k++) {
		struct stage *s = &h->stage[k];

		if (s->common.state)
			path = s->common.state;
		if ((s->is->snapshot && s->is->role != WEIR_SOURCE) || (HAS(s->is, needs_state) && !s->common.batch_id))
			need = s;
	}
	if (!path && need && h->stream.framed) {
		fail(&h->fail, WEIR_ECONFIG, "keeps state from run to run and has nowhere to put it: give every stage -s DIR, or use weir run");
		host_say(need, "error", h->fail.text);
		h->said = 1;
		return WEIR_ECONFIG;
	}
	if (!path)
		return 0;
	if (state_open(path, h->stream.framed ? h->stream.pipe : NULL, *h->stream.shard ? h->stream.shard : "0/1", &h->state, &h->fail) < 0)
		return host_fail(h);
	h->stream.state = 1;
	if (pin_sink(h) < 0 || (h->sink && h->stream.framed && HAS(h->stage[h->n - 1].is, needs_state) && other_shards(h) < 0))
		return h->fail.code;
	if (!h->stream.framed && state_has_runs(h->state))
		return fail(&h->fail, WEIR_ESTATE, "%s is the directory of a pipeline with control lines; take another one for plain input", path), host_fail(h);
	return 0;
}

/* A sink's commits leave marks: DIR/<i-N>/done/<sink>/<id>.  They are a cache, the store is the truth; but marks without a commit in
 * the store mean that it is not the store they are of.  The marks are read before the store is: another run may commit in between, and
 * what it marks then the sink has not seen. */
int
host_marks(struct host *h, struct buf *newest)
{
	struct stage *s = &h->stage[h->n - 1];

	if (!h->sink || !h->state || !h->stream.framed || *h->stream.batch_id || strcmp(h->prev, "none") || s->common.state_reset)
		return 0;
	return state_done_newest(h->state, s->name, newest, &h->fail) < 0 ? host_fail(h) : 0;
}

int
host_knows_none(struct host *h, const struct buf *newest)
{
	if (!newest->n)
		return 0;
	fail(&h->fail, WEIR_ESTATE, "%s knows commits of this pipeline, up to %s, and the stream begins at none: the table was made anew, or it is another "
	    "one. Begin anew with --state-reset, or name another directory with -s", state_path(h->state), newest->p);
	host_say(&h->stage[h->n - 1], "error", h->fail.text);
	h->said = 1;
	return WEIR_ESTATE;
}

int
host_done(struct host *h, const struct weir_barrier *b)
{
	struct stage *s = &h->stage[h->n - 1];

	meter_commit(h);
	json_object_clear(h->held);
	snprintf(h->committed, sizeof h->committed, "%s", b->token);
	if (!h->state || !h->stream.framed || *h->stream.batch_id)
		return 0;
	h->gc_committed = 1;
	return state_done(h->state, s->name, h->id, b->token, &h->fail) < 0 ? host_fail(h) : 0;
}

/* Nothing depends on what is removed: say it once, and go on. */
static void
told(struct host *h, int e, const struct fail *f)
{
	char text[sizeof f->text + 64];

	if (!e || h->gc_told)
		return;
	snprintf(text, sizeof text, "old state stays: %s", f->text);
	host_say(&h->stage[h->n - 1], "warning", text);
	h->gc_told = 1;
}

/* Who has left something here before this run? */
void
host_gc_begin(struct host *h)
{
	struct fail f = { 0 };

	if (h->sink && h->state && h->stream.framed && !*h->stream.batch_id)
		told(h, state_gc_open(h->state, h->stage[h->n - 1].name, h->run, &h->gc, &f), &f);
}

void
host_collect(struct host *h)
{
	struct fail f = { 0 };

	if (h->gc)
		told(h, state_gc_barrier(h->gc, h->id, h->gc_committed, &f), &f);
	h->gc_committed = 0;
}

/* A snapshot whose stage cannot tell what is in it. */
static int
dump_bytes(struct host *h, struct weir_state *state)
{
	struct buf line = { 0 };
	uint64_t at = 0;
	uint32_t records;
	const char *p;
	long n;
	int e = 0;

	while (!e && (n = snapshot_frame(state, &p, &records, &h->fail)) > 0)
		for (long i = 0; !e && i < n; i += DUMP_BYTES) {
			size_t k = (size_t)(n - i < DUMP_BYTES ? n - i : DUMP_BYTES);

			line.n = 0;
			e = buf_printf(&line, "{\"at\":%" PRIu64 ",\"base64\":", at) | emit_base64(&line, p + i, k) | buf_puts(&line, "}\n");
			if (e)
				e = fail(&h->fail, WEIR_EAGAIN, "no memory");
			else
				e = out_data(&h->out, line.p, line.n, 1, &h->fail);
			at += k;
		}
	buf_free(&line);
	return e ? e : n < 0 ? (int)n : 0;
}

int
host_dump(struct host *h, struct weir_state *state)
{
	struct stage *s = &h->stage[0];
	int e;

	if (out_open(&h->out, 1, &h->fail) < 0)
		return host_fail(h);
	if (HAS(s->is, dump))
		e = (e = host_open(h)) < 0 ? e : s->is->dump(&s->ctx, s->self, state);
	else
		e = dump_bytes(h, state);
	if (e >= 0)
		e = out_flush(&h->out, &h->fail);
	if (e < 0 && !h->said)
		host_fail(h);
	host_close(h);
	return e;
}
