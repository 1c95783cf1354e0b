/*
 * weir run - recover the sink, launch the stages, watch them, run them again.
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "begin.h"
#include "command.h"
#include "host.h"
#include "launch.h"
#include "module.h"
#include "opt.h"
#include "pipeline.h"
#include "restart.h"

#define ANSWER_BYTES	(16u << 20)	/* of a sink: the position of every partition */

struct run {
	const char	*state, *pipeline, *file, *partitioned_by;
	int		 fuse, state_reset, quiet, verbose;
	uint64_t	 restart, parallel;
	/* settled before the first attempt */
	char		*feed, *path;
};

static const struct weir_opt run_opts[] = {
	{ 's', "state", "DIR", "state directory of the pipeline (WEIR_STATE)", WEIR_TEXT, 0, offsetof(struct run, state), NULL },
	{ 0, "pipeline", "NAME", "name of the feed (WEIR_PIPELINE)", WEIR_TEXT, 0, offsetof(struct run, pipeline), NULL },
	{ 0, "fuse", "auto|no", "run neighbouring stages in one process", WEIR_CHOICE, 0, offsetof(struct run, fuse), "auto" },
	{ 'f', "file", "FILE", "read the pipeline from a file", WEIR_TEXT, 0, offsetof(struct run, file), NULL },
	{ 0, "restart", "N", "run again so often after a code that says so", WEIR_COUNT, 0, offsetof(struct run, restart), "0" },
	{ 0, "parallel", "N", "run N shards, each a feed of its own", WEIR_COUNT, 0, offsetof(struct run, parallel), "1" },
	{ 0, "partitioned-by", "PATH[,PATH...]", "what producers partition by: stages may keep state in shards", WEIR_TEXT, 0, offsetof(struct run, partitioned_by), NULL },
	{ 0, "state-reset", NULL, "go on with empty state", WEIR_FLAG, 0, offsetof(struct run, state_reset), NULL },
	{ 'q', "quiet", NULL, "say only what went wrong", WEIR_FLAG, 0, offsetof(struct run, quiet), NULL },
	{ 'v', "verbose", NULL, "say what became of the events", WEIR_FLAG, 0, offsetof(struct run, verbose), NULL },
	{ 0 }
};

static int
in_path(const char *word)
{
	const char *path = getenv("PATH");
	char file[4096];

	if (strchr(word, '/'))
		return access(word, X_OK) == 0;
	while (path && *path) {
		size_t n = strcspn(path, ":");

		if (snprintf(file, sizeof file, "%.*s/%s", (int)n, path, word) < (int)sizeof file && access(file, X_OK) == 0)
			return 1;
		path += n + (path[n] == ':');
	}
	return 0;
}

/* Names to stages; a word that is none must be a program. */
static int
resolve(const struct pipeline *pl, struct launch *l)
{
	struct fail f;

	for (size_t i = 0; i < pl->n; i++) {
		struct launch_stage *s = &l->stage[l->n++];
		const char *word = pl->stage[i].argv[0], *near;

		s->argc = pl->stage[i].argc;
		s->argv = pl->stage[i].argv;
		if (module_load(word, &s->is, &f) < 0)
			return command_error(f.code, "%s", f.text);
		if (!s->is && !in_path(word)) {
			near = opt_nearest(word, module_names, module_n_names);
			return near ? command_error(WEIR_ECONFIG, "'%s' is no stage and no program; is it %s?", word, near) :
			    command_error(WEIR_ECONFIG, "'%s' is no stage and no program", word);
		}
	}
	for (size_t i = 0; i < l->n && !l->quiet; i++)
		if (!l->stage[i].is)
			fprintf(stderr, "weir: %s is no stage of weir: %s\n", l->stage[i].argv[0],
			    i ? "it is run once per epoch, as weir wrap does" : "it is run as the source of one epoch");
	return 0;
}

static int
export(const char *name, const char *value)
{
	return setenv(name, value, 1) < 0 ? command_error(WEIR_EAGAIN, "no memory") : 0;
}

/* The sink's answer into *feed, if that is not known yet, and *position, both malloc'd. */
static int
ask(struct launch *l, const struct run *r, const char *shard, int name_only, char **feed, char **position)
{
	struct begin_question q = { .sink = &l->stage[l->n - 1], .pipeline = r->feed, .shard = shard, .name_only = name_only };
	char *answer = malloc(ANSWER_BYTES);
	int e;

	if (!answer)
		return command_error(WEIR_EAGAIN, "no memory");
	if ((e = launch_ask(l, begin_answer, &q, answer, ANSWER_BYTES)) == 0) {
		const char *at = answer + strlen(answer) + 1, *least = at + strlen(at) + 1;

		if (!*feed)
			*feed = strdup(answer);
		if (!name_only) {
			free(*position);
			*position = strdup(at);
			e = export("WEIR_EPOCH_MIN", least);
		}
		if (!*feed || (!name_only && !*position))
			e = command_error(WEIR_EAGAIN, "no memory");
	}
	free(answer);
	return e;
}

static int
has_option(const struct weir_stage *s, const char *name)
{
	for (const struct weir_opt *o = s->opts; o && o->name; o++)
		if (!strcmp(o->name, name))
			return 1;
	return 0;
}

/* --partitioned-by, into the source's words, which are the pipeline's to free. */
static int
add_by(struct run *r, struct pipeline_stage *words, struct launch_stage *source)
{
	char **v;

	if (!source->is || !has_option(source->is, "partitioned-by"))
		return command_error(WEIR_ECONFIG, "%s cannot say what its input is partitioned by: leave out --partitioned-by", source->argv[0]);
	v = realloc(words->argv, ((size_t)words->argc + 3) * sizeof *v);

	if (!v)
		return command_error(WEIR_EAGAIN, "no memory");
	source->argv = words->argv = v;
	memmove(v + 3, v + 1, (size_t)words->argc * sizeof *v);
	v[1] = strdup("--partitioned-by");
	v[2] = strdup(r->partitioned_by);
	source->argc = words->argc += 2;
	return v[1] && v[2] ? 0 : command_error(WEIR_EAGAIN, "no memory");
}

/* May this pipeline be cut into shards? */
static int
divisible(const struct run *r, const struct launch *l, const char *by)
{
	const struct weir_stage *source = l->stage[0].is;

	if (r->parallel <= 1)
		return 0;
	if (!l->framed)
		return command_error(WEIR_EUSAGE, "--parallel needs a source: standard input cannot be divided");
	if (!source || !has_option(source, "shard"))
		return command_error(WEIR_ECONFIG, "%s cannot read a share of its input: run it without --parallel", l->stage[0].argv[0]);
	if (!l->sink)
		return command_error(WEIR_EUSAGE, "--parallel needs a sink: the lines of shards have no order on standard output");
	for (size_t i = 1; i < l->n; i++)
		if (l->stage[i].is && l->stage[i].is->snapshot && l->stage[i].is->role != WEIR_SINK && !*by)
			return command_error(WEIR_ECONFIG, "%s keeps state by key, and events of one key may be in several shards: say with --partitioned-by PATH "
			    "what producers partition by, or leave out --parallel", l->stage[i].is->name);
	return 0;
}

/* The shards, and their names. */
static int
divide(struct run *r, struct launch *l)
{
	struct host *h = host_new();
	const char *shard = "", *by = "";
	int e = 0;

	if (l->stage[0].is && l->stage[0].is->role == WEIR_SOURCE && (e = -host_add(h, l->stage[0].is, l->stage[0].argc, l->stage[0].argv)) == 0) {
		shard = host_source_option(h, "shard");
		by = host_source_option(h, "partitioned-by");
	}
	if (!e && *shard && r->parallel > 1)
		e = command_error(WEIR_EUSAGE, "--parallel %" PRIu64 " and shard %s: the one divides what the other is a part of; leave one of them out",
		    r->parallel, shard);
	if (!e)
		e = divisible(r, l, by);
	if (!e && !(l->shard = calloc((size_t)r->parallel, sizeof *l->shard)))
		e = command_error(WEIR_EAGAIN, "no memory");
	for (size_t k = 0; !e && k < r->parallel; k++) {
		struct launch_shard *s = &l->shard[l->n_shards++];

		if (*shard)
			snprintf(s->name, sizeof s->name, "%s", shard);
		else
			snprintf(s->name, sizeof s->name, "%zu/%" PRIu64, k, r->parallel);
		s->receipts = (struct receipt_pipe){ .fd = -1, .shard = s->name };
	}
	host_free(h);
	return e;
}

/* Once, before the first attempt: names, directory, locks, and what is the same for all stages. */
static int
settle(struct run *r, struct launch *l)
{
	const char *env;
	int is_default, e;

	if ((r->verbose || (!r->quiet && isatty(2))) && (e = export("WEIR_SUMMARY", "1")))
		return e;
	if (!l->framed)
		return r->state ? export("WEIR_STATE", r->state) : 0;
	if (!r->pipeline && (env = getenv("WEIR_PIPELINE")) && *env)
		r->pipeline = env;
	if (r->pipeline && !(r->feed = strdup(r->pipeline)))
		return command_error(WEIR_EAGAIN, "no memory");
	if (!r->feed && l->sink && (e = ask(l, r, l->shard[0].name, 1, &r->feed, NULL)))
		return e;
	if ((e = begin_path(r->state, r->feed, &r->path, &is_default)))
		return e;
	for (size_t k = 0; r->path && k < l->n_shards; k++)
		if ((e = begin_lock(&l->shard[k], r->path, r->feed)))
			return e;
	if (is_default && !r->quiet)
		fprintf(stderr, "weir: state and rejects are in %s\n", r->path);
	if ((r->feed && *r->feed && (e = export("WEIR_PIPELINE", r->feed))) || (r->path && (e = export("WEIR_STATE", r->path))))
		return e;
	return 0;
}

/* One attempt: a new run that goes on where the sink is. */
static int
once(struct run *r, struct launch *l)
{
	int e;

	for (size_t k = 0; l->framed && k < l->n_shards; k++) {
		struct launch_shard *s = &l->shard[k];

		if ((e = begin_run(s)) || (l->sink && (e = ask(l, r, s->name, 0, &r->feed, &s->position))))
			return e;
	}
	return l->supervisor->requests ? LAUNCH_NOT_BEGUN : launch_run(l);
}

static void
run_help(FILE *out)
{
	struct opt_set set = { run_opts, NULL };

	opt_synopsis(out, "weir run", &set, 1);
	fputs("  ... 'a | b | c', or a file whose name ends in .weir\n\n", out);
	opt_help(out, &set, 1);
}

/* The pipeline's words, from the operand or the file. */
static int
read_pipeline(struct run *r, const char *const *operand, struct pipeline *pl)
{
	char *text = NULL;
	struct fail f;
	size_t n;
	int e;

	if (!r->file && operand[0] && !operand[1] && (n = strlen(operand[0])) > 5 && !strcmp(operand[0] + n - 5, ".weir"))
		r->file = operand[0];
	else if (r->file ? operand[0] != NULL : !operand[0] || operand[1])
		return command_error(WEIR_EUSAGE, "run takes one pipeline, in quotes: weir run 'a | b | c'");
	if (r->file && !(text = pipeline_read(r->file, &f)))
		return command_error(f.code, "%s", f.text);
	e = pipeline_parse(text ? text : operand[0], r->file != NULL, pl, &f) < 0 ? command_error(f.code, "%s", f.text) : 0;
	free(text);
	return e;
}

static uint64_t
hash_words(const struct launch *l)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < l->n; i++)
		for (int k = 0; k < l->stage[i].argc; k++)
			hash = XXH3_64bits_withSeed(l->stage[i].argv[k], strlen(l->stage[i].argv[k]) + 1, hash + (k == 0));
	return hash;
}

/* Attempts, until one ends well or for good. */
static int
attempts(struct run *r, struct launch *l)
{
	struct restart again = { .limit = r->restart, .pipeline = hash_words(l) };
	int64_t wait_ms;
	int e, last = 0;

	if ((e = settle(r, l)))
		return e == LAUNCH_NOT_BEGUN ? 0 : e;
	again.dir = r->path;
	if ((e = restart_may_begin(&again, l)))
		return e;
	for (;;) {
		if ((e = once(r, l)) == LAUNCH_NOT_BEGUN)	/* asked to end before anything was read: there is nothing to commit */
			return last;
		last = e;
		if (!restart_again(&again, l, &e, &wait_ms))
			return e;
		if (supervise_sleep(l->supervisor, wait_ms)) {
			restart_asked(e);
			return e;
		}
	}
}

/* Names to stages, and what they are to the launcher. */
static int
assemble(struct run *r, struct pipeline *pl, struct launch *l)
{
	int e;

	if ((e = resolve(pl, l)) || (r->partitioned_by && (e = add_by(r, &pl->stage[0], &l->stage[0]))))
		return e;
	l->framed = !l->stage[0].is || l->stage[0].is->role == WEIR_SOURCE;
	l->sink = l->stage[l->n - 1].is && l->stage[l->n - 1].is->role == WEIR_SINK;
	return 0;
}

/* The supervisor, the shards and their receipts around the attempts. */
static int
supervised(struct run *r, struct pipeline *pl, struct launch *l)
{
	struct supervisor supervisor;
	struct receipts receipts = { 0 };
	struct fail f;
	int e, e2;

	/* Before the modules are loaded: a request to end that comes meanwhile waits, and does not end us by its default. */
	if (supervise_open(&supervisor, &f) < 0)
		return command_error(f.code, "%s", f.text);
	signal(SIGPIPE, SIG_IGN);
	l->supervisor = &supervisor;
	l->receipts = &receipts;
	receipts.by_shard = r->parallel > 1;
	if (!(e = assemble(r, pl, l)) && !(e = divide(r, l)))
		e = attempts(r, l);
	if (e == 99 && receipts.n_commits)		/* the last attempt found nothing to do, because an earlier one did it */
		e = 0;
	if ((e2 = receipts_end(&receipts, e == 0, &f)) < 0 && !e)
		e = command_error(e2, "%s", f.text);
	for (size_t k = 0; k < l->n_shards; k++) {
		state_close(l->shard[k].dir);
		free(l->shard[k].position);
		buf_free(&l->shard[k].receipts.torn);
	}
	receipts_free(&receipts);
	supervise_close(&supervisor);
	free(l->shard);
	free(r->feed);
	free(r->path);
	return e;
}

int
command_run(int argc, char **argv)
{
	struct run r = { 0 };
	const struct opt_set set = { run_opts, &r };
	const char **operand;
	struct pipeline pl = { 0 };
	struct launch l = { 0 };
	struct fail f;
	int e;

	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		run_help(stdout);
		return fflush(stdout) == 0 ? 0 : -WEIR_EIO;
	}
	if (!(operand = calloc((size_t)argc + 1, sizeof *operand)))
		return command_error(WEIR_EAGAIN, "no memory");
	e = opt_parse(&set, 1, argc, argv, operand, &f) ? command_error(f.code, "%s", f.text) : 0;
	l.fuse = r.fuse == 0;
	l.quiet = r.quiet;
	l.state_reset = r.state_reset;
	if (!e && (!r.parallel || r.parallel > LAUNCH_SHARDS))
		e = command_error(WEIR_EUSAGE, "--parallel takes 1 to %d", LAUNCH_SHARDS);
	if (!e && !(e = read_pipeline(&r, operand, &pl)))
		e = supervised(&r, &pl, &l);
	pipeline_free(&pl);
	free(operand);
	return e;
}
