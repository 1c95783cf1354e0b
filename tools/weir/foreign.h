/*
 * foreign.h - a foreign command as a child: lines in, lines out.
 *
 * Neither side ever waits for the other: whoever feeds it takes its output
 * meanwhile.  It may close its output and read on, leave its input alone, or
 * write before it reads.  It dies with this process.
 */
#ifndef FOREIGN_H
#define FOREIGN_H

#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "fail.h"

#define FOREIGN_LINE	(64u << 20)	/* the longest line of its output */
#define FOREIGN_SILENT	INT64_C(300000000)	/* us after the end of its input without a byte of output */

struct foreign {
	/* set by the caller */
	char *const	*argv;
	int		 is_source;	/* its input is ours, and a request to end is its own */
	int64_t		 silent_us;
	int		 (*line)(void *arg, const char *p, size_t n);	/* whole lines of its output, newline included */
	int		 (*pause)(void *arg);	/* nothing more just now */
	void		*arg;
	/* its own */
	const char	*name;
	pid_t		 pid;		/* 0: it does not run */
	int		 to, from;
	struct buf	 torn;		/* no newline yet */
	struct fail	 fail;
};

/* Handlers for requests to end, for the process that runs it.  supervised: by weir run, which counts them. */
void	foreign_signals(int supervised);

void	foreign_init(struct foreign *, char *const *argv);

/* All return 0 or a negative code, after the message. */
int	foreign_start(struct foreign *);
int	foreign_feed(struct foreign *, const char *p, size_t n);

/* Take its output until `fd` can be read. */
int	foreign_wait(struct foreign *, int fd);

/* The end of its input, its output to the end, and its own.  *how: its exit code, or the number of the signal that ended it as a
 * negative number. */
int	foreign_end(struct foreign *, int *how);

/* A request to end came. */
int	foreign_asked(void);

void	foreign_close(struct foreign *);	/* kills it if it still runs */

#endif
