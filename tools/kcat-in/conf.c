/*
 * conf - settings of the Kafka client.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

#define STRING_(x)	#x
#define STRING(x)	STRING_(x)

/* What anybody may change.  A small queue stays in the processor's cache and is read a quarter cheaper than a large one. */
static const char *const preset[][2] = {
	{ "client.id", "weir-kcat-in" }, { "group.id", "weir-kcat-in" }, { "isolation.level", "read_committed" },
	{ "queued.min.messages", STRING(CONF_QUEUE) }, { "queued.max.messages.kbytes", "16384" }, { "fetch.max.bytes", "16777216" },
	{ "topic.metadata.refresh.interval.ms", "60000" },	/* how soon added partitions are seen */
	{ "fetch.wait.max.ms", "100" },		/* a partition that goes on again waits for the answer about the others */
};

/* Since librdkafka 2.2: how long a partition waits after the queue was full.  A second, the default, is an eternity for a small queue. */
static const char *const preset_new[][2] = { { "fetch.queue.backoff.ms", "5" } };

/* What the exactness of the stream rests on (weir-stream(5), source rules). */
static const char *const fixed[][2] = {
	{ "enable.auto.commit", "false" }, { "enable.auto.offset.store", "false" }, { "auto.offset.reset", "error" },
	{ "enable.partition.eof", "true" }, { "check.crcs", "true" }, { "allow.auto.create.topics", "false" },
};

/* Both load code into this process. */
static const char *const refused[] = { "plugin.library.paths", "ssl.engine.location" };

static const char *const secrets[] = {
	"sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "sasl.oauthbearer.client.secret", "sasl.oauthbearer.config"
};

#define N(a)	(sizeof(a) / sizeof *(a))

/* As kcat has it: topic.X is the topic's setting X.  A few names of librdkafka's own begin so, too. */
static const char *
without_topic(const char *name)
{
	if (strncmp(name, "topic.", 6) || strncmp(name, "topic.metadata.", 15) == 0 || strcmp(name, "topic.blacklist") == 0)
		return name;
	return name + 6;
}

static int
set_one(rd_kafka_conf_t *conf, const struct conf_input *in, const char *where, const char *name, const char *value, struct fail *f)
{
	char text[512];

	name = without_topic(name);
	for (size_t i = 0; i < N(refused); i++)
		if (strcmp(name, refused[i]) == 0)
			return fail(f, WEIR_ECONFIG, "%s: %s would load code into this process and is not taken", where, name);
	if (strcmp(name, "enable.auto.commit") == 0) {
		*in->commits = strcmp(value, "true") == 0;
		return 0;
	}
	for (size_t i = 0; i < N(fixed); i++)
		if (strcmp(name, fixed[i][0]) == 0) {
			snprintf(text, sizeof text, "%s: %s is always %s here; %s is ignored", where, name, fixed[i][1], value);
			if (strcmp(value, fixed[i][1]))
				in->warn(in->warn_arg, text);
			return 0;
		}
	if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
		return fail(f, WEIR_ECONFIG, "%s: %s", where, text);
	return 0;
}

/* The whole of a file as a text.  NULL: *fail says why. */
static char *
slurp(const char *file, size_t max, struct fail *f)
{
	FILE *in = fopen(file, "re");
	char *text = in ? malloc(max + 2) : NULL;
	size_t n;

	if (!text) {
		fail_errno(f, fail_input_code(errno), "cannot read %s", file);
		if (in)
			fclose(in);
		return NULL;
	}
	n = fread(text, 1, max + 1, in);
	if (ferror(in))
		fail_errno(f, fail_input_code(errno), "cannot read %s", file);
	else if (n > max || memchr(text, 0, n))
		fail(f, WEIR_ECONFIG, "%s: %s", file, n > max ? "too long to be what it should be" : "has a NUL byte");
	else
		text[n] = 0;
	if (ferror(in) || n > max || memchr(text, 0, n)) {
		free(text);
		text = NULL;
	}
	fclose(in);
	return text;
}

static void
wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static int
set_secret(rd_kafka_conf_t *conf, const struct conf_input *in, const char *name, const char *file, struct fail *f)
{
	char *text = slurp(file, CONF_SECRET_MAX, f);
	int e;

	if (!text)
		return f->code;
	text[strcspn(text, strcmp(name, "ssl.key.pem") ? "\r\n" : "")] = 0;
	e = set_one(conf, in, "-X", name, text, f);
	wipe(text);
	return e;
}

/* One -X k=v. */
static int
set_option(rd_kafka_conf_t *conf, const struct conf_input *in, const char *kv, struct fail *f)
{
	const char *eq = strchr(kv, '=');
	char name[128];

	if (!eq || eq == kv || (size_t)(eq - kv) >= sizeof name)
		return fail(f, WEIR_EUSAGE, "-X takes property=value of librdkafka, not '%.*s'", eq ? (int)(eq - kv) : (int)strlen(kv), kv);
	memcpy(name, kv, (size_t)(eq - kv));
	name[eq - kv] = 0;
	if (eq[1] == '@')
		for (size_t i = 0; i < N(secrets); i++)
			if (strcmp(without_topic(name), secrets[i]) == 0)
				return set_secret(conf, in, without_topic(name), eq + 2, f);
	return set_one(conf, in, "-X", name, eq + 1, f);
}

static char *
trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]))
		*--end = 0;
	return s;
}

/* kcat's file: property=value lines, # comments. */
static int
set_file(rd_kafka_conf_t *conf, const struct conf_input *in, const char *file, struct fail *f)
{
	char *text = slurp(file, CONF_FILE_MAX, f), *line, *rest, *eq, where[512];
	int n = 0, e = 0;

	if (!text)
		return f->code;
	for (line = text; line && !e; line = rest) {
		if ((rest = strchr(line, '\n')))
			*rest++ = 0;
		n++;
		line = trim(line);
		if (!*line || *line == '#')
			continue;
		snprintf(where, sizeof where, "%s line %d", file, n);
		if (!(eq = strchr(line, '='))) {
			e = fail(f, WEIR_ECONFIG, "%s: no property=value", where);
			break;
		}
		*eq = 0;
		e = set_one(conf, in, where, trim(line), trim(eq + 1), f);
	}
	wipe(text);
	return e;
}

const char *
conf_get(const rd_kafka_conf_t *conf, const char *name, char *value, size_t size)
{
	*value = 0;
	if (rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK)
		*value = 0;
	return value;
}

static int
check_tls(rd_kafka_conf_t *conf, const struct conf_input *in, struct fail *f)
{
	static const char *const off[][2] = { { "enable.ssl.certificate.verification", "false" }, { "ssl.endpoint.identification.algorithm", "none" } };
	char value[64], text[256];

	for (size_t i = 0; i < N(off); i++) {
		if (in->insecure && rd_kafka_conf_set(conf, off[i][0], off[i][1], text, sizeof text) != RD_KAFKA_CONF_OK)
			return fail(f, WEIR_ECONFIG, "--insecure: %s", text);
		if (!in->insecure && strcmp(conf_get(conf, off[i][0], value, sizeof value), off[i][1]) == 0)
			return fail(f, WEIR_ECONFIG, "%s=%s turns off the check of whom this talks to; say --insecure if that is meant", off[i][0], off[i][1]);
	}
	if (in->insecure)
		in->warn(in->warn_arg, "--insecure: anybody on the way can read and change the events");
	return 0;
}

static int
set_all(rd_kafka_conf_t *conf, const struct conf_input *in, struct fail *f)
{
	const char *file = in->file ? in->file : getenv("KCAT_CONFIG");
	char value[4096], text[512];
	int e = 0;

	for (size_t i = 0; i < N(preset); i++)
		if (rd_kafka_conf_set(conf, preset[i][0], preset[i][1], text, sizeof text) != RD_KAFKA_CONF_OK)
			return fail(f, WEIR_EBUG, "librdkafka: %s", text);
	for (size_t i = 0; i < N(preset_new); i++)		/* an older library does not know them */
		rd_kafka_conf_set(conf, preset_new[i][0], preset_new[i][1], NULL, 0);
	if (file && *file && (e = set_file(conf, in, file, f)))
		return e;
	for (size_t i = 0; in->set && i < in->set->n; i++)
		if ((e = set_option(conf, in, in->set->item[i], f)))
			return e;
	if (in->brokers && (e = set_one(conf, in, "-b", "bootstrap.servers", in->brokers, f)))
		return e;
	if (in->group && (e = set_one(conf, in, "-G", "group.id", in->group, f)))
		return e;
	if (!*conf_get(conf, "bootstrap.servers", value, sizeof value))
		return fail(f, WEIR_EUSAGE, "-b is missing: name a broker, such as -b localhost:9092");
	for (size_t i = 0; i < N(fixed); i++)
		if (rd_kafka_conf_set(conf, fixed[i][0], fixed[i][1], text, sizeof text) != RD_KAFKA_CONF_OK)
			return fail(f, WEIR_EBUG, "librdkafka: %s", text);
	return check_tls(conf, in, f);
}

rd_kafka_conf_t *
conf_new(const struct conf_input *in, struct fail *f)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	if (!conf) {
		fail(f, WEIR_EAGAIN, "no memory for the settings of the client");
		return NULL;
	}
	if (set_all(conf, in, f) < 0) {
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	return conf;
}
