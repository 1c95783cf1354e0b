/*
 * services.c - what a stage may ask of its host: the functions behind weir.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "breakage.h"
#include "control.h"
#include "emit.h"
#include "host.h"
#include "progress.h"
#include "publish.h"

#define MESSAGE_MAX	4096
#define SIDE_ORIGIN	"\"_weir\""	/* a member of late and dropped events */
#define OWN_EVENTS	(2 * BATCH_BYTES)	/* bytes of events a stage made, before they are passed on */

/* ---- messages ---- */

/* Messages quote events: bytes that are no UTF-8 become '?', or a log in JSON could not have the line. */
static const char *
utf8_only(const char *text, char clean[MESSAGE_MAX])
{
	size_t n = 0;

	while (*text && n + 5 < MESSAGE_MAX) {
		size_t k = emit_utf8_length(text, strnlen(text, 4));

		if (k)
			memcpy(clean + n, text, k);
		else
			clean[n] = '?';
		n += k ? k : 1;
		text += k ? k : 1;
	}
	clean[n] = '\0';
	return clean;
}

void
host_say(const struct stage *s, const char *level, const char *text)
{
	char line[MESSAGE_MAX], clean[MESSAGE_MAX];
	int json = s->common.json_log, n;
	size_t len;

	text = utf8_only(text, clean);
	if (json) {
		json_t *o = json_pack("{s:s,s:s,s:s}", "level", level, "message", text, "stage", s->name);
		char *t = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

		n = snprintf(line, sizeof line, "%s\n", t ? t : "{}");
		free(t);
		json_decref(o);
	} else {
		n = snprintf(line, sizeof line, "%s: %s\n", s->name, text);
	}
	len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
	for (size_t i = 0; i + 1 < len; i++)		/* what events say must not steer a terminal */
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	if (len)
		line[len - 1] = '\n';
	progress_clear(s->host);
	if (write(2, line, len) < 0)
		return;		/* nowhere left to say it */
}

int
host_fail(struct host *h)
{
	/* Within a pipeline a reader that is gone has said why itself. */
	int follows = h->fail.code == WEIR_EGONE && getenv("WEIR_RUN") && !getenv("WEIR_LAST");

	if (!h->said && !follows)
		host_say(&h->stage[0], "error", h->fail.text);
	h->said = 1;
	return h->fail.code;
}

static struct stage *
stage_of(struct weir_ctx *ctx)
{
	return (struct stage *)ctx;
}

static int
hs_error(struct weir_ctx *ctx, enum weir_code code, const char *fmt, ...)
{
	struct stage *s = stage_of(ctx);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->host->fail.text, sizeof s->host->fail.text, fmt, ap);
	va_end(ap);
	s->host->fail.code = code;
	host_say(s, "error", s->host->fail.text);
	s->host->said = 1;
	return code;
}

static void
hs_warn(struct weir_ctx *ctx, const char *fmt, ...)
{
	struct stage *s = stage_of(ctx);
	char text[1024];
	va_list ap;

	if (s->common.quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	host_say(s, "warning", text);
}

static int
hs_finding(struct weir_ctx *ctx, const char *part, int level, const char *fmt, ...)
{
	struct stage *s = stage_of(ctx);
	char text[HOST_FINDINGS];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return s->host->finding ? s->host->finding(s->host->finding_arg, s->name, part, level, text) : 0;
}

/* A failure of the host's own, said in the name of a stage. */
int
host_stage_fail(struct stage *s)
{
	if (!s->host->said)
		host_say(s, "error", s->host->fail.text);
	s->host->said = 1;
	return s->host->fail.code;
}

/* ---- events ---- */

static int
hs_want(struct weir_ctx *ctx, const char *path)
{
	struct stage *s = stage_of(ctx);
	int c = scan_want(s->host->scan, path);

	if (c == -1)
		return hs_error(ctx, WEIR_ECONFIG, "'%s' is no path into an event; paths look like user.id, items[0].sku, .\"odd key\"", path);
	if (c == -2)
		return hs_error(ctx, WEIR_EAGAIN, "no memory");
	if (c >= HOST_COLUMNS)
		return hs_error(ctx, WEIR_ECONFIG, "more than %d wanted paths", HOST_COLUMNS);
	s->wants[c] = 1;
	return c;
}

static int
hs_known(struct weir_ctx *ctx, const struct weir_batch *pub, uint32_t i)
{
	const struct batch *b = (const struct batch *)pub;
	struct stage *s = stage_of(ctx);

	if (b->rest[i])
		return 0;
	if (s->n_other < 0) {		/* its first event: nothing is wanted any more */
		s->n_other = 0;
		for (size_t c = 0; c < b->n_cols; c++)
			if (!s->wants[c] && (int)c != s->host->col_control)
				s->other[s->n_other++] = (uint16_t)c;
	}
	for (int k = 0; k < s->n_other; k++)
		if (b->col[s->other[k]][i].kind != WEIR_ABSENT)
			return 0;
	return 1;
}

static const char *
hs_event(struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, size_t *n)
{
	(void)ctx;
	return batch_event((struct batch *)(uintptr_t)b, i, n);
}

static int
hs_set(struct weir_ctx *ctx, struct weir_batch *b, uint32_t i, int column, const char *json, size_t n)
{
	struct stage *s = stage_of(ctx);

	return batch_set((struct batch *)b, i, column, json, n, &s->host->fail) < 0 ? host_stage_fail(s) : 0;
}

static int
hs_replace(struct weir_ctx *ctx, struct weir_batch *b, uint32_t i, const char *json, size_t n)
{
	struct stage *s = stage_of(ctx);

	return batch_replace((struct batch *)b, i, json, n, &s->host->fail);
}

/* Room for one more event that the stage made: its copy, scanned. */
static int
make(struct stage *s, const char *json, size_t n, unsigned *marks, struct scan_fault *fault)
{
	struct host *h = s->host;
	const char *p;
	int e;

	if (!s->made) {
		if (!(s->made = calloc(1, sizeof *s->made)) || batch_open(s->made, h->scan, OWN_EVENTS, &h->fail) < 0)
			return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_stage_fail(s);
		batch_reset(s->made, NULL);
	}
	if (!(p = batch_copy(s->made, json, n, &h->fail))) {
		if (h->fail.code)
			return host_stage_fail(s);
		if ((e = host_flush_made(h, s)) < 0)
			return e;
		if (!(p = batch_copy(s->made, json, n, &h->fail)))
			return host_stage_fail(s);
	}
	if ((e = batch_add(s->made, p, n, 0, marks, fault, &h->fail)) < 0)
		return host_stage_fail(s);
	if (!e)
		s->made->own_n -= n + 1;
	return e;
}

static int
hs_emit(struct weir_ctx *ctx, const char *json, size_t n)
{
	struct stage *s = stage_of(ctx);
	struct host *h = s->host;
	struct scan_fault fault;
	unsigned marks;
	char *to;
	int e;

	s->epoch.emitted++;
	s->bytes_out += n + 1;
	if (s->index + 1 < h->n) {
		if ((e = make(s, json, n, &marks, &fault)) < 0)
			return e;
		return e ? 0 : hs_error(ctx, WEIR_EBUG, "made an event that is no JSON object (%s)", fault.message);
	}
	if (!(to = out_room(&h->out, n + 1, &h->fail)))
		return host_stage_fail(s);
	memcpy(to, json, n);
	to[n] = '\n';
	out_added(&h->out, n + 1, 1);
	return 0;
}

static int
hs_offer(struct weir_ctx *ctx, const char *json, size_t n, uint64_t tag)
{
	struct stage *s = stage_of(ctx);
	struct host *h = s->host;
	struct scan_fault fault;
	unsigned marks;
	int e;

	if (n > s->common.max_line) {
		char text[96];

		snprintf(text, sizeof text, "%zu bytes, longer than --max-line %" PRIu64, n, s->common.max_line);
		return s->is->refused ? s->is->refused(ctx, s->self, tag, "long-line", text) : 0;
	}
	if ((e = make(s, json, n, &marks, &fault)) < 0)
		return e;
	if (!e) {
		char text[256];

		snprintf(text, sizeof text, "%s (byte %zu)", fault.message, fault.at);
		return s->is->refused ? s->is->refused(ctx, s->self, tag, fault.code, text) : 0;
	}
	s->epoch.emitted++;
	s->bytes_out += n + 1;
	h->offered_bytes += n + 1;
	if (marks && h->framed_out + h->sink && !BROKEN("no-escape")) {		/* @weir in an event must not look like a control line */
		uint32_t i = s->made->pub.n - 1;

		h->scratch.n = 0;
		if (control_escape(json, n, 1, &h->scratch) < 0)
			return hs_error(ctx, WEIR_EAGAIN, "no memory");
		if (h->scratch.n != n && batch_replace(s->made, i, h->scratch.p, h->scratch.n, &h->fail) < 0)
			return host_stage_fail(s);
	}
	return 0;
}

static int
hs_raise(struct weir_ctx *ctx, int64_t ts)
{
	struct stage *s = stage_of(ctx);
	int e = host_flush_made(s->host, s);

	return e < 0 ? e : host_watermark(s->host, ts);
}

/* ---- side files, state, the rest ---- */

/* The event with SIDE_ORIGIN at its end, or in the place of an older one: of which run and epoch the line is.  A crash may write it
 * twice, and who reads the file can tell by this. */
static int
stamp(const struct host *h, const char *json, size_t n, struct buf *b)
{
	struct weir_value key, value;
	const char *start = memchr(json, '{', n), *end = json + n, *to;
	size_t at = 0;
	int any = 0;

	while (*--end != '}')
		;
	to = end;
	while (scan_next(start, n - (size_t)(start - json), &at, &key, &value)) {
		any = 1;
		if (key.n == sizeof SIDE_ORIGIN - 1 && !memcmp(key.p, SIDE_ORIGIN, key.n)) {
			to = value.p;
			end = value.p + value.n;
		}
	}
	return buf_put(b, json, (size_t)(to - json)) | (*to == '}' && to == end ? buf_puts(b, any ? "," SIDE_ORIGIN ":" : SIDE_ORIGIN ":") : 0) |
	    buf_printf(b, "{\"epoch\":\"%" PRIu64 "\",\"run\":\"%s\"}", h->id, h->run) | buf_put(b, end, (size_t)(json + n - end));
}

static int
hs_side(struct weir_ctx *ctx, const char *file, const char *json, size_t n)
{
	struct stage *s = stage_of(ctx);
	struct host *h = s->host;
	struct side *side = host_side(h, file);

	if (side && h->stream.framed) {
		h->scratch.n = 0;
		if (stamp(h, json, n, &h->scratch) < 0)
			return hs_error(ctx, WEIR_EAGAIN, "no memory for a line of %s", file);
		json = h->scratch.p;
		n = h->scratch.n;
	}
	return !side || side_line(side, json, n, &h->fail) < 0 ? host_stage_fail(s) : 0;
}

static int
hs_receipt(struct weir_ctx *ctx, const char *json, size_t n)
{
	struct stage *s = stage_of(ctx);
	struct host *h = s->host;

	h->receipts++;
	progress_clear(h);
	if (out_data(&h->out, json, n, 0, &h->fail) < 0 || out_data(&h->out, "\n", 1, 0, &h->fail) < 0 || out_flush(&h->out, &h->fail) < 0)
		return host_stage_fail(s);
	return 0;
}

static int
hs_publish(struct weir_ctx *ctx, const char *name, const void *p, size_t n)
{
	struct stage *s = stage_of(ctx);
	struct host *h = s->host;
	int dir, e;

	if (!h->state)
		return 0;
	if ((dir = state_ckpt(h->state, h->run, h->id, 1, &h->fail)) < 0)
		return host_stage_fail(s);
	e = publish_bytes(dir, name, p, n, &h->fail);
	close(dir);
	return e ? host_stage_fail(s) : 0;
}

static int
hs_load(struct weir_ctx *ctx, const char *token, const char *name, const void **p, size_t *n)
{
	struct stage *s = stage_of(ctx);
	struct host *h = s->host;
	char run[TOKEN_RUN_SIZE];
	uint64_t id;
	ssize_t k;
	int dir, fd;

	if (!h->state || token_parse(token, run, &id) < 0)
		return 0;
	if ((dir = state_ckpt(h->state, run, id, 0, &h->fail)) < 0)
		return h->fail.code == WEIR_ESTATE ? 0 : host_stage_fail(s);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	close(dir);
	if (fd < 0 && errno == ENOENT)
		return 0;
	h->loaded.n = 0;
	do {
		k = fd < 0 || buf_reserve(&h->loaded, 65536) < 0 ? -1 : read(fd, h->loaded.p + h->loaded.n, 65536);
		h->loaded.n += k > 0 ? (size_t)k : 0;
	} while (k > 0 || (k < 0 && fd >= 0 && errno == EINTR));
	if (fd >= 0)
		close(fd);
	if (k < 0)
		return fail_errno(&h->fail, WEIR_EIO, "cannot read %s of %s", name, token), host_stage_fail(s);
	*p = h->loaded.p;
	*n = h->loaded.n;
	return 1;
}

static int
hs_newest(struct weir_ctx *ctx, const char **token)
{
	struct stage *s = stage_of(ctx);
	struct host *h = s->host;
	int e;

	*token = "none";
	h->newest.n = 0;
	if (!h->state)
		return 0;
	if ((e = state_done_newest(h->state, s->name, &h->newest, &h->fail)) < 0)
		return host_stage_fail(s);
	if (e)
		*token = h->newest.p;
	return 0;
}

static void
hs_count(struct weir_ctx *ctx, const char *counter, uint64_t by)
{
	struct stage *s = stage_of(ctx);
	size_t i = 0;

	while (i < s->n_counters && strcmp(s->counter[i].name, counter))
		i++;
	if (i == s->n_counters) {	/* one more than there is room for, or a long name: not kept */
		if (i == HOST_COUNTERS || strlen(counter) >= sizeof s->counter->name)
			return;
		strcpy(s->counter[s->n_counters++].name, counter);
	}
	s->counter[i].n += by;
}

static void
hs_gauge(struct weir_ctx *ctx, const char *name, int64_t value)
{
	meter_gauge(stage_of(ctx), name, value);
}

static void *
hs_alloc(struct weir_ctx *ctx, size_t n)
{
	struct host *h = stage_of(ctx)->host;

	return batch_alloc(h->now ? h->now : &h->batch, n);
}

static int64_t
hs_now(struct weir_ctx *ctx)
{
	return stage_of(ctx)->host->now_us;
}

static const uint64_t *
hs_seed(struct weir_ctx *ctx)
{
	static const uint64_t none[2] = { UINT64_C(0x7765697220736565), UINT64_C(0x6420776974686f75) };
	struct host *h = stage_of(ctx)->host;

	return h->state ? state_seed(h->state) : none;
}

static int
hs_write(struct weir_ctx *ctx, struct weir_state *w, const void *p, size_t n)
{
	struct stage *s = stage_of(ctx);

	return snapshot_put(w, p, n, &s->host->fail) < 0 ? host_stage_fail(s) : 0;
}

static int
hs_read(struct weir_ctx *ctx, struct weir_state *r, void *p, size_t n)
{
	struct stage *s = stage_of(ctx);
	int e = snapshot_get(r, p, n, &s->host->fail);

	return e < 0 ? host_stage_fail(s) : e;
}

static int
hs_reject(struct weir_ctx *ctx, struct weir_batch *b, uint32_t i, const char *code, const char *path, const char *fmt, ...)
{
	struct stage *s = stage_of(ctx);
	struct host *h = s->host;
	uint64_t last = h->line_no;
	char text[1024];
	const char *p;
	va_list ap;
	size_t n;
	int e;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	b->verdict[i] = !strcmp(code, "late") ? WEIR_LATE : WEIR_REJECTED;
	p = batch_event((struct batch *)b, i, &n);
	if (b == &h->batch.pub)			/* its events are lines of the input, the last of which was counted last */
		h->line_no -= b->n - 1 - i;
	e = host_reject(s, code, path, text, NULL, p, n, 0);
	h->line_no = last;
	return e;
}

static int
hs_reject_raw(struct weir_ctx *ctx, const char *source, const void *p, size_t n, const char *code, const char *fmt, ...)
{
	struct stage *s = stage_of(ctx);
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	s->epoch.in++;
	s->epoch.verdict[WEIR_REJECTED]++;
	return host_reject(s, code, NULL, text, source, p, n, 1);
}

static const char *
hs_shard(struct weir_ctx *ctx)
{
	const char *shard = stage_of(ctx)->host->stream.shard;

	return shard ? shard : "";
}

const struct weir_host host_table = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_host),
	.want = hs_want, .event = hs_event, .set = hs_set, .replace = hs_replace, .emit = hs_emit, .offer = hs_offer,
	.reject = hs_reject, .reject_raw = hs_reject_raw, .raise = hs_raise, .side = hs_side, .receipt = hs_receipt,
	.publish = hs_publish, .load = hs_load, .error = hs_error, .warn = hs_warn, .finding = hs_finding, .count = hs_count,
	.alloc = hs_alloc, .now_us = hs_now, .seed = hs_seed, .write = hs_write, .read = hs_read, .ending = host_ending, .known = hs_known,
	.gauge = hs_gauge, .shard = hs_shard, .newest = hs_newest,
};
