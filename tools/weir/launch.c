#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "host.h"
#include "launch.h"
#include "wrap.h"

#define GRACE_S	10	/* between the request to end and the end by force */

static volatile sig_atomic_t asked, alarmed;

static void
on_signal(int sig)
{
	if (sig == SIGALRM)
		alarmed = 1;
	else
		asked = sig;
}

struct process {
	pid_t	pid;
	size_t	first, n;	/* stages */
	int	status, ended;
};

/* The child: its stages, or its command, between fd 0 and fd 1. */
static int
child(const struct launch *l, const struct process *p, int last)
{
	const struct launch_stage *s = &l->stage[p->first];
	struct host *h;
	int e = 0;

	if (last && setenv("WEIR_LAST", "1", 1) < 0)
		return -WEIR_EAGAIN;
	if (!s->is)
		return p->first ? wrap_filter(s->argv, "0") : wrap_source(s->argv);
	h = host_new();
	for (size_t k = 0; !e && k < p->n; k++)
		e = host_add(h, s[k].is, s[k].argc, s[k].argv);
	e = e < 0 ? -e : host_run(h);
	host_free(h);
	return e;
}

static int
start(const struct launch *l, struct process *p, size_t n)
{
	int in = 0;

	for (size_t i = 0; i < n; i++) {
		int fd[2] = { -1, 1 };

		if (i + 1 < n && pipe(fd) < 0)
			return command_error(-WEIR_EAGAIN, "cannot make a pipe: %s", strerror(errno));
		fflush(NULL);
		if ((p[i].pid = fork()) < 0)
			return command_error(-WEIR_EAGAIN, "cannot fork: %s", strerror(errno));
		if (!p[i].pid) {
			signal(SIGALRM, SIG_DFL);
			if ((in && dup2(in, 0) < 0) || (fd[1] != 1 && dup2(fd[1], 1) < 0))
				_exit(-WEIR_EIO);
			if (in)
				close(in);
			if (fd[0] >= 0)
				close(fd[0]);
			if (fd[1] != 1)
				close(fd[1]);
			exit(child(l, &p[i], i + 1 == n));
		}
		if (in)
			close(in);
		if (fd[1] != 1)
			close(fd[1]);
		in = fd[0];
	}
	return 0;
}

static void
tell(const struct process *p, size_t n, int sig)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].pid > 0 && !p[i].ended)
			kill(p[i].pid, sig);
}

static int
code_of(const struct launch *l, const struct process *p)
{
	const char *name = l->stage[p->first].is ? l->stage[p->first].is->name : l->stage[p->first].argv[0];
	int sig;

	if (WIFEXITED(p->status))
		return WEXITSTATUS(p->status);
	sig = WTERMSIG(p->status);
	command_error(0, "%s was ended by signal %d (%s): its epoch is void, run it again", name, sig, strsignal(sig));
	return sig == SIGSEGV || sig == SIGABRT || sig == SIGBUS || sig == SIGFPE || sig == SIGILL ? -WEIR_EBUG : -WEIR_EAGAIN;
}

/* What follows from another's death: the writer finds no reader, the reader no end mark. */
static int
follows(int code)
{
	return code == -WEIR_EGONE || code == -WEIR_EAGAIN;
}

static int
watch(const struct launch *l, struct process *p, size_t n)
{
	size_t left = n;
	int worst = 0, told = 0;

	while (left) {
		int status, code;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0 && errno == EINTR) {
			if (asked)
				tell(p, n, asked);
			asked = 0;
			if (alarmed)
				tell(p, n, SIGKILL);
			continue;
		}
		if (pid < 0)
			return command_error(-WEIR_EBUG, "waitpid: %s", strerror(errno));
		for (size_t i = 0; i < n; i++) {
			if (p[i].pid != pid)
				continue;
			p[i].ended = 1;
			p[i].status = status;
			left--;
			code = code_of(l, &p[i]);
			if (code && (!worst || (follows(worst) && !follows(code))))
				worst = code;
			if (code && !told) {	/* once: the second one ends a stage at once, and its rejects with it */
				told = 1;
				tell(p, n, SIGTERM);
				alarm(GRACE_S);
			}
		}
	}
	return worst;
}

int
launch_run(const struct launch *l)
{
	struct process p[PIPELINE_STAGES] = { 0 };
	struct sigaction a = { .sa_handler = on_signal };
	size_t n = 0;
	int e;

	for (size_t i = 0; i < l->n; i++)
		if (n && l->fuse && l->stage[i].is && l->stage[i - 1].is)
			p[n - 1].n++;
		else
			p[n++] = (struct process){ .first = i, .n = 1 };
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGUSR1, &a, NULL);
	sigaction(SIGALRM, &a, NULL);
	if ((e = start(l, p, n))) {
		tell(p, n, SIGKILL);
		return e;
	}
	return watch(l, p, n);
}
