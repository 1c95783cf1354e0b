/*
 * weir-demo-broker - a Kafka broker on a port of 127.0.0.1, with generated events in it.
 *
 * The broker is librdkafka's mock cluster: the real wire protocol, no disk.
 * It keeps about 5 MiB of compressed batches a partition and drops older ones
 * without a word, so the number of partitions is chosen to fit, and before the
 * address is printed every partition is asked whether its offset 0 is still
 * there.  It cannot look up offsets by time, has no transactions worth the
 * name and forgets everything at the end: it is for demonstrations and tests.
 *
 * It runs until its standard input, when that is a pipe, is closed, or SIGTERM.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "events.h"
#include "records.h"

#define EVENTS_PER_PARTITION	60000	/* about 3.5 MiB of zstd batches: below what the mock keeps */
#define MAX_PARTITIONS		256
#define MAX_EVENTS		50000000
#define MAX_USERS		10000000
#define FLUSH_MS		60000

struct broker {
	rd_kafka_t		*rk;
	rd_kafka_mock_cluster_t	*cluster;
	const char		*topic;
	int32_t			 n_partitions;
	uint64_t		 produced;
	rd_kafka_resp_err_t	 failed;	/* the first delivery that failed */
};

static const struct option options[] = {
	{ "events", 1, NULL, 'e' }, { "duplicates", 1, NULL, 'd' }, { "late", 1, NULL, 'l' }, { "bad", 1, NULL, 'b' },
	{ "seed", 1, NULL, 's' }, { "topic", 1, NULL, 't' }, { "partitions", 1, NULL, 'p' }, { "records", 1, NULL, 'r' },
	{ "truth", 1, NULL, 'T' }, { "users", 1, NULL, 'u' }, { "n-users", 1, NULL, 'n' }, { "dump", 1, NULL, 'D' },
	{ "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 }
};

static const char usage[] =
    "usage: weir-demo-broker [options]\n"
    "  --events N        lines to make (1000000)\n"
    "  --duplicates P%   of them duplicates of an earlier one (2%)\n"
    "  --late P%         of them 1 to 15 minutes behind (3%)\n"
    "  --bad P%          of them broken in one of four ways (1%)\n"
    "  --seed N          another seed, other events (1)\n"
    "  --topic NAME      where they go (events)\n"
    "  --partitions N    of the topic (as many as the events need, at least 4)\n"
    "  --records FILE    records of one's own instead: NDJSON of topic, partition, key, value (null: tombstone) or hex, timestamp, headers\n"
    "  --truth FILE      what a correct pipeline finds, as JSON\n"
    "  --users FILE      a table of the users, as CSV\n"
    "  --n-users N       how many there are (100000)\n"
    "  --dump FILE       the lines themselves, in the order they were made\n"
    "Prints HOST:PORT when all is in place; runs until standard input, if a pipe, is closed, or SIGTERM.\n";

static void die(int code, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

static void
die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("weir-demo-broker: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(code);
}

static uint64_t
number_or_die(const char *name, const char *s, uint64_t min, uint64_t max)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || end == s || *end || *s == '-' || v < min || v > max)
		die(64, "--%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'", name, min, max, s);
	return v;
}

static double
share_or_die(const char *name, const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || (strcmp(end, "%") && *end) || !(v >= 0 && v <= 90))
		die(64, "--%s takes a percentage from 0%% to 90%%, not '%s'", name, s);
	return v / 100;
}

static FILE *
create_or_die(const char *file)
{
	FILE *f = fopen(file, "w");

	if (!f)
		die(74, "cannot write %s: %s", file, strerror(errno));
	return f;
}

static void
close_or_die(FILE *f, const char *file)
{
	if (fclose(f) == EOF)
		die(74, "cannot write %s: %s", file, strerror(errno));
}

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct broker *b = opaque;

	(void)rk;
	if (m->err && !b->failed)
		b->failed = m->err;
}

static void
broker_start_or_die(struct broker *b)
{
	/* Large batches compress best and are what the mock counts; nothing is ever re-sent to a broker in the same process. */
	static const char *const conf_kv[][2] = {
		{ "client.id", "weir-demo-broker" }, { "test.mock.num.brokers", "1" }, { "compression.codec", "zstd" }, { "compression.level", "1" },
		{ "linger.ms", "100" }, { "batch.size", "1000000" }, { "batch.num.messages", "10000" }, { "log_level", "3" },
		{ "queue.buffering.max.messages", "200000" }, { "queue.buffering.max.kbytes", "131072" }
	};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[512];

	for (size_t i = 0; i < sizeof conf_kv / sizeof *conf_kv; i++)
		if (rd_kafka_conf_set(conf, conf_kv[i][0], conf_kv[i][1], text, sizeof text) != RD_KAFKA_CONF_OK)
			die(70, "%s", text);
	rd_kafka_conf_set_opaque(conf, b);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	if (!(b->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text)))
		die(75, "%s", text);
	if (!(b->cluster = rd_kafka_handle_mock_cluster(b->rk)))
		die(75, "this librdkafka has no mock cluster");
}

static void
topic_or_die(struct broker *b, const char *topic, int n_partitions)
{
	rd_kafka_resp_err_t e = rd_kafka_mock_topic_create(b->cluster, topic, n_partitions, 1);

	if (e)
		die(75, "cannot create topic %s: %s", topic, rd_kafka_err2str(e));
}

/* Takes the headers. */
static void
produce_or_die(struct broker *b, const struct record *r)
{
	rd_kafka_resp_err_t e;

	do {
		e = rd_kafka_producev(b->rk, RD_KAFKA_V_TOPIC(r->topic), RD_KAFKA_V_PARTITION(r->partition), RD_KAFKA_V_KEY(r->key, r->n_key),
		    RD_KAFKA_V_VALUE((void *)r->value, r->n_value), RD_KAFKA_V_TIMESTAMP(r->timestamp_ms), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		    RD_KAFKA_V_HEADERS(r->headers), RD_KAFKA_V_END);
		if (e == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			rd_kafka_poll(b->rk, 100);
	} while (e == RD_KAFKA_RESP_ERR__QUEUE_FULL);
	if (e)
		die(75, "cannot produce to %s: %s", r->topic, rd_kafka_err2str(e));
	b->produced++;
	if (b->produced % 1000 == 0)
		rd_kafka_poll(b->rk, 0);
}

static void
flush_or_die(struct broker *b)
{
	rd_kafka_resp_err_t e = rd_kafka_flush(b->rk, FLUSH_MS);

	if (e || (e = b->failed))
		die(75, "producing failed: %s", rd_kafka_err2str(e));
}

static void
events_or_die(struct broker *b, struct events *g, FILE *dump)
{
	char line[EVENTS_LINE], key[24];
	uint64_t user;
	size_t n;

	while ((n = events_next(g, line, &user))) {
		struct record r = { .topic = b->topic, .partition = (int32_t)(user % (uint64_t)b->n_partitions), .key = key, .value = line, .n_value = n };

		r.n_key = (size_t)snprintf(key, sizeof key, "%" PRIu64, user);
		produce_or_die(b, &r);
		if (dump && (fwrite(line, 1, n, dump) != n || fputc('\n', dump) == EOF))
			die(74, "cannot write the lines: %s", strerror(errno));
	}
}

/* The mock drops old batches silently: then the truth would be wrong. */
static void
complete_or_die(struct broker *b)
{
	uint64_t kept = 0;

	for (int32_t p = 0; p < b->n_partitions; p++) {
		int64_t low, high;
		rd_kafka_resp_err_t e = rd_kafka_query_watermark_offsets(b->rk, b->topic, p, &low, &high, FLUSH_MS);

		if (e)
			die(75, "cannot ask %s/%d for its offsets: %s", b->topic, (int)p, rd_kafka_err2str(e));
		if (low)
			die(75, "%s/%d has dropped its first %" PRId64 " events: a partition holds about 5 MiB, give more --partitions", b->topic,
			    (int)p, low);
		kept += (uint64_t)high;
	}
	if (kept != b->produced)
		die(75, "%" PRIu64 " events were produced and %" PRIu64 " are there", b->produced, kept);
}

static void
records_or_die(struct broker *b, const char *file)
{
	struct records *all;
	struct record r;
	char text[512];
	int got;

	if (!(all = records_open(file, text, sizeof text)))
		die(65, "%s", text);
	for (size_t i = 0; records_topic(all, i); i++)
		topic_or_die(b, records_topic(all, i), b->n_partitions);
	while ((got = records_next(all, &r, text, sizeof text)) > 0) {
		if (r.partition >= b->n_partitions)
			die(65, "%s: partition %d of %d", file, (int)r.partition, (int)b->n_partitions);
		produce_or_die(b, &r);
	}
	if (got < 0)
		die(65, "%s", text);
	records_close(all);
}

static volatile sig_atomic_t ended;

static void
on_signal(int signo)
{
	(void)signo;
	ended = 1;
}

/* Until a signal, or the end of a standard input that is a pipe: then a broker never outlives who started it. */
static void
serve(void)
{
	struct stat st;
	struct pollfd in = { .fd = -1, .events = POLLIN };
	sigset_t open, closed;
	char waste[256];

	if (fstat(0, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		in.fd = 0;
	sigemptyset(&closed);
	sigaddset(&closed, SIGTERM);
	sigaddset(&closed, SIGINT);
	sigprocmask(SIG_BLOCK, &closed, &open);
	while (!ended) {
		if (ppoll(&in, 1, NULL, &open) < 0 && errno != EINTR)
			die(74, "poll: %s", strerror(errno));
		if (!ended && in.revents && read(0, waste, sizeof waste) <= 0)
			ended = 1;
	}
}

int
main(int argc, char **argv)
{
	struct events_options o = { .seed = 1, .events = 1000000, .users = 100000, .duplicates = 0.02, .late = 0.03, .bad = 0.01 };
	const char *records = NULL, *truth = NULL, *users = NULL, *dump_file = NULL;
	struct sigaction quit = { .sa_handler = on_signal };
	struct broker b = { .topic = "events" };
	struct events *g;
	FILE *f, *dump;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'e': o.events = number_or_die("events", optarg, 0, MAX_EVENTS); break;
		case 'd': o.duplicates = share_or_die("duplicates", optarg); break;
		case 'l': o.late = share_or_die("late", optarg); break;
		case 'b': o.bad = share_or_die("bad", optarg); break;
		case 's': o.seed = number_or_die("seed", optarg, 0, UINT64_MAX); break;
		case 't': b.topic = optarg; break;
		case 'p': b.n_partitions = (int32_t)number_or_die("partitions", optarg, 1, MAX_PARTITIONS); break;
		case 'r': records = optarg; break;
		case 'T': truth = optarg; break;
		case 'u': users = optarg; break;
		case 'n': o.users = number_or_die("n-users", optarg, 1, MAX_USERS); break;
		case 'D': dump_file = optarg; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 64;
		}
	if (argv[optind])
		die(64, "takes no operand, '%s' given", argv[optind]);
	if (!b.n_partitions) {
		uint64_t need = o.events / EVENTS_PER_PARTITION + 1;

		b.n_partitions = need < 4 ? 4 : need > MAX_PARTITIONS ? MAX_PARTITIONS : (int32_t)need;
	}
	if (sigaction(SIGTERM, &quit, NULL) < 0 || sigaction(SIGINT, &quit, NULL) < 0)
		die(70, "sigaction: %s", strerror(errno));

	if (users) {
		f = create_or_die(users);
		if (events_users(&o, f) < 0)
			die(74, "cannot write %s: %s", users, strerror(errno));
		close_or_die(f, users);
	}
	broker_start_or_die(&b);
	if (records) {
		records_or_die(&b, records);
		flush_or_die(&b);
	} else {
		if (!(g = events_new(&o)))
			die(75, "no memory");
		topic_or_die(&b, b.topic, b.n_partitions);
		dump = dump_file ? create_or_die(dump_file) : NULL;
		events_or_die(&b, g, dump);
		if (dump)
			close_or_die(dump, dump_file);
		flush_or_die(&b);
		complete_or_die(&b);
		if (truth) {
			f = create_or_die(truth);
			if (events_truth(g, f) < 0)
				die(74, "cannot write %s: %s", truth, strerror(errno));
			close_or_die(f, truth);
		}
		events_free(g);
	}
	if (printf("%s\n", rd_kafka_mock_cluster_bootstraps(b.cluster)) < 0 || fflush(stdout) == EOF)
		die(74, "cannot write the address: %s", strerror(errno));
	if (!ended)
		serve();
	rd_kafka_destroy(b.rk);
	return 0;
}
