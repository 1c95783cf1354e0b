#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "foreign.h"
#include "host.h"
#include "launch.h"
#include "wrap.h"

#define GRACE_S	10	/* for the stages beside one that failed: their epoch is void, there is nothing to wait for but rejects */
#define DRAIN_S	300	/* for other shards: they commit what they have */

struct process {
	pid_t	pid;
	size_t	shard, first, n;	/* stages */
	int	ended, killed;
};

struct watch {
	struct launch	*l;
	struct process	*p;
	size_t		 n, left;
	int		 code;		/* of the first real failure */
	int		 empty, ok;	/* processes that ended with 99, and sinks' with 0 */
	int64_t		*deadline_ms;	/* of each shard; 0: none */
};

static int
export(const char *name, const char *value)
{
	return setenv(name, value, 1) < 0 ? command_error(WEIR_EAGAIN, "no memory") : 0;
}

/* What one shard's stages are told. */
static int
environment(const struct launch *l, const struct launch_shard *s)
{
	int e = 0;

	if (!l->framed)
		return 0;
	e = export("WEIR_RUN", s->run);
	if (!e && s->position)
		e = export("WEIR_RESUME", s->position);
	if (!e && l->n_shards > 1)
		e = export("WEIR_SHARD", s->name);
	return e;
}

/* The child: its stages, or its command, between fd 0 and fd 1. */
static int
child(const struct launch *l, const struct process *p)
{
	const struct launch_stage *s = &l->stage[p->first];
	struct host *h;
	int e;

	if ((e = environment(l, &l->shard[p->shard])) || (p->first + p->n == l->n && (e = export("WEIR_LAST", "1"))))
		return e;
	if (!s->is)
		return p->first ? wrap_filter(s->argv, "0", FOREIGN_SILENT, 1) : wrap_source(s->argv, 1);
	h = host_new();
	h->supervised = 1;
	for (size_t k = 0; !e && k < p->n; k++) {
		e = host_add(h, s[k].is, s[k].argc, s[k].argv);
		h->stage[k].common.state_reset |= l->state_reset && !l->shard[p->shard].receipts.n_commits;
	}
	e = e < 0 ? -e : host_run(h);
	host_free(h);
	return e;
}

/* In the child: the launcher's own descriptors.  The locks are of the launcher alone: when it is killed, the next run may start. */
static void
forget(struct launch *l)
{
	for (size_t i = 0; i < l->n_shards; i++) {
		state_close(l->shard[i].dir);
		l->shard[i].dir = NULL;
		if (l->shard[i].receipts.fd >= 0)
			close(l->shard[i].receipts.fd);
	}
}

/* `fd` becomes `as`. */
static void
take(int fd, int as)
{
	int e;

	if (fd == as)
		return;
	do
		e = dup2(fd, as);
	while (e < 0 && errno == EINTR);
	if (e < 0)
		_exit(command_error(WEIR_EIO, "cannot connect a stage to its pipe: %s", strerror(errno)));
	close(fd);
}

/* in and out are the child's; `other` is the end of its output that is not, -1: none. */
static int
start_one(struct watch *w, struct process *p, int in, int out, int other)
{
	fflush(NULL);
	if ((p->pid = supervise_fork(w->l->supervisor)) < 0)
		return command_error(WEIR_EAGAIN, "cannot fork: %s", strerror(errno));
	if (p->pid) {
		w->left++;
		return 0;
	}
	forget(w->l);
	if (other >= 0)
		close(other);
	take(in, 0);
	take(out, 1);
	exit(child(w->l, p));
}

/* The processes of one shard, p[0..n), in a row; a sink's output comes to us. */
static int
start(struct watch *w, struct launch_shard *s, struct process *p, size_t n)
{
	int in = 0, e = 0;

	for (size_t i = 0; !e && i < n; i++) {
		int last = i + 1 == n, fd[2] = { -1, 1 };

		if ((!last || w->l->sink) && pipe2(fd, O_CLOEXEC) < 0) {
			e = command_error(WEIR_EAGAIN, "cannot make a pipe: %s", strerror(errno));
			break;
		}
		e = start_one(w, &p[i], in, fd[1], fd[0]);
		if (in)
			close(in);
		if (fd[1] != 1)
			close(fd[1]);
		in = last || fd[0] < 0 ? 0 : fd[0];
		if (last && w->l->sink)
			s->receipts.fd = fd[0];
	}
	if (in)
		close(in);
	return e;
}

static void
tell(struct watch *w, size_t shard, int all, int sig)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->p[i].pid > 0 && !w->p[i].ended && (all || w->p[i].shard == shard)) {
			w->p[i].killed |= sig == SIGKILL;
			kill(w->p[i].pid, sig);
		}
}

static const char *
name_of(const struct launch *l, const struct process *p, char text[256])
{
	const struct launch_stage *s = &l->stage[p->first];
	const char *name = s->is ? s->is->name : s->argv[0];

	if (l->n_shards > 1)
		snprintf(text, 256, "%s of shard %s", name, l->shard[p->shard].name);
	else
		snprintf(text, 256, "%s", name);
	return text;
}

static int
code_of(const struct launch *l, const struct process *p, int status)
{
	char name[256];
	int sig;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	if (p->killed)		/* by us, and said so */
		return -WEIR_EAGAIN;
	command_error(0, "%s was ended by signal %d (%s): its epoch is void, run it again", name_of(l, p, name), sig, strsignal(sig));
	return sig == SIGSEGV || sig == SIGABRT || sig == SIGBUS || sig == SIGFPE || sig == SIGILL ? -WEIR_EBUG : -WEIR_EAGAIN;
}

/* What says most of a failure: a writer that finds no reader (69) and a reader that finds no end mark (75) follow from another's death,
 * the first of them from the other. */
static int
weight(int code)
{
	return !code ? 0 : code == -WEIR_EGONE ? 1 : code == -WEIR_EAGAIN ? 2 : 3;
}

/* Everything ends: the shard at once, for its epoch is void; the others after they committed theirs. */
static void
failed(struct watch *w, size_t shard, int code)
{
	int64_t now = supervise_now_ms();
	int *of_shard = &w->l->shard[shard].code;

	if (weight(code) > weight(w->code))
		w->code = code;
	if (weight(code) > weight(*of_shard))
		*of_shard = code;
	for (size_t k = 0; k < w->l->n_shards; k++) {
		int64_t until = now + (k == shard ? GRACE_S : DRAIN_S) * INT64_C(1000);

		if (!w->deadline_ms[k])		/* a stage that failed because of this one must not ask again: its rejects tell why */
			tell(w, k, 0, SIGTERM);
		if (!w->deadline_ms[k] || until < w->deadline_ms[k])
			w->deadline_ms[k] = until;
	}
}

static void
reap(struct watch *w)
{
	int status, code;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < w->n; i++) {
			struct process *p = &w->p[i];

			if (p->pid != pid || p->ended)
				continue;
			p->ended = 1;
			w->left--;
			code = code_of(w->l, p, status);
			if (code == 99)		/* a sink's way to say: nothing to commit */
				w->empty++;
			else if (code)
				failed(w, p->shard, code);
			else if (p->first + p->n == w->l->n)
				w->ok++;
		}
}

static void
signalled(struct watch *w, enum supervise_event event)
{
	struct supervisor *s = w->l->supervisor;

	switch (event) {
	case SUPERVISE_CHILD:
		reap(w);
		break;
	case SUPERVISE_END:
		if (s->requests == 1) {
			tell(w, 0, 1, SIGTERM);
		} else {
			command_error(0, "ended at once, as the second signal asks: the open epoch is void");
			tell(w, 0, 1, SIGKILL);
		}
		break;
	case SUPERVISE_CUT:
		for (size_t i = 0; i < w->n; i++)	/* the sources */
			if (!w->p[i].first && !w->p[i].ended)
				kill(w->p[i].pid, SIGUSR1);
		break;
	case SUPERVISE_REREAD:
		tell(w, 0, 1, SIGHUP);
		break;
	case SUPERVISE_STOP:
		tell(w, 0, 1, SIGTSTP);
		supervise_stop();
		break;
	case SUPERVISE_CONT:
		tell(w, 0, 1, SIGCONT);
		break;
	case SUPERVISE_NONE:
		break;
	}
}

/* Kill what had its time.  Milliseconds to the next deadline, -1: none. */
static int
deadlines(struct watch *w)
{
	int64_t now = supervise_now_ms(), next = INT64_MAX;
	char name[256];

	for (size_t i = 0; i < w->n; i++) {
		struct process *p = &w->p[i];
		int64_t until = w->deadline_ms[p->shard];

		if (p->pid <= 0 || p->ended || p->killed || !until)
			continue;
		if (until > now) {
			next = until < next ? until : next;
			continue;
		}
		command_error(0, "%s did not end in time after another stage had failed: it is killed", name_of(w->l, p, name));
		p->killed = 1;
		kill(p->pid, SIGKILL);
	}
	return next == INT64_MAX ? -1 : (int)(next - now);
}

static int
receipt_failed(struct watch *w, size_t shard, const struct fail *f)
{
	struct receipt_pipe *p = &w->l->shard[shard].receipts;

	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	failed(w, shard, command_error(f->code, "%s", f->text));
	return 0;
}

/* What the sinks say, to standard output. */
static void
relay(struct watch *w, const struct pollfd *fd)
{
	struct launch *l = w->l;
	struct fail f;

	if (fd[1].revents && receipts_write(l->receipts, &f) < 0)
		receipt_failed(w, 0, &f);
	for (size_t k = 0; k < l->n_shards; k++)
		if (fd[2 + k].revents && receipts_read(l->receipts, &l->shard[k].receipts, &f) < 0)
			receipt_failed(w, k, &f);
}

static int
watch(struct watch *w)
{
	struct launch *l = w->l;
	struct pollfd *fd = calloc(2 + l->n_shards, sizeof *fd);
	enum supervise_event event;
	int open = 1;

	if (!fd) {
		tell(w, 0, 1, SIGKILL);
		while (wait(NULL) > 0 || errno == EINTR)
			;
		return command_error(WEIR_EAGAIN, "no memory");
	}
	while (w->left || open) {
		int ms = deadlines(w);

		fd[0] = (struct pollfd){ .fd = l->supervisor->fd, .events = POLLIN };
		fd[1] = (struct pollfd){ .fd = receipts_pending(l->receipts) ? 1 : -1, .events = POLLOUT };
		open = 0;
		for (size_t k = 0; k < l->n_shards; k++) {
			fd[2 + k] = (struct pollfd){ .fd = receipts_full(l->receipts) ? -1 : l->shard[k].receipts.fd, .events = POLLIN };
			open |= l->shard[k].receipts.fd >= 0;
		}
		if (!w->left && !open)
			break;
		if (poll(fd, 2 + l->n_shards, ms) < 0 && errno != EINTR) {
			failed(w, 0, command_error(errno == ENOMEM ? WEIR_EAGAIN : WEIR_EBUG, "poll: %s", strerror(errno)));
			continue;
		}
		relay(w, fd);
		while ((event = supervise_next(l->supervisor)) != SUPERVISE_NONE)
			signalled(w, event);
	}
	free(fd);
	return w->code ? w->code : w->empty && !w->ok ? 99 : 0;
}

int
launch_run(struct launch *l)
{
	size_t each = 0, first[PIPELINE_STAGES], length[PIPELINE_STAGES];
	struct watch w = { .l = l };
	uint64_t before[LAUNCH_SHARDS] = { 0 };
	int e = 0;

	for (size_t i = 0; i < l->n; i++)
		if (each && l->fuse && l->stage[i].is && l->stage[i - 1].is) {
			length[each - 1]++;
		} else {
			first[each] = i;
			length[each++] = 1;
		}
	w.n = each * l->n_shards;
	w.p = calloc(w.n, sizeof *w.p);
	w.deadline_ms = calloc(l->n_shards, sizeof *w.deadline_ms);
	if (!w.p || !w.deadline_ms) {
		w.n = 0;
		e = command_error(WEIR_EAGAIN, "no memory");
	}
	for (size_t k = 0; !e && k < l->n_shards; k++) {
		before[k] = l->shard[k].receipts.n_commits;
		l->shard[k].code = 0;
		for (size_t i = 0; i < each; i++)
			w.p[k * each + i] = (struct process){ .shard = k, .first = first[i], .n = length[i] };
		e = start(&w, &l->shard[k], &w.p[k * each], each);
	}
	if (e) {		/* nothing was committed: no stage has seen the end of its input */
		w.code = e;
		tell(&w, 0, 1, SIGKILL);
	}
	if (w.left || !e)
		e = watch(&w);
	for (size_t k = 0; k < l->n_shards; k++)
		l->shard[k].n_commits = l->shard[k].receipts.n_commits - before[k];
	free(w.p);
	free(w.deadline_ms);
	return e;
}

int
launch_ask(struct launch *l, int (*fn)(void *arg, int fd), void *arg, char *answer, size_t max)
{
	struct supervisor *s = l->supervisor;
	int fd[2], status = 0, ended = 0, open = 1, bad = 0;
	enum supervise_event event;
	size_t n = 0;
	pid_t pid;

	fflush(NULL);
	if (pipe2(fd, O_CLOEXEC) < 0)
		return command_error(WEIR_EAGAIN, "cannot make a pipe: %s", strerror(errno));
	if ((pid = supervise_fork(s)) < 0) {
		close(fd[0]);
		close(fd[1]);
		return command_error(WEIR_EAGAIN, "cannot fork: %s", strerror(errno));
	}
	if (!pid) {
		sigset_t none;

		forget(l);
		close(fd[0]);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		exit(fn(arg, fd[1]));
	}
	close(fd[1]);
	while (!ended || open) {
		struct pollfd p[2] = { { .fd = s->fd, .events = POLLIN }, { .fd = open ? fd[0] : -1, .events = POLLIN } };
		ssize_t k = 0;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			kill(pid, SIGKILL);
		if (open && p[1].revents && (k = read(fd[0], answer + n, max - n)) <= 0)
			if (!(open = k < 0 && errno == EINTR))
				bad = k < 0 ? errno : 0;
		n += k > 0 ? (size_t)k : 0;
		if (n == max) {
			kill(pid, SIGKILL);
			open = 0;
		}
		while ((event = supervise_next(s)) != SUPERVISE_NONE) {
			if (event == SUPERVISE_CHILD && waitpid(pid, &status, WNOHANG) == pid)
				ended = 1;
			else if (event == SUPERVISE_END && !ended)
				kill(pid, SIGKILL);	/* it only looks: there is nothing to lose */
			else if (event == SUPERVISE_STOP)
				supervise_stop();
		}
	}
	close(fd[0]);
	answer[n < max ? n : max - 1] = '\0';
	if (bad)		/* half an answer is none: a position that is short of a feed would start it anew */
		return command_error(WEIR_EIO, "cannot read the sink's position: %s", strerror(bad));
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return n == max ? command_error(WEIR_EBUG, "the sink's position is longer than %zu bytes", max) : s->requests ? LAUNCH_NOT_BEGUN :
	    command_error(WEIR_EAGAIN, "%s was ended by signal %d while it looked up its position", l->stage[l->n - 1].argv[0], WTERMSIG(status));
}
