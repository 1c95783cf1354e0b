/*
 * reject.c - events that are no good: where they go, and when they are too many.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "emit.h"
#include "host.h"
#include "value.h"

#define SHOWN		20		/* on standard error, when there is no file for them */
#define FREE_REJECTS	20		/* a share is not looked at below so many */
#define LOOK_EVERY	100000		/* events */
#define SOURCE_MEMBER	",\"source\":"
#define SHOWN_BYTES	200		/* of an event in a message */

struct side *
host_side(struct host *h, const char *path)
{
	for (size_t i = 0; i < h->n_sides; i++)
		if (!strcmp(side_path(h->side[i]), path))
			return h->side[i];
	if (h->n_sides == HOST_SIDES) {
		fail(&h->fail, WEIR_ECONFIG, "more than %d files beside the stream", HOST_SIDES);
		return NULL;
	}
	if (side_open(path, &h->side[h->n_sides], &h->fail) < 0)
		return NULL;
	return h->side[h->n_sides++];
}

int
host_sides_sync(struct host *h)
{
	for (size_t i = 0; i < h->n_sides; i++)
		if (side_sync(h->side[i], &h->fail) < 0)
			return host_fail(h);
	return 0;
}

static int
no_memory(struct host *h)
{
	return fail(&h->fail, WEIR_EAGAIN, "no memory for a reject"), host_fail(h);
}

/* The file of a stage's rejects, opened when the first one comes; NULL with no error when there is none. */
static int
rejects_file(struct stage *s)
{
	struct host *h = s->host;
	struct buf path = { 0 };
	int e = 0;

	if (s->rejects)
		return 0;
	if (s->common.rejects)
		s->rejects = host_side(h, s->common.rejects);
	else if (!h->state)
		return 0;
	else if ((e = state_rejects_path(h->state, s->name, &path, &h->fail)) == 0)
		s->rejects = host_side(h, path.p);
	buf_free(&path);
	return s->rejects ? 0 : host_fail(h);
}

/* The event's origin, as far as the stream says where to find it. */
static int
put_source(struct host *h, struct buf *b, const char *event, size_t n)
{
	static const char *const part[] = { "offset", "partition", "timestamp", "topic" };
	const char *open = SOURCE_MEMBER "{";
	struct weir_value key, value, pk, pv;
	size_t at = 0, meta_n = strlen(h->stream.meta);
	int e = 0, any = 0;

	if (!meta_n || !n)
		return 0;
	while (*event != '{' && n) {
		event++;
		n--;
	}
	while (scan_next(event, n, &at, &key, &value)) {
		size_t in = 0;

		if (key.n != meta_n + 2 || memcmp(key.p + 1, h->stream.meta, meta_n) || value.kind != WEIR_OBJECT)
			continue;
		while (scan_next(value.p, value.n, &in, &pk, &pv))
			for (size_t k = 0; k < sizeof part / sizeof *part; k++)
				if (pk.n == strlen(part[k]) + 2 && !memcmp(pk.p + 1, part[k], pk.n - 2)) {
					e |= buf_puts(b, any++ ? "," : open);
					e |= buf_put(b, pk.p, pk.n);
					e |= buf_putc(b, ':');
					e |= buf_put(b, pv.p, pv.n);
				}
	}
	return any ? e | buf_putc(b, '}') : e;
}

/* Remember what kind it is, and where the first one came from. */
static void
note_kind(struct stage *s, const char *code, const char *path, const char *message, const char *source, const char *event, size_t n)
{
	struct reject_kinds *k = &s->kinds;
	struct host *h = s->host;
	char text[sizeof k->kind->text], where[96] = "";
	json_t *o;

	if (!*k->first) {
		h->scratch.n = 0;
		if (!source && put_source(h, &h->scratch, event, n) == 0 && h->scratch.n && buf_putc(&h->scratch, '\0') == 0)
			source = h->scratch.p + strlen(SOURCE_MEMBER);
		if (source && (o = json_loads(source, 0, NULL))) {
			snprintf(where, sizeof where, "%s/%" JSON_INTEGER_FORMAT "@%" JSON_INTEGER_FORMAT ": ", json_string_value(json_object_get(o, "topic")),
			    json_integer_value(json_object_get(o, "partition")), json_integer_value(json_object_get(o, "offset")));
			json_decref(o);
		} else if (!h->framed_in && !h->source && h->line_no) {
			snprintf(where, sizeof where, "line %" PRIu64 ": ", h->line_no);
		}
		snprintf(k->first, sizeof k->first, "%s%s%s%s", where, path ? path : "", path && *path ? ": " : "", message);
	}
	snprintf(text, sizeof text, "%s%s%s", path ? path : "", path && *path ? " " : "", code);
	for (size_t i = 0; i < HOST_KINDS; i++) {
		if (!k->kind[i].n)
			memcpy(k->kind[i].text, text, sizeof text);
		else if (strcmp(k->kind[i].text, text))
			continue;
		k->kind[i].n++;
		return;
	}
}

int
host_reject(struct stage *s, const char *code, const char *path, const char *message, const char *source, const char *event, size_t n, int raw)
{
	struct host *h = s->host;
	struct buf *b = &h->scratch;
	int e = 0;

	note_kind(s, code, path, message, source, raw ? NULL : event, raw ? 0 : n);
	if (rejects_file(s) < 0)
		return h->fail.code;
	if (!s->rejects) {
		char text[1024], shown[SHOWN_BYTES];

		if (s->rejects_shown++ >= SHOWN || s->common.quiet)
			return 0;
		for (size_t i = 0; i < SHOWN_BYTES && i < n; i++)	/* a NUL would end the message */
			shown[i] = event[i] ? event[i] : ' ';
		snprintf(text, sizeof text, "rejected (%s)%s%s: %s: %.*s%s", code, path && *path ? " " : "", path ? path : "", message,
		    n > SHOWN_BYTES ? SHOWN_BYTES : (int)n, shown, n > SHOWN_BYTES ? "..." : "");
		host_say(s, "reject", text);
		return 0;
	}
	b->n = 0;
	e |= buf_puts(b, "{\"stage\":");
	e |= emit_text(b, s->name);
	e |= buf_puts(b, ",\"code\":");
	e |= emit_text(b, code);
	if (path) {
		e |= buf_puts(b, ",\"path\":");
		e |= emit_text(b, path);
	}
	e |= buf_puts(b, ",\"message\":");
	e |= emit_text(b, message);
	e |= buf_puts(b, ",\"run\":");
	e |= emit_text(b, h->run);
	e |= buf_printf(b, ",\"epoch\":\"%" PRIu64 "\"", h->id);
	if (source) {
		e |= buf_puts(b, ",\"source\":");
		e |= buf_puts(b, source);
	} else if (!raw && *h->stream.meta) {
		e |= put_source(h, b, event, n);
	} else if (!h->framed_in && !h->source && h->line_no) {
		e |= buf_printf(b, ",\"line\":%" PRIu64, h->line_no);
	}
	if (raw) {
		e |= buf_puts(b, ",\"raw_base64\":");
		e |= emit_base64(b, event, n);
	} else {
		e |= buf_puts(b, ",\"event\":");
		e |= buf_put(b, event, n);
	}
	e |= buf_putc(b, '}');
	if (e)
		return no_memory(h);
	return side_line(s->rejects, b->p, b->n, &h->fail) < 0 ? host_fail(h) : 0;
}

/* Over --max-rejects?  0, or WEIR_EDATA. */
static int
check(struct stage *s)
{
	uint64_t n = s->epoch.verdict[WEIR_REJECTED], of = s->epoch.in + s->epoch.emitted, limit;
	const char *text = s->common.max_rejects;
	size_t len = strlen(text);
	struct host *h = s->host;
	char number[32];
	int share = len && text[len - 1] == '%';
	double percent = 0;
	size_t most = 0;
	char *end;

	if (len >= sizeof number)
		len = 0;
	memcpy(number, text, len - (size_t)share);
	number[len - (size_t)share] = '\0';
	if (share) {
		percent = strtod(number, &end);
		if (end == number || *end || !(percent >= 0 && percent <= 100))
			return fail(&h->fail, WEIR_EUSAGE, "--max-rejects takes a number or a share such as 5%%, not '%s'", text), host_fail(h);
		if (n < FREE_REJECTS && percent > 0)
			return 0;
		limit = (uint64_t)((double)of * percent / 100);
	} else if (opt_count(number, &limit) < 0) {
		return fail(&h->fail, WEIR_EUSAGE, "--max-rejects takes a number or a share such as 5%%, not '%s'", text), host_fail(h);
	}
	if (n <= limit)
		return 0;
	for (size_t i = 1; i < HOST_KINDS; i++)
		if (s->kinds.kind[i].n > s->kinds.kind[most].n)
			most = i;
	fail(&h->fail, WEIR_EDATA, "%" PRIu64 " of %" PRIu64 " events rejected (%.1f %%), more than --max-rejects %s; first: %s; most common: %" PRIu64 " x %s%s%s; nothing "
	    "of this epoch is committed", n, of, of ? 100.0 * (double)n / (double)of : 0, text, s->kinds.first, s->kinds.kind[most].n, s->kinds.kind[most].text,
	    s->rejects ? "; all of them: " : "", s->rejects ? side_path(s->rejects) : "");
	host_say(s, "error", h->fail.text);
	h->said = 1;
	return WEIR_EDATA;
}

int
host_check_rejects(struct host *h)
{
	h->n_events = 0;
	for (size_t k = 0; k < h->n; k++)
		if (check(&h->stage[k]) < 0)
			return h->fail.code;
	return 0;
}
