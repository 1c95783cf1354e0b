/*
 * dedupe - pass the first event of each key, drop the rest.
 *
 * A key lives for --ttl after its first event: event time with --time, moved
 * by watermarks; else arrival.  The set of keys is the stage's state: it is
 * part of every checkpoint, so an event that was seen before a crash is still
 * a duplicate after it.  Events without the key are rejects.  When the set
 * reaches --memory, --full decides; nothing is forgotten silently.
 *
 * On plain input no watermark comes: time is the greatest event time of the
 * lines before this one, taken line by line, so that the edges of batches
 * change nothing.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "iso.h"
#include "keys.h"
#include "seen.h"
#include "value.h"
#include "weir.h"

#define KEY_MAX		8	/* paths in --key */
#define KEY_BYTES	4096	/* of one event's key; longer ones are rejects */

struct dedupe {
	/* options */
	struct weir_list	*key;
	struct weir_time	 time;
	int			 pass_without_key;
	const char		*dropped;
	int64_t			 ttl_us;
	uint64_t		 memory_bytes;
	int			 full;			/* enum seen_full */
	/* state */
	struct seen		*seen;
	int64_t			 greatest_us;		/* event time of the lines before, on plain input */
	uint64_t		 n_stale, n_evicted;	/* as counted so far */
	int			 key_col[KEY_MAX], time_col;
	int			 framed, had_time, told_full;
};

static const struct weir_opt opts[] = {
	{ 'k', "key", "PATH[,PATH...]", "members that identify an event", WEIR_PATHS, WEIR_REQUIRED | WEIR_MEANING | WEIR_BY_KEY, offsetof(struct dedupe, key), NULL },
	{ 0, "time", "PATH[:UNIT]", "event time, for --ttl; without it arrival counts", WEIR_TIME, WEIR_MEANING, offsetof(struct dedupe, time), NULL },
	{ 0, "ttl", "DURATION", "how long a key is remembered", WEIR_DURATION, 0, offsetof(struct dedupe, ttl_us), "24h" },
	{ 0, "memory", "SIZE", "ceiling of the set of keys", WEIR_SIZE, 0, offsetof(struct dedupe, memory_bytes), "512M" },
	{ 0, "full", "fail|evict-oldest", "what to do at the ceiling", WEIR_CHOICE, 0, offsetof(struct dedupe, full), "fail" },
	{ 0, "no-key", "reject|pass", "what to do with an event without the key", WEIR_CHOICE, 0, offsetof(struct dedupe, pass_without_key), "reject" },
	{ 0, "dropped", "FILE", "write the duplicates to FILE", WEIR_TEXT, 0, offsetof(struct dedupe, dropped), NULL },
	{ 0 }
};

static int
dedupe_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct dedupe *d = self;

	if (operand[0])
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand, '%s' given: events come on standard input", operand[0]);
	if (d->key->n > KEY_MAX)
		return weir_error(ctx, WEIR_EUSAGE, "--key takes at most %d paths, %zu given", KEY_MAX, d->key->n);
	if (d->ttl_us <= 0)
		return weir_error(ctx, WEIR_EUSAGE, "--ttl must be more than 0");
	if (d->memory_bytes < SEEN_MIN_BYTES)
		return weir_error(ctx, WEIR_EUSAGE, "--memory is at least %" PRIu64 "M", SEEN_MIN_BYTES >> 20);
	for (size_t k = 0; k < d->key->n; k++)
		if ((d->key_col[k] = weir_want(ctx, d->key->item[k])) < 0)
			return d->key_col[k];
	if (d->time.path && (d->time_col = weir_want(ctx, d->time.path)) < 0)
		return d->time_col;
	d->greatest_us = SEEN_NO_WATERMARK;
	if (!(d->seen = seen_new(weir_seed(ctx), d->ttl_us, d->memory_bytes, d->full)))
		return weir_error(ctx, WEIR_EAGAIN, "no memory for the set of keys: lower --memory");
	return 0;
}

static int
dedupe_begin(struct weir_ctx *ctx, void *self, const struct weir_stream *stream)
{
	struct dedupe *d = self;

	d->framed = stream->framed;
	if (d->framed && d->time.path && !*stream->time)
		return weir_error(ctx, WEIR_ECONFIG, "--time %s, but the stream has no watermarks: give the source --time too (kcat-in --time %s)",
		    d->time.path, d->time.path);
	return 0;
}

/* The time of event i into key->time_us.  1, or 0 when it has none (rejected), or an error. */
static int
dedupe_time(struct weir_ctx *ctx, struct dedupe *d, struct weir_batch *b, uint32_t i, struct seen_key *key)
{
	const struct weir_value *v;

	if (!d->time.path) {
		key->time_us = weir_now(ctx);
		return 1;
	}
	v = &b->col[d->time_col][i];
	if (value_time(v, d->time.unit, &key->time_us) == 0) {
		if (!d->framed && key->time_us > d->greatest_us)
			d->greatest_us = key->time_us;
		d->had_time = 1;
		return 1;
	}
	if (v->kind == WEIR_NUMBER && d->time.unit == WEIR_UNIT_ISO && !d->had_time)
		return weir_error(ctx, WEIR_ECONFIG, "%s is a number (%.*s): say its unit, as in --time %s:ms", d->time.path,
		    v->n < 40 ? (int)v->n : 40, v->p, d->time.path);
	if (v->kind == WEIR_ABSENT)
		return weir_reject(ctx, b, i, "no-time", d->time.path, "%s is missing", d->time.path);
	return weir_reject(ctx, b, i, "bad-time", d->time.path, d->time.unit == WEIR_UNIT_ISO ?
	    "%s is no ISO 8601 time with a zone, of the years 1 to 9999" : "%s is no number of the unit, of the years 1 to 9999", d->time.path);
}

/* Key and time of event i.  1, or 0 when the event has no part in the set (rejected, or passed as it is), or an error. */
static int
dedupe_key(struct weir_ctx *ctx, struct dedupe *d, struct weir_batch *b, uint32_t i, struct seen_key *key)
{
	char buf[KEY_BYTES];
	size_t n = 0;

	for (size_t k = 0; k < d->key->n; k++) {
		const struct weir_value *v = &b->col[d->key_col[k]][i];

		if (v->kind == WEIR_ABSENT || v->kind == WEIR_NULL) {
			if (d->pass_without_key)
				return 0;
			return weir_reject(ctx, b, i, "no-key", d->key->item[k], "%s is %s", d->key->item[k],
			    v->kind == WEIR_NULL ? "null" : "missing");
		}
		if (v->n + 1 > sizeof buf - n)
			return weir_reject(ctx, b, i, "long-key", d->key->item[k], "the key is longer than %d bytes", KEY_BYTES);
		n += value_plain(v, buf + n);	/* "\u0061" and "a" are one key */
		buf[n++] = '\n';		/* cannot occur in a literal of one line: keys cannot run together */
	}
	seen_hash(d->seen, buf, n, key);
	return dedupe_time(ctx, d, b, i, key);
}

/* Event i is a duplicate. */
static int
dedupe_drop(struct weir_ctx *ctx, struct dedupe *d, struct weir_batch *b, uint32_t i)
{
	const char *json;
	size_t n;
	int e = 0;

	if (d->dropped) {
		json = weir_event(ctx, b, i, &n);
		e = weir_side(ctx, d->dropped, json, n);
	}
	b->verdict[i] = WEIR_DUPLICATE;
	return e;
}

/* What the set did behind the scenes, for the statistics and, the first time, for the user. */
static void
dedupe_count(struct weir_ctx *ctx, struct dedupe *d)
{
	uint64_t stale = seen_stale(d->seen), evicted = seen_evicted(d->seen);

	weir_gauge(ctx, "keys", (int64_t)seen_count(d->seen));
	weir_gauge(ctx, "state_bytes", (int64_t)seen_bytes(d->seen));
	if (stale != d->n_stale)
		weir_count(ctx, "stale", stale - d->n_stale);
	if (evicted != d->n_evicted) {
		weir_count(ctx, "evicted", evicted - d->n_evicted);
		if (!d->told_full)
			weir_warn(ctx, "%" PRIu64 " keys fill --memory: the oldest are forgotten before --ttl", seen_room(d->seen));
		d->told_full = 1;
	}
	d->n_stale = stale;
	d->n_evicted = evicted;
}

static int
dedupe_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	struct seen_key key[SEEN_LANES];
	uint32_t event[SEEN_LANES];
	struct dedupe *d = self;
	int e = 0;

	if (!d->time.path)
		seen_expire(d->seen, weir_now(ctx));
	for (uint32_t i = 0; i < b->n; ) {
		uint64_t old;
		size_t n = 0;

		for (; i < b->n && n < SEEN_LANES; i++) {
			if (b->verdict[i] != WEIR_PASSED)
				continue;
			key[n].watermark_us = d->greatest_us;	/* of the lines before this one */
			if ((e = dedupe_key(ctx, d, b, i, &key[n])) < 0)
				return e;
			event[n] = i;
			n += (size_t)e;
		}
		if (seen_add(d->seen, key, n, &old) < 0)
			return weir_error(ctx, WEIR_ECONFIG, "%" PRIu64 " keys live and --memory is reached: raise it, shorten --ttl, or say --full evict-oldest",
			    seen_count(d->seen));
		for (; old; old &= old - 1)
			if ((e = dedupe_drop(ctx, d, b, event[__builtin_ctzll(old)])) < 0)
				return e;
	}
	dedupe_count(ctx, d);
	return 0;
}

static int
dedupe_watermark(struct weir_ctx *ctx, void *self, int64_t event_time_us)
{
	struct dedupe *d = self;

	(void)ctx;
	if (d->time.path)
		seen_expire(d->seen, event_time_us);
	return 0;
}

static int
dedupe_snapshot(struct weir_ctx *ctx, void *self, struct weir_state *state, int base)
{
	struct dedupe *d = self;

	return base ? keys_save(ctx, state, d->seen, d->greatest_us) : keys_save_new(ctx, state, d->seen, d->greatest_us);
}

static int
dedupe_holds(struct weir_ctx *ctx, void *self, char *text, size_t n)
{
	const struct dedupe *d = self;

	(void)ctx;
	snprintf(text, n, "%" PRIu64 " keys", seen_count(d->seen));
	return 0;
}

static int
dedupe_restore(struct weir_ctx *ctx, void *self, struct weir_state *state)
{
	struct dedupe *d = self;

	return keys_load(ctx, state, d->seen, &d->greatest_us);
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
dedupe_dump(struct weir_ctx *ctx, void *self, struct weir_state *state)
{
	char line[256], time[3][ISO_SIZE + 2];
	struct keys_reader r;
	struct seen_key key;
	int e = keys_open(&r, ctx, state), n;

	(void)self;
	if (e <= 0)
		return e;
	n = snprintf(line, sizeof line, "{\"floor\":%s,\"greatest\":%s,\"keys\":%" PRIu64 ",\"watermark\":%s}", instant(r.clock.floor_us, time[0]),
	    instant(r.greatest_us, time[1]), r.n, instant(r.clock.watermark_us, time[2]));
	if ((e = weir_receipt(ctx, line, (size_t)n)))
		return e;
	while ((e = keys_next(&r, &key)) > 0) {
		n = snprintf(line, sizeof line, "{\"key\":\"%016" PRIx64 "%012" PRIx64 "\",\"time\":%s}", key.hi, key.lo >> 16, instant(key.time_us, time[0]));
		if ((e = weir_emit(ctx, line, (size_t)n)))
			break;
	}
	return e;
}

static void
dedupe_close(struct weir_ctx *ctx, void *self)
{
	struct dedupe *d = self;

	(void)ctx;
	seen_free(d->seen);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "dedupe", .version = "1", .summary = "pass the first event of each key",
	.self_size = sizeof(struct dedupe), .opts = opts, .role = WEIR_FILTER,
	.open = dedupe_open, .begin = dedupe_begin, .process = dedupe_process, .watermark = dedupe_watermark,
	.snapshot = dedupe_snapshot, .restore = dedupe_restore, .close = dedupe_close,
	.deltas = 1, .holds = dedupe_holds, .dump = dedupe_dump,
};
