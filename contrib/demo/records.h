/*
 * records.h - records of one's own for the demo broker: NDJSON of
 * {"topic","partition","key","value"|"hex","timestamp","headers"}.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

struct record {
	const char		*topic;
	const char		*key, *value;	/* NULL: none; a tombstone */
	size_t			 n_key, n_value;
	int64_t			 timestamp_ms;	/* 0: now */
	rd_kafka_headers_t	*headers;	/* or NULL; whoever produces takes it */
	int32_t			 partition;
};

struct records;

/* Reads the whole file and lists its topics.  NULL: `text` says why. */
struct records	*records_open(const char *file, char *text, size_t size);
const char	*records_topic(const struct records *, size_t i);	/* NULL behind the last one */

/* 1, 0 at the end, -1 with `text`.  The record is valid until the next call. */
int		 records_next(struct records *, struct record *, char *text, size_t size);
void		 records_close(struct records *);

#endif
