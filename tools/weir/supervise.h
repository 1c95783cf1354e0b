/*
 * supervise.h - signals and children of weir run.
 *
 * The launcher takes every signal by descriptor, one at a time, in its loop.
 * Its children stay in its process group, so that a foreign command may read
 * the terminal.  A terminal's Ctrl-C, timeout(1) and a service manager that
 * signals a whole group therefore reach a child twice: directly, and forwarded
 * from here.  So children take any number of requests to end for one; only the
 * launcher counts them, and its answer to the second one is SIGKILL.
 */
#ifndef SUPERVISE_H
#define SUPERVISE_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "fail.h"

struct supervisor {
	int		fd;		/* signalfd */
	sigset_t	before;		/* the mask of the process that started us */
	pid_t		self;
	int		requests;	/* to end: SIGTERM, SIGINT, the terminal's hang-up */
	int64_t		request_ms;	/* when the last one came */
};

enum supervise_event {
	SUPERVISE_NONE,
	SUPERVISE_CHILD,	/* one or more ended: waitpid() */
	SUPERVISE_END,		/* a request to end; see requests */
	SUPERVISE_CUT,		/* SIGUSR1 */
	SUPERVISE_REREAD,	/* SIGHUP of kill(1) */
	SUPERVISE_STOP,		/* SIGTSTP: stop the children, then call supervise_stop() */
	SUPERVISE_CONT
};

int	supervise_open(struct supervisor *, struct fail *);

/* Signals as they were before; a request that came after the last look acts now. */
void	supervise_close(struct supervisor *);

/* fork(2).  The child dies with this process, has the signals of `before` but those that a stage handles itself, which stay blocked
 * until it does.  -1 with errno. */
pid_t	supervise_fork(struct supervisor *);

/* The next signal; never waits: poll(2) for `fd`. */
enum supervise_event supervise_next(struct supervisor *);

/* Stop this process, as SIGTSTP would have. */
void	supervise_stop(void);

/* Wait.  1: a request to end came first. */
int	supervise_sleep(struct supervisor *, int64_t ms);

int64_t	supervise_now_ms(void);		/* CLOCK_MONOTONIC */

#endif
