#include "config.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "supervise.h"
#include "weir.h"

#define SAME_MS	200	/* timeout(1) signals a process and then its group: one request that came twice */

static const int stage_signal[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };	/* a stage handles these itself */

static void
ours(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof stage_signal / sizeof *stage_signal; i++)
		sigaddset(set, stage_signal[i]);
	sigaddset(set, SIGTSTP);
	sigaddset(set, SIGCONT);
	sigaddset(set, SIGCHLD);
}

int
supervise_open(struct supervisor *s, struct fail *f)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t set;

	*s = (struct supervisor){ .fd = -1, .self = getpid() };
	ours(&set);
	if (sigaction(SIGCHLD, &usual, NULL) < 0 || sigprocmask(SIG_BLOCK, &set, &s->before) < 0)	/* an inherited "ignore" would reap for us */
		return fail_errno(f, WEIR_EBUG, "cannot set up signals");
	if ((s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return fail_errno(f, WEIR_EAGAIN, "cannot set up signals");
	return 0;
}

void
supervise_close(struct supervisor *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

pid_t
supervise_fork(struct supervisor *s)
{
	pid_t pid = fork();
	sigset_t set;

	if (pid)
		return pid;
	/* Whoever is left when the launcher is killed would go on with a pipeline that nobody watches. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != s->self)
		_exit(-WEIR_EAGAIN);
	close(s->fd);
	s->fd = -1;
	set = s->before;
	for (size_t i = 0; i < sizeof stage_signal / sizeof *stage_signal; i++)
		sigaddset(&set, stage_signal[i]);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return 0;
}

int64_t
supervise_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum supervise_event
request(struct supervisor *s)
{
	int64_t now = supervise_now_ms();

	if (s->requests && now - s->request_ms < SAME_MS)
		return SUPERVISE_NONE;
	s->request_ms = now;
	s->requests++;
	return SUPERVISE_END;
}

enum supervise_event
supervise_next(struct supervisor *s)
{
	struct signalfd_siginfo info;

	if (read(s->fd, &info, sizeof info) != (ssize_t)sizeof info)
		return SUPERVISE_NONE;
	switch (info.ssi_signo) {
	case SIGTERM:
	case SIGINT:
		return request(s);
	case SIGHUP:
		return info.ssi_code == SI_KERNEL ? request(s) : SUPERVISE_REREAD;	/* the terminal is gone */
	case SIGUSR1:
		return SUPERVISE_CUT;
	case SIGTSTP:
		return SUPERVISE_STOP;
	case SIGCONT:
		return SUPERVISE_CONT;
	case SIGCHLD:
		return SUPERVISE_CHILD;
	}
	return SUPERVISE_NONE;
}

void
supervise_stop(void)
{
	raise(SIGSTOP);
}

int
supervise_sleep(struct supervisor *s, int64_t ms)
{
	int64_t until = supervise_now_ms() + ms, left;

	while (!s->requests && (left = until - supervise_now_ms()) > 0) {
		struct pollfd fd = { .fd = s->fd, .events = POLLIN };

		if (poll(&fd, 1, (int)left) < 0 && errno != EINTR)
			return 0;
		switch (supervise_next(s)) {
		case SUPERVISE_STOP:
			supervise_stop();
			break;
		case SUPERVISE_CHILD:
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
			break;
		default:
			break;
		}
	}
	return s->requests > 0;
}
