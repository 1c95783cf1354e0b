/*
 * options.h - what kcat's letters mean: -o, -p, -t, --shard.
 *
 * Pure.  Functions return 0, or WEIR_EUSAGE with a sentence in *fail.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"

#define OPTIONS_MAX_PARTITION	1000000
#define OPTIONS_MAX_TOPICS	1000

enum start { START_BEGINNING, START_END, START_STORED, START_AT, START_TAIL, START_TIME };

struct offsets {
	int	start;		/* enum start */
	int64_t	at;		/* START_AT: offset; START_TAIL: how many before the end; START_TIME: ms since 1970 */
	int	given;		/* a start was named */
	int	stops;		/* e@TIME was given: */
	int64_t	stop_ms;
};

/* One -o: beginning, end, stored, N, -N, s@TIME or e@TIME; may be called again with another one.  TIME is ISO 8601 or
 * milliseconds since 1970. */
int	options_offset(const char *text, struct offsets *, struct fail *);

struct range {
	int32_t	first, last;
};

struct partitions {
	struct range	range[64];
	size_t		n;		/* 0: all */
	int32_t		shard, n_shards;	/* partitions p with p mod n_shards = shard; n_shards 0: all */
};

/* "3", "0,2,5-7"; -1 means all, as in kcat. */
int	options_partitions(const char *text, struct partitions *, struct fail *);
int	options_shard(const char *text, struct partitions *, struct fail *);
int	partitions_have(const struct partitions *, int32_t partition);

/* Topics as they were named: exact names and, beginning with ^, regular expressions. */
struct names {
	char	**item;
	size_t	  n;
};

/* One -t: "a,b,c", or "^regex" as a whole. */
int	names_add(struct names *, const char *text, struct fail *);
void	names_free(struct names *);
int	names_has_regex(const struct names *);

/* A short text about the names in `all` that are like `name`: "; similar: a, b", or "".  Never longer than size. */
void	names_similar(const char *name, const char *const *all, size_t n_all, char *text, size_t size);

#endif
