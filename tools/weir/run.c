/*
 * weir run - recover the sink, launch the stages, watch them.
 * weir begin - the same first half, for a shell.
 */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "dir.h"
#include "host.h"
#include "launch.h"
#include "module.h"
#include "opt.h"
#include "pipeline.h"

struct run {
	const char	*state, *pipeline, *file, *fuse_text;
	int		 fuse, state_reset, quiet, verbose;
	uint64_t	 restart;
};

static const struct weir_opt run_opts[] = {
	{ 's', "state", "DIR", "state directory of the pipeline (WEIR_STATE)", WEIR_TEXT, 0, offsetof(struct run, state), NULL },
	{ 0, "pipeline", "NAME", "name of the feed (WEIR_PIPELINE)", WEIR_TEXT, 0, offsetof(struct run, pipeline), NULL },
	{ 0, "fuse", "auto|no", "run neighbouring stages in one process", WEIR_CHOICE, 0, offsetof(struct run, fuse), "auto" },
	{ 'f', "file", "FILE", "read the pipeline from a file", WEIR_TEXT, 0, offsetof(struct run, file), NULL },
	{ 0, "restart", "N", "run again so often after a code that says so", WEIR_COUNT, 0, offsetof(struct run, restart), "0" },
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

/* What the sink knows: the feed's name, and its position as a copy. */
static int
ask_sink(const struct launch_stage *s, const char *pipeline, char **feed, char **position)
{
	struct host *h = host_new();
	const char *f, *p;
	int e;

	e = host_add(h, s->is, s->argc, s->argv);
	if (e == 0 && pipeline)
		h->stage[h->n - 1].common.pipeline = pipeline;
	if (e == 0)
		e = host_recover(h, &f, &p);
	if (e == 0) {
		*feed = strdup(f);
		*position = strdup(p);
		if (!*feed || !*position)
			e = WEIR_EAGAIN;
	}
	host_free(h);
	return e;
}

static int
export(const char *name, const char *value)
{
	return setenv(name, value, 1) < 0 ? command_error(-WEIR_EAGAIN, "no memory") : 0;
}

/* The state directory and the name of the run.  *dir stays open: it holds the lock. */
static int
prepare(const struct run *r, const char *feed, struct state_dir **dir, char run[TOKEN_RUN_SIZE], int *is_default, char **path)
{
	const char *env = getenv("WEIR_STATE");
	struct buf def = { 0 };
	uint64_t number = 1;
	struct fail f;

	*dir = NULL;
	*is_default = 0;
	if (r->state)
		*path = strdup(r->state);
	else if (env && *env)
		*path = strdup(env);
	else if (feed && *feed) {
		if (state_default_path(feed, &def, &f) < 0)
			return command_error(f.code, "%s", f.text);
		*path = def.p;
		*is_default = 1;
	}
	if (*path && (state_open(*path, feed, "0/1", dir, &f) < 0 || state_lock(*dir, &f) < 0 || state_next_number(*dir, &number, &f) < 0))
		return command_error(f.code, "%s", f.text);
	if (token_new_run(number, run, &f) < 0)
		return command_error(f.code, "%s", f.text);
	return 0;
}

static int
once(const struct run *r, const struct launch *l)
{
	const struct launch_stage *first = &l->stage[0], *last = &l->stage[l->n - 1];
	char *feed = NULL, *position = NULL, *path = NULL, run[TOKEN_RUN_SIZE];
	int framed = !first->is || first->is->role == WEIR_SOURCE, sink = last->is && last->is->role == WEIR_SINK, is_default, e = 0;
	struct state_dir *dir = NULL;

	if (framed) {
		if (sink && (e = ask_sink(last, r->pipeline, &feed, &position)) < 0)
			return -e;
		if (r->pipeline) {
			free(feed);
			feed = strdup(r->pipeline);
		}
		if ((e = prepare(r, feed, &dir, run, &is_default, &path)))
			goto out;
		if (is_default && !r->quiet)
			fprintf(stderr, "weir: state and rejects are in %s\n", path);
		if ((e = export("WEIR_RUN", run)) || (feed && *feed && (e = export("WEIR_PIPELINE", feed))) || (path && (e = export("WEIR_STATE", path))) ||
		    (position && (e = export("WEIR_RESUME", position))))
			goto out;
	} else if (r->state && (e = export("WEIR_STATE", r->state))) {
		goto out;
	}
	if ((r->verbose || (!r->quiet && isatty(2))) && (e = export("WEIR_SUMMARY", "1")))
		goto out;
	e = launch_run(l);
out:
	state_close(dir);
	free(feed);
	free(position);
	free(path);
	return e;
}

/* Codes after which another run may do better; see weir-stream(5). */
static int
again(int code)
{
	return code == -WEIR_EGONE || code == -WEIR_EIO || code == -WEIR_EAGAIN || code == -WEIR_EFENCED || code == -WEIR_EUNKNOWN;
}

static void
run_help(FILE *out)
{
	struct opt_set set = { run_opts, NULL };

	opt_synopsis(out, "weir run", &set, 1);
	fputs("  ... 'a | b | c', or a file whose name ends in .weir\n\n", out);
	opt_help(out, &set, 1);
}

int
command_run(int argc, char **argv)
{
	struct run r = { 0 };
	const struct opt_set set = { run_opts, &r };
	const char **operand = calloc((size_t)argc + 1, sizeof *operand);
	struct launch l = { 0 };
	struct pipeline pl = { 0 };
	char *text = NULL;
	struct fail f;
	size_t n;
	int e;

	if (!operand)
		return command_error(-WEIR_EAGAIN, "no memory");
	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		run_help(stdout);
		free(operand);
		return 0;
	}
	if ((e = opt_parse(&set, 1, argc, argv, operand, &f))) {
		e = command_error(f.code, "%s", f.text);
		goto out;
	}
	if (!r.file && operand[0] && !operand[1] && (n = strlen(operand[0])) > 5 && !strcmp(operand[0] + n - 5, ".weir"))
		r.file = operand[0];
	else if (r.file ? operand[0] != NULL : !operand[0] || operand[1]) {
		e = command_error(WEIR_EUSAGE, "run takes one pipeline, in quotes: weir run 'a | b | c'");
		goto out;
	}
	if (r.file && !(text = pipeline_read(r.file, &f))) {
		e = command_error(f.code, "%s", f.text);
		goto out;
	}
	l.fuse = r.fuse == 0;
	l.quiet = r.quiet;
	if (pipeline_parse(text ? text : operand[0], r.file != NULL, &pl, &f) < 0) {
		e = command_error(f.code, "%s", f.text);
		goto out;
	}
	if ((e = resolve(&pl, &l)))
		goto out;
	for (size_t i = 0; r.state_reset && i < l.n; i++) {	/* for the stages, and gone with this run */
		struct pipeline_stage *s = &pl.stage[i];
		char **v;

		if (!l.stage[i].is || !(v = realloc(s->argv, ((size_t)s->argc + 2) * sizeof *v)))
			continue;
		memmove(v + 2, v + 1, (size_t)s->argc * sizeof *v);
		v[1] = strdup("--state-reset");
		s->argv = v;
		l.stage[i].argv = v;
		l.stage[i].argc = ++s->argc;
	}
	for (uint64_t tries = 0, wait_s = 1; ; tries++, wait_s = wait_s * 2 > 300 ? 300 : wait_s * 2) {
		e = once(&r, &l);
		if (!again(e) || tries >= r.restart)
			break;
		fprintf(stderr, "weir: exit %d, again in %" PRIu64 " s (%" PRIu64 " of %" PRIu64 ")\n", e, wait_s, tries + 1, r.restart);
		unsetenv("WEIR_RESUME");
		sleep((unsigned)wait_s);
	}
out:
	pipeline_free(&pl);
	free(text);
	free(operand);
	return e;
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

int
command_begin(int argc, char **argv)
{
	struct run r = { 0 };
	const struct opt_set set = { run_opts, &r };
	char *feed = NULL, *position = NULL, *path = NULL, run[TOKEN_RUN_SIZE];
	int first = 1, is_default, e;
	struct state_dir *dir = NULL;
	struct launch_stage s = { 0 };
	const char **operand;
	struct fail f;

	while (first < argc && strcmp(argv[first], "--"))
		first++;
	if (first + 1 >= argc)
		return command_error(WEIR_EUSAGE, "begin needs the sink: eval \"$(weir begin -- iceberg-out --table shop.orders)\"");
	if (!(operand = calloc((size_t)argc + 1, sizeof *operand)))
		return command_error(-WEIR_EAGAIN, "no memory");
	e = opt_parse(&set, 1, first, argv, operand, &f);
	free(operand);
	if (e)
		return command_error(f.code, "%s", f.text);
	s.argc = argc - first - 1;
	s.argv = argv + first + 1;
	if (module_load(s.argv[0], &s.is, &f) < 0)
		return command_error(f.code, "%s", f.text);
	if (!s.is || s.is->role != WEIR_SINK)
		return command_error(WEIR_EUSAGE, "'%s' is no sink", s.argv[0]);
	if ((e = ask_sink(&s, r.pipeline, &feed, &position)) < 0)
		return -e;
	if (r.pipeline) {
		free(feed);
		feed = strdup(r.pipeline);
	}
	if (!feed)
		return command_error(-WEIR_EAGAIN, "no memory");
	if ((e = prepare(&r, feed, &dir, run, &is_default, &path)) == 0) {
		print_export("WEIR_RUN", run);
		print_export("WEIR_PIPELINE", feed);
		if (path)
			print_export("WEIR_STATE", path);
		print_export("WEIR_RESUME", position);
		if (fflush(stdout) != 0)
			e = command_error(-WEIR_EIO, "cannot write");
	}
	state_close(dir);
	free(feed);
	free(position);
	free(path);
	return e;
}
