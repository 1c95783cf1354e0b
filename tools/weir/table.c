#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "human.h"
#include "table.h"
#include "weir.h"

#define LINE_BYTES	1024
#define WAITS		0.5	/* a process that waits more than this share of the time is said to */

/* What a stage did between the two looks. */
struct rates {
	int	known;
	double	events, bytes, busy;		/* per second */
	double	cpu, input, output;		/* of the process */
};

static int64_t
get(const struct watch_row *r, enum stats_word w)
{
	int64_t v = stats_get(&r->page, w);

	return v == STATS_NONE ? 0 : v;
}

static const char *
ago(double s, char text[HUMAN_SIZE])
{
	if (s >= 60)
		return human_span(s, text);
	snprintf(text, HUMAN_SIZE, "%.1f s", s < 0 ? 0 : s);
	return text;
}

static const char *
clock_of(int64_t us, char text[16])
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(text, 16, "%H:%M:%S", &tm))
		strcpy(text, "-");
	return text;
}

/* ---- rates ---- */

/* Waited in all, up to the instant of the look. */
static double
waited(const struct watch *w, const struct watch_row *r, enum stats_word total, enum stats_waiting what)
{
	int64_t since = stats_get(&r->page, STATS_WAITING_US), now = w->clock_us > since ? w->clock_us - since : 0;

	return (double)(get(r, total) + (stats_get(&r->page, STATS_WAITING) == what && r->alive ? now : 0)) / 1e6;
}

static double
share(double v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

static int64_t
events(const struct watch_row *r)
{
	return get(r, r->page.role == WEIR_SOURCE ? STATS_EMITTED : STATS_IN);
}

static int64_t
bytes(const struct watch_row *r)
{
	return get(r, r->page.role == WEIR_SOURCE ? STATS_BYTES_OUT : STATS_BYTES_IN);
}

static struct rates
rates_of(const struct watch *w, const struct watch *before, const struct watch_row *r)
{
	const struct watch_row *old = r->alive ? watch_before(before, r) : NULL;
	double s = (double)(w->clock_us - before->clock_us) / 1e6;
	struct rates v = { 0 };

	if (!old || s <= 0)
		return v;
	v.known = 1;
	v.events = (double)(events(r) - events(old)) / s;
	v.bytes = (double)(bytes(r) - bytes(old)) / s;
	v.busy = (double)(get(r, STATS_BUSY_US) - get(old, STATS_BUSY_US)) / 1e6 / s;
	v.cpu = (double)(get(r, STATS_CPU_US) - get(old, STATS_CPU_US)) / 1e6 / s;
	v.input = share((waited(w, r, STATS_WAIT_IN_US, STATS_WAITS_INPUT) - waited(before, old, STATS_WAIT_IN_US, STATS_WAITS_INPUT)) / s);
	v.output = share((waited(w, r, STATS_WAIT_OUT_US, STATS_WAITS_OUTPUT) - waited(before, old, STATS_WAIT_OUT_US, STATS_WAITS_OUTPUT)) / s);
	return v;
}

/* The stage that holds up the others: the process that waits least, and in it the stage that works most.  Rows [from, to) are one
 * run; `to` when all of them wait more than they work, or there is nothing to compare. */
static size_t
slowest(const struct watch *w, const struct watch *before, size_t from, size_t to)
{
	double least = WAITS, most = 0;
	size_t found = to, leader = to;
	uint64_t pid = 0;

	for (size_t i = from; i < to; i++) {
		struct rates v = rates_of(w, before, &w->row[i]);

		if (v.known && watch_leads(w, i) && v.input + v.output < least) {
			least = v.input + v.output;
			pid = w->row[i].page.pid;
			leader = i;
		}
	}
	for (size_t i = leader; i < to && w->row[i].page.pid == pid; i++) {
		struct rates v = rates_of(w, before, &w->row[i]);

		if (v.known && v.busy >= most) {
			most = v.busy;
			found = i;
		}
	}
	return to - from > 1 ? found : to;
}

/* ---- lines ---- */

/* A line of text into b: nothing in it steers the terminal, and it is cut at `width` characters. */
static int
put_line(struct buf *b, char *line, int width)
{
	int n = 0;
	char *p = line;

	for (; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)p[1] < 0xa0))
			*p = '?';
		if ((c & 0xc0) != 0x80 && n++ == width)
			break;
	}
	while (p > line && p[-1] == ' ')
		p--;
	return buf_put(b, line, (size_t)(p - line)) | buf_putc(b, '\n');
}

/* "10s" as "10 s". */
static void
apart(const char *span, char text[32])
{
	size_t n = strspn(span, "0123456789");

	snprintf(text, 32, "%.*s %.20s", n < 10 ? (int)n : 9, span, span + n);
}

/* What is to be said of commits, in `which` of three lengths. */
static void
commits(const struct watch *w, const struct watch_row *sink, int which, char text[128])
{
	int64_t at = stats_get(&sink->page, STATS_COMMIT_US);
	char every[32], age[HUMAN_SIZE], last[64] = "none yet";
	const char *epoch = sink->page.epoch;
	size_t n;

	if (at != STATS_NONE)
		snprintf(last, sizeof last, "last %s ago", ago((double)(w->now_us - at) / 1e6, age));
	apart(epoch, every);
	if (!strcmp(epoch, "all"))
		n = (size_t)snprintf(text, 128, "%s", which == 0 ? "one commit, at the end" : "one commit");
	else if (*epoch == '0' || !*epoch || which == 2)
		n = (size_t)snprintf(text, 128, "%s", which < 2 ? "commit by size" : "commit");
	else
		n = (size_t)snprintf(text, 128, "%s %s", which == 0 ? "commit every" : "every", every);
	if (strcmp(epoch, "all") || at != STATS_NONE)
		snprintf(text + n, 128 - n, ", %s", last);
}

/* " pipeline orders-eu  run 18  epoch 4711  since 03:12:09                   commit every 10 s, last 3.2 s ago" */
static int
put_head(struct buf *b, const struct watch *w, size_t from, size_t to, int width)
{
	const struct watch_row *r = &w->row[from], *sink = NULL, *last = r;
	char line[LINE_BYTES], right[128] = "", clock[16];
	int64_t began = get(r, STATS_BEGAN_US);
	int64_t exit_code = 0;
	int n, up = 0, over = 1, len, short_n;

	for (size_t i = from; i < to; i++) {
		up |= w->row[i].alive;
		if (w->row[i].page.role == WEIR_SINK)
			sink = &w->row[i];
		if (get(&w->row[i], STATS_BEGAN_US) < began)
			began = get(&w->row[i], STATS_BEGAN_US);
		if (get(&w->row[i], STATS_UPDATED_US) >= get(last, STATS_UPDATED_US))
			last = &w->row[i];
		over &= stats_get(&w->row[i].page, STATS_ENDED_US) != STATS_NONE;
		if (!exit_code || exit_code == -WEIR_EGONE)	/* that one follows from another's */
			exit_code = get(&w->row[i], STATS_EXIT);
	}
	n = snprintf(line, sizeof line, " pipeline %.80s", r->name);
	if (strcmp(r->page.shard, "0/1"))
		n += snprintf(line + n, sizeof line - (size_t)n, "  shard %s", r->page.shard);
	n += r->page.run[0] ? snprintf(line + n, sizeof line - (size_t)n, "  run %llu", strtoull(r->page.run, NULL, 10)) :
	    snprintf(line + n, sizeof line - (size_t)n, "  plain input");
	if (stats_get(&w->row[to - 1].page, STATS_EPOCH) != STATS_NONE)
		n += snprintf(line + n, sizeof line - (size_t)n, "  epoch %" PRId64, get(&w->row[to - 1], STATS_EPOCH));
	short_n = n;
	n += snprintf(line + n, sizeof line - (size_t)n, "  since %s", clock_of(began, clock));
	if (!up && over)
		snprintf(right, sizeof right, "ended %s, exit %" PRId64, clock_of(get(last, STATS_UPDATED_US), clock), exit_code);
	else if (!up)
		snprintf(right, sizeof right, "not running, last seen %s", clock_of(get(last, STATS_UPDATED_US), clock));
	else
		for (int which = 0; sink && which < 3; which++) {
			commits(w, sink, which, right);
			if (n + 2 + (int)strlen(right) <= width)
				break;
		}
	len = (int)strlen(right);
	if (n + 2 + len > width)	/* the end is worth more than the beginning */
		n = short_n;
	if (len)
		snprintf(line + n, sizeof line - (size_t)n, "%*s%s", n + 2 + len < width ? width - n - len : 2, "", right);
	return put_line(b, line, width);
}

/* "8.2 M keys, 181 MB": the gauges of a stage. */
static void
put_state(const struct watch_row *r, char text[256])
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < STATS_NAMED && r->page.gauge[i].name[0]; i++) {
		const struct stats_named *g = &r->page.gauge[i];
		size_t len = strlen(g->name);
		char v[HUMAN_SIZE], one[96];

		if (!strcmp(g->name, "left_events") || (!strcmp(g->name, "lag_us") && !g->value))
			continue;
		if (!strcmp(g->name, "lag_events"))
			snprintf(one, sizeof one, "lag %s", human_count((double)g->value, v));
		else if (!strcmp(g->name, "lag_us"))
			snprintf(one, sizeof one, "%s behind", human_span((double)g->value / 1e6, v));
		else if (len > 6 && !strcmp(g->name + len - 6, "_bytes"))
			snprintf(one, sizeof one, "%s", human_bytes((double)g->value, v));
		else if (len > 3 && !strcmp(g->name + len - 3, "_us"))
			snprintf(one, sizeof one, "%.*s %s", (int)len - 3, g->name, human_span((double)g->value / 1e6, v));
		else if (len > 5 && !strcmp(g->name + len - 5, "_open"))
			snprintf(one, sizeof one, "%s %.*s open", human_count((double)g->value, v), (int)len - (g->value == 1 && g->name[len - 6] == 's' ? 6 : 5), g->name);
		else
			snprintf(one, sizeof one, "%s %s", human_count((double)g->value, v), g->name);
		if (n + strlen(one) + 3 > 256)
			break;
		n += (size_t)sprintf(text + n, "%s%s", n ? ", " : "", one);
	}
}

/* 1021400 as "1,021,400"; too long for that: "10.2 M". */
static const char *
rate(double v, int width, char text[HUMAN_SIZE])
{
	char digit[32];
	int n = snprintf(digit, sizeof digit, "%.0f", v < 0 ? 0 : v), o = 0;

	if (n + (n - 1) / 3 > width)
		return human_count(v, text);
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text[o++] = ',';
		text[o++] = digit[i];
	}
	text[o] = '\0';
	return text;
}

static int
put_row(struct buf *b, const struct watch *w, const struct watch *before, size_t i, int is_slowest, int name_width, int width)
{
	const struct watch_row *r = &w->row[i];
	struct rates v = rates_of(w, before, r);
	int wide = width >= TABLE_WIDE, leads = watch_leads(w, i), n;
	char line[LINE_BYTES], ev[HUMAN_SIZE] = "-", mb[HUMAN_SIZE] = "-", cpu[HUMAN_SIZE] = "-", rej[HUMAN_SIZE], late[HUMAN_SIZE], state[256];
	const char *waits = leads ? "-" : "\"", *mark = wide ? "<- the slowest" : "<- slowest";

	if (v.known) {
		rate(v.events, wide ? 12 : 9, ev);
		snprintf(mb, sizeof mb, "%.*f", v.bytes < 9.95e6 ? 1 : 0, v.bytes / 1e6);
		snprintf(cpu, sizeof cpu, "%.0f %%", v.cpu * 100);
		if (leads && v.input + v.output > WAITS)
			waits = v.input >= v.output ? "input" : "output";
	}
	if (!leads)		/* of the process, and said above */
		strcpy(cpu, "\"");
	rate((double)get(r, STATS_REJECTED), wide ? 9 : 7, rej);
	rate((double)get(r, STATS_LATE), wide ? 7 : 5, late);
	if (!get(r, STATS_LATE))
		strcpy(late, "-");
	put_state(r, state);
	n = wide ? snprintf(line, sizeof line, " %-*.*s %12s %8s %6s  %-9s %9s %7s  %s", name_width, name_width, r->page.stage, ev, mb, cpu, waits, rej, late, state) :
	    snprintf(line, sizeof line, " %-*.*s %9s %6s %5s %-6s %7s %5s  %s", name_width, name_width, r->page.stage, ev, mb, cpu, waits, rej, late, state);
	if (is_slowest) {
		line[0] = '>';		/* there is always room for that */
		if (n + 2 + (int)strlen(mark) <= width)
			snprintf(line + n, sizeof line - (size_t)n, "%s%s", state[0] ? "  " : "", mark);
	}
	return put_line(b, line, width);
}

static int
put_run(struct buf *b, const struct watch *w, const struct watch *before, size_t from, size_t to, int width)
{
	int name_width = 11, wide = width >= TABLE_WIDE, e;
	size_t slow = slowest(w, before, from, to);
	char line[LINE_BYTES];

	for (size_t i = from; i < to; i++)
		if ((int)strlen(w->row[i].page.stage) > name_width)
			name_width = (int)strlen(w->row[i].page.stage);
	if (name_width > 20)
		name_width = 20;
	e = put_head(b, w, from, to, width);
	snprintf(line, sizeof line, wide ? " %-*s %12s %8s %6s  %-9s %9s %7s  %s" : " %-*s %9s %6s %5s %-6s %7s %5s  %s", name_width, "stage", "events/s", "MB/s", "cpu",
	    wide ? "waits for" : "waits", wide ? "rejected" : "rejects", "late", "state");
	e |= put_line(b, line, width);
	for (size_t i = from; i < to; i++)
		e |= put_row(b, w, before, i, i == slow, name_width, width);
	return e;
}

int
table_print(struct buf *b, const struct watch *w, const struct watch *before, int width)
{
	size_t from = 0;
	int e = 0;

	while (from < w->n && !e) {
		size_t to = watch_run_end(w, from);

		e = (from ? buf_putc(b, '\n') : 0) | put_run(b, w, before, from, to, width);
		from = to;
	}
	return e;
}
