/*
 * offsets.h - the partitions of a run: where each starts, stands and ends.
 *
 * Pure: what the broker said comes in as numbers, a position as JSON.  A
 * position is the next offset to read, never the last one read; offsets are
 * sparse, so nothing is ever counted.  Functions return 0 or a negative
 * weir_code with a sentence in *fail.
 */
#ifndef OFFSETS_H
#define OFFSETS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "fail.h"
#include "options.h"

#define OFFSETS_NONE		(-1)
#define OFFSETS_NO_END		INT64_MAX
#define OFFSETS_MAX_PARTS	200000

/* The last record that was read of a partition.  The place stays when a topic is deleted and made anew, or cut off by an unclean
 * election; what stands there does not. */
struct proof {
	int64_t		offset;		/* OFFSETS_NONE: none was ever read */
	int64_t		ms;		/* its timestamp */
	uint64_t	hash;		/* of key and value */
	int32_t		leader_epoch;	/* or -1: the client library does not tell */
};

struct part {
	int32_t	topic;			/* index into parts.topic */
	int32_t	partition;
	int64_t	low, high;		/* oldest offset kept; end, as far as transactions are decided */
	int64_t	committed, at_start, at_stop;	/* asked of the broker when an -o wants it, else OFFSETS_NONE */
	int64_t	next, end;		/* end: exclusive, or OFFSETS_NO_END */
	int64_t	jump;			/* where the run goes on behind a gap that is to be skipped, else OFFSETS_NONE: hello says `next` */
	int32_t	leader_epoch;		/* of the last record, or -1 */
	struct proof last;
	int64_t	high_mark;		/* end with what open transactions hold back, when somebody saw it; else OFFSETS_NONE */
	const void *newest;		/* record that `last` is still to be made of, or NULL */
	uint8_t	done, paused, resumed, stopped;	/* at its end; held by --max-drift; started from a position; its end is behind it */
};

struct topic {
	char	*name;
	char	*id;			/* as the broker gives it, or NULL */
	size_t	 first, n;		/* its parts, partition ascending */
	int32_t	 n_partitions;		/* it has, whether they are read or not */
	const void *handle;		/* of the client library: the last one seen */
};

struct parts {
	struct topic	*topic;		/* names ascending */
	struct part	*part;		/* grouped by topic */
	size_t		 n_topics, n;
	char		*cluster;	/* or NULL */
	json_t		*base;		/* the position this run started from, or NULL */
};

/* Add a topic with the partitions 0 to n_partitions - 1 that `which` has; topics in ascending order of their names. */
int	parts_add(struct parts *, const char *topic, int32_t n_partitions, const struct partitions *which, struct fail *);
void	parts_free(struct parts *);

/* Topic t has n_partitions now: add the new ones that `which` has, to be read from 0 on.  *at is the index of the first of them.
 * Returns how many they are, or an error. */
int	parts_grow(struct parts *, size_t t, int32_t n_partitions, const struct partitions *which, size_t *at, struct fail *);

/* Index of a partition, or -1. */
ptrdiff_t	parts_find(const struct parts *, int32_t topic, int32_t partition);
int32_t		parts_topic(const struct parts *, const char *name);

/* Start from a position: compact JSON as parts_position() makes it.  Before parts_plan(). */
int	parts_seek(struct parts *, const char *off, struct fail *);

/* The same cluster, and topics with the same ids, as far as both sides know them. */
int	parts_same(const struct parts *, struct fail *);

/* Decide next and end of part i.  *lost is the number of offsets that are gone and, with skip_gaps, were left out. */
int	parts_plan(struct parts *, size_t i, const struct offsets *, int bounded, int skip_gaps, int64_t *lost, struct fail *);

/* Behind the gaps, after hello. */
void	parts_jump(struct parts *);

/* The sentence about a gap: offset `next` of part i is gone. */
int	parts_gone(const struct parts *, size_t i, int64_t low, struct fail *);

/* The position now: {"cluster":…,"topics":{NAME:{"id":…,"le":{…},"next":{"0":"8812"}}}}, keys sorted, leaves strings.  What the
 * start position says of partitions that this run does not read is carried forward.  malloc'd; NULL when memory is short. */
char	*parts_position(const struct parts *);

/* The record that stands where the last one was read is `now`: is it the same?  Else WEIR_EOFFSET. */
int	parts_proven(const struct parts *, size_t i, const struct proof *now, struct fail *);

/* 1234567 as "1,234,567"; returns text. */
const char *parts_number(int64_t v, char text[32]);

#endif
