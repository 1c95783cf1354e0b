/*
 * mock_errors - a broker that answers with errors when it is told to; for tests/fault/brokers.
 *
 * librdkafka's mock cluster with one topic, `errors`, of two partitions with BATCHES batches of PER_BATCH records each.  It prints its
 * address and then does what the lines of its standard input say, with `ok` for each:
 *
 *	push API SKIP CODE	the next SKIP requests of this kind are answered well, then one with this error
 *	clear API
 *	names FIRST LAST	the error codes librdkafka knows in this range, one a line, before the ok
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define TOPIC		"errors"
#define PARTITIONS	2
#define BATCHES		12
#define PER_BATCH	10
#define MAX_SKIP	100

static int
broken(const char *what)
{
	fprintf(stderr, "mock_errors: %s\n", what);
	return 1;
}

/* A batch is what is flushed together: several, so that one fetch does not bring all. */
static int
fill(rd_kafka_t *rk)
{
	char line[64];

	for (int b = 0; b < BATCHES; b++) {
		for (int k = 0; k < PER_BATCH; k++)
			for (int p = 0; p < PARTITIONS; p++) {
				int n = snprintf(line, sizeof line, "{\"p\":%d,\"n\":%d}", p, b * PER_BATCH + k);

				if (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(p), RD_KAFKA_V_VALUE(line, (size_t)n),
				    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END))
					return -1;
			}
		if (rd_kafka_flush(rk, 10000))
			return -1;
	}
	return 0;
}

static void
names(int first, int last)
{
	for (int code = first; code <= last; code++) {
		const char *name = rd_kafka_err2name((rd_kafka_resp_err_t)code);

		if (name && strncmp(name, "ERR_", 4))	/* else it is "ERR_<number>?": none */
			printf("%d %s\n", code, name);
	}
}

static void
push(rd_kafka_mock_cluster_t *cluster, int api, int skip, int code)
{
	rd_kafka_resp_err_t answer[MAX_SKIP + 1];

	for (int i = 0; i < skip; i++)
		answer[i] = RD_KAFKA_RESP_ERR_NO_ERROR;
	answer[skip] = (rd_kafka_resp_err_t)code;
	rd_kafka_mock_push_request_errors_array(cluster, (int16_t)api, (size_t)skip + 1, answer);
}

static int
serve(rd_kafka_mock_cluster_t *cluster)
{
	char line[128];
	int a, b, c;

	while (fgets(line, sizeof line, stdin)) {
		if (sscanf(line, "push %d %d %d", &a, &b, &c) == 3 && b >= 0 && b <= MAX_SKIP)
			push(cluster, a, b, c);
		else if (sscanf(line, "clear %d", &a) == 1)
			rd_kafka_mock_clear_request_errors(cluster, (int16_t)a);
		else if (sscanf(line, "names %d %d", &a, &b) == 2)
			names(a, b);
		else
			return broken("takes push API SKIP CODE, clear API, names FIRST LAST");
		if (puts("ok") < 0 || fflush(stdout) == EOF)
			return 1;
	}
	return 0;
}

int
main(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_mock_cluster_t *cluster;
	char text[512];
	rd_kafka_t *rk;
	int e;

	if (rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", text, sizeof text) || rd_kafka_conf_set(conf, "linger.ms", "50", text, sizeof text) ||
	    rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text) || !(rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text)))
		return broken(text);
	if (!(cluster = rd_kafka_handle_mock_cluster(rk)))
		return broken("this librdkafka has no mock cluster");
	if (rd_kafka_mock_topic_create(cluster, TOPIC, PARTITIONS, 1) || fill(rk) < 0)
		return broken("cannot fill the topic");
	printf("%s %d %d\n", rd_kafka_mock_cluster_bootstraps(cluster), PARTITIONS, BATCHES * PER_BATCH);
	e = fflush(stdout) == EOF ? 1 : serve(cluster);
	rd_kafka_destroy(rk);
	return e;
}
