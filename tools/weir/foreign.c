#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "foreign.h"
#include "lines.h"
#include "out.h"
#include "supervise.h"
#include "weir.h"

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

void
foreign_signals(int supervised)
{
	struct sigaction a = { .sa_handler = on_end, .sa_flags = SA_RESTART }, was;
	sigset_t ours;

	is_supervised = supervised;
	sigemptyset(&a.sa_mask);
	sigaction(SIGTERM, &a, NULL);
	if (sigaction(SIGINT, NULL, &was) == 0 && was.sa_handler != SIG_IGN)	/* in the background of a script it is not for us */
		sigaction(SIGINT, &a, NULL);
	a.sa_handler = on_nothing;
	if (supervised)
		sigaction(SIGHUP, &a, NULL);	/* of a terminal that goes away: weir run asks for the end */
	sigaction(SIGUSR1, &a, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

int
foreign_asked(void)
{
	return asked > 0;
}

void
foreign_init(struct foreign *c, char *const *argv)
{
	const char *base = strrchr(argv[0], '/');

	*c = (struct foreign){ .argv = argv, .name = base ? base + 1 : argv[0], .to = -1, .from = -1, .silent_us = FOREIGN_SILENT, .torn.max = FOREIGN_LINE };
}

static int
say(struct foreign *c)
{
	return -command_error(c->fail.code, "%s: %s", c->name, c->fail.text);
}

/* What weir tells its stages is nothing to a foreign command, and a weir that it runs would take it for its own. */
static void
clean_environment(void)
{
	static const char *const name[] = { "WEIR_RUN", "WEIR_PIPELINE", "WEIR_STATE", "WEIR_RESUME", "WEIR_EPOCH_MIN", "WEIR_SHARD", "WEIR_LAST", "WEIR_SUMMARY" };

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		unsetenv(name[i]);
}

/* The child.  Does not return; errno goes to `status` when it cannot begin. */
static void
become(const struct foreign *c, int in, int out, int status)
{
	int e;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	if (c->is_source) {
		signal(SIGTERM, SIG_DFL);
	} else {		/* the stream's end ends it, and not a signal to the whole group */
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
	}
	if ((!c->is_source && dup2(in, 0) < 0) || dup2(out, 1) < 0)
		_exit(127);
	clean_environment();
	execvp(c->argv[0], c->argv);
	e = errno;
	if (write(status, &e, sizeof e) < 0)
		_exit(126);
	_exit(127);
}

/* Did it begin?  The pipe ends without a word when it did. */
static int
began(struct foreign *c, int status)
{
	int e = 0;
	ssize_t k;

	do
		k = read(status, &e, sizeof e);
	while (k < 0 && errno == EINTR);
	close(status);
	if (k <= 0)
		return 0;
	errno = e;
	fail_errno(&c->fail, e == ENOMEM || e == EAGAIN || e == ETXTBSY || e == EMFILE || e == ENFILE ? WEIR_EAGAIN : WEIR_ECONFIG, "cannot run %s", c->argv[0]);
	return say(c);
}

static void
close_pair(const int fd[2])
{
	if (fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
}

int
foreign_start(struct foreign *c)
{
	int to[2] = { -1, -1 }, from[2] = { -1, -1 }, status[2] = { -1, -1 };
	pid_t self = getpid();

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0 || (c->pid = fork()) < 0) {
		fail_errno(&c->fail, WEIR_EAGAIN, "cannot start");
		close_pair(to);
		close_pair(from);
		close_pair(status);
		c->pid = 0;
		return say(c);
	}
	if (!c->pid) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self)	/* nobody reads what it writes any more */
			_exit(127);
		become(c, to[0], from[1], status[1]);
	}
	if (c->is_source) {
		command_pid = c->pid;
		if (asked)
			kill(c->pid, SIGTERM);
	}
	close(to[0]);
	close(from[1]);
	close(status[1]);
	c->to = to[1];
	c->from = from[0];
	out_grow_pipe(c->to);
	out_grow_pipe(c->from);
	if (fcntl(c->to, F_SETFL, O_NONBLOCK) < 0) {
		close(status[0]);
		return fail_errno(&c->fail, WEIR_EIO, "fcntl"), say(c);
	}
	return began(c, status[0]);
}

/* One read of its output: whole lines go on, the rest waits. */
static int
drain(struct foreign *c)
{
	char *nl, *p;
	ssize_t k;
	int e;

	errno = 0;
	if (buf_reserve(&c->torn, LINES_BLOCK) < 0)
		return errno == ENOMEM ? fail(&c->fail, WEIR_EAGAIN, "no memory"), say(c) : fail(&c->fail, WEIR_EDATA, "a line of its output is longer than %u bytes", FOREIGN_LINE - LINES_BLOCK), say(c);
	k = read(c->from, c->torn.p + c->torn.n, LINES_BLOCK);
	if (k < 0)
		return errno == EINTR ? 0 : (fail_errno(&c->fail, WEIR_EIO, "cannot read its output"), say(c));
	if (!k) {
		close(c->from);
		c->from = -1;
		return 0;
	}
	c->torn.n += (size_t)k;
	if ((nl = memrchr(c->torn.p + c->torn.n - k, '\n', (size_t)k))) {
		size_t whole = (size_t)(nl + 1 - c->torn.p);

		for (char *from = c->torn.p; (p = memchr(from, '\n', c->torn.n - (size_t)(from - c->torn.p))); from = p)
			if ((e = c->line(c->arg, from, (size_t)(++p - from))) < 0)
				return e;
		memmove(c->torn.p, nl + 1, c->torn.n - whole);
		c->torn.n -= whole;
	}
	return c->pause(c->arg);
}

int
foreign_feed(struct foreign *c, const char *p, size_t n)
{
	int e;

	if (!c->pid && (e = foreign_start(c)) < 0)
		return e;
	while (n && c->to >= 0) {
		struct pollfd fd[2] = { { .fd = c->from, .events = POLLIN }, { .fd = c->to, .events = POLLOUT } };

		if (poll(fd, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return fail_errno(&c->fail, WEIR_EIO, "poll"), say(c);
		}
		if (fd[1].revents) {
			ssize_t k = write(c->to, p, n);

			if (k < 0 && errno == EPIPE) {	/* head(1) has seen enough: the rest is filtered */
				close(c->to);
				c->to = -1;
			} else if (k < 0 && errno != EAGAIN && errno != EINTR) {
				return fail_errno(&c->fail, WEIR_EIO, "cannot write to it"), say(c);
			}
			p += k > 0 ? k : 0;
			n -= k > 0 ? (size_t)k : 0;
		}
		if (fd[0].revents && (e = drain(c)) < 0)
			return e;
	}
	return 0;
}

int
foreign_wait(struct foreign *c, int in)
{
	int e;

	while (c->from >= 0) {
		struct pollfd fd[2] = { { .fd = c->from, .events = POLLIN }, { .fd = in, .events = POLLIN } };

		if (poll(fd, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return fail_errno(&c->fail, WEIR_EIO, "poll"), say(c);
		}
		if (fd[0].revents && (e = drain(c)) < 0)
			return e;
		if (fd[1].revents)
			return 0;
	}
	return 0;
}

/* Its output to the end.  A source may be silent for as long as it likes. */
static int
drain_all(struct foreign *c)
{
	int64_t ms = c->is_source || c->silent_us <= 0 ? -1 : (c->silent_us + 999) / 1000;
	int e, k;

	while (c->from >= 0) {
		struct pollfd fd = { .fd = c->from, .events = POLLIN };

		if ((k = poll(&fd, 1, ms > INT32_MAX ? INT32_MAX : (int)ms)) < 0) {
			if (errno == EINTR)
				continue;
			return fail_errno(&c->fail, WEIR_EIO, "poll"), say(c);
		}
		if (!k)
			return fail(&c->fail, WEIR_EAGAIN, "its input ended %.1f s ago, it wrote nothing since, and has not ended: it is killed",
			    (double)c->silent_us / 1e6), say(c);
		if ((e = drain(c)) < 0)
			return e;
	}
	return 0;
}

/* It closed its output: it may still take its time, to write a log to a disk. */
static int
reap(struct foreign *c, int *status)
{
	int64_t until = supervise_now_ms() + c->silent_us / 1000;

	for (;;) {
		int wait_for_ever = c->is_source || c->silent_us <= 0;
		pid_t pid = waitpid(c->pid, status, wait_for_ever ? 0 : WNOHANG);

		if (pid == c->pid)
			return 0;
		if (pid < 0 && errno != EINTR)
			return fail_errno(&c->fail, WEIR_EBUG, "waitpid"), say(c);
		if (pid == 0 && supervise_now_ms() >= until)
			return fail(&c->fail, WEIR_EAGAIN, "its input and output ended %.1f s ago, and it has not: it is killed", (double)c->silent_us / 1e6), say(c);
		if (pid == 0)
			poll(NULL, 0, supervise_now_ms() + c->silent_us / 1000 - until < 10 ? 1 : 20);
	}
}

int
foreign_end(struct foreign *c, int *how)
{
	int status, e;

	if (!c->pid && (e = foreign_start(c)) < 0)
		return e;
	if (c->to >= 0)
		close(c->to);
	c->to = -1;
	if ((e = drain_all(c)) < 0 || (e = reap(c, &status)) < 0)
		return e;
	c->pid = command_pid = 0;
	*how = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

void
foreign_close(struct foreign *c)
{
	if (c->to >= 0)
		close(c->to);
	if (c->from >= 0)
		close(c->from);
	c->to = c->from = -1;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	c->pid = 0;
	buf_free(&c->torn);
}
