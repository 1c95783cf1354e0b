/*
 * broker.h - the connection: reach the brokers, list topics, ask for offsets, and say what is wrong in words.
 *
 * All calls are made by the stage's thread; librdkafka's own threads never
 * call back into this.  Functions return 0 or a negative weir_code with a
 * sentence in *fail.
 */
#ifndef BROKER_H
#define BROKER_H

#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "fail.h"
#include "offsets.h"
#include "options.h"

struct broker {
	rd_kafka_t		*rk;
	rd_kafka_queue_t	*queue;			/* records, errors and group changes */
	int			 timeout_ms;
	int			 needs_nudge;		/* see broker_nudge() */
	char			 address[512];		/* as the user gave it */
	char			 user[128], mechanism[32], protocol[32];
	/* What librdkafka reported last. */
	rd_kafka_resp_err_t	 err;			/* of the last trouble */
	char			 reason[512];
	int			 refused;		/* trouble that trying again does not cure: login, TLS */
	int			 all_down;
	/* -G: what the group gave to this member. */
	rd_kafka_topic_partition_list_t	*given;
	int			 n_rebalances;
};

/* Takes the settings, also when it fails.  Nothing is asked of a broker yet. */
int	broker_open(struct broker *, rd_kafka_conf_t *, int timeout_ms, struct fail *);
void	broker_close(struct broker *);

/* All topics this user may see; waits for a broker up to timeout_ms.  Free it with rd_kafka_metadata_destroy(). */
int	broker_metadata(struct broker *, const struct rd_kafka_metadata **, struct fail *);

/* The id of the cluster, and of the topics where the library can tell, into *parts. */
int	broker_identify(struct broker *, struct parts *, struct fail *);

/* The topics of `names` with the partitions of `which`. */
int	broker_select(struct broker *, const struct rd_kafka_metadata *, const struct names *, const struct partitions *which, struct parts *,
	    struct fail *);

/* Fill in low and high of the parts, and what the -o need of committed, at_start and at_stop. */
int	broker_offsets(struct broker *, struct parts *, const struct offsets *, struct fail *);

/* low and high of one part, now. */
int	broker_ends(struct broker *, const struct parts *, size_t i, int64_t *low, int64_t *high, struct fail *);

/* Start to read all parts that are not done at their next offset. */
int	broker_assign(struct broker *, const struct parts *, struct fail *);

/* And n new ones from part `at` on. */
int	broker_assign_more(struct broker *, const struct parts *, size_t at, size_t n, struct fail *);

/* A second client with the same settings; errors are reported as the first one's are. */
int	broker_twin(struct broker *, rd_kafka_t **, struct fail *);

/* The topics have the ids they had, as far as the library tells: else WEIR_EOFFSET. */
int	broker_still(struct broker *, const struct parts *, struct fail *);

/* What open transactions hold back behind the ends that were taken: the number of partitions, *first the first of them. */
size_t	broker_held(struct broker *, struct parts *, size_t *first);

/* Go to part i's next offset, held or not. */
int	broker_hold(struct broker *, const struct parts *, size_t i, int hold, struct fail *);
int	broker_seek(struct broker *, const struct parts *, size_t i, struct fail *);

/* -G: wait until the group has given its share out, and put it into *parts. */
int	broker_join(struct broker *, const struct names *, struct parts *, struct fail *);

/* Tell the group how far it is: what was handed on, not what anybody committed. */
void	broker_commit(struct broker *, const struct parts *, int wait);

/* The brokers do not answer any more: try for the timeout.  0 when one does. */
int	broker_probe(struct broker *, struct fail *);

/* The queue has room again.  librdkafka before 2.2 looks at a queue that was full once a second; this makes it look now. */
void	broker_nudge(struct broker *);

/* Say what librdkafka last reported. */
int	broker_explain(struct broker *, struct fail *);

/* What this version of librdkafka is known for, or NULL. */
const char	*broker_library_remark(const struct broker *);

#endif
