/*
 * weir wrap - a foreign command as a filter: a barrier is the end of its input.
 */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "account.h"
#include "breakage.h"
#include "command.h"
#include "control.h"
#include "foreign.h"
#include "frame.h"
#include "lines.h"
#include "marks.h"
#include "opt.h"
#include "out.h"
#include "token.h"
#include "wrap.h"

struct wrap {
	struct foreign	 cmd;
	const char	*ok;
	struct lines	 in;
	struct out	 out;
	struct fail	 fail;
	XXH3_state_t	*hash_in;
	uint64_t	 n_in, seq_in, made;
	char		 run[TOKEN_RUN_SIZE];
	char		 before[TOKEN_SIZE];	/* the token before the open epoch */
	char		 shard[48];
	json_t		*mark;			/* the newest watermark */
	struct buf	 line;
	int		 framed, tried;		/* tried: an epoch ended well, old marks are gone */
};

static int
bad(struct wrap *w)
{
	return -command_error(w->fail.code, "%s: %s", w->cmd.name, w->fail.text);
}

/* ---- what the command writes ---- */

/* A line of it is data, whatever it looks like: a control line of this very stream is refused, and anything else that looks like one
 * is a reject of the next stage. */
static int
on_line(void *arg, const char *p, size_t n)
{
	struct wrap *w = arg;
	json_t *c;
	int ours, e;

	w->made++;
	if (w->framed && frame_may_be(p, n)) {
		c = control_parse(p, n - 1);
		ours = c && !strcmp(control_text(c, "run"), w->run);
		json_decref(c);
		if (ours)
			return fail(&w->fail, WEIR_EDATA, "wrote a control line: only weir's own stages may"), bad(w);
	}
	if (w->framed && !w->out.framed) {
		if ((e = frame_unescape(p, n, &w->line)) < 0)
			return fail(&w->fail, WEIR_EAGAIN, "no memory"), bad(w);
		if (e) {
			p = w->line.p;
			n = w->line.n;
		}
	}
	return out_data(&w->out, p, n, 1, &w->fail) < 0 ? bad(w) : 0;
}

static int
on_pause(void *arg)
{
	struct wrap *w = arg;

	return out_flush(&w->out, &w->fail) < 0 ? bad(w) : 0;
}

/* ---- how it ended ---- */

static int
is_good(const struct wrap *w, int code)
{
	const char *name = w->cmd.name;

	if (!code || (code == 1 && (!strcmp(name, "grep") || !strcmp(name, "egrep") || !strcmp(name, "fgrep"))))	/* nothing was found */
		return 1;
	for (const char *p = w->ok; p && *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ','))
		if (strtol(p, NULL, 10) == code)
			return 1;
	return 0;
}

/* A fault of its own, and not somebody's kill(1) or a machine without memory. */
static int
is_own_fault(int how)
{
	return how > 0 || how == -SIGSEGV || how == -SIGABRT || how == -SIGBUS || how == -SIGFPE || how == -SIGILL || how == -SIGSYS;
}

/* Where this command's marks are, and how their names begin. */
static int
marks_of(const struct wrap *w, char path[PATH_MAX], char prefix[80])
{
	const char *dir = getenv("WEIR_STATE");
	uint64_t words = 0;

	if (!w->framed || !dir || !*dir || marks_path(path, PATH_MAX, dir, *w->shard ? w->shard : "0/1", "wrap") < 0)
		return -1;
	for (char *const *a = w->cmd.argv; *a; a++)
		words = XXH3_64bits_withSeed(*a, strlen(*a) + 1, words);
	snprintf(prefix, 80, "%.40s-%016" PRIx64 "-", *w->cmd.name == '.' ? "command" : w->cmd.name, words);
	return 0;
}

/* The same command failed in the same way when it was given the same epoch before: a third time would not help. */
static int
failed_before(const struct wrap *w, int how)
{
	char path[PATH_MAX], prefix[80], name[160];

	if (!is_own_fault(how) || marks_of(w, path, prefix) < 0)
		return 0;
	snprintf(name, sizeof name, "%s%016" PRIx64, prefix, (uint64_t)XXH3_64bits_withSeed(w->before, strlen(w->before), (uint64_t)(int64_t)how));
	return marks_add(path, name, 0) == 1;
}

static int
ended_badly(struct wrap *w, int how)
{
	int again = failed_before(w, how);
	const char *end = again ? ", as it did with this epoch before: it will not do better, mend the command or its input" : "";

	if (how < 0)
		fail(&w->fail, again ? WEIR_EDATA : WEIR_EAGAIN, "was ended by signal %d%s", -how, end);
	else
		fail(&w->fail, again ? WEIR_EDATA : WEIR_EAGAIN, "exit %d%s; --ok lists the codes that are good", how, end);
	return bad(w);
}

/* The end of the command's input, of its output, and of itself. */
static int
finish(struct wrap *w)
{
	char path[PATH_MAX], prefix[80];
	int how, e;

	if ((e = foreign_end(&w->cmd, &how)) < 0)
		return e;
	if (how < 0 || !is_good(w, how))
		return ended_badly(w, how);
	if (w->cmd.torn.n)
		return fail(&w->fail, WEIR_EDATA, "its last line has no newline, so its output was cut off, and nothing of it is committed; end that line if it is whole"), bad(w);
	if (!w->tried && marks_of(w, path, prefix) == 0)
		marks_clear(path, prefix);
	w->tried = 1;
	return 0;
}

/* ---- the stream ---- */

static int
forward(struct wrap *w, json_t *c)
{
	return w->out.framed && frame_put(&w->out, c, &w->fail) < 0 ? bad(w) : 0;
}

/* This command's entry in the barrier's accounts: it balances by definition. */
static int
add_account(struct wrap *w, json_t *acct)
{
	struct account a = { .in = w->n_in };
	char key[256];

	a.verdict[WEIR_PASSED] = w->made < w->n_in ? w->made : w->n_in;
	a.verdict[WEIR_FILTERED] = w->n_in - a.verdict[WEIR_PASSED];
	a.emitted = w->made - a.verdict[WEIR_PASSED];
	if (!acct || account_put(acct, json_object_size(acct), w->cmd.name, &a) < 0)
		return -1;
	if (snprintf(key, sizeof key, "%zu.%s", json_object_size(acct) - 1, w->cmd.name) < (int)sizeof key)
		json_object_set_new(json_object_get(acct, key), "foreign", json_string("1"));
	return 0;
}

static int
barrier(struct wrap *w, json_t *c)
{
	uint64_t n = 0, id = 0;
	int e;

	if (!BROKEN("no-hash") &&
	    (control_count(c, "n", &n) < 0 || n != w->n_in || strtoull(control_text(c, "hash"), NULL, 16) != XXH3_64bits_digest(w->hash_in)))
		return fail(&w->fail, WEIR_EFRAME, "the lines of this epoch are not those that were sent: a filter before this one is not wrapped"), bad(w);
	if ((e = finish(w)) < 0)
		return e;
	if (w->mark && (e = forward(w, w->mark)) < 0)
		return e;
	json_decref(w->mark);
	w->mark = NULL;
	if (add_account(w, json_object_get(c, "acct")) < 0 || frame_stamp(&w->out, c) < 0)
		return fail(&w->fail, WEIR_EFRAME, "a barrier without accounts"), bad(w);
	XXH3_64bits_reset(w->hash_in);
	w->n_in = w->made = 0;
	if (control_count(c, "id", &id) == 0)
		token_format(w->run, id, w->before);
	return forward(w, c);
}

/* 1: the stream has ended. */
static int
control(struct wrap *w, json_t *c)
{
	const char *k = control_text(c, "k");
	uint64_t seq;
	int e;

	if (control_count(c, "seq", &seq) == 0 && seq != w->seq_in && !BROKEN("no-hash"))
		return fail(&w->fail, WEIR_EFRAME, "control line %" PRIu64 " is missing", w->seq_in), bad(w);
	w->seq_in++;
	if (!strcmp(k, "wm")) {
		json_decref(w->mark);
		w->mark = json_incref(c);
		return 0;
	}
	if (!strcmp(k, "bar"))
		return barrier(w, c);
	if (!strcmp(k, "eos") && w->n_in)
		return fail(&w->fail, WEIR_EFRAME, "%" PRIu64 " lines stand between the last barrier and the end mark: a filter before this one is not wrapped",
		    w->n_in), bad(w);
	if ((e = forward(w, c)) < 0)
		return e;
	return !strcmp(k, "eos");
}

/* A span of whole lines: data to the command, cut at control lines.  1: the stream has ended. */
static int
whole(struct wrap *w, char *p, size_t n)
{
	char *e = p + n, *from = p;
	int err;

	while (p < e) {
		char *nl = memchr(p, '\n', (size_t)(e - p));
		json_t *c = frame_may_be(p, (size_t)(nl - p)) ? control_parse(p, (size_t)(nl - p)) : NULL;

		if (c && !strcmp(control_text(c, "run"), w->run)) {
			XXH3_64bits_update(w->hash_in, from, (size_t)(p - from));
			err = p > from ? foreign_feed(&w->cmd, from, (size_t)(p - from)) : 0;
			if (err >= 0)
				err = control(w, c);
			json_decref(c);
			if (err)
				return err;
			from = nl + 1;
		} else {
			json_decref(c);
			w->n_in++;
		}
		p = nl + 1;
	}
	XXH3_64bits_update(w->hash_in, from, (size_t)(e - from));
	return from < e ? foreign_feed(&w->cmd, from, (size_t)(e - from)) : 0;
}

/* ---- input ---- */

/* The next span; the command's output is taken, and everything written, before anything is waited for. */
static int
next(struct wrap *w, char **p, size_t *n)
{
	int what, e;

	do {
		if (lines_empty(&w->in) && ((e = on_pause(w)) < 0 || (e = foreign_wait(&w->cmd, 0)) < 0))
			return e;
	} while ((what = lines_next(&w->in, p, n, &w->fail)) == WEIR_EAGAIN);
	return what < 0 ? bad(w) : what;
}

/* One run of the command, whose end is ours. */
static int
plain(struct wrap *w, int what, char *p, size_t n)
{
	int e;

	for (; what != LINES_EOF; what = next(w, &p, &n))
		if (what < 0 || (what = foreign_feed(&w->cmd, p, n)) < 0)
			return what;
	if ((e = finish(w)) < 0)
		return e;
	return on_pause(w);
}

static int
framed(struct wrap *w, json_t *hello)
{
	uint64_t max_line;
	uint32_t depth;
	int what, e, last;
	size_t n;
	char *p;

	snprintf(w->run, sizeof w->run, "%s", control_text(hello, "run"));
	snprintf(w->before, sizeof w->before, "%s", control_text(hello, "prev"));
	snprintf(w->shard, sizeof w->shard, "%s", control_text(hello, "shard"));
	if (control_limits(control_text(hello, "limits"), &max_line, &depth, &last) < 0)
		return fail(&w->fail, WEIR_EFRAME, "the stream's hello has bad limits"), bad(w);
	if (max_line > CONTROL_MAX && lines_set_max(&w->in, max_line, &w->fail) < 0)
		return bad(w);
	w->framed = 1;
	w->out.framed = frame_wanted();
	w->seq_in = 1;
	if ((e = forward(w, hello)) < 0)
		return e;
	for (;;) {
		if ((what = next(w, &p, &n)) < 0)
			return what;
		if (what == LINES_EOF)
			return fail(&w->fail, WEIR_EAGAIN, "input ended without its end mark: a stage before this one died. Run it again"), bad(w);
		if (what == LINES_TORN)
			return fail(&w->fail, WEIR_EFRAME, "the last line of the input is cut off: a stage before this one died. Run it again"), bad(w);
		if (what != LINES_WHOLE)
			return fail(&w->fail, WEIR_EDATA, "a line is longer than --max-line: give the stage before --max-line, or raise it there"), bad(w);
		if ((e = whole(w, p, n)) < 0)
			return e;
		if (e)
			return on_pause(w);
	}
}

int
wrap_filter(char *const *argv, const char *ok, int64_t silent_us, int supervised)
{
	struct wrap w = { .ok = ok };
	json_t *hello = NULL;
	int what, e;
	size_t n;
	char *p, *nl;

	foreign_signals(supervised);
	foreign_init(&w.cmd, argv);
	w.cmd.line = on_line;
	w.cmd.pause = on_pause;
	w.cmd.arg = &w;
	w.cmd.silent_us = silent_us;
	if (lines_open(&w.in, 0, CONTROL_MAX, &w.fail) < 0 || out_open(&w.out, 1, &w.fail) < 0 ||
	    (!(w.hash_in = XXH3_createState()) && fail(&w.fail, WEIR_EAGAIN, "no memory")))
		return -bad(&w);
	XXH3_64bits_reset(w.hash_in);
	what = e = next(&w, &p, &n);
	if (what == LINES_WHOLE) {
		nl = memchr(p, '\n', n);
		if ((hello = control_parse(p, (size_t)(nl - p))) && strcmp(control_text(hello, "k"), "hello")) {
			json_decref(hello);
			hello = NULL;
		}
		if (hello)
			lines_unread(&w.in, nl + 1);
	}
	if (what >= 0)
		e = hello ? framed(&w, hello) : plain(&w, what, p, n);
	json_decref(hello);
	json_decref(w.mark);
	foreign_close(&w.cmd);
	lines_close(&w.in);
	buf_free(&w.line);
	out_close(&w.out);
	XXH3_freeState(w.hash_in);
	return e < 0 ? -e : 0;
}

struct wrap_options {
	const char	*ok;
	int64_t		 silent_us;
};

static const struct weir_opt wrap_opts[] = {
	{ 0, "ok", "CODE[,CODE...]", "exit codes of the command that are good", WEIR_TEXT, 0, offsetof(struct wrap_options, ok), "0" },
	{ 0, "silent", "DURATION", "kill it when it has been silent so long after the end of its input; 0: never", WEIR_DURATION, 0,
	    offsetof(struct wrap_options, silent_us), "5m" },
	{ 0 }
};

static int
are_codes(const char *p)
{
	while (*p) {
		size_t n = strspn(p, "0123456789");

		if (!n || n > 3 || strtol(p, NULL, 10) > 255 || (p[n] && p[n] != ',') || (p[n] && !p[n + 1]))
			return 0;
		p += n + (p[n] == ',');
	}
	return 1;
}

int
command_wrap(int argc, char **argv)
{
	struct wrap_options o = { 0 };
	const struct opt_set set = { wrap_opts, &o };
	const char **operand;
	int first = 1, e;
	struct fail f;

	/* Its options end where the command begins, with or without --. */
	while (first < argc && argv[first][0] == '-' && strcmp(argv[first], "--"))
		first += strchr(argv[first], '=') || !strcmp(argv[first], "-h") || !strcmp(argv[first], "--help") ? 1 : 2;
	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		opt_synopsis(stdout, "weir wrap", &set, 1);
		fputs("  ... -- COMMAND ...\n\n", stdout);
		opt_help(stdout, &set, 1);
		return fflush(stdout) == 0 ? 0 : -WEIR_EIO;
	}
	if (first > argc)
		first = argc;
	if (!(operand = calloc((size_t)argc + 1, sizeof *operand)))
		return command_error(WEIR_EAGAIN, "no memory");
	e = opt_parse(&set, 1, first, argv, operand, &f);
	free(operand);
	if (e)
		return command_error(f.code, "%s", f.text);
	if (!are_codes(o.ok))
		return command_error(WEIR_EUSAGE, "--ok takes exit codes from 0 to 255, such as 0,1, not '%s'", o.ok);
	if (first < argc && !strcmp(argv[first], "--"))
		first++;
	if (first >= argc)
		return command_error(WEIR_EUSAGE, "wrap needs a command: weir wrap [--ok 0,1] -- jq -c ...");
	return wrap_filter(argv + first, o.ok, o.silent_us, 0);
}
