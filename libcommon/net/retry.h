/*
 * retry.h - how long to wait before a request is made again, and when to stop.
 *
 * The n-th wait is random between 0 and first_us doubled n times, at most most_us ("full jitter", as AWS advises and Google's libraries do);
 * a server's Retry-After is obeyed when it is longer.  The last wait ends at until_us; a Retry-After beyond it is a reason to give up.
 */
#ifndef RETRY_H
#define RETRY_H

#include <stdint.h>

struct retry {
	int64_t		first_us, most_us;	/* of one wait */
	int64_t		until_us;		/* no wait goes beyond this, retry_clock() */
	unsigned	n;			/* tries that failed so far */
	uint64_t	random;
};

/* Monotonic, microseconds. */
int64_t	retry_clock(void);

/* Give up so long from now.  WEIR_RETRY_FIRST_MS in the environment shortens the first wait (tests). */
void	retry_begin(struct retry *, int64_t first_us, int64_t most_us, int64_t for_us);

/* How long to wait after one more failure, retry_after_us from the answer or -1; -1: give up.  Does not wait. */
int64_t	retry_next(struct retry *, int64_t retry_after_us);

/* retry_next() and the wait: 0, or -1 to give up.  Signals do not shorten it. */
int	retry_wait(struct retry *, int64_t retry_after_us);

/* A status that may be another one next time: 408 429 500 502 503 504. */
int	retry_status(int status);

#endif
