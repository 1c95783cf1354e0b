#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "emit.h"
#include "host.h"
#include "progress.h"

#define REDRAW_US	170000	/* at most 6 times a second */
#define LOOK_EVERY	16	/* batches between looks at the clock */

struct progress {
	int64_t		began_us, drawn_us, stats_us, every_us;
	uint64_t	ticks;
	int		line, on;
};

static struct progress *
progress_of(struct host *h)
{
	static struct progress p;	/* of this process: there is one standard error */

	if (!p.began_us) {
		const struct common *c = &h->stage[0].common;
		double seconds = c->stats ? strtod(c->stats, NULL) : 0;

		p.began_us = h->now_us;
		p.every_us = seconds > 0 ? (int64_t)(seconds * 1e6) : 0;
		p.on = !c->quiet && isatty(2) && tcgetpgrp(2) == getpgrp() && (h->sink || !getenv("WEIR_RUN"));
	}
	return &p;
}

static uint64_t
events(const struct host *h, uint64_t *rejected)
{
	uint64_t n = 0;

	*rejected = 0;
	for (size_t k = 0; k < h->n; k++) {
		const struct stage *s = &h->stage[k];

		if (!k)
			n = s->total.in + s->epoch.in + (s->is->role == WEIR_SOURCE ? s->total.emitted + s->epoch.emitted : 0);
		*rejected += s->total.verdict[WEIR_REJECTED] + s->epoch.verdict[WEIR_REJECTED];
	}
	return n;
}

static void
say(const char *text, size_t n)
{
	if (write(2, text, n) < 0)
		return;		/* nobody looks */
}

/* One line of a stage: what became of its events, and what it counts itself. */
static int
stats_line(const struct host *h, const struct stage *s, int64_t began_us, struct buf *b)
{
	static const char *const verdict[WEIR_N_VERDICTS] = { "passed", "filtered", "taken", "rejected", "late", "duplicate" };
	int e;

	e = buf_printf(b, "{\"stage\":\"%s\",\"seconds\":%.3f,\"in\":%" PRIu64 ",\"emitted\":%" PRIu64, s->name, (double)(h->now_us - began_us) / 1e6,
	    s->total.in + s->epoch.in, s->total.emitted + s->epoch.emitted);
	for (int v = 0; v < WEIR_N_VERDICTS; v++)
		e |= buf_printf(b, ",\"%s\":%" PRIu64, verdict[v], s->total.verdict[v] + s->epoch.verdict[v]);
	e |= buf_printf(b, ",\"bytes_out\":%" PRIu64, h->out.bytes);
	for (size_t i = 0; i < s->n_counters; i++)
		e |= buf_puts(b, i ? "," : ",\"counters\":{") | emit_string(b, s->counter[i].name, strlen(s->counter[i].name)) |
		    buf_printf(b, ":%" PRIu64, s->counter[i].n);
	return e | buf_puts(b, s->n_counters ? "}}\n" : "}\n");
}

static void
stats(struct host *h, const struct progress *p)
{
	struct buf b = { 0 };

	for (size_t k = 0; k < h->n; k++) {
		b.n = 0;
		if (stats_line(h, &h->stage[k], p->began_us, &b) == 0)
			say(b.p, b.n);
	}
	buf_free(&b);
}

void
progress_tick(struct host *h)
{
	struct progress *p = progress_of(h);

	if ((!p->on && !p->every_us) || p->ticks++ % LOOK_EVERY)
		return;
	if (p->every_us && h->now_us - p->stats_us >= p->every_us) {
		p->stats_us = h->now_us;
		stats(h, p);
	}
	if (p->on && h->now_us - p->drawn_us >= REDRAW_US && h->now_us - p->began_us > 500000) {
		double s = (double)(h->now_us - p->began_us) / 1e6;
		uint64_t rejected, n = events(h, &rejected);
		char text[256];
		int k = snprintf(text, sizeof text, "\r\033[K%s  %.2f M events  %.2f M/s  rejected %" PRIu64 "  epoch %" PRIu64, h->stage[h->n - 1].name, (double)n / 1e6,
		    (double)n / 1e6 / s, rejected, h->id);

		p->drawn_us = h->now_us;
		p->line = 1;
		say(text, (size_t)k);
	}
}

/* 1234567 as "1,234,567". */
static const char *
grouped(uint64_t v, char *text)
{
	char digit[32];
	int n = snprintf(digit, sizeof digit, "%" PRIu64, v), o = 0;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text[o++] = ',';
		text[o++] = digit[i];
	}
	text[o] = '\0';
	return text;
}

static void
summary(struct host *h)
{
	static const char *const what[] = { "emitted", "passed", "taken", "filtered", "rejected", "late", "duplicate" };
	static const char *const word[] = { "in", "passed", "taken", "filtered", "rejected", "late", "duplicates" };
	const json_t *e;
	const char *name;

	for (size_t i = 0; (e = account_stage(h->total, i, &name)); i++) {
		char line[512], number[48];
		int n = snprintf(line, sizeof line, "  %-12s", name);

		for (size_t w = 0; w < sizeof what / sizeof *what; w++) {
			uint64_t v = account_count(e, what[w]);
			const char *say_it = w == 0 && i ? "new" : word[w];

			if (v)
				n += snprintf(line + n, sizeof line - (size_t)n, "%12s %s", grouped(v, number), say_it);
		}
		n += snprintf(line + n, sizeof line - (size_t)n, "\n");
		say(line, (size_t)n);
	}
}

void
progress_end(struct host *h, int code)
{
	struct progress *p = progress_of(h);

	if (p->line)
		say("\r\033[K", 4);
	host_tick(h);
	if (p->every_us)
		stats(h, p);
	if (!code && h->stream.framed && !h->framed_out && getenv("WEIR_SUMMARY"))
		summary(h);
}
