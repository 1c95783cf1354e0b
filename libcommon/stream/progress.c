#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

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

static void
stats(struct host *h, const struct progress *p)
{
	for (size_t k = 0; k < h->n; k++) {
		const struct stage *s = &h->stage[k];
		char text[512];
		int n = snprintf(text, sizeof text, "{\"stage\":\"%s\",\"seconds\":%.3f,\"in\":%" PRIu64 ",\"passed\":%" PRIu64 ",\"emitted\":%" PRIu64 ",\"filtered\":%" PRIu64
		    ",\"taken\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"late\":%" PRIu64 ",\"duplicate\":%" PRIu64 ",\"bytes_out\":%" PRIu64 "}\n", s->name,
		    (double)(h->now_us - p->began_us) / 1e6, s->total.in + s->epoch.in, s->total.verdict[WEIR_PASSED] + s->epoch.verdict[WEIR_PASSED],
		    s->total.emitted + s->epoch.emitted, s->total.verdict[WEIR_FILTERED] + s->epoch.verdict[WEIR_FILTERED],
		    s->total.verdict[WEIR_TAKEN] + s->epoch.verdict[WEIR_TAKEN], s->total.verdict[WEIR_REJECTED] + s->epoch.verdict[WEIR_REJECTED],
		    s->total.verdict[WEIR_LATE] + s->epoch.verdict[WEIR_LATE], s->total.verdict[WEIR_DUPLICATE] + s->epoch.verdict[WEIR_DUPLICATE], h->out.bytes);

		say(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
	}
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
