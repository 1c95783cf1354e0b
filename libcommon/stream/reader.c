/*
 * reader.c - the run loop of a process that reads a stream: lines into batches, control lines to the host, and what may be wrong with either.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "breakage.h"
#include "control.h"
#include "host.h"
#include "progress.h"

#define TORN_KEPT	4096	/* bytes of a line too long that its reject shows */

static int
frame_error(struct host *h, const char *fmt, uint64_t a, uint64_t b)
{
	char text[512];

	snprintf(text, sizeof text, fmt, a, b);
	fail(&h->fail, WEIR_EFRAME, "%s: a filter between the stages dropped, added or changed lines. Put it behind `weir wrap --`", text);
	return host_fail(h);
}

/* The events of h->batch, if any, through the stages. */
static int
run_batch(struct host *h)
{
	struct batch *b = &h->batch;
	int e = 0;

	if (b->pub.n) {
		h->stage[0].epoch.in += b->count[WEIR_REJECTED];
		h->stage[0].epoch.verdict[WEIR_REJECTED] += b->count[WEIR_REJECTED];
		e = host_chain(h, 0, b);
	}
	if (e >= 0 && h->n_events >= 100000)
		e = host_check_rejects(h);
	progress_tick(h);
	return e;
}

/* 1: the stream has ended; 0: go on. */
static int
control(struct host *h, json_t *c)
{
	const char *k = control_text(c, "k");
	uint64_t seq, n, id;
	int e;

	if (control_count(c, "seq", &seq) == 0 && seq != h->seq_in && !BROKEN("no-hash"))
		return frame_error(h, "control line %" PRIu64 " is missing (the next one is %" PRIu64 ")", h->seq_in, seq);
	h->seq_in++;
	if (!strcmp(k, "wm"))
		return host_watermark(h, strtoll(control_text(c, "ts"), NULL, 10));
	if (!strcmp(k, "bar")) {
		const char *last = control_text(c, "last");

		if (control_count(c, "id", &id) < 0 || control_count(c, "n", &n) < 0)
			return fail(&h->fail, WEIR_EFRAME, "a barrier without id or count"), host_fail(h);
		if (id != h->id)
			return frame_error(h, "epoch %" PRIu64 " was expected, %" PRIu64 " came", h->id, id);
		if (n != h->n_in && !BROKEN("no-hash")) {
			fail(&h->fail, WEIR_EFRAME, "line count of epoch %" PRIu64 " is %" PRIu64 ", %" PRIu64 " were announced: a filter between the stages dropped or added "
			    "lines. Put it behind `weir wrap --`", id, h->n_in, n);
			return host_fail(h);
		}
		h->hash_n = XXH3_64bits_digest(h->hash_in);
		if (strtoull(control_text(c, "hash"), NULL, 16) != h->hash_n && !BROKEN("no-hash"))
			return frame_error(h, "the %" PRIu64 " lines of epoch %" PRIu64 " are not those that were sent", n, id);
		XXH3_64bits_reset(h->hash_in);
		h->n_in = 0;
		if ((e = host_barrier(h, c, *last != '\0')) < 0)
			return e;
		return 0;
	}
	if (!strcmp(k, "eos")) {
		if (h->n_in && !BROKEN("no-hash"))
			return frame_error(h, "%" PRIu64 " lines stand between the last barrier and the end mark of epoch %" PRIu64, h->n_in, h->id);
		e = host_end_stream(h, c, "");
		return e < 0 ? e : 1;
	}
	/* Of a later version of the protocol: passed on, re-numbered. */
	struct buf line = { 0 };
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, h->out.seq);
	json_object_set_new(c, "seq", json_string(text));
	e = control_format(c, &line, &h->fail) < 0 || out_control(&h->out, line.p, line.n, &h->fail) < 0 ? host_fail(h) : 0;
	buf_free(&line);
	return e;
}

static int
reject_line(struct host *h, const char *p, size_t n, const struct scan_fault *fault)
{
	char text[256];

	snprintf(text, sizeof text, "%s (byte %zu)", fault->message, fault->at);
	return host_reject(&h->stage[0], fault->code, NULL, text, NULL, p, n, 1);
}

/* One line of a framed stream that has "@weir" at its top: control, or somebody's forgery.  1: the stream has ended; 0: go on; 2: no
 * control line of this stream. */
static int
maybe_control(struct host *h, const char *p, size_t n)
{
	json_t *c = control_parse(p, n);
	int e;

	if (!c || (strcmp(control_text(c, "run"), h->run) && !BROKEN("no-nonce"))) {
		json_decref(c);
		return 2;
	}
	e = control(h, c);
	json_decref(c);
	return e;
}

/* An event that looks like a control line, and is none of this stream's: one hostile event must not stop the pipeline. */
static int
poison(struct host *h, const char *p, size_t n)
{
	const struct scan_fault fault = { .code = "poison", .message = "an event with the key \"@weir\", which belongs to the control lines of this stream" };
	struct stage *s = &h->stage[0];

	XXH3_64bits_update(h->hash_in, p, n + 1);
	h->n_in++;
	s->epoch.in++;
	s->epoch.verdict[WEIR_REJECTED]++;
	return reject_line(h, p, n, &fault);
}

/* Take the last event of the batch out again. */
static void
take_back(struct batch *b)
{
	b->pub.n--;
	b->count[b->pub.verdict[b->pub.n]]--;
}

/* A span of whole lines: batches, cut at control lines.  1: the stream has ended. */
static int
whole_lines(struct host *h, char *p, size_t n)
{
	struct batch *b = &h->batch;
	char *e = p + n, *from = p;
	int err;

	host_tick(h);
	batch_reset(b, p);
	while (p < e) {
		char *nl = memchr(p, '\n', (size_t)(e - p));
		struct scan_fault fault;
		unsigned marks = 0;
		size_t len = (size_t)(nl - p);
		int in = batch_add(b, p, len, 1, &marks, &fault, &h->fail);

		h->line_no++;
		if (in < 0)
			return host_fail(h);
		if (marks && h->framed_in && h->batch.col[h->col_control][b->pub.n - 1].kind != WEIR_ABSENT) {
			take_back(b);
			XXH3_64bits_update(h->hash_in, from, (size_t)(p - from));
			if ((err = run_batch(h)) < 0)
				return err;
			if ((err = maybe_control(h, p, len)) == 2)
				err = poison(h, p, len);
			if (err)
				return err;
			from = nl + 1;
			batch_reset(b, from);
		} else {
			h->n_in++;
			if (!in && (err = reject_line(h, p, len, &fault)) < 0)
				return err;
		}
		p = nl + 1;
	}
	if (h->framed_in)
		XXH3_64bits_update(h->hash_in, from, (size_t)(e - from));
	return run_batch(h);
}

static int
long_line(struct host *h, const char *p, size_t n, int end)
{
	struct scan_fault fault = { .code = "long-line" };
	struct stage *s = &h->stage[0];
	size_t keep = TORN_KEPT > h->torn.n ? TORN_KEPT - h->torn.n : 0;
	int e;

	if (h->framed_in)
		XXH3_64bits_update(h->hash_in, p, n);
	h->torn_n += n;
	if (buf_put(&h->torn, p, n < keep ? n : keep) < 0)
		return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_fail(h);
	if (!end)
		return 0;
	h->line_no++;
	h->n_in++;
	h->n_events++;
	s->epoch.in++;
	s->epoch.verdict[WEIR_REJECTED]++;
	snprintf(fault.message, sizeof fault.message, "a line of %" PRIu64 " bytes, longer than --max-line %" PRIu64 "; its first %zu are kept", h->torn_n - 1,
	    s->common.max_line, h->torn.n);
	e = reject_line(h, h->torn.p, h->torn.n, &fault);
	h->torn.n = 0;
	h->torn_n = 0;
	return e;
}

static int
torn_line(struct host *h, char *p, size_t n)
{
	struct scan_fault fault;
	int e;

	if (h->framed_in)
		return fail(&h->fail, WEIR_EFRAME, "the last line of the input is cut off: a stage before this one died. Run it again"), host_fail(h);
	/* A file written by hand may lack its last newline; a line that was cut off is seldom a whole object. */
	host_tick(h);
	batch_reset(&h->batch, p);
	p[n] = '\n';
	unsigned marks;

	h->line_no++;
	e = batch_add(&h->batch, p, n, 1, &marks, &fault, &h->fail);
	if (e < 0)
		return host_fail(h);
	if (!e && (e = reject_line(h, p, n, &fault)) < 0)
		return e;
	return run_batch(h);
}

/* The first line decides: hello, or plain input. */
static int
first_line(struct host *h, char **p, size_t *n, int *what)
{
	struct stage *s = &h->stage[0];
	struct fail f;
	char *nl;

	while ((*what = lines_next(&h->in, p, n, &f)) == WEIR_EAGAIN)
		;
	if (*what < 0) {
		h->fail = f;
		return host_fail(h);
	}
	if (*what != LINES_WHOLE || s->common.plain)
		return 0;
	nl = memchr(*p, '\n', *n);
	if (memmem(*p, (size_t)(nl - *p), CONTROL_KEY, strlen(CONTROL_KEY)) && (h->hello = control_parse(*p, (size_t)(nl - *p)))) {
		if (strcmp(control_text(h->hello, "k"), "hello")) {
			json_decref(h->hello);
			h->hello = NULL;
			return 0;
		}
		lines_unread(&h->in, nl + 1);
		*n = 0;
		h->seq_in = 1;
	}
	return 0;
}

/* Is it the beginning of a control line?  In a run less of it tells, as no other first line is waited for. */
static int
torn_hello(const char *p, size_t n, int in_run)
{
	static const char begin[] = "{\"" CONTROL_KEY "\":";
	size_t k = sizeof begin - 1;

	return (in_run || n >= k) && !memcmp(p, begin, n < k ? n : k);
}

/* A sink takes the end of plain input for complete only when somebody vouches for it. */
static int
may_sink(struct host *h)
{
	const struct common *c = &h->stage[h->n - 1].common;
	struct stat st;

	if (!h->sink || h->hello || c->plain || c->batch_id || c->rows || (fstat(0, &st) == 0 && S_ISREG(st.st_mode)) || getenv("WEIR_RUN"))
		return 0;
	fail(&h->fail, WEIR_EUSAGE, "no hello from upstream: use `weir run`, put the filter behind `weir wrap --`, or say --plain (the end of input is then taken "
	    "as complete)");
	host_say(&h->stage[h->n - 1], "error", h->fail.text);
	h->said = 1;
	return WEIR_EUSAGE;
}

/* A negative control: the epoch that is open, as if its barrier and eos had come. */
static int
end_anyway(struct host *h)
{
	char id[24];
	json_t *bar;
	int e;

	snprintf(id, sizeof id, "%" PRIu64, h->id);
	bar = json_pack("{s:s,s:s,s:s,s:s,s:O}", "id", id, "k", "bar", "last", "end", "run", h->run, "off", json_object_get(h->hello, "off"));
	e = host_barrier(h, bar, 1);
	json_decref(bar);
	return e ? e : host_end_stream(h, NULL, "end");
}

static int
read_loop(struct host *h, char *p, size_t n, int what)
{
	struct fail f;
	int e = 0;

	for (;;) {
		switch (what) {
		case LINES_EOF:
			if (h->framed_in && BROKEN("no-eos"))
				return end_anyway(h);
			if (h->framed_in)
				return fail(&h->fail, WEIR_EAGAIN, "input ended without its end mark: a stage before this one died. Epoch %" PRIu64
				    " is not committed; the last commit is %s. Run it again", h->id, h->committed), host_fail(h);
			if (h->torn_n)
				return fail(&h->fail, WEIR_EDATA, "the last line is longer than --max-line %" PRIu64 " and has no newline",
				    h->stage[0].common.max_line), host_fail(h);
			if ((e = host_barrier(h, NULL, 1)) < 0)
				return e;
			return host_write_out(h);
		case LINES_WHOLE:
			e = n ? whole_lines(h, p, n) : 0;
			break;
		case LINES_LONG:
		case LINES_LONG_END:
			e = long_line(h, p, n, what == LINES_LONG_END);
			break;
		case LINES_TORN:
			e = torn_line(h, p, n);
			break;
		}
		if (e)
			return e < 0 ? e : 0;
		if (lines_empty(&h->in) && (e = host_write_out(h)) < 0)
			return e;
		while ((what = lines_next(&h->in, &p, &n, &f)) == WEIR_EAGAIN)
			;
		if (what < 0) {
			h->fail = f;
			return host_fail(h);
		}
	}
}

int
host_read(struct host *h)
{
	const char *run = getenv("WEIR_RUN");
	char *p = NULL;
	size_t n = 0;
	int what, e;

	if ((h->col_control = scan_want(h->scan, CONTROL_KEY)) < 0)
		return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_fail(h);
	if (lines_open(&h->in, 0, h->stage[0].common.max_line, &h->fail) < 0)
		return host_fail(h);
	h->in.meter = &h->meter;
	out_grow_pipe(0);
	if ((e = first_line(h, &p, &n, &what)) < 0)
		return e;
	if (what == LINES_TORN && !h->stage[0].common.plain && torn_hello(p, n, run && *run))
		return fail(&h->fail, WEIR_EFRAME, "the first line of the input is cut off: a stage before this one died. Nothing is committed; run it again"),
		    host_fail(h);
	if ((e = may_sink(h)) < 0)
		return e;
	/* Not even hello came.  That is the death of a stage before this one, and neither a stream without control lines (76), nor plain
	 * input in the state directory of a pipeline (81). */
	if (!h->hello && what == LINES_EOF && run && *run && (h->sink || !h->stage[0].common.plain))
		return fail(&h->fail, WEIR_EAGAIN, "input ended before its first line: a stage before this one died. Nothing is committed; run it again"),
		    host_fail(h);
	if (h->hello && lines_empty(&h->in))
		p = NULL;
	/* The stages may want more columns in begin(), and a stream's limits may move the buffer: the batch and the span come after. */
	if ((e = host_begin(h)) < 0)
		return e;
	if (batch_open(&h->batch, h->scan, 0, &h->fail) < 0)
		return host_fail(h);
	if (h->hello)
		what = LINES_WHOLE, n = 0;
	return read_loop(h, p, n, what);
}
