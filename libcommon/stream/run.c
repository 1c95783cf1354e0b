/*
 * run.c - a run of the stages of one process: signals, the clock, a source's loop; a reader's is in reader.c.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "breakage.h"
#include "control.h"
#include "host.h"
#include "iso.h"
#include "progress.h"

#define POLL_MS		100

static volatile sig_atomic_t n_signals, cut_now;

static void
on_end(int sig)
{
	if (n_signals++) {		/* the second one means it */
		signal(sig, SIG_DFL);
		raise(sig);
	}
}

static void
on_cut(int sig)
{
	(void)sig;
	cut_now = 1;
}

int
host_ending(struct weir_ctx *ctx)
{
	(void)ctx;
	return n_signals > 0;
}

/* One request or many: weir run counts them, and ends its stages itself.  A group's signals come to a stage of its twice. */
static void
on_end_once(int sig)
{
	(void)sig;
	n_signals = 1;
}

static void
signals(const struct host *h)
{
	struct sigaction a = { .sa_flags = SA_RESTART }, was;
	sigset_t ours;

	sigemptyset(&a.sa_mask);
	a.sa_handler = h->supervised ? on_end_once : on_end;
	sigaction(SIGTERM, &a, NULL);
	if (sigaction(SIGINT, NULL, &was) == 0 && was.sa_handler != SIG_IGN)	/* in the background of a script it is not for us */
		sigaction(SIGINT, &a, NULL);
	a.sa_handler = on_cut;
	sigaction(SIGUSR1, &a, NULL);
	a.sa_handler = SIG_IGN;
	if (h->supervised)
		sigaction(SIGHUP, &a, NULL);	/* of a terminal that goes away: weir run asks for the end, and not for a void epoch */
	sigaction(SIGPIPE, &a, NULL);
	sigaction(SIGXFSZ, &a, NULL);	/* a file at the limit of sizes is an error of write(2), as a full disk is */
	/* weir run starts its stages with these blocked, so that none is lost before there is a handler. */
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

void
host_tick(struct host *h)
{
	const char *clock_text = getenv("WEIR_CLOCK");
	struct timespec t;

	if (clock_text && iso_parse(clock_text, strlen(clock_text), &h->now_us) == 0)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	h->now_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int
host_write_out(struct host *h)
{
	return out_flush(&h->out, &h->fail) < 0 ? host_fail(h) : 0;
}

int
host_end_stream(struct host *h, const json_t *eos, const char *why)
{
	struct buf line = { 0 };
	char seq[24];
	json_t *c = eos ? json_deep_copy(eos) : json_pack("{s:s,s:s,s:s}", "k", "eos", "run", h->run, "why", why);
	int e = 0;

	snprintf(seq, sizeof seq, "%" PRIu64, h->out.seq);
	if (h->framed_out && (!c || json_object_set_new(c, "seq", json_string(seq)) < 0 || control_format(c, &line, &h->fail) < 0 ||
	    out_control(&h->out, line.p, line.n, &h->fail) < 0))
		e = host_fail(h);
	json_decref(c);
	buf_free(&line);
	return e ? e : host_write_out(h);
}

/* ---- a source ---- */

/* --epoch, into h->cut. */
int
host_epoch(struct host *h, const char *text)
{
	struct epoch_cut *p = &h->cut;
	char part[64];
	int i = 0;

	*p = (struct epoch_cut){ 0 };
	if (!text || !strcmp(text, "all")) {
		p->all = 1;
		return 0;
	}
	while (*text) {
		size_t n = strcspn(text, ",");
		int e = -1;

		if (n && n < sizeof part) {
			memcpy(part, text, n);
			part[n] = '\0';
			e = i == 0 ? opt_duration(part, &p->us) : i == 1 ? opt_count(part, &p->events) : i == 2 ? opt_size(part, &p->bytes) : -1;
		}
		if (e < 0)
			return fail(&h->fail, WEIR_EUSAGE, "--epoch takes TIME[,EVENTS[,SIZE]] such as 10s,1000000,256M, or all"), host_fail(h);
		text += n + (text[n] == ',');
		i++;
	}
	return 0;
}

static int
cut(struct host *h, int last, const char *why)
{
	struct stage *s = &h->stage[0];
	const char *off = "{}";
	char id[24];
	json_t *bar, *o;
	int e;

	if ((e = host_flush_made(h, s)) < 0)
		return e;
	if (s->is->position && (e = s->is->position(&s->ctx, s->self, &off)) < 0)
		return e;
	free(h->off);
	h->off = strdup(off);
	snprintf(id, sizeof id, "%" PRIu64, h->id);
	o = json_loads(off, 0, NULL);
	bar = json_pack("{s:s,s:s,s:s,s:s,s:o}", "id", id, "k", "bar", "last", last ? why : "", "run", h->run, "off", o);
	if (!h->off)
		return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_fail(h);
	if (!bar)
		return fail(&h->fail, WEIR_EBUG, "%s's position is no JSON", s->is->name), host_fail(h);
	e = host_barrier(h, bar, last);
	json_decref(bar);
	return e;
}

static int
run_source(struct host *h)
{
	struct stage *s = &h->stage[0];
	const struct epoch_cut *epoch = &h->cut;
	int64_t began = h->now_us;
	uint64_t events = 0, bytes = 0;		/* since the last cut */
	int more, e;

	do {
		uint64_t n = s->epoch.emitted, n_bytes = h->offered_bytes, n_in = s->epoch.in;
		int due;

		host_tick(h);
		if ((e = host_write_out(h)) < 0)
			return e;
		meter_enter(&h->meter, s->index);
		if ((more = e = s->is->poll(&s->ctx, s->self, POLL_MS)) < 0)
			return e;
		if (s->epoch.emitted == n && s->epoch.in == n_in)
			meter_waited(&h->meter);
		meter_enter(&h->meter, METER_HOST);
		if ((e = host_flush_made(h, s)) < 0)
			return e;
		events += s->epoch.emitted - n;
		bytes += h->offered_bytes - n_bytes;
		if (h->n_events >= 100000 && (e = host_check_rejects(h)) < 0)
			return e;
		progress_tick(h);
		due = !epoch->all && ((epoch->us && h->now_us - began >= epoch->us) || (epoch->events && events >= epoch->events) ||
		    (epoch->bytes && bytes >= epoch->bytes));
		if (more == 1 && (due || cut_now) && h->now_us - began >= s->common.epoch_min_us) {
			cut_now = 0;
			began = h->now_us;
			events = bytes = 0;
			if ((e = cut(h, 0, "")) < 0)
				return e;
		}
	} while (more == 1);
	if ((e = cut(h, 1, more == 2 ? "term" : "end")) < 0)
		return e;
	return host_end_stream(h, NULL, more == 2 ? "term" : "end");
}

int
host_run(struct host *h)
{
	int e;

	signals(h);
	out_grow_pipe(1);
	if (out_open(&h->out, 1, &h->fail) < 0)
		return -host_fail(h);
	h->out.meter = &h->meter;
	if ((e = host_open(h)) == 0) {
		const struct common *sink = &h->stage[h->n - 1].common;

		if (h->sink && (sink->position || sink->recover)) {
			const char *feed, *position;

			if ((e = host_recover(h, &feed, &position)) == 0)
				e = out_data(&h->out, position, strlen(position), 0, &h->fail) < 0 || out_data(&h->out, "\n", 1, 0, &h->fail) < 0 ? host_fail(h) : host_write_out(h);
		} else if ((h->source || h->sink) && h->receipts) {
			;			/* it answered a question in open(): there is no stream */
		} else if (h->source) {
			if ((e = host_begin(h)) == 0)
				e = run_source(h);
		} else {
			e = host_read(h);
		}
	}
	if (e < 0 && !h->said)
		host_fail(h);
	if (e < 0 && host_sides_sync(h) < 0 && !h->said)	/* rejects tell why: keep what there is */
		host_fail(h);
	progress_end(h, e);
	host_close(h);
	if (!e && h->sink && h->stage[h->n - 1].common.empty_skip && !h->receipts)
		return 99;
	return -e;
}

int
host_recover(struct host *h, const char **feed, const char **position)
{
	struct stage *s = &h->stage[h->n - 1];
	const char *shard = getenv("WEIR_SHARD");
	int e;

	if (!s->opened && (e = host_open(h)) < 0)
		return e;
	*feed = "";
	if (s->common.pipeline)
		*feed = s->common.pipeline;
	else if (s->is->feed && (e = s->is->feed(&s->ctx, s->self, feed)) < 0)
		return e;
	if (!position)
		return 0;
	*position = "none";
	h->stream.pipe = *feed;
	if (!h->stream.shard)
		h->stream.shard = shard ? shard : "";
	if (!s->is->recover)
		return 0;
	if ((e = host_open_positions(h)) < 0)
		return e;
	*position = s->common.pipeline;		/* whose; see weir.h */
	if ((e = s->is->recover(&s->ctx, s->self, position)) < 0)
		*position = "none";
	return e;
}

int
host_min_epoch(struct host *h, int64_t *us)
{
	struct stage *s = &h->stage[h->n - 1];

	*us = 0;
	return h->sink && s->is->min_epoch ? s->is->min_epoch(&s->ctx, s->self, us) : 0;
}

int
host_check(struct host *h, int (*finding)(void *arg, const char *stage, const char *part, int level, const char *text), void *arg)
{
	int worst = 0, e;

	h->finding = finding;
	h->finding_arg = arg;
	for (size_t k = 0; k < h->n; k++) {
		struct stage *s = &h->stage[k];

		s->opened = 1;
		h->said = 0;
		if (s->is->open && (e = s->is->open(&s->ctx, s->self, s->operand)) < 0) {
			finding(arg, s->name, "options", WEIR_FAIL, h->fail.text);
			worst = e;
		} else if (!s->is->check) {
			finding(arg, s->name, "options", WEIR_OK, "make sense; the files they name can be read");
		} else if ((e = s->is->check(&s->ctx, s->self)) < 0) {
			worst = e;
		}
	}
	return worst;
}
