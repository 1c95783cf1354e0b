/*
 * weir begin - the first half of weir run, for a shell that runs the pipeline itself.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "begin.h"
#include "command.h"
#include "host.h"
#include "module.h"
#include "opt.h"
#include "publish.h"

struct begin {
	const char	*state, *pipeline;
};

static const struct weir_opt begin_opts[] = {
	{ 's', "state", "DIR", "state directory of the pipeline (WEIR_STATE)", WEIR_TEXT, 0, offsetof(struct begin, state), NULL },
	{ 0, "pipeline", "NAME", "name of the feed (WEIR_PIPELINE)", WEIR_TEXT, 0, offsetof(struct begin, pipeline), NULL },
	{ 0 }
};

/* The sink's, as WEIR_EPOCH_MIN has it; "" when it can commit at any time. */
static int
min_epoch(struct host *h, char text[32])
{
	int64_t us;
	int e = host_min_epoch(h, &us);

	snprintf(text, 32, us > 0 ? "%" PRId64 "ms" : "%.0" PRId64, us > 0 ? (us + 999) / 1000 : 0);
	return e;
}

int
begin_answer(void *question, int fd)
{
	const struct begin_question *q = question;
	struct host *h = host_new();
	const char *feed, *position;
	char least[32];
	int e;

	e = host_add(h, q->sink->is, q->sink->argc, q->sink->argv);
	if (e == 0) {
		if (q->pipeline)
			h->stage[h->n - 1].common.pipeline = q->pipeline;
		h->stream.shard = q->shard;
		e = host_recover(h, &feed, q->name_only ? NULL : &position);
	}
	if (e == 0) {
		if (q->name_only)
			position = "none";
		if ((e = min_epoch(h, least)) == 0 && (publish_write(fd, feed, strlen(feed) + 1) < 0 ||
		    publish_write(fd, position, strlen(position) + 1) < 0 || publish_write(fd, least, strlen(least) + 1) < 0))
			e = -command_error(WEIR_EIO, "cannot pass the sink's position on: %s", strerror(errno));
	}
	host_free(h);
	return -e;
}

int
begin_path(const char *option, const char *feed, char **path, int *is_default)
{
	const char *env = getenv("WEIR_STATE");
	struct buf usual = { 0 };
	struct fail f;

	*path = NULL;
	*is_default = 0;
	if (!option && env && *env)
		option = env;
	if (option)
		return (*path = strdup(option)) ? 0 : command_error(WEIR_EAGAIN, "no memory");
	if (!feed || !*feed)
		return 0;
	if (state_default_path(feed, &usual, &f) < 0)
		return command_error(f.code, "%s", f.text);
	*path = usual.p;
	*is_default = 1;
	return 0;
}

int
begin_lock(struct launch_shard *s, const char *path, const char *feed)
{
	struct fail f;

	if (state_open(path, feed, s->name, &s->dir, &f) < 0 || state_lock(s->dir, &f) < 0)
		return command_error(f.code, "%s", f.text);
	return 0;
}

int
begin_run(struct launch_shard *s)
{
	uint64_t number = 1;
	struct fail f;

	if ((s->dir && state_next_number(s->dir, &number, &f) < 0) || token_new_run(number, s->run, &f) < 0)
		return command_error(f.code, "%s", f.text);
	return 0;
}

/* A word for sh. */
static void
print_export(const char *name, const char *value)
{
	printf("export %s='", name);
	for (; *value; value++)
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	puts("'");
}

/* Ask, lock, and print.  The lock is held while the table is read: a run that is on would make the position old at once. */
static int
settle(const struct begin *b, const struct launch_stage *sink)
{
	struct launch_shard s = { .receipts.fd = -1 };
	const char *feed, *position, *shard = getenv("WEIR_SHARD");
	struct host *h = host_new();
	char *path = NULL, least[32];
	int is_default, e;

	if ((e = -host_add(h, sink->is, sink->argc, sink->argv)))
		goto out;
	if (b->pipeline)
		h->stage[0].common.pipeline = b->pipeline;
	h->stream.shard = shard && *shard ? shard : "0/1";
	snprintf(s.name, sizeof s.name, "%s", h->stream.shard);
	if ((e = -host_recover(h, &feed, NULL)) || (e = begin_path(b->state, feed, &path, &is_default)))
		goto out;
	h->stage[0].common.pipeline = feed;
	h->stage[0].common.state = path;
	if ((path && (e = begin_lock(&s, path, feed))) || (e = begin_run(&s)) || (e = -host_recover(h, &feed, &position)) || (e = -min_epoch(h, least)))
		goto out;
	print_export("WEIR_RUN", s.run);
	print_export("WEIR_PIPELINE", feed);
	if (path)
		print_export("WEIR_STATE", path);
	print_export("WEIR_RESUME", position);
	print_export("WEIR_EPOCH_MIN", least);
	if (fflush(stdout) != 0)
		e = command_error(WEIR_EIO, "cannot write");
out:
	host_free(h);
	state_close(s.dir);
	free(path);
	return e;
}

int
command_begin(int argc, char **argv)
{
	struct begin b = { 0 };
	const struct opt_set set = { begin_opts, &b };
	struct launch_stage s = { 0 };
	const char **operand;
	struct fail f;
	int first = 1, e;

	while (first < argc && strcmp(argv[first], "--"))
		first++;
	if (first + 1 >= argc)
		return command_error(WEIR_EUSAGE, "begin needs the sink: eval \"$(weir begin -- iceberg-out --table shop.orders)\"");
	if (!(operand = calloc((size_t)argc + 1, sizeof *operand)))
		return command_error(WEIR_EAGAIN, "no memory");
	e = opt_parse(&set, 1, first, argv, operand, &f);
	if (!e && operand[0])
		e = fail(&f, WEIR_EUSAGE, "begin takes the sink behind --, '%s' stands before it", operand[0]);
	free(operand);
	if (e)
		return command_error(f.code, "%s", f.text);
	s.argc = argc - first - 1;
	s.argv = argv + first + 1;
	if (module_load(s.argv[0], &s.is, &f) < 0)
		return command_error(f.code, "%s", f.text);
	if (!s.is || s.is->role != WEIR_SINK)
		return command_error(WEIR_EUSAGE, "'%s' is no sink", s.argv[0]);
	return settle(&b, &s);
}
