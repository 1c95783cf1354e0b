/*
 * source.h - the state of one running kcat-in, shared by its two halves: kcat-in.c starts and reports, consume.c reads.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "broker.h"
#include "buf.h"
#include "conf.h"
#include "offsets.h"
#include "options.h"
#include "watermark.h"
#include "weir.h"

#define SOURCE_RECORDS		1024		/* taken from librdkafka at a time */
#define SOURCE_QUEUE		CONF_QUEUE	/* records waiting in librdkafka, about */
#define SOURCE_BATCH_BYTES	(256 << 10)	/* offered in one poll, or one record */
#define SOURCE_META		"_kafka"
#define SOURCE_FILE		"kcat-in.json"	/* in a checkpoint */
#define SOURCE_NO_PART		UINT32_MAX

enum { GAP_STOP, GAP_SKIP };
enum { TOMBSTONE_REJECT, TOMBSTONE_SKIP };

struct source {
	/* options */
	const char		*brokers, *partitions, *file, *group, *meta, *shard, *partitioned_by;
	struct weir_list	*topics, *offset, *set;
	struct weir_time	 time;
	uint64_t		 count;
	int64_t			 out_of_order_us, idle_us, max_drift_us, timeout_us;
	int			 bounded, list, consume, insecure, tombstones, on_gap;
	/* what they mean */
	struct names		 names;
	struct partitions	 which;
	struct offsets		 where;
	int			 time_col;		/* -1: no --time, or @timestamp */
	int			 by_timestamp;
	/* the run */
	struct broker		 broker;
	struct parts		 parts;
	struct watermark	 mark;
	char			*position;		/* what position() last gave out */
	json_t			*kept;			/* of the checkpoint this run started from: its parts, or NULL */
	int			 opened, started, reading, begun, framed;
	int			 said_held;		/* that open transactions hold something back */
	int64_t			 look_every_ms, look_next_ms;	/* for added partitions */
	int			 commits;		/* tell the group how far it is: enable.auto.commit=true */
	int			 greeted;		/* hello has its position */
	int			 raise_first;		/* the watermark of the checkpoint is still to be sent */
	size_t			 n_done;
	/* records of librdkafka, and what became of them */
	rd_kafka_message_t	*record[SOURCE_RECORDS];
	uint32_t		 part[SOURCE_RECORDS];	/* of record[k], or SOURCE_NO_PART */
	size_t			 n, at;			/* record[at..n) are not looked at yet */
	int			 was_low;		/* the queue */
	size_t			 n_released;		/* record[0..n_released) are destroyed */
	uint32_t		 offered[SOURCE_RECORDS];	/* records in the order they were offered in this poll */
	uint8_t			 refused[SOURCE_RECORDS];	/* of offered[] */
	size_t			 n_offered, n_processed;
	uint64_t		 n_events;		/* for -c */
	struct buf		 line, spliced, member;
	int64_t			 waited_ms;		/* for nothing, since the last record */
	int64_t			 committed_ms;		/* when it was told */
	int64_t			 blocked_us;		/* for records, in all */
	int64_t			 lag_us, last_us;	/* when the lag was looked at; the timestamp of the last record */
	int			 last_part;		/* of the record before */
	const void		*last_handle;
	int32_t			 last_partition;
};

/* consume.c */
int	source_poll(struct weir_ctx *, void *self, int timeout_ms);
int	source_refused(struct weir_ctx *, void *self, uint64_t tag, const char *code, const char *message);
int	source_process(struct weir_ctx *, void *self, struct weir_batch *);
void	source_release(struct source *);

/* meta.c: the member ("_kafka":{…}) of a record, and the source of a reject. */
int	meta_member(struct buf *, const char *key, const rd_kafka_message_t *, const char *topic);
int	meta_source(struct buf *, const rd_kafka_message_t *, const char *topic);

/* lag.c: tell the host how far behind this source is, once a second, and how long it has waited. */
void	source_lag(struct weir_ctx *, struct source *);
int64_t	source_clock_us(void);

/* list.c: -L. */
int	source_list(struct weir_ctx *, struct source *);

/* marks.c: what a checkpoint keeps of the source.  marks_save() is malloc'd; marks_load() is 0, or -1 when it is none. */
char	*marks_save(const struct source *);
int	marks_load(const char *json, size_t n, struct source *);

/* proof.c: note the records in hand; and before the run, look whether those that were read last are still there. */
void	proof_keep(struct source *);
int	proof_check(struct source *, struct fail *);

/* grow.c: look now and then for partitions that were added, and for topics that were made anew. */
int	source_grow(struct weir_ctx *, struct source *);

/* kcat-in.c: connect, choose and place partitions; once. */
int	source_start(struct weir_ctx *, struct source *);
int	source_assign(struct weir_ctx *, struct source *);
int	source_fail(struct weir_ctx *, const struct fail *);

#endif
