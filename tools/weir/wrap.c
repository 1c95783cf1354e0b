#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "account.h"
#include "breakage.h"
#include "command.h"
#include "control.h"
#include "lines.h"
#include "out.h"
#include "scan.h"
#include "token.h"
#include "wrap.h"

struct wrap {
	char *const	*argv;
	const char	*ok, *name;
	struct lines	 in;
	struct out	 out;
	struct fail	 fail;
	XXH3_state_t	*hash_in;
	uint64_t	 n_in, seq_in, made;
	char		 run[TOKEN_RUN_SIZE];
	json_t		*mark;		/* the newest watermark */
	/* the command of this epoch */
	pid_t		 pid;
	int		 to, from, is_source;
	struct buf	 torn;		/* of its output: no newline yet */
	struct buf	 line;
	struct account	 account;
};

static int
bad(struct wrap *w)
{
	return -command_error(w->fail.code, "%s: %s", w->name, w->fail.text);
}

static volatile sig_atomic_t asked, command_pid;	/* requests to end; the source's command, which is to end then */
static int is_supervised;

static void
on_end(int sig)
{
	if (asked++ && !is_supervised) {	/* the second one means it; weir run counts for its stages */
		signal(sig, SIG_DFL);
		raise(sig);
	}
	if (command_pid > 0)
		kill((pid_t)command_pid, SIGTERM);
}

static void
on_nothing(int sig)
{
	(void)sig;
}

/* A filter goes on to the end of its stream; a source's command is asked to end. */
static void
signals(int supervised)
{
	static const int end[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction a = { .sa_handler = on_end, .sa_flags = SA_RESTART }, was;
	sigset_t ours;

	is_supervised = supervised;
	sigemptyset(&a.sa_mask);
	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof end / sizeof *end; i++) {
		sigaddset(&ours, end[i]);
		if (end[i] == SIGHUP && !supervised)
			continue;
		if (end[i] == SIGHUP)
			a.sa_handler = on_nothing;	/* of a terminal that goes away: weir run asks for the end */
		if (sigaction(end[i], NULL, &was) == 0 && (was.sa_handler != SIG_IGN || end[i] == SIGTERM))
			sigaction(end[i], &a, NULL);
	}
	a.sa_handler = on_nothing;
	sigaction(SIGUSR1, &a, NULL);
	sigaddset(&ours, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

/* What weir tells its stages is nothing to a foreign command, and a weir that it runs would take it for its own. */
static void
clean_environment(void)
{
	static const char *const name[] = { "WEIR_RUN", "WEIR_PIPELINE", "WEIR_STATE", "WEIR_RESUME", "WEIR_SHARD", "WEIR_LAST", "WEIR_SUMMARY" };

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		unsetenv(name[i]);
}

static int
spawn(struct wrap *w)
{
	int to[2], from[2];
	pid_t self = getpid();

	if (pipe2(to, O_CLOEXEC) < 0)
		return fail_errno(&w->fail, WEIR_EAGAIN, "cannot make a pipe"), bad(w);
	if (pipe2(from, O_CLOEXEC) < 0 || (w->pid = fork()) < 0)
		return fail_errno(&w->fail, WEIR_EAGAIN, "cannot start"), bad(w);
	if (!w->pid) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self)	/* nobody reads what it writes any more */
			_exit(127);
		signal(SIGPIPE, SIG_DFL);
		signal(SIGXFSZ, SIG_DFL);
		if (w->is_source) {
			signal(SIGTERM, SIG_DFL);
		} else {		/* the stream's end ends it */
			signal(SIGTERM, SIG_IGN);
			signal(SIGINT, SIG_IGN);
			signal(SIGHUP, SIG_IGN);
		}
		if ((!w->is_source && dup2(to[0], 0) < 0) || dup2(from[1], 1) < 0)	/* a source reads what weir run was given */
			_exit(127);
		clean_environment();
		execvp(w->argv[0], w->argv);
		command_error(0, "cannot run %s: %s", w->argv[0], strerror(errno));
		_exit(127);
	}
	if (w->is_source) {
		command_pid = w->pid;
		if (asked)
			kill(w->pid, SIGTERM);
	}
	close(to[0]);
	close(from[1]);
	w->to = to[1];
	w->from = from[0];
	out_grow_pipe(w->to);
	out_grow_pipe(w->from);
	if (fcntl(w->to, F_SETFL, O_NONBLOCK) < 0)
		return fail_errno(&w->fail, WEIR_EIO, "fcntl"), bad(w);
	return 0;
}

/* Does the line begin as an object does? */
static int
is_object(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r'))
		i++;
	return i < n && p[i] == '{';
}

/* A line the command wrote.  It is data, whatever it looks like: a control line of this very stream is refused, a source's keys
 * are escaped, and anything else that looks like one is a reject of the next stage. */
static int made_line(struct wrap *w, const char *p, size_t n) __attribute__((nonnull));

static int
made_line(struct wrap *w, const char *p, size_t n)
{
	struct scan_fault fault;
	json_t *c;
	int ours;

	w->made++;
	if (!memmem(p, n, "weir\"", 5) && !memmem(p, n, "\\u", 2))
		return out_data(&w->out, p, n, 1, &w->fail) < 0 ? bad(w) : 0;
	c = control_parse(p, n - 1);
	ours = c && !strcmp(control_text(c, "run"), w->run);
	json_decref(c);
	if (ours)
		return fail(&w->fail, WEIR_EDATA, "wrote a control line: only weir's own stages may"), bad(w);
	w->line.n = 0;
	if (buf_put(&w->line, p, n) < 0)
		return fail(&w->fail, WEIR_EAGAIN, "no memory"), bad(w);
	if (w->is_source && is_object(p, n) && scan_document(w->line.p, n - 1, &(struct scan_limits){ .max_depth = 128, .last_wins = 1 }, &fault) == 0) {
		w->line.n = 0;
		if (BROKEN("no-escape") ? buf_put(&w->line, p, n) < 0 : control_escape(p, n, 1, &w->line) < 0)
			return fail(&w->fail, WEIR_EAGAIN, "no memory"), bad(w);
	}
	return out_data(&w->out, w->line.p, w->line.n, 1, &w->fail) < 0 ? bad(w) : 0;
}

/* What the command wrote: whole lines go on, the rest waits.  1 at its end of file. */
static int
drain(struct wrap *w)
{
	char *nl, *p;
	ssize_t k;
	int e;

	if (buf_reserve(&w->torn, LINES_BLOCK) < 0)
		return fail(&w->fail, WEIR_EAGAIN, "a line of its output is too long"), bad(w);
	k = read(w->from, w->torn.p + w->torn.n, LINES_BLOCK);
	if (k < 0)
		return errno == EINTR ? 0 : (fail_errno(&w->fail, WEIR_EIO, "cannot read its output"), bad(w));
	if (!k)
		return 1;
	w->torn.n += (size_t)k;
	if ((nl = memrchr(w->torn.p + w->torn.n - k, '\n', (size_t)k))) {
		size_t whole = (size_t)(nl + 1 - w->torn.p);

		for (char *from = w->torn.p; (p = memchr(from, '\n', w->torn.n - (size_t)(from - w->torn.p))); from = p)
			if ((e = made_line(w, from, (size_t)(++p - from))) < 0)
				return e;
		memmove(w->torn.p, nl + 1, w->torn.n - whole);
		w->torn.n -= whole;
	}
	return 0;
}

/* Data to the command while its output is drained: neither side ever waits for the other.  p NULL: its end of file, and then its
 * output to the end.  A command may close its output and read on: `sh -c 'exec cat >log'`. */
static int
feed(struct wrap *w, const char *p, size_t n)
{
	int e;

	if (!w->pid && (e = spawn(w)) < 0)
		return e;
	if (!p) {
		close(w->to);
		w->to = -1;
	}
	for (;;) {
		struct pollfd fd[2] = { { .fd = w->from, .events = POLLIN }, { .fd = n ? w->to : -1, .events = POLLOUT } };

		if (p ? !n : w->from < 0)
			return 0;
		if (poll(fd, 2, -1) < 0 && errno != EINTR)
			return fail_errno(&w->fail, WEIR_EIO, "poll"), bad(w);
		if (fd[1].revents) {
			ssize_t k = write(w->to, p, n);

			if (k < 0 && errno == EPIPE)	/* head(1) has seen enough: the rest is filtered */
				return 0;
			if (k < 0 && errno != EAGAIN && errno != EINTR)
				return fail_errno(&w->fail, WEIR_EIO, "cannot write to it"), bad(w);
			p += k > 0 ? k : 0;
			n -= k > 0 ? (size_t)k : 0;
		}
		if (fd[0].revents && (e = drain(w)) < 0)
			return e;
		if (fd[0].revents && e) {
			close(w->from);
			w->from = -1;
		}
	}
}

static int
good(const struct wrap *w, int code)
{
	const char *base = strrchr(w->argv[0], '/');

	base = base ? base + 1 : w->argv[0];
	if (!code || (code == 1 && !strcmp(base, "grep")))	/* grep's way to say: nothing found */
		return 1;
	for (const char *p = w->ok; p && *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ','))
		if (strtol(p, NULL, 10) == code)
			return 1;
	return 0;
}

static int
finish(struct wrap *w)
{
	int status, e;

	if ((e = feed(w, NULL, 0)) < 0)
		return e;
	while (waitpid(w->pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail_errno(&w->fail, WEIR_EBUG, "waitpid"), bad(w);
	w->pid = command_pid = 0;
	if (w->is_source && asked && (WIFSIGNALED(status) || WEXITSTATUS(status)))
		return fail(&w->fail, WEIR_EAGAIN, "was asked to end before the end of its input: nothing of it is committed"), bad(w);
	if (WIFSIGNALED(status))
		return fail(&w->fail, WEIR_EAGAIN, "was ended by signal %d", WTERMSIG(status)), bad(w);
	if (!good(w, WEXITSTATUS(status)))
		return fail(&w->fail, WEIR_EAGAIN, "exit %d; --ok lists the codes that are good", WEXITSTATUS(status)), bad(w);
	if (w->torn.n)
		return fail(&w->fail, WEIR_EDATA, "its last line has no newline, so its output was cut off, and nothing of it is committed; end that line if it is whole"), bad(w);
	return 0;
}

static int
forward(struct wrap *w, json_t *c)
{
	struct buf line = { 0 };
	char seq[24];
	int e;

	snprintf(seq, sizeof seq, "%" PRIu64, w->out.seq);
	json_object_set_new(c, "seq", json_string(seq));
	e = control_format(c, &line, &w->fail) < 0 || out_control(&w->out, line.p, line.n, &w->fail) < 0 ? bad(w) : 0;
	buf_free(&line);
	return e;
}

static int
barrier(struct wrap *w, json_t *c)
{
	uint64_t n = 0, hash;
	char key[256], text[24];
	json_t *acct = json_object_get(c, "acct");
	struct account a = { .in = w->n_in };
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
	a.verdict[WEIR_PASSED] = w->made < w->n_in ? w->made : w->n_in;
	a.verdict[WEIR_FILTERED] = w->n_in - a.verdict[WEIR_PASSED];
	a.emitted = w->made - a.verdict[WEIR_PASSED];
	if (!acct || account_put(acct, json_object_size(acct), w->name, &a) < 0)
		return fail(&w->fail, WEIR_EFRAME, "a barrier without accounts"), bad(w);
	if (snprintf(key, sizeof key, "%zu.%s", json_object_size(acct) - 1, w->name) < (int)sizeof key)
		json_object_set_new(json_object_get(acct, key), "foreign", json_string("1"));
	out_mark(&w->out, &n, &hash);
	snprintf(text, sizeof text, "%" PRIu64, n);
	json_object_set_new(c, "n", json_string(text));
	snprintf(text, sizeof text, "%016" PRIx64, hash);
	json_object_set_new(c, "hash", json_string(text));
	XXH3_64bits_reset(w->hash_in);
	w->n_in = w->made = 0;
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

static int
whole(struct wrap *w, char *p, size_t n)
{
	char *e = p + n, *from = p;
	int err;

	while (p < e) {
		char *nl = memchr(p, '\n', (size_t)(e - p));
		json_t *c = memmem(p, (size_t)(nl - p) < 64 ? (size_t)(nl - p) : 64, "\"@weir\"", 7) ? control_parse(p, (size_t)(nl - p)) : NULL;

		if (c && !strcmp(control_text(c, "run"), w->run)) {
			XXH3_64bits_update(w->hash_in, from, (size_t)(p - from));
			if (p > from && (err = feed(w, from, (size_t)(p - from))) < 0) {
				json_decref(c);
				return err;
			}
			err = !w->pid && !strcmp(control_text(c, "k"), "bar") ? spawn(w) : 0;
			if (!err)
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
	return from < e ? feed(w, from, (size_t)(e - from)) : 0;
}

static int
open_wrap(struct wrap *w, char *const *argv)
{
	const char *base = strrchr(argv[0], '/');

	*w = (struct wrap){ .argv = argv, .name = base ? base + 1 : argv[0], .to = -1, .from = -1 };
	w->torn.max = 64u << 20;
	if (lines_open(&w->in, 0, CONTROL_MAX, &w->fail) < 0 || out_open(&w->out, 1, &w->fail) < 0 || !(w->hash_in = XXH3_createState()))
		return bad(w);
	XXH3_64bits_reset(w->hash_in);
	return 0;
}

static int
close_wrap(struct wrap *w, int e)
{
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	json_decref(w->mark);
	lines_close(&w->in);
	out_close(&w->out);
	buf_free(&w->torn);
	buf_free(&w->line);
	XXH3_freeState(w->hash_in);
	return e < 0 ? -e : 0;
}

int
wrap_filter(char *const *argv, const char *ok, int supervised)
{
	struct wrap w;
	size_t n;
	char *p, *nl;
	json_t *hello = NULL;
	int what, e;

	signals(supervised);
	if ((e = open_wrap(&w, argv)) < 0)
		return -e;
	w.ok = ok;
	while ((what = lines_next(&w.in, &p, &n, &w.fail)) == WEIR_EAGAIN)
		;
	if (what == LINES_WHOLE) {
		nl = memchr(p, '\n', n);
		hello = control_parse(p, (size_t)(nl - p));
	}
	if (!hello || strcmp(control_text(hello, "k"), "hello")) {	/* plain: one run of the command, and its exit code is ours */
		json_decref(hello);
		while (!e && what != LINES_EOF) {
			if (what < 0)
				e = bad(&w);
			else if ((e = feed(&w, p, n)) == 0)
				while ((what = lines_next(&w.in, &p, &n, &w.fail)) == WEIR_EAGAIN)
					;
		}
		if (e < 0)
			return close_wrap(&w, e);
		if (!w.pid && (e = spawn(&w)) < 0)
			return close_wrap(&w, e);
		if ((e = finish(&w)) == 0 && out_flush(&w.out, &w.fail) < 0)
			e = bad(&w);
		return close_wrap(&w, e);
	}
	snprintf(w.run, sizeof w.run, "%s", control_text(hello, "run"));
	json_decref(hello);
	lines_unread(&w.in, p);
	w.out.framed = 1;
	for (e = 0; !e; ) {
		what = lines_next(&w.in, &p, &n, &w.fail);
		if (what == WEIR_EAGAIN)
			continue;
		if (what < 0)
			e = bad(&w);
		else if (what == LINES_WHOLE)
			e = whole(&w, p, n);
		else if (what == LINES_EOF)
			e = fail(&w.fail, WEIR_EAGAIN, "input ended without its end mark: a stage before this one died. Run it again"), bad(&w);
		else
			e = fail(&w.fail, WEIR_EFRAME, "a line that is too long, or cut off"), bad(&w);
		if (!e && lines_empty(&w.in) && out_flush(&w.out, &w.fail) < 0)
			e = bad(&w);
	}
	return close_wrap(&w, e < 0 ? e : 0);
}

int
wrap_source(char *const *argv, int supervised)
{
	static const char *const none = "none";
	const char *run = getenv("WEIR_RUN"), *pipe_name = getenv("WEIR_PIPELINE"), *resume = getenv("WEIR_RESUME");
	char n_text[24], hash_text[24], id_text[24], prev[TOKEN_SIZE] = "none", prev_run[TOKEN_RUN_SIZE];
	struct account a = { 0 };
	uint64_t n, hash, id = 0;
	json_t *c, *acct;
	struct wrap w;
	int e;

	signals(supervised);
	if ((e = open_wrap(&w, argv)) < 0)
		return -e;
	if (!run || !token_is_run(run, strlen(run)))
		return close_wrap(&w, -command_error(WEIR_EUSAGE, "a source that is no stage needs weir run")), -WEIR_EUSAGE;
	w.is_source = w.out.framed = 1;
	snprintf(w.run, sizeof w.run, "%s", run);
	if (resume && strcmp(resume, none)) {
		json_t *r = json_loads(resume, 0, NULL);

		snprintf(prev, sizeof prev, "%s", control_text(r, "token"));
		json_decref(r);
		if (token_parse(prev, prev_run, &id) < 0)
			return close_wrap(&w, -command_error(WEIR_EUSAGE, "WEIR_RESUME has no token"));
	}
	c = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:{},s:s,s:s,s:s,s:s,s:s,s:s}", "by", "", "chain", "", "epoch", "all", "k", "hello", "limits",
	    "depth=128 dup=reject line=1048576", "meta", "", "off", "pipe", pipe_name ? pipe_name : "", "prev", prev, "run", run, "shard", "0/1", "time", "", "v",
	    CONTROL_VERSION);
	e = c ? forward(&w, c) : -1;
	json_decref(c);
	if (!e && (e = spawn(&w)) == 0)
		e = finish(&w);
	if (e < 0)
		return close_wrap(&w, e);
	out_mark(&w.out, &n, &hash);
	a.emitted = n;
	acct = json_object();
	account_put(acct, 0, w.name, &a);
	snprintf(n_text, sizeof n_text, "%" PRIu64, n);
	snprintf(hash_text, sizeof hash_text, "%016" PRIx64, hash);
	snprintf(id_text, sizeof id_text, "%" PRIu64, id + 1);
	c = json_pack("{s:o,s:s,s:s,s:s,s:s,s:s,s:{},s:s}", "acct", acct, "hash", hash_text, "id", id_text, "k", "bar", "last", "end", "n", n_text, "off", "run", run);
	e = c ? forward(&w, c) : -1;
	json_decref(c);
	if (!e) {
		c = json_pack("{s:s,s:s,s:s}", "k", "eos", "run", run, "why", "end");
		e = c ? forward(&w, c) : -1;
		json_decref(c);
	}
	return close_wrap(&w, e);
}

int
command_wrap(int argc, char **argv)
{
	const char *ok = "0";
	int i = 1;

	if (i + 1 < argc && !strcmp(argv[i], "--ok")) {
		ok = argv[i + 1];
		i += 2;
	} else if (i < argc && !strncmp(argv[i], "--ok=", 5)) {
		ok = argv[i++] + 5;
	}
	if (i < argc && !strcmp(argv[i], "--"))
		i++;
	if (i >= argc || argv[i][0] == '-')
		return command_error(WEIR_EUSAGE, "wrap needs a command: weir wrap [--ok 0,1] -- jq -c ...");
	return wrap_filter(argv + i, ok, 0);
}

int
command_strip(int argc, char **argv)
{
	static const struct scan_limits strip_limits = { .max_depth = SCAN_MAX_DEPTH, .last_wins = 1 };
	struct lines in;
	struct out out;
	struct buf b = { 0 };
	struct fail f;
	size_t n;
	char *p;
	int what, e = 0, framed = -1;

	(void)argv;
	if (argc > 1)
		return command_error(WEIR_EUSAGE, "strip takes no arguments");
	signal(SIGPIPE, SIG_IGN);
	if (lines_open(&in, 0, 64u << 20, &f) < 0 || out_open(&out, 1, &f) < 0)
		return command_error(f.code, "%s", f.text);
	while (!e && (what = lines_next(&in, &p, &n, &f)) != LINES_EOF) {
		char *end = p + n;

		if (what == WEIR_EAGAIN)
			continue;
		if (what < 0) {
			e = what;
			break;
		}
		while (!e && p < end) {
			char *nl = memchr(p, '\n', (size_t)(end - p));
			size_t len = nl ? (size_t)(nl + 1 - p) : (size_t)(end - p);
			struct scan_fault fault;
			int mark = what == LINES_WHOLE && memmem(p, len, "weir\"", 5) != NULL;
			json_t *c = mark ? control_parse(p, len - 1) : NULL;

			if (framed < 0)
				framed = c && !strcmp(control_text(c, "k"), "hello");
			if (c && framed) {
				;	/* a control line of any run goes */
			} else if (framed && mark && is_object(p, len) && scan_document(p, len - 1, &strip_limits, &fault) == 0) {
				b.n = 0;
				e = control_escape(p, len, -1, &b) < 0 ? fail(&f, WEIR_EAGAIN, "no memory") : out_data(&out, b.p, b.n, 1, &f);
			} else {
				e = out_data(&out, p, len, 1, &f);
			}
			json_decref(c);
			p += len;
		}
		if (!e && lines_empty(&in))
			e = out_flush(&out, &f);
	}
	if (!e)
		e = out_flush(&out, &f);
	buf_free(&b);
	lines_close(&in);
	out_close(&out);
	return e ? command_error(e, "%s", f.text) : 0;
}
