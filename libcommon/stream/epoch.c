/*
 * epoch.c - the frame around the data: hello, watermarks, barriers, the end.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "breakage.h"
#include "control.h"
#include "host.h"

#define EPOCH_USUAL	"10s"	/* of a source that does not end by itself */

static int
no_memory(struct host *h)
{
	return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_fail(h);
}

/* A copy in b; NULL without memory. */
static const char *
keep(struct buf *b, const char *text)
{
	b->n = 0;
	return buf_puts(b, text) < 0 || buf_putc(b, '\0') < 0 ? NULL : b->p;
}

static int
fill_stream(struct host *h)
{
	struct weir_stream *st = &h->stream;
	const json_t *c = h->hello;
	const struct common *sink = &h->stage[h->n - 1].common;
	char *off = control_object(c, "off");
	const char *feed = "", *threads = getenv("WEIR_THREADS");

	st->size = sizeof *st;
	st->framed = c != NULL;
	st->threads = !threads || strcmp(threads, "0");
	st->pipe = keep(&h->text[0], control_text(c, "pipe"));
	st->chain = keep(&h->text[1], control_text(c, "chain"));
	st->off = keep(&h->text[2], off ? off : "{}");
	st->run = control_text(c, "run");
	st->shard = control_text(c, "shard");
	st->prev = control_text(c, "prev");
	st->epoch = control_text(c, "epoch");
	st->time = control_text(c, "time");
	st->by = control_text(c, "by");
	st->meta = control_text(c, "meta");
	st->batch_id = sink->batch_id ? sink->batch_id : "";
	st->batch_replace = sink->batch_replace;
	st->as_new_feed = sink->as_new_feed;
	st->accept_change = sink->accept_change;
	st->drop_meta = sink->drop_meta;
	st->empty_commit_us = sink->empty_commit_us;
	free(off);
	if (!st->pipe || !st->chain || !st->off)
		return no_memory(h);
	if (h->sink) {
		struct stage *s = &h->stage[h->n - 1];

		if (sink->pipeline)
			feed = sink->pipeline;
		else if (!*st->pipe && s->is->feed && s->is->feed(&s->ctx, s->self, &feed) < 0)
			feed = "";
		if (*feed && !(st->pipe = keep(&h->text[0], feed)))
			return no_memory(h);
	}
	return 0;
}

/* hello of a source: from its options, its position and the environment. */
static int
make_hello(struct host *h)
{
	struct stage *s = &h->stage[0];
	const char *env, *off = "{}", *shard = host_source_option(h, "shard");
	char limits[96], text[32];
	json_t *off_json, *resume = NULL;
	struct fail *f = &h->fail;
	uint64_t number = 1;
	int e;

	if (s->common.resume && strcmp(s->common.resume, "none")) {
		const char *token;
		char run[TOKEN_RUN_SIZE], *o;

		resume = json_loads(s->common.resume, 0, NULL);
		token = control_text(resume, "token");
		if (!json_is_object(json_object_get(resume, "off")) || token_parse(token, run, &h->id) < 0) {
			json_decref(resume);
			return fail(f, WEIR_EUSAGE, "--resume takes what the sink's --position prints, or none, not '%s'", s->common.resume), host_fail(h);
		}
		snprintf(h->prev, sizeof h->prev, "%s", token);
		o = control_object(resume, "off");
		e = s->is->seek ? s->is->seek(&s->ctx, s->self, o) : 0;
		free(o);
		if (e < 0) {
			json_decref(resume);
			return e;
		}
	} else {
		snprintf(h->prev, sizeof h->prev, "none");
	}
	snprintf(limits, sizeof limits, "depth=%" PRIu64 " dup=%s line=%" PRIu64, s->common.max_depth, s->common.last_wins ? "last" : "reject", s->common.max_line);
	if ((env = getenv("WEIR_RUN")) && *env) {
		if (!token_is_run(env, strlen(env)))
			return fail(f, WEIR_EUSAGE, "WEIR_RUN is '%s'; weir begin makes a good one", env), host_fail(h);
		snprintf(h->run, sizeof h->run, "%s", env);
	} else {
		struct state_dir *d = NULL;

		if (s->common.state && (state_open(s->common.state, s->common.pipeline, *shard ? shard : "0/1", &d, f) < 0 || state_next_number(d, &number, f) < 0)) {
			state_close(d);
			return host_fail(h);
		}
		state_close(d);
		if (token_new_run(number, h->run, f) < 0)
			return host_fail(h);
	}
	h->hello = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "by", "", "chain", "", "epoch",
	    "all", "k", "hello", "limits", limits, "meta", "", "pipe",
	    s->common.pipeline ? s->common.pipeline : resume ? control_text(resume, "pipe") : "", "prev", h->prev, "run", h->run, "shard", "0/1", "time", "", "v",
	    CONTROL_VERSION);
	json_decref(resume);
	for (const struct weir_opt *o = s->is->opts; h->hello && o && o->name; o++) {		/* what later stages ask of a source, by the option's name */
		const void *at = (const char *)s->self + o->offset;
		const char *v = o->type == WEIR_TIME ? ((const struct weir_time *)at)->path : o->type == WEIR_TEXT ? *(const char *const *)at : NULL;

		if (!v)
			continue;
		if (!strcmp(o->name, "time") || !strcmp(o->name, "shard"))
			json_object_set_new(h->hello, o->name, json_string(v));
		else if (!strcmp(o->name, "meta"))
			json_object_set_new(h->hello, "meta", json_string(*v ? v : "_kafka"));
		else if (!strcmp(o->name, "partitioned-by"))
			json_object_set_new(h->hello, "by", json_string(v));
	}
	if (!h->hello)
		return no_memory(h);
	if ((e = fill_stream(h)) < 0)
		return e;
	if ((e = host_open_state(h)) || (e = host_restore(s)) < 0)
		return e;
	if (s->is->begin && (e = s->is->begin(&s->ctx, s->self, &h->stream)) < 0)
		return e;
	if (s->is->position && (e = s->is->position(&s->ctx, s->self, &off)) < 0)
		return e;
	if (!s->common.epoch && s->is->bounded && !s->is->bounded(&s->ctx, s->self))
		s->common.epoch = EPOCH_USUAL;
	if ((e = host_epoch(h, s->common.epoch)) < 0)
		return e;
	if (!h->cut.all) {
		int64_t least = h->cut.events || h->cut.bytes || h->cut.us < s->common.epoch_min_us ? s->common.epoch_min_us : h->cut.us;

		snprintf(text, sizeof text, "%" PRId64 "%s", least % 1000000 ? least / 1000 : least / 1000000, least % 1000000 ? "ms" : "s");
		json_object_set_new(h->hello, "epoch", json_string(text));
	}
	if (!(off_json = json_loads(off, 0, NULL)))
		return fail(f, WEIR_EBUG, "%s's position is no JSON", s->is->name), host_fail(h);
	json_object_set_new(h->hello, "off", off_json);
	return fill_stream(h);
}

static int
take_hello(struct host *h)
{
	const char *v = control_text(h->hello, "v"), *run = control_text(h->hello, "run"), *told = getenv("WEIR_RUN");
	struct stage *s = &h->stage[0];
	struct fail *f = &h->fail;
	int e;

	if (strcmp(v, CONTROL_VERSION))
		return fail(f, WEIR_EFRAME, "the stream is of version %s, this weir speaks %s: use one version of weir in a pipeline", v, CONTROL_VERSION), host_fail(h);
	if (!token_is_run(run, strlen(run)))
		return fail(f, WEIR_EFRAME, "the stream's hello has no run"), host_fail(h);
	if (told && *told && strcmp(told, run) && !BROKEN("no-nonce"))
		return fail(f, WEIR_EFRAME, "the stream is of the run %s, WEIR_RUN says %s: it is an old one, or its source was not told the run", run, told), host_fail(h);
	snprintf(h->run, sizeof h->run, "%s", run);
	snprintf(h->prev, sizeof h->prev, "%s", control_text(h->hello, "prev"));
	h->id = 0;
	if (strcmp(h->prev, "none")) {
		char prev_run[TOKEN_RUN_SIZE];

		if (token_parse(h->prev, prev_run, &h->id) < 0)
			return fail(f, WEIR_EFRAME, "the stream's hello has a bad prev"), host_fail(h);
	}
	if (control_limits(control_text(h->hello, "limits"), &s->common.max_line, &h->limits.max_depth, &h->limits.last_wins) < 0)
		return fail(f, WEIR_EFRAME, "the stream's hello has bad limits"), host_fail(h);
	scan_set_limits(h->scan, &h->limits);
	if ((e = lines_set_max(&h->in, s->common.max_line > CONTROL_MAX ? s->common.max_line : CONTROL_MAX, f)) < 0)
		return host_fail(h);
	return fill_stream(h) < 0 ? h->fail.code : host_open_state(h);
}

/* A source that lists what there is makes no stream, also when there is nothing. */
static int
lists_only(const struct stage *s)
{
	static const char *const list[] = { "list", "files", "snapshots" };

	for (const struct weir_opt *o = s->is->opts; s->is->role == WEIR_SOURCE && o && o->name; o++)
		for (size_t i = 0; i < sizeof list / sizeof *list; i++)
			if (o->type == WEIR_FLAG && !strcmp(o->name, list[i]) && *(const int *)(const void *)((const char *)s->self + o->offset))
				return 1;
	return 0;
}

/* Is anybody there who reads control lines? */
static int
wants_control(struct host *h)
{
	const struct common *c = &h->stage[h->n - 1].common;
	const char *run = getenv("WEIR_RUN"), *last = getenv("WEIR_LAST");
	struct stat st;

	if (h->sink || c->plain || lists_only(&h->stage[0]))
		return 0;
	if (c->control || (run && *run && !(last && *last)))
		return 1;
	return fstat(1, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int
forward_hello(struct host *h)
{
	json_t *c;
	struct buf chain = { 0 }, line = { 0 };
	int e = buf_puts(&chain, h->stream.chain);

	for (size_t k = 0; k < h->n; k++)
		e |= buf_printf(&chain, "%s:%s;", h->stage[k].is->name, h->stage[k].config);
	e |= buf_putc(&chain, '\0');
	c = json_deep_copy(h->hello);
	if (e || !c || json_object_set_new(c, "chain", json_string(chain.p)) < 0 || json_object_set_new(c, "seq", json_string("0")) < 0 ||
	    control_format(c, &line, &h->fail) < 0)
		e = no_memory(h);
	else if (out_control(&h->out, line.p, line.n, &h->fail) < 0)
		e = host_fail(h);
	json_decref(c);
	buf_free(&chain);
	buf_free(&line);
	return e;
}

/* In a bare pipe nobody has told the source how often the sink can commit. */
static int
epoch_fits(struct host *h)
{
	const char *epoch = h->stream.epoch;
	int64_t least, us;
	int e;

	if (!h->framed_in || *h->stream.batch_id)
		return 0;
	if ((e = host_min_epoch(h, &least)) < 0)
		return e;
	if (!least || !strcmp(epoch, "all") || opt_duration(epoch, &us) < 0 || us >= least)
		return 0;
	fail(&h->fail, WEIR_ECONFIG, "commits every %" PRId64 " s at most, and the stream is cut every %s: use `weir run`, or give the source --epoch-min %" PRId64 "s",
	    least / 1000000, epoch, least / 1000000);
	return host_stage_fail(&h->stage[h->n - 1]);
}

/* The stages of one process know what lies before each of them: what a pipe's hello would say. */
static int
begin_stages(struct host *h, size_t from)
{
	struct buf chain = { 0 };
	const char *before = h->stream.chain;
	int e = buf_puts(&chain, before) | buf_putc(&chain, '\0') ? no_memory(h) : 0;

	for (size_t k = 0; k < h->n && !e; k++) {
		struct stage *s = &h->stage[k];

		h->stream.chain = chain.p;
		if (k >= from) {
			if ((e = host_shard_holds_keys(s)) < 0 || (e = host_restore(s)) < 0)
				break;
			if (s->is->begin && (e = s->is->begin(&s->ctx, s->self, &h->stream)) < 0)
				break;
		}
		chain.n--;
		e = buf_printf(&chain, "%s:%s;", s->is->name, s->config) | buf_putc(&chain, '\0') ? no_memory(h) : 0;
	}
	h->stream.chain = before;
	buf_free(&chain);
	return e;
}

int
host_begin(struct host *h)
{
	struct stage *first = &h->stage[0];
	const char *run = getenv("WEIR_RUN");
	struct buf marks = { 0 };
	size_t from = 0;
	int e;

	h->limits = (struct scan_limits){ .max_depth = (uint32_t)first->common.max_depth, .last_wins = first->common.last_wins };
	if (!first->common.max_depth || first->common.max_depth > SCAN_MAX_DEPTH)
		return fail(&h->fail, WEIR_EUSAGE, "--max-depth takes 1 to %d", SCAN_MAX_DEPTH), host_fail(h);
	scan_set_limits(h->scan, &h->limits);
	if (h->source) {
		e = make_hello(h);
		from = 1;
	} else if (h->hello) {
		e = take_hello(h);
	} else {
		if (h->sink && run && *run)
			return fail(&h->fail, WEIR_EFRAME, "the stream has no hello: a stage before this one is no stage of weir; put it behind `weir wrap --`"),
			    host_fail(h);
		if (run && *run)
			snprintf(h->run, sizeof h->run, "%s", run);
		else if (token_new_run(1, h->run, &h->fail) < 0)
			return host_fail(h);
		snprintf(h->prev, sizeof h->prev, "none");
		e = fill_stream(h) < 0 ? h->fail.code : host_open_state(h);
		if (!e && h->state)	/* names are known only after this for plain input */
			e = state_plain_newest(h->state, "", &h->id, &h->fail) < 0 ? host_fail(h) : 0;
	}
	if (e)
		return e;
	host_name_instances(h);
	snprintf(h->committed, sizeof h->committed, "%s", h->prev);
	h->framed_in = h->stream.framed;
	h->framed_out = h->framed_in && wants_control(h);
	h->out.framed = h->framed_out;
	h->id++;
	meter_open(h);
	if ((e = epoch_fits(h)) < 0)
		return e;
	if ((e = host_marks(h, &marks)) == 0 && (e = begin_stages(h, from)) >= 0)
		e = host_knows_none(h, &marks);
	buf_free(&marks);
	if (e < 0)
		return e;
	host_gc_begin(h);
	return h->framed_out ? forward_hello(h) : 0;
}

int
host_watermark(struct host *h, int64_t ts)
{
	char seq[24], text[24];
	size_t before = h->meter.in;
	struct buf line = { 0 };
	json_t *c;
	int e;

	if (ts <= h->watermark)
		return 0;
	h->watermark = ts;
	for (size_t k = h->source ? 1 : 0; k < h->n; k++) {
		struct stage *s = &h->stage[k];

		meter_enter(&h->meter, k);
		if (s->is->watermark && (e = s->is->watermark(&s->ctx, s->self, ts)) < 0)
			return e;
		if ((e = host_flush_made(h, s)) < 0)
			return e;
	}
	meter_enter(&h->meter, before);
	if (!h->framed_out)
		return 0;
	snprintf(seq, sizeof seq, "%" PRIu64, h->out.seq);
	snprintf(text, sizeof text, "%" PRId64, ts);
	c = json_pack("{s:s,s:s,s:s,s:s}", "k", "wm", "run", h->run, "seq", seq, "ts", text);
	e = !c || control_format(c, &line, &h->fail) < 0 ? no_memory(h) : out_control(&h->out, line.p, line.n, &h->fail) < 0 ? host_fail(h) : 0;
	json_decref(c);
	buf_free(&line);
	return e;
}

int
host_flush_stages(struct host *h)
{
	int e;

	for (size_t k = 0; k < h->n; k++) {
		struct stage *s = &h->stage[k];

		meter_enter(&h->meter, k);
		if (s->is->flush && (e = s->is->flush(&s->ctx, s->self)) < 0)
			return e;
		if ((e = host_flush_made(h, s)) < 0)
			return e;
	}
	meter_enter(&h->meter, METER_HOST);
	return 0;
}

/* This process's accounts of the epoch behind those that came with the barrier. */
static json_t *
accounts(struct host *h, const json_t *bar)
{
	json_t *acct = json_object_get(bar, "acct") ? json_deep_copy(json_object_get(bar, "acct")) : json_object();
	size_t before = json_object_size(acct);

	for (size_t k = 0; acct && k < h->n; k++) {
		struct stage *s = &h->stage[k];

		if (account_put(acct, before + k, s->name, &s->epoch) < 0) {
			json_decref(acct);
			return NULL;
		}
		account_add(&s->total, &s->epoch);
		s->epoch = (struct account){ 0 };
		s->kinds = (struct reject_kinds){ 0 };
	}
	return acct;
}

/* The sink's part of a barrier.  A held epoch's accounts wait for the commit that covers it. */
static int
commit(struct host *h, const json_t *bar, const json_t *epoch_acct, int last)
{
	struct stage *s = &h->stage[h->n - 1];
	struct weir_barrier b = { .last = last };
	char token[TOKEN_SIZE], hash[20], *acct_text, *off;
	const json_t *mine;
	const char *name;
	int e;

	if (!BROKEN("no-balance") && account_check(epoch_acct, &h->fail) < 0)
		return host_fail(h);
	if (account_merge(h->held, epoch_acct) < 0)
		return no_memory(h);
	token_format(h->run, h->id, token);
	acct_text = json_dumps(h->held, JSON_COMPACT | JSON_SORT_KEYS);
	off = h->off ? strdup(h->off) : control_object(bar, "off");
	/* Fused with its source a sink has no bytes to hash: positions and accounts tell one epoch from another. */
	if (h->source && off && acct_text)
		h->hash_n = XXH3_64bits_withSeed(acct_text, strlen(acct_text), XXH3_64bits(off, strlen(off)));
	snprintf(hash, sizeof hash, "%016" PRIx64, h->hash_n);
	mine = account_stage(h->held, json_object_size(h->held) - 1, &name);
	if (!acct_text || !off)
		e = no_memory(h);
	else {
		b.token = token;
		b.prev = h->committed;
		b.off = off;
		b.acct = acct_text;
		b.hash = hash;
		b.n = account_count(mine, "taken");
		if (s->common.rows) {
			uint64_t want;

			if (opt_count(s->common.rows, &want) < 0)
				e = fail(&h->fail, WEIR_EUSAGE, "--rows takes a number, not '%s'", s->common.rows), host_fail(h);
			else if (want != b.n)
				e = fail(&h->fail, WEIR_EDATA, "%" PRIu64 " rows came, --rows says %" PRIu64 ": nothing is committed", b.n, want), host_fail(h);
			else
				e = 0;
		} else {
			e = 0;
		}
		meter_enter(&h->meter, s->index);
		if (!e && s->is->prepare)
			e = s->is->prepare(&s->ctx, s->self, &b);
		if (!e && s->is->commit)
			e = s->is->commit(&s->ctx, s->self, &b);
		meter_enter(&h->meter, METER_HOST);
		if (!e)
			e = host_done(h, &b);
	}
	free(acct_text);
	free(off);
	return e < 0 ? e : 0;
}

static int
forward_bar(struct host *h, const json_t *bar, json_t *acct)
{
	char number[4][24];
	struct buf line = { 0 };
	uint64_t n, hash;
	json_t *c = bar ? json_deep_copy(bar) : json_object();
	int e = 0;

	out_mark(&h->out, &n, &hash);
	snprintf(number[0], 24, "%" PRIu64, n);
	snprintf(number[1], 24, "%016" PRIx64, hash);
	snprintf(number[2], 24, "%" PRIu64, h->out.seq);
	if (!c || json_object_set(c, "acct", acct) < 0 || json_object_set_new(c, "n", json_string(number[0])) < 0 ||
	    json_object_set_new(c, "hash", json_string(number[1])) < 0 || json_object_set_new(c, "seq", json_string(number[2])) < 0 ||
	    control_format(c, &line, &h->fail) < 0)
		e = no_memory(h);
	else if (out_control(&h->out, line.p, line.n, &h->fail) < 0)
		e = host_fail(h);
	json_decref(c);
	buf_free(&line);
	return e;
}

/* bar: as it came, or as the source makes it (without acct, n, hash, seq); NULL on plain input, where the end is the only barrier. */
int
host_barrier(struct host *h, json_t *bar, int last)
{
	size_t to = h->sink ? h->n - 1 : h->n;
	json_t *acct;
	int e, late = BROKEN("forward-first");

	if (last && !strcmp(bar ? control_text(bar, "last") : "end", "end") && (e = host_flush_stages(h)) < 0)
		return e;
	if ((e = host_check_rejects(h)) < 0 || (e = host_sides_sync(h)) < 0 || (!late && (e = host_snapshots(h, 0, to)) < 0))
		return e;
	if (!(acct = accounts(h, bar)))
		return no_memory(h);
	if (h->sink && !(e = commit(h, bar, acct, last)))
		e = host_snapshots(h, to, h->n);
	if (!e && account_merge(h->total, acct) < 0)
		e = no_memory(h);
	if (!e && h->framed_out)
		e = forward_bar(h, bar, acct);
	if (!e && late)
		e = host_snapshots(h, 0, to);
	json_decref(acct);
	if (e)
		return e;
	host_collect(h);
	h->id++;
	host_tick(h);
	if (!last)
		meter_epoch(h);
	meter_tick(h);
	return 0;
}
