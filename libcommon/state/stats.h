/*
 * stats.h - what a stage says about itself while it runs: DIR/<i-N>/stats/<stage>, see weir-state(5).
 *
 * One page in a file that the stage's process maps and others read.  It is a
 * cache and nothing else: never flushed to disk, made anew by every run, and
 * a pipeline runs as well without it.  Every number is one aligned word,
 * stored and loaded whole; two words need not be of the same instant.
 */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>

#include "buf.h"
#include "fail.h"
#include "token.h"

#define STATS_MAGIC	"WEIRSTAT"
#define STATS_FORMAT	1
#define STATS_BYTES	4096
#define STATS_NAMED	16	/* counters of a stage's own, and gauges */
#define STATS_NAME	32	/* bytes of their names, with NUL */
#define STATS_NONE	INT64_MIN	/* a word that says nothing */

/* The words.  _US without more is microseconds since 1970, or a span where it says so. */
enum stats_word {
	STATS_IN, STATS_EMITTED,
	STATS_PASSED, STATS_FILTERED, STATS_TAKEN, STATS_REJECTED, STATS_LATE, STATS_DUPLICATE,	/* as enum weir_verdict */
	STATS_BYTES_IN, STATS_BYTES_OUT,
	STATS_BUSY_US,			/* span: in the stage's own functions */
	STATS_BEGAN_US, STATS_UPDATED_US, STATS_ENDED_US, STATS_EXIT,	/* of the process; the last two when it is over, else STATS_NONE */
	STATS_EPOCH, STATS_EPOCH_US,	/* the open epoch, and when it began */
	STATS_COMMIT, STATS_COMMIT_US,	/* sinks: the last epoch that this run committed, and when */
	STATS_WATERMARK_US,
	/* of the process, the same for all stages in it */
	STATS_CPU_US, STATS_WAIT_IN_US, STATS_WAIT_OUT_US,	/* spans */
	STATS_WAITING, STATS_WAITING_US,	/* enum stats_waiting, and since when on the monotonic clock */
	STATS_WORDS
};

enum stats_waiting { STATS_RUNS, STATS_WAITS_INPUT, STATS_WAITS_OUTPUT };

struct stats_named {
	char	name[STATS_NAME];	/* empty: this one and the rest are not used */
	int64_t	value;
};

/* The file, of host byte order.  What is no number is written before the file has its name. */
struct stats_page {
	char			magic[8];
	uint32_t		format, bytes;
	uint64_t		pid, started;	/* started: clock ticks after boot, field 22 of /proc/PID/stat */
	char			boot[40];	/* /proc/sys/kernel/random/boot_id */
	uint32_t		number, role;	/* place in the chain from 0; enum weir_role */
	char			run[TOKEN_RUN_SIZE], prev[TOKEN_SIZE], shard[32], epoch[24], stage[80], pipe[256];	/* epoch: least span, or all */
	int64_t			word[64];
	struct stats_named	counter[STATS_NAMED], gauge[STATS_NAMED];
};

_Static_assert(STATS_WORDS <= 64 && sizeof(struct stats_page) <= STATS_BYTES, "the page holds it all");

static inline void
stats_set(struct stats_page *p, enum stats_word w, int64_t v)
{
	__atomic_store_n(&p->word[w], v, __ATOMIC_RELAXED);
}

static inline int64_t
stats_get(const struct stats_page *p, enum stats_word w)
{
	return __atomic_load_n(&p->word[w], __ATOMIC_RELAXED);
}

/* A named value, stored; a name for which there is no room is not kept. */
void	stats_put(struct stats_named table[STATS_NAMED], const char *name, int64_t value);
/* STATS_NONE when there is none of that name. */
int64_t	stats_find(const struct stats_named table[STATS_NAMED], const char *name);

/* Magic, sizes, this process, and words that say nothing; the rest is the caller's. */
void	stats_init(struct stats_page *);

/* *page into the file `name` of the folder `dir`, in the place of one that is there, and *page becomes its mapping, STATS_BYTES long.
 * On failure *page stays what it is. */
int	stats_map(int dir, const char *name, struct stats_page **page, struct fail *);

/* The file as it is now.  0; WEIR_ESTATE: it is no such file, or of another version; WEIR_EIO, WEIR_ECONFIG: it cannot be read. */
int	stats_read(int dir, const char *name, struct stats_page *, struct fail *);

/* Does the process that wrote it live? */
int	stats_alive(const struct stats_page *);

/* Its members as JSON, without the braces around: "stage":"dedupe",...; `seconds` is how long the stage has run.  0 or -1. */
int	stats_json(const struct stats_page *, double seconds, struct buf *);

#endif
