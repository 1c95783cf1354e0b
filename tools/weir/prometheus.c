#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emit.h"
#include "prometheus.h"
#include "publish.h"
#include "weir.h"

enum { COUNT, SECONDS };	/* what a word is; microseconds are given as seconds */
enum { ALL, PROCESS, SINK };	/* whose it is */

static const struct metric {
	const char	*name, *type, *help;
	const char	*label, *value;		/* one more label, or NULL */
	int		 word;			/* enum stats_word */
	int		 unit, whose;
} metric[] = {
	{ "weir_events_in_total", "counter", "Events that came into the stage in this run.", NULL, NULL, STATS_IN, COUNT, ALL },
	{ "weir_events_total", "counter", "What became of them: the verdict on each, and emitted for new ones.", "verdict", "emitted", STATS_EMITTED, COUNT, ALL },
	{ "weir_events_total", NULL, NULL, "verdict", "passed", STATS_PASSED, COUNT, ALL },
	{ "weir_events_total", NULL, NULL, "verdict", "filtered", STATS_FILTERED, COUNT, ALL },
	{ "weir_events_total", NULL, NULL, "verdict", "taken", STATS_TAKEN, COUNT, ALL },
	{ "weir_events_total", NULL, NULL, "verdict", "rejected", STATS_REJECTED, COUNT, ALL },
	{ "weir_events_total", NULL, NULL, "verdict", "late", STATS_LATE, COUNT, ALL },
	{ "weir_events_total", NULL, NULL, "verdict", "duplicate", STATS_DUPLICATE, COUNT, ALL },
	{ "weir_bytes_total", "counter", "Bytes of events.", "direction", "in", STATS_BYTES_IN, COUNT, ALL },
	{ "weir_bytes_total", NULL, NULL, "direction", "out", STATS_BYTES_OUT, COUNT, ALL },
	{ "weir_busy_seconds_total", "counter", "Time in the stage itself.", NULL, NULL, STATS_BUSY_US, SECONDS, ALL },
	{ "weir_cpu_seconds_total", "counter", "CPU time of the process, at its first stage.", NULL, NULL, STATS_CPU_US, SECONDS, PROCESS },
	{ "weir_wait_seconds_total", "counter", "Time the process waited, at its first stage.", "for", "input", STATS_WAIT_IN_US, SECONDS, PROCESS },
	{ "weir_wait_seconds_total", NULL, NULL, "for", "output", STATS_WAIT_OUT_US, SECONDS, PROCESS },
	{ "weir_epoch", "gauge", "The open epoch.", NULL, NULL, STATS_EPOCH, COUNT, ALL },
	{ "weir_last_commit_timestamp_seconds", "gauge", "When this run of the sink last committed.", NULL, NULL, STATS_COMMIT_US, SECONDS, SINK },
	{ "weir_watermark_timestamp_seconds", "gauge", "How far event time has come.", NULL, NULL, STATS_WATERMARK_US, SECONDS, ALL },
	{ "weir_stage_start_time_seconds", "gauge", "When the stage began.", NULL, NULL, STATS_BEGAN_US, SECONDS, ALL },
};

/* Gauges that have metrics of their own. */
static const struct own {
	const char	*gauge, *name, *help;
	int		 unit;
} own[] = {
	{ "lag_events", "weir_lag_events", "Events the source is behind.", COUNT },
	{ "lag_us", "weir_lag_seconds", "Age of the last event the source took, while it is behind.", SECONDS },
	{ "state_bytes", "weir_state_bytes", "Memory of the stage's state.", COUNT },
};

/* The text of a label: \, " and newline escaped, UTF-8 or a question mark. */
static int
put_label(struct buf *b, const char *s)
{
	int e = buf_putc(b, '"');

	while (*s && !e) {
		size_t n = emit_utf8_length(s, strnlen(s, 4));

		if (*s == '\\' || *s == '"')
			e = buf_putc(b, '\\') | buf_putc(b, *s);
		else if (*s == '\n')
			e = buf_puts(b, "\\n");
		else
			e = n ? buf_put(b, s, n) : buf_putc(b, '?');
		s += n ? n : 1;
	}
	return e | buf_putc(b, '"');
}

static int
put_number(struct buf *b, int64_t v, int unit)
{
	if (unit == COUNT)
		return buf_printf(b, "%" PRId64 "\n", v);
	return buf_printf(b, "%s%" PRId64 ".%06" PRId64 "\n", v < 0 ? "-" : "", (v < 0 ? -(v / 1000000) : v / 1000000), (v < 0 ? -(v % 1000000) : v % 1000000));
}

static int
put_sample(struct buf *b, const struct watch_row *r, const char *name, const char *label, const char *value, int64_t v, int unit)
{
	int e = buf_printf(b, "%s{pipeline=", name) | put_label(b, r->name) | buf_puts(b, ",shard=") | put_label(b, r->page.shard) |
	    buf_puts(b, ",stage=") | put_label(b, r->page.stage);

	if (label)
		e |= buf_printf(b, ",%s=", label) | put_label(b, value);
	return e | buf_puts(b, "} ") | put_number(b, v, unit);
}

static int
put_head(struct buf *b, const char *name, const char *type, const char *help)
{
	return buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A collector refuses the whole file when two samples have the same labels: two directories may tell of the same feed, or two runs
 * be on.  The one that lives counts, else the one that began last. */
static int
shadowed(const struct watch *w, size_t i)
{
	const struct watch_row *r = &w->row[i];

	for (size_t k = 0; k < w->n; k++) {
		const struct watch_row *o = &w->row[k];
		int64_t newer = stats_get(&o->page, STATS_BEGAN_US) - stats_get(&r->page, STATS_BEGAN_US);

		if (k == i || strcmp(o->name, r->name) || strcmp(o->page.shard, r->page.shard) || strcmp(o->page.stage, r->page.stage))
			continue;
		if (o->alive != r->alive ? o->alive : newer ? newer > 0 : k > i)
			return 1;
	}
	return 0;
}

static int
put_words(struct buf *b, const struct watch *w, const uint8_t *out)
{
	int e = 0;

	for (size_t m = 0; m < sizeof metric / sizeof *metric && !e; m++) {
		const struct metric *x = &metric[m];

		if (x->help)
			e = put_head(b, x->name, x->type, x->help);
		for (size_t i = 0; i < w->n; i++) {
			const struct watch_row *r = &w->row[i];
			int64_t v = stats_get(&r->page, x->word);

			if (!out[i] && v != STATS_NONE && (x->whose != PROCESS || watch_leads(w, i)) && (x->whose != SINK || r->page.role == WEIR_SINK))
				e |= put_sample(b, r, x->name, x->label, x->value, v, x->unit);
		}
	}
	return e;
}

static int
put_life(struct buf *b, const struct watch *w, const uint8_t *out)
{
	int e = put_head(b, "weir_stage_up", "gauge", "Whether the stage's process lives.");

	for (size_t i = 0; i < w->n; i++)
		if (!out[i])
			e |= put_sample(b, &w->row[i], "weir_stage_up", NULL, NULL, w->row[i].alive, COUNT);
	e |= put_head(b, "weir_epoch_age_seconds", "gauge", "How long the open epoch has been open.");
	for (size_t i = 0; i < w->n; i++) {
		int64_t at = stats_get(&w->row[i].page, STATS_EPOCH_US);

		if (!out[i] && w->row[i].alive && at != STATS_NONE)
			e |= put_sample(b, &w->row[i], "weir_epoch_age_seconds", NULL, NULL, w->now_us > at ? w->now_us - at : 0, SECONDS);
	}
	return e;
}

static int
has_own(const char *gauge)
{
	for (size_t k = 0; k < sizeof own / sizeof *own; k++)
		if (!strcmp(own[k].gauge, gauge))
			return 1;
	return 0;
}

static int
put_named(struct buf *b, const struct watch *w, const uint8_t *out, int gauges)
{
	const char *name = gauges ? "weir_gauge" : "weir_counter_total";
	int e = put_head(b, name, gauges ? "gauge" : "counter", gauges ? "What a stage says of itself, by name." : "What a stage counts itself, by name.");

	for (size_t i = 0; i < w->n; i++) {
		const struct stats_named *t = gauges ? w->row[i].page.gauge : w->row[i].page.counter;

		for (int k = 0; k < STATS_NAMED && t[k].name[0] && !out[i]; k++)
			if (!gauges || !has_own(t[k].name))
				e |= put_sample(b, &w->row[i], name, "name", t[k].name, t[k].value, COUNT);
	}
	return e;
}

int
prometheus_text(struct buf *b, const struct watch *w, struct fail *f)
{
	uint8_t *out = calloc(w->n + 1, 1);	/* by row: not to be told */
	int e = out ? 0 : -1;

	for (size_t i = 0; !e && i < w->n; i++)
		out[i] = (uint8_t)shadowed(w, i);
	e = e || put_life(b, w, out) || put_words(b, w, out);
	for (size_t k = 0; !e && k < sizeof own / sizeof *own; k++) {
		e = put_head(b, own[k].name, "gauge", own[k].help);
		for (size_t i = 0; i < w->n; i++) {
			int64_t v = stats_find(w->row[i].page.gauge, own[k].gauge);

			if (!out[i] && v != STATS_NONE)
				e |= put_sample(b, &w->row[i], own[k].name, NULL, NULL, v, own[k].unit);
		}
	}
	e = e || put_named(b, w, out, 1) || put_named(b, w, out, 0);
	free(out);
	return e ? fail(f, WEIR_EAGAIN, "no memory for the metrics") : 0;
}

int
prometheus_write(const char *path, const struct buf *b, struct fail *f)
{
	const char *base = strrchr(path, '/');
	int dir_n = base ? (int)(base + 1 - path) : 0, fd, e;
	struct buf temp = { 0 };
	uint64_t random;

	base = base ? base + 1 : path;
	if (!*base)
		return fail(f, WEIR_EUSAGE, "--prometheus takes the name of a file, not of a folder: %s", path);
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return fail_errno(f, WEIR_EIO, "no random numbers");
	/* Not a name that ends in .prom: the collector would read it. */
	if (buf_printf(&temp, "%.*s.%s.%ld-%016" PRIx64, dir_n, path, base, (long)getpid(), random) < 0 || buf_putc(&temp, '\0') < 0)
		return fail(f, WEIR_EAGAIN, "no memory");
	if ((fd = open(temp.p, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600)) < 0) {
		e = fail_errno(f, fail_path_code(errno), "cannot make a file beside %s", path);
		buf_free(&temp);
		return e;
	}
	e = publish_write(fd, b->p, b->n) < 0 || fchmod(fd, 0644) < 0 ? fail_errno(f, WEIR_EIO, "cannot write %s", path) : 0;
	if (close(fd) < 0 && !e)
		e = fail_errno(f, WEIR_EIO, "cannot write %s", path);
	if (!e && rename(temp.p, path) < 0)
		e = fail_errno(f, fail_path_code(errno), "cannot write %s", path);
	if (e)
		unlink(temp.p);		/* the trouble has been told */
	buf_free(&temp);
	return e;
}
