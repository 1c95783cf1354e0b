/*
 * keep.c - what stages keep from run to run: the state directory, their snapshots, and what the sink has done.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"
#include "host.h"

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

static struct snapshot_meta
meta_of(const struct stage *s)
{
	const struct host *h = s->host;

	return (struct snapshot_meta){ .stage = s->is->name, .semantic = s->is->version, .config = s->meaning, .pipe = h->stream.pipe, .run = h->run, .id = h->id };
}

/* The snapshot of the last committed epoch into the stage.  A source's is a help and no more. */
int
host_restore(struct stage *s)
{
	struct host *h = s->host;
	struct snapshot_meta want = meta_of(s);
	struct weir_state *r = NULL;
	char run[TOKEN_RUN_SIZE], name[112];
	uint64_t id = 0;
	int dir = -1, e = 0;

	if (!s->is->restore || !h->state || s->common.state_reset)
		return 0;
	snprintf(name, sizeof name, "%s.base", s->name);
	if (!h->stream.framed) {
		if ((e = state_plain_newest(h->state, name, &id, &h->fail)))
			return host_fail(h);
		if (!id)
			return 0;
		want.pipe = "";
		dir = state_plain(h->state, id, 0, &h->fail);
	} else {
		if (token_parse(h->stream.prev, run, &id) < 0)
			return 0;
		dir = state_ckpt(h->state, run, id, 0, &h->fail);
	}
	e = dir < 0 ? h->fail.code : snapshot_open(dir, name, &want, &r, &h->fail);
	if (dir >= 0)
		close(dir);
	if (e && s->is->role == WEIR_SOURCE && e == WEIR_ESTATE) {
		host_say(s, "note", "no snapshot of its own: watermarks and arrival times start anew");
		return 0;
	}
	if (e) {
		char text[sizeof h->fail.text];

		snprintf(text, sizeof text, "%.900s (checkpoint %s)", h->fail.text, h->stream.framed ? h->stream.prev : "of the last run on plain input");
		host_say(s, "error", text);
		h->said = 1;
		return e;
	}
	e = s->is->restore(&s->ctx, s->self, r);
	snapshot_close(r);
	return e < 0 ? e : 0;
}

static int
snapshot(struct stage *s, int dir)
{
	struct host *h = s->host;
	struct snapshot_meta meta = meta_of(s);
	struct weir_state *w;
	char name[112];
	int e;

	snprintf(name, sizeof name, "%s.base", s->name);
	if (snapshot_create(dir, name, &meta, &w, &h->fail) < 0)
		return host_fail(h);
	meter_enter(&h->meter, s->index);
	e = s->is->snapshot(&s->ctx, s->self, w, 1);
	meter_enter(&h->meter, METER_HOST);
	if (e < 0) {
		snapshot_abort(w);
		return e;
	}
	return snapshot_finish(w, &h->fail) < 0 ? host_fail(h) : 0;
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
		if (s->is->snapshot && s->is->role != WEIR_SOURCE)
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
	if (!h->stream.framed && state_has_runs(h->state))
		return fail(&h->fail, WEIR_ESTATE, "%s is the directory of a pipeline with control lines; take another one for plain input", path), host_fail(h);
	return 0;
}

/* A sink's commits leave marks: DIR/<i-N>/done/<sink>/<id>.  They are a cache, the store is the truth; but marks without a commit in
 * the store mean that it is not the store they are of. */
int
host_knows_none(struct host *h)
{
	struct stage *s = &h->stage[h->n - 1];
	struct buf newest = { 0 };
	int e;

	if (!h->sink || !h->state || !h->stream.framed || *h->stream.batch_id || strcmp(h->prev, "none") || s->common.state_reset)
		return 0;
	if ((e = state_done_newest(h->state, s->name, &newest, &h->fail)) > 0) {
		fail(&h->fail, WEIR_ESTATE, "%s knows commits of this pipeline, up to %s, and the stream begins at none: the table was made anew, or it is another "
		    "one. Begin anew with --state-reset, or name another directory with -s", state_path(h->state), newest.p);
		host_say(s, "error", h->fail.text);
		h->said = 1;
		e = WEIR_ESTATE;
	} else if (e < 0) {
		host_fail(h);
	}
	buf_free(&newest);
	return e;
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
	return state_done(h->state, s->name, h->id, b->token, &h->fail) < 0 ? host_fail(h) : 0;
}
