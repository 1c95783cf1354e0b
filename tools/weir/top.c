/*
 * weir top - what the stages of pipelines do, as a live table, once, as JSON, or for Prometheus.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "emit.h"
#include "iso.h"
#include "opt.h"
#include "prometheus.h"
#include "publish.h"
#include "table.h"
#include "watch.h"
#include "weir.h"

#define MIN_INTERVAL_US	100000

struct top {
	int		once, json;
	const char	*prometheus, *interval, *dir;
	int64_t		interval_us;
	int		repeat;		/* --interval was given */
};

static const struct weir_opt top_opts[] = {
	{ 0, "once", NULL, "print one table and end", WEIR_FLAG, 0, offsetof(struct top, once), NULL },
	{ 0, "json", NULL, "with --once: one JSON object per stage", WEIR_FLAG, 0, offsetof(struct top, json), NULL },
	{ 0, "prometheus", "FILE", "write metrics for node_exporter's textfile collector", WEIR_TEXT, 0, offsetof(struct top, prometheus), NULL },
	{ 0, "interval", "SECONDS", "time between two looks (1); with --prometheus: write again so often", WEIR_TEXT, 0, offsetof(struct top, interval), NULL },
	{ 0 }
};

static volatile sig_atomic_t ended, stopped;

static void
on_signal(int sig)
{
	if (sig == SIGTSTP)
		stopped = 1;
	else if (sig != SIGWINCH)
		ended = sig;
}

static void
catch_signals(void)
{
	static const int sig[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH };
	struct sigaction a = { .sa_handler = on_signal };

	sigemptyset(&a.sa_mask);
	for (size_t i = 0; i < sizeof sig / sizeof *sig; i++)
		sigaction(sig[i], &a, NULL);
}

static int
out_failed(void)
{
	return command_error(WEIR_EIO, "cannot write: %s", strerror(errno));
}

static int
print(const struct buf *b)
{
	return b->n && publish_write(1, b->p, b->n) < 0 ? out_failed() : 0;
}

static void
say_notes(const struct watch *w)
{
	for (size_t at = 0; at < w->notes.n; at += strlen(w->notes.p + at) + 1)
		command_error(0, "%s", w->notes.p + at);
}

static int
columns(void)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return text && opt_count(text, &n) == 0 && n >= 40 && n <= 1000 ? (int)n : 80;
}

/* ---- once ---- */

static int
put_instant(struct buf *b, const char *name, int64_t us)
{
	char text[ISO_SIZE];

	if (us < ISO_MIN_US || us > ISO_MAX_US)		/* STATS_NONE too */
		return buf_printf(b, ",\"%s\":null", name);
	iso_format(us, text);
	return buf_printf(b, ",\"%s\":\"%s\"", name, text);
}

static int
put_json(struct buf *b, const struct watch *w)
{
	int e = 0;

	for (size_t i = 0; i < w->n && !e; i++) {
		const struct watch_row *r = &w->row[i];
		const struct stats_page *p = &r->page;
		int64_t ended_us = stats_get(p, STATS_ENDED_US), until = r->alive ? w->now_us : ended_us == STATS_NONE ? stats_get(p, STATS_UPDATED_US) : ended_us;

		e = buf_puts(b, "{\"pipeline\":") | emit_text(b, r->name) | buf_puts(b, ",\"shard\":") | emit_text(b, p->shard) | buf_puts(b, ",\"run\":") |
		    emit_text(b, p->run) | buf_printf(b, ",\"number\":%" PRIu32 ",\"pid\":%" PRIu64 ",\"up\":%s", p->number, p->pid, r->alive ? "true" : "false") |
		    put_instant(b, "began", stats_get(p, STATS_BEGAN_US)) | put_instant(b, "updated", stats_get(p, STATS_UPDATED_US)) |
		    put_instant(b, "ended", ended_us);
		e |= stats_get(p, STATS_EXIT) == STATS_NONE ? buf_puts(b, ",\"exit\":null,") : buf_printf(b, ",\"exit\":%" PRId64 ",", stats_get(p, STATS_EXIT));
		e |= stats_json(p, (double)(until - stats_get(p, STATS_BEGAN_US)) / 1e6, b) | buf_puts(b, "}\n");
	}
	return e;
}

static void
nap(int64_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);		/* a signal ends it early, and that is what it is for */
}

static int
any_alive(const struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->row[i].alive)
			return 1;
	return 0;
}

static int
once(const struct top *t)
{
	struct watch first = { 0 }, w = { 0 };
	struct buf b = { 0 };
	struct fail f;
	int e = watch_read(&w, t->dir, &f);

	if (!e && !t->json && any_alive(&w)) {		/* rates are what came between two looks */
		first = w;
		w = (struct watch){ 0 };
		nap(t->interval_us);
		e = watch_read(&w, t->dir, &f);
	}
	if (e < 0) {
		e = command_error(f.code, "%s", f.text);
	} else {
		say_notes(&w);
		e = (t->json ? put_json(&b, &w) : table_print(&b, &w, &first, columns())) < 0 ? command_error(WEIR_EAGAIN, "no memory") : print(&b);
	}
	buf_free(&b);
	watch_free(&first);
	watch_free(&w);
	return e;
}

/* ---- the terminal ---- */

static struct termios usual;

static void
enter(void)
{
	struct termios t;

	if (isatty(0) && tcgetattr(0, &usual) == 0) {
		t = usual;
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(0, TCSADRAIN, &t);
	}
	publish_write(1, "\033[?1049h\033[?25l\033[2J", 18);
}

static void
leave(void)
{
	publish_write(1, "\033[?25h\033[?1049l", 14);
	if (isatty(0))
		tcsetattr(0, TCSADRAIN, &usual);
}

/* The lines that fit, each cleared to its end. */
static int
draw(const struct buf *text, const struct watch *w)
{
	int rows = 24, row = 0, e;
	struct winsize size;
	struct buf b = { 0 };
	const char *p = text->p, *end = text->p + text->n;

	if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_row)
		rows = size.ws_row;
	e = buf_puts(&b, "\033[H");
	for (; p < end && row < rows - 1; row++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		e |= buf_put(&b, p, (size_t)(nl - p)) | buf_puts(&b, "\033[K\r\n");
		p = nl + 1;
	}
	for (size_t at = 0; at < w->notes.n && row < rows - 1; at += strlen(w->notes.p + at) + 1, row++) {
		int width = columns() - 1;

		e |= buf_putc(&b, ' ');
		for (const char *c = w->notes.p + at; *c && width-- > 1; c++)
			e |= buf_putc(&b, (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
		e |= buf_puts(&b, "\033[K\r\n");
	}
	if (p < end)
		e |= buf_puts(&b, " ...");
	e |= buf_puts(&b, "\033[J");
	e = e ? -1 : publish_write(1, b.p, b.n);
	buf_free(&b);
	return e;
}

/* Until it is time to look again.  1: the user has had enough. */
static int
wait_for_key(int64_t us)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char c;

	if (!isatty(0)) {
		nap(us);
		return 0;
	}
	if (poll(&p, 1, (int)(us / 1000)) <= 0)
		return 0;
	return read(0, &c, 1) <= 0 || c == 'q' || c == 'Q';
}

static int
live(const struct top *t)
{
	struct watch before = { 0 }, w = { 0 };
	struct buf b = { 0 };
	struct fail f = { 0 };
	int e = 0, quit = 0;

	if ((e = watch_read(&before, t->dir, &f)) < 0)
		return command_error(f.code, "%s", f.text);
	enter();
	while (!e && !quit && !ended) {
		b.n = 0;
		if ((e = watch_read(&w, t->dir, &f)) < 0)
			break;
		if (table_print(&b, &w, &before, columns()) < 0 || draw(&b, &w) < 0) {
			e = fail_errno(&f, WEIR_EIO, "cannot write to the terminal");
			break;
		}
		/* Rates need a span: the look before is replaced when it is old enough. */
		if (w.clock_us - before.clock_us >= t->interval_us / 2) {
			watch_free(&before);
			before = w;
			w = (struct watch){ 0 };
		}
		quit = wait_for_key(t->interval_us);
		if (stopped) {
			stopped = 0;
			leave();
			raise(SIGSTOP);
			enter();
		}
	}
	leave();
	buf_free(&b);
	watch_free(&before);
	watch_free(&w);
	return e < 0 ? command_error(f.code, "%s", f.text) : 0;
}

/* ---- Prometheus ---- */

static int
metrics(const struct top *t)
{
	struct watch w = { 0 };
	struct buf b = { 0 };
	int e, told = 0;
	struct fail f;

	do {
		b.n = 0;
		if ((e = watch_read(&w, t->dir, &f)) == 0 && (e = prometheus_text(&b, &w, &f)) == 0)
			e = prometheus_write(t->prometheus, &b, &f);
		if (e && !told)		/* what lasts is said once */
			command_error(f.code, "%s", f.text);
		if (!t->repeat)
			say_notes(&w);
		told = e != 0;
		if (t->repeat && !ended)
			nap(t->interval_us);
	} while (t->repeat && !ended);
	buf_free(&b);
	watch_free(&w);
	return t->repeat ? 0 : -e;
}

static int
parse(struct top *t, int argc, char **argv)
{
	const struct opt_set set = { top_opts, t };
	const char **operand = calloc((size_t)argc + 1, sizeof *operand);
	struct fail f;
	int e;

	if (!operand)
		return command_error(WEIR_EAGAIN, "no memory");
	if ((e = opt_parse(&set, 1, argc, argv, operand, &f)))
		e = command_error(f.code, "%s", f.text);
	else if (operand[0] && operand[1])
		e = command_error(WEIR_EUSAGE, "top takes one directory, '%s' is one more", operand[1]);
	t->dir = operand[0];
	free(operand);
	if (e)
		return e;
	t->interval_us = 1000000;
	if (t->interval) {
		char *end;
		double s = strtod(t->interval, &end);

		if (end == t->interval || *end || !(s * 1e6 >= MIN_INTERVAL_US && s <= 86400))
			return command_error(WEIR_EUSAGE, "--interval takes 0.1 to 86400 seconds, not '%s'", t->interval);
		t->interval_us = (int64_t)(s * 1e6);
		t->repeat = 1;
	}
	if (t->json && !t->once)
		return command_error(WEIR_EUSAGE, "--json goes with --once");
	if (t->prometheus && t->once)
		return command_error(WEIR_EUSAGE, "--prometheus and --once: one of them, not both");
	return 0;
}

int
command_top(int argc, char **argv)
{
	const struct opt_set set = { top_opts, NULL };
	struct top t = { 0 };
	int e;

	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		opt_synopsis(stdout, "weir top", &set, 1);
		fputs("  ... [DIR]: a pipeline's state directory, or a folder of them\n\n", stdout);
		opt_help(stdout, &set, 1);
		return fflush(stdout) == 0 ? 0 : out_failed();
	}
	if ((e = parse(&t, argc, argv)))
		return e;
	if (t.once)
		return once(&t);
	if (!t.prometheus && !isatty(1))
		return command_error(WEIR_EUSAGE, "standard output is no terminal: weir top --once prints one table, --once --json is for programs");
	catch_signals();
	return t.prometheus ? metrics(&t) : live(&t);
}
