/*
 * conf.h - settings of the Kafka client: -b, -G, -F, KCAT_CONFIG, -X.
 *
 * Later ones win: this tool's own choices for speed and memory, the file, -X,
 * and last what correctness rests on, which nobody can change.  A secret on
 * the command line can be a file: -X sasl.password=@FILE.
 */
#ifndef CONF_H
#define CONF_H

#include <librdkafka/rdkafka.h>

#include "fail.h"
#include "weir.h"

#define CONF_QUEUE	20000		/* queued.min.messages, unless the user has another one */
#define CONF_FILE_MAX	(1 << 20)	/* bytes of -F */
#define CONF_SECRET_MAX	(64 << 10)	/* bytes of a secret's file */

struct conf_input {
	const char		*brokers, *group, *file;	/* NULL: not given */
	const struct weir_list	*set;				/* of -X, or NULL */
	int			 insecure;
	int			*commits;			/* set when enable.auto.commit=true was asked for: it is done by broker_commit() */
	void			(*warn)(void *, const char *text);
	void			*warn_arg;
};

/* NULL: *fail says why. */
rd_kafka_conf_t	*conf_new(const struct conf_input *, struct fail *);

/* A property's value, "" when it has none. */
const char	*conf_get(const rd_kafka_conf_t *, const char *name, char *value, size_t size);

#endif
