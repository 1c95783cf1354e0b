#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "emit.h"
#include "host.h"
#include "human.h"
#include "progress.h"

#define REDRAW_US	170000	/* at most 6 times a second */
#define FIRST_US	500000	/* a run shorter than this has no line */
#define WINDOW_US	3000000	/* rates are over the last one to two of these */
#define LINE_MAX_BYTES	512

struct progress {
	int64_t			began_us, drawn_us, stats_us, every_us;	/* monotonic */
	uint64_t		input_bytes;	/* of a regular file on standard input, 0: it is none */
	int			line, may;	/* a line stands there; one may */
	int			source_dir;	/* the folder of statistics, where a source in another process is; -1 */
	char			source[96];	/* and its name */
	/* Two instants, for rates: the older one is at least a window ago. */
	int64_t			at_us[2];
	uint64_t		at_events[2], at_bytes[2];
};

/* What the line tells. */
struct view {
	uint64_t	events, bytes, rejected;
	int64_t		lag, lag_us, left;	/* STATS_NONE: not known */
};

static void	idle(void *);

/* Is it this process whose line is shown?  One whose output goes on to another stage leaves it to that one, and events on the terminal
 * are no place for a line. */
static int
may_draw(const struct host *h)
{
	const struct common *c = &h->stage[0].common;
	struct stat st;

	if (c->quiet || c->json_log || (getenv("WEIR_LAST") && !getenv("WEIR_SUMMARY")) || !isatty(2))	/* weir run -q sets no WEIR_SUMMARY */
		return 0;
	if (h->stream.shard && atoi(h->stream.shard))		/* the first shard's line stands for all: there is one place */
		return 0;
	if (h->sink)
		return 1;
	return !h->framed_out && fstat(1, &st) == 0 && S_ISREG(st.st_mode);
}

/* A source in another process tells its lag in the state directory. */
static void
find_source(const struct host *h, struct progress *p)
{
	struct fail f;
	size_t n;

	if (h->source || !h->state || !(n = strcspn(h->stream.chain, ":")) || n >= sizeof p->source)
		return;
	memcpy(p->source, h->stream.chain, n);
	p->source[n] = '\0';
	p->source_dir = state_stats(h->state, &f);
}

/* --stats of the stage that wants it most often; 0: none does. */
static int64_t
every_us(const struct host *h)
{
	int64_t least = 0;

	for (size_t k = 0; k < h->n; k++) {
		const char *text = h->stage[k].common.stats;
		double s = text ? strtod(text, NULL) : 0;

		if (s > 0 && s < 1e9 && (!least || s * 1e6 < (double)least))
			least = (int64_t)(s * 1e6) + 1;
	}
	return least;
}

static struct progress *
progress_of(struct host *h)
{
	static struct progress p;	/* of this process: there is one standard error */

	if (!p.began_us) {
		struct stat st;

		p.began_us = p.stats_us = p.at_us[0] = p.at_us[1] = h->meter.now_us ? h->meter.now_us : 1;
		p.every_us = every_us(h);
		p.may = may_draw(h);
		p.source_dir = -1;
		if (p.may)
			find_source(h, &p);
		if (!h->source && fstat(0, &st) == 0 && S_ISREG(st.st_mode))
			p.input_bytes = (uint64_t)st.st_size;
		if (p.may || p.every_us) {	/* nobody else pays for being told */
			h->meter.idle = idle;
			h->meter.idle_arg = h;
		}
	}
	return &p;
}

static void
say(const char *text, size_t n)
{
	if (write(2, text, n) < 0)
		return;		/* nobody looks */
}

/* ---- --stats ---- */

static void
stats(struct host *h, const struct progress *p)
{
	struct buf b = { 0 };

	for (size_t k = 0; k < h->meter.n; k++) {
		b.n = 0;
		if (h->stage[k].common.stats && !buf_putc(&b, '{') && !stats_json(h->meter.page[k], (double)(h->meter.now_us - p->began_us) / 1e6, &b) && !buf_puts(&b, "}\n"))
			say(b.p, b.n);
	}
	buf_free(&b);
}

/* ---- the line ---- */

static void
look(struct host *h, const struct progress *p, struct view *v)
{
	const struct stats_page *first = h->meter.page[0];
	struct stats_page other;
	struct fail f;

	*v = (struct view){ 0 };
	if (p->source_dir >= 0 && stats_read(p->source_dir, p->source, &other, &f) == 0 && !strcmp(other.run, h->run))
		first = &other;
	v->events = (uint64_t)(stats_get(first, STATS_IN) + (first->role == WEIR_SOURCE ? stats_get(first, STATS_EMITTED) : 0));
	v->bytes = (uint64_t)stats_get(first, first->role == WEIR_SOURCE ? STATS_BYTES_OUT : STATS_BYTES_IN);
	v->lag = stats_find(first->gauge, "lag_events");
	v->lag_us = stats_find(first->gauge, "lag_us");
	v->left = stats_find(first->gauge, "left_events");
	for (size_t k = 0; k < h->meter.n; k++)
		v->rejected += (uint64_t)stats_get(h->meter.page[k], STATS_REJECTED);
	for (size_t i = 0; ; i++) {		/* the processes before this one, as far as barriers have told */
		const char *name;
		const json_t *e = account_stage(h->total, i, &name);

		if (!e || i + h->n >= json_object_size(h->total))
			break;
		v->rejected += account_count(e, "rejected");
	}
}

/* Part of the line, if it fits in. */
static void __attribute__((format(printf, 4, 5)))
part(char *line, size_t *n, size_t width, const char *fmt, ...)
{
	char text[160];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	len = strlen(text);
	if (*n + 2 + len > width || *n + 2 + len >= LINE_MAX_BYTES)
		return;
	*n += (size_t)sprintf(line + *n, "%s%s", *n ? "  " : "", text);
}

static void
put_rest(const struct progress *p, const struct view *v, double rate, uint64_t fed, char *line, size_t *n, size_t width)
{
	char a[HUMAN_SIZE], b[HUMAN_SIZE];
	double done = -1, left_s = -1;

	if (v->left != STATS_NONE && v->events) {
		done = (double)v->events / (double)(v->events + (uint64_t)v->left);
		left_s = rate > 0 ? (double)v->left / rate : -1;
	} else if (p->input_bytes && fed) {
		done = (double)fed / (double)p->input_bytes;
		left_s = rate > 0 && v->events ? (1 - done) * (double)v->events / done / rate : -1;
	}
	if (done >= 0 && left_s >= 0)
		part(line, n, width, "%.0f %%, %s left", done > 1 ? 100 : done * 100, human_span(left_s, a));
	else if (done >= 0)
		part(line, n, width, "%.0f %%", done > 1 ? 100 : done * 100);
	else if (v->lag != STATS_NONE && v->lag_us > 0)
		part(line, n, width, "lag %s (%s)", human_count((double)v->lag, a), human_span((double)v->lag_us / 1e6, b));
	else if (v->lag != STATS_NONE)
		part(line, n, width, "lag %s", human_count((double)v->lag, a));
}

static int
columns(void)
{
	struct winsize w;

	return ioctl(2, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

static void
put_epoch(const struct host *h, char *line, size_t *n, size_t width)
{
	const struct stats_page *mine = h->meter.page[h->n - 1];
	int64_t at = stats_get(mine, STATS_COMMIT_US), age = h->now_us - stats_get(mine, STATS_EPOCH_US);
	char text[64] = "", clock[16];
	time_t t = (time_t)(at / 1000000);
	struct tm tm;

	if (!h->stream.framed)
		return;
	if (at != STATS_NONE && localtime_r(&t, &tm) && strftime(clock, sizeof clock, "%H:%M:%S", &tm))
		snprintf(text, sizeof text, ", last commit %s", clock);
	if (*n + strlen(text) + 32 > width)
		text[0] = '\0';
	part(line, n, width, "epoch %" PRIu64 ", %.1f s old%s", h->id, age > 0 ? (double)age / 1e6 : 0, text);
}

static void
draw(struct host *h, struct progress *p)
{
	const char *name = *h->stream.pipe ? h->stream.pipe : h->stage[h->n - 1].name;
	size_t n = 0, width = (size_t)columns() - 1;
	char line[LINE_MAX_BYTES + 8] = "", a[HUMAN_SIZE];
	struct view v;
	double s, rate;

	look(h, p, &v);
	s = (double)(h->meter.now_us - p->at_us[0]) / 1e6;
	rate = s > 0 && v.events > p->at_events[0] ? (double)(v.events - p->at_events[0]) / s : 0;
	for (const char *c = name; *c && n < 40; c++)		/* a name must not steer the terminal */
		line[n++] = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
	if (h->stream.framed && strcmp(h->stream.shard, "0/1") && *h->stream.shard)
		part(line, &n, width, "shard %s", h->stream.shard);
	part(line, &n, width, "%s events", human_count((double)v.events, a));
	part(line, &n, width, "%s/s", human_count(rate, a));
	part(line, &n, width, "%.0f MB/s", s > 0 && v.bytes > p->at_bytes[0] ? (double)(v.bytes - p->at_bytes[0]) / s / 1e6 : 0);
	put_rest(p, &v, rate, h->in.bytes, line, &n, width);
	part(line, &n, width, "rejected %.*f %%", v.rejected ? 2 : 0, v.events ? 100 * (double)v.rejected / (double)v.events : 0);
	put_epoch(h, line, &n, width);
	if (h->meter.now_us - p->at_us[1] >= WINDOW_US) {
		p->at_us[0] = p->at_us[1], p->at_events[0] = p->at_events[1], p->at_bytes[0] = p->at_bytes[1];
		p->at_us[1] = h->meter.now_us, p->at_events[1] = v.events, p->at_bytes[1] = v.bytes;
	}
	if (tcgetpgrp(2) != getpgrp())		/* in the background it would write over what is in front */
		return;
	memmove(line + 1, line, n);
	line[0] = '\r';
	memcpy(line + n + 1, "\033[K", 3);
	p->line = 1;
	say(line, n + 4);
}

/* Everything that is due. */
static void
due(struct host *h, struct progress *p)
{
	int64_t now = h->meter.now_us;

	if (p->every_us && now - p->stats_us >= p->every_us) {
		p->stats_us = now;
		progress_clear(h);
		stats(h, p);
	}
	if (p->may && now - p->drawn_us >= REDRAW_US && now - p->began_us > FIRST_US) {
		p->drawn_us = now;
		draw(h, p);
	}
}

static void
idle(void *arg)
{
	struct host *h = arg;

	host_tick(h);
	meter_tick(h);
	due(h, progress_of(h));
}

void
progress_tick(struct host *h)
{
	struct progress *p = progress_of(h);

	meter_tick(h);
	if (p->may || p->every_us)
		due(h, p);
}

void
progress_clear(struct host *h)
{
	struct progress *p;

	if (!h->meter.idle)		/* there is none, and may be never */
		return;
	p = progress_of(h);
	if (p->line)
		say("\r\033[K", 4);
	p->line = 0;
}

/* ---- the end ---- */

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

	progress_clear(h);
	host_tick(h);
	h->meter.cpu_at_us = 0;
	meter_tick(h);
	if (p->every_us)
		stats(h, p);
	p->may = 0;		/* what stages say from now on stays */
	if (p->source_dir >= 0)
		close(p->source_dir);
	meter_close(h, code);
	if (!code && h->stream.framed && !h->framed_out && getenv("WEIR_SUMMARY"))
		summary(h);
}
