#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "retry.h"

#define SECOND_US	INT64_C(1000000)

int64_t
retry_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

/* xorshift64*: never 0 again once it is not. */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

void
retry_begin(struct retry *r, int64_t first_us, int64_t most_us, int64_t for_us)
{
	const char *text = getenv("WEIR_RETRY_FIRST_MS");
	char *end;
	long ms;

	if (text && *text && (errno = 0, ms = strtol(text, &end, 10), !errno && !*end) && ms >= 0 && ms < first_us / 1000)
		first_us = ms * INT64_C(1000);
	*r = (struct retry){ .first_us = first_us, .most_us = most_us, .until_us = retry_clock() + for_us };
	if (getrandom(&r->random, sizeof r->random, GRND_NONBLOCK) != (ssize_t)sizeof r->random || !r->random)
		r->random = (uint64_t)retry_clock() | 1;	/* early in a boot; it need not be secret */
}

int64_t
retry_next(struct retry *r, int64_t retry_after_us)
{
	int64_t left = r->until_us - retry_clock(), span = r->first_us, wait;
	unsigned i;

	for (i = 0; i < r->n && span < r->most_us; i++)
		span *= 2;
	if (span > r->most_us)
		span = r->most_us;
	r->n++;
	if (left <= 0 || retry_after_us > left)
		return -1;
	wait = span > 0 ? (int64_t)(next_random(&r->random) % (uint64_t)(span + 1)) : 0;
	if (wait < retry_after_us)
		wait = retry_after_us;
	return wait < left ? wait : left;
}

int
retry_wait(struct retry *r, int64_t retry_after_us)
{
	int64_t us = retry_next(r, retry_after_us), until;
	struct timespec ts;

	if (us < 0)
		return -1;
	until = retry_clock() + us;
	ts = (struct timespec){ .tv_sec = until / SECOND_US, .tv_nsec = until % SECOND_US * 1000 };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
	return 0;
}

int
retry_status(int status)
{
	switch (status) {
	case 408:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		return 1;
	default:
		return 0;
	}
}
