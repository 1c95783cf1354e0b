/*
 * window-agg - aggregates over windows of event time, one line per closed window and group.
 *
 * A window closes when the watermark reaches its end plus --wait; then its
 * rows go out and its memory is freed.  Framed input brings the watermark; on
 * plain input it is the greatest event time of the lines before, line by
 * line, so batches never show.  Events of closed windows are late.  Open
 * windows are the stage's state: they outlive the run.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iso.h"
#include "stage.h"

#define OPTION(letter, name, arg, help, type, flags, member, preset) \
	{ letter, name, arg, help, type, flags, offsetof(struct window_agg, member), preset }

static const struct weir_opt opts[] = {
	OPTION(0, "time", "PATH[:UNIT]", "event time; UNIT iso, s, ms, us or ns", WEIR_TIME, WEIR_REQUIRED | WEIR_MEANING, time, NULL),
	OPTION(0, "size", "DURATION", "length of a window", WEIR_DURATION, WEIR_MEANING, size_us, NULL),
	OPTION(0, "slide", "DURATION", "a window begins this often, --size long", WEIR_DURATION, WEIR_MEANING, slide_us, NULL),
	OPTION(0, "cumulate", "DURATION", "windows grow by this much up to --size", WEIR_DURATION, WEIR_MEANING, cumulate_us, NULL),
	OPTION(0, "session", "DURATION", "not yet: windows that end with this gap", WEIR_DURATION, WEIR_MEANING, session_us, NULL),
	OPTION(0, "offset", "DURATION", "windows begin this long after a multiple of their size", WEIR_DURATION, WEIR_MEANING, offset_us, "0s"),
	OPTION(0, "tz", "ZONE", "where days and hours begin; only UTC yet", WEIR_TEXT, WEIR_MEANING, tz, "UTC"),
	OPTION(0, "by", "PATH[,PATH...]", "members that make a group", WEIR_PATHS, WEIR_MEANING | WEIR_BY_KEY, by, NULL),
	OPTION(0, "agg", "NAME=FUNCTION(PATH)", "a member of the result; may be repeated", WEIR_TEXTS, WEIR_REQUIRED | WEIR_MEANING, agg, NULL),
	OPTION(0, "wait", "DURATION", "close windows this long after their end", WEIR_DURATION, 0, wait_us, "0s"),
	OPTION(0, "late", "FILE", "where late events go; else they are rejects", WEIR_TEXT, 0, late, NULL),
	OPTION(0, "flush", NULL, "close all windows at the end of the input", WEIR_FLAG, 0, flush, NULL),
	OPTION(0, "where", "EXPRESSION", "take only events for which this jq expression is true", WEIR_TEXT, WEIR_MEANING, where_text, NULL),
	OPTION(0, "memory", "SIZE", "ceiling of the open windows", WEIR_SIZE, 0, memory_bytes, "512M"),
	{ 0 }
};

/* A result of windows_*() as a weir_code; others are one, and have been said. */
static int
told(struct weir_ctx *ctx, struct window_agg *wa, int e)
{
	struct windows_count c;

	switch (e) {
	case WINDOWS_FULL:
		if (errno == ENOMEM)		/* the system's limit, not ours */
			return weir_error(ctx, WEIR_EAGAIN, "no memory for windows");
		windows_count(wa->windows, &c);
		return weir_error(ctx, WEIR_ECONFIG, "%" PRIu64 " groups in %" PRIu64 " open windows or steps reach --memory (%" PRIu64
		    " bytes): raise it, shorten --wait, or group --by fewer members", windows_groups(wa->windows), c.panes, wa->memory_bytes);
	case WINDOWS_DAMAGED:
		return weir_error(ctx, WEIR_ESTATE, "the state does not hold windows of these options: restore the state directory, or --state-reset");
	case WINDOWS_UNBALANCED:
		return weir_error(ctx, WEIR_EBUG, "events taken, closed and open do not add up: please report this");
	default:
		return e;
	}
}

/* Tell the host what has happened since the last time. */
static void
count(struct weir_ctx *ctx, struct window_agg *wa)
{
	struct windows_count c;

	windows_count(wa->windows, &c);
	weir_gauge(ctx, "windows_open", (int64_t)c.panes);
	weir_gauge(ctx, "state_bytes", (int64_t)c.memory_bytes);
	if (c.windows == wa->counted.windows && c.partly_late == wa->counted.partly_late)
		return;
	weir_count(ctx, "windows", c.windows - wa->counted.windows);
	weir_count(ctx, "partly_late", c.partly_late - wa->counted.partly_late);
	wa->counted = c;
}

static int
wa_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	if (operand[0])
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand, '%s' given", operand[0]);
	return plan_open(ctx, self);
}

static int
wa_begin(struct weir_ctx *ctx, void *self, const struct weir_stream *s)
{
	struct window_agg *wa = self;
	int e = plan_windows(ctx, wa);

	if (e)
		return e;
	wa->framed = s->framed;
	wa->state = s->state;
	wa->seen_us = windows_watermark(wa->windows);
	if (s->framed && !*s->time)
		return weir_error(ctx, WEIR_ECONFIG, "the stream carries no event time: give kcat-in --time too");
	return 0;
}

static int
late(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, const struct lane *lane)
{
	char text[ISO_SIZE];
	const char *event;
	size_t n;
	int e;

	if (wa->late) {
		event = weir_event(ctx, b, lane->i, &n);
		e = weir_side(ctx, wa->late, event, n);
	} else {
		e = weir_reject(ctx, b, lane->i, "late", wa->time.path, "its window has closed: the watermark was at %.*s",
		    (int)iso_format(windows_watermark(wa->windows), text), text);
	}
	b->verdict[lane->i] = WEIR_LATE;
	return e;
}

static int
take(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b, const struct lane *lane)
{
	struct group *g;
	int e = windows_find(wa->windows, lane->time_us, lane->hash, lane->key, lane->key_n, &g);

	if (e == WINDOWS_LATE)
		return late(ctx, wa, b, lane);
	if (e == WINDOWS_OUTSIDE)
		return weir_reject(ctx, b, lane->i, "bad-time", wa->time.path, "its window would reach beyond the years 1 to 9999");
	for (size_t a = 0; !e && a < wa->n_aggs; a++) {
		const struct aggregate_value *v = wa->input_of[a] < 0 ? NULL : &lane->value[wa->input_of[a]];

		if (!v || v->v)			/* a missing value is not added */
			e = windows_add(wa->windows, g, a, v);
	}
	b->verdict[lane->i] = WEIR_TAKEN;
	return e ? told(ctx, wa, e) : 0;
}

/* On plain input each line comes after the time of those before it. */
int
lanes_take(struct weir_ctx *ctx, struct window_agg *wa, struct weir_batch *b)
{
	int e = 0;

	for (size_t k = 0; !e && k < wa->n_lanes; k++) {
		const struct lane *lane = &wa->lane[k];

		if (!wa->framed && (e = windows_advance(wa->windows, wa->seen_us, row_emit, wa))) {
			e = told(ctx, wa, e);
			break;
		}
		if (lane->time_us > wa->seen_us)
			wa->seen_us = lane->time_us;
		if (lane->take)
			e = take(ctx, wa, b, lane);
	}
	wa->n_lanes = wa->keys_n = 0;
	return e;
}

static int
wa_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	struct window_agg *wa = self;
	int e = 0;

	wa->ctx = ctx;
	for (uint32_t i = 0; !e && i < b->n; i++) {
		if (b->verdict[i] != WEIR_PASSED)
			continue;
		e = event_read(ctx, wa, b, i);
		if (!e && wa->n_lanes == STAGE_LANES)
			e = lanes_take(ctx, wa, b);
	}
	if (!e)
		e = lanes_take(ctx, wa, b);
	if (!e && !wa->framed)		/* what the last line closes need not wait for the next one */
		e = told(ctx, wa, windows_advance(wa->windows, wa->seen_us, row_emit, wa));
	count(ctx, wa);
	return e;
}

static int
wa_watermark(struct weir_ctx *ctx, void *self, int64_t event_time_us)
{
	struct window_agg *wa = self;
	int e;

	wa->ctx = ctx;
	e = told(ctx, wa, windows_advance(wa->windows, event_time_us, row_emit, wa));
	count(ctx, wa);
	return e;
}

static int
wa_flush(struct weir_ctx *ctx, void *self)
{
	struct window_agg *wa = self;
	int e = 0;

	wa->ctx = ctx;
	/* Plain input that leaves nothing for a next run has nothing to wait for. */
	if (wa->flush || (!wa->framed && !wa->state))
		e = told(ctx, wa, windows_flush(wa->windows, row_emit, wa));
	count(ctx, wa);
	return e ? e : told(ctx, wa, windows_balance(wa->windows));
}

/* The host's state as windows_save() and windows_load() want it. */
struct state {
	struct weir_ctx		*ctx;
	struct weir_state	*state;
	const struct window_agg	*wa;
};

static int
state_put(void *arg, const void *p, size_t n)
{
	struct state *s = arg;

	return weir_write(s->ctx, s->state, p, n);
}

static int
state_get(void *arg, void *p, size_t n)
{
	struct state *s = arg;

	return weir_read(s->ctx, s->state, p, n);
}

static int
state_key_ok(void *arg, const char *key, size_t n)
{
	struct state *s = arg;

	return n <= KEY_BYTES && key_valid(key, n, s->wa->n_by);
}

static int
wa_snapshot(struct weir_ctx *ctx, void *self, struct weir_state *state, int base)
{
	struct window_agg *wa = self;
	struct state s = { .ctx = ctx, .state = state, .wa = wa };
	int e = told(ctx, wa, windows_balance(wa->windows));

	(void)base;			/* open windows change all over: always everything */
	return e ? e : told(ctx, wa, windows_save(wa->windows, state_put, &s));
}

static int
wa_restore(struct weir_ctx *ctx, void *self, struct weir_state *state)
{
	struct window_agg *wa = self;
	struct state s = { .ctx = ctx, .state = state, .wa = wa };
	int e = plan_windows(ctx, wa);

	return e ? e : told(ctx, wa, windows_load(wa->windows, state_get, state_key_ok, &s));
}

static int
wa_holds(struct weir_ctx *ctx, void *self, char *text, size_t n)
{
	struct window_agg *wa = self;
	struct windows_count c;

	(void)ctx;
	windows_count(wa->windows, &c);
	snprintf(text, n, "%" PRIu64 " groups in %" PRIu64 " open windows or steps", windows_groups(wa->windows), c.panes);
	return 0;
}

/* An instant as a JSON string, or null. */
static const char *
instant(int64_t us, char text[ISO_SIZE + 2])
{
	size_t n;

	if (us < ISO_MIN_US || us > ISO_MAX_US)
		return "null";
	text[0] = '"';
	n = iso_format(us, text + 1);
	memcpy(text + 1 + n, "\"", 2);
	return text;
}

static int
wa_dump(struct weir_ctx *ctx, void *self, struct weir_state *state)
{
	char line[256], time[2][ISO_SIZE + 2];
	struct window_agg *wa = self;
	struct windows_count c;
	int e = wa_restore(ctx, self, state), n;

	if (e)
		return e;
	wa->ctx = ctx;
	windows_count(wa->windows, &c);
	n = snprintf(line, sizeof line, "{\"closed\":%s,\"groups\":%" PRIu64 ",\"panes\":%" PRIu64 ",\"watermark\":%s}",
	    instant(windows_closed(wa->windows), time[0]), windows_groups(wa->windows), c.panes, instant(windows_watermark(wa->windows), time[1]));
	e = weir_receipt(ctx, line, (size_t)n);
	return e ? e : told(ctx, wa, windows_each(wa->windows, row_emit, wa));
}

static void
wa_close(struct weir_ctx *ctx, void *self)
{
	struct window_agg *wa = self;

	(void)ctx;
	windows_free(wa->windows);
	expr_free(wa->where);
	buf_free(&wa->prefix);
	buf_free(&wa->row);
	free(wa->path_text);
	free(wa->lane);
	free(wa->value);
	free(wa->keys);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "window-agg", .version = "1", .summary = "aggregate events over windows of event time",
	.self_size = sizeof(struct window_agg), .opts = opts, .role = WEIR_FILTER,
	.open = wa_open, .begin = wa_begin, .process = wa_process, .watermark = wa_watermark, .flush = wa_flush,
	.snapshot = wa_snapshot, .restore = wa_restore, .close = wa_close,
	.holds = wa_holds, .dump = wa_dump,
};
