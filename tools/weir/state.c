/*
 * weir state - what is in a state directory, as lines of JSON; see weir-state(5).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "gc.h"
#include "host.h"
#include "iso.h"
#include "module.h"
#include "opt.h"
#include "state.h"

struct state {
	/* options */
	const char		*path;
	int			 dry_run;
	/* of the command */
	const char		*const *operand;
	struct state_files	 files;
	struct fail		 f;
};

static const struct weir_opt opts[] = {
	{ 's', "state", "DIR", "the state directory (WEIR_STATE)", WEIR_TEXT, 0, offsetof(struct state, path), NULL },
	{ 0, "dry-run", NULL, "gc: say what would be removed, and remove nothing", WEIR_FLAG, 0, offsetof(struct state, dry_run), NULL },
	{ 0 }
};

static const char *const kind_name[] = { [STATE_BASE] = "base", [STATE_DELTA] = "delta", [STATE_FILE] = "file", [STATE_MARK] = "mark" };

/* A line of standard output; takes the reference. */
static int
put(struct state *s, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	int e = !text ? fail(&s->f, WEIR_EAGAIN, "no memory") : puts(text) < 0 ? fail_errno(&s->f, WEIR_EIO, "cannot write") : 0;

	free(text);
	json_decref(line);
	return e;
}

static void
set_text(json_t *o, const char *key, const char *text)
{
	if (text && *text)
		json_object_set_new(o, key, json_string(text));
}

static struct state_dir *
open_shard(struct state *s, const char *shard)
{
	struct state_dir *d;

	return state_open(s->path, NULL, shard, &d, &s->f) == 0 ? d : NULL;
}

/* ---- ls ---- */

static int
ls_one(struct state *s, const struct state_file *x)
{
	char time[ISO_SIZE], token[TOKEN_SIZE];
	struct snapshot_head head = { 0 };
	json_t *o = json_object();
	struct fail f;

	iso_format(x->modified_us, time);
	json_object_set_new(o, "bytes", json_integer((json_int_t)x->bytes));
	json_object_set_new(o, "file", json_string(x->path));
	json_object_set_new(o, "id", json_integer((json_int_t)x->id));
	json_object_set_new(o, "kind", json_string(kind_name[x->kind]));
	json_object_set_new(o, "modified", json_string(time));
	json_object_set_new(o, "stage", json_string(x->stage));
	set_text(o, "shard", x->shard);
	if (*x->run) {
		token_format(x->run, x->id, token);
		set_text(o, "run", x->run);
		set_text(o, "token", token);
		json_object_set_new(o, "committed", json_boolean(state_files_committed(&s->files, x->shard, x->run, x->id)));
	}
	if (x->kind != STATE_FILE && snapshot_peek(s->files.dir, x->path, &head, &f) == 0) {
		set_text(o, "holds", head.holds);
		set_text(o, "on", head.on);
		if (head.depth)
			json_object_set_new(o, "depth", json_integer(head.depth));
	} else if (x->kind != STATE_FILE) {
		set_text(o, "error", f.text);
	}
	snapshot_head_free(&head);
	return put(s, o);
}

static int
ls(struct state *s)
{
	int e = 0;

	for (size_t i = 0; !e && i < s->files.n; i++)
		if (s->files.file[i].kind != STATE_MARK)
			e = ls_one(s, &s->files.file[i]);
	return e;
}

/* ---- show, dump ---- */

/* A checkpoint by its token, or the newest that a mark of a commit names: where it is. */
static int
find_token(struct state *s, const char *word, char shard[32], char token[TOKEN_SIZE])
{
	const struct state_files *l = &s->files;
	char run[TOKEN_RUN_SIZE];
	const struct state_file *best = NULL;
	uint64_t id;

	if (!strcmp(word, "newest")) {
		for (size_t i = 0; i < l->n; i++)
			if (l->file[i].kind == STATE_MARK && (!best || l->file[i].id > best->id))
				best = &l->file[i];
		if (!best)
			return fail(&s->f, WEIR_ESTATE, "%s knows of no commit", s->path);
		snprintf(shard, 32, "%s", best->shard);
		return state_files_mark(l, best, token, &s->f);
	}
	if (token_parse(word, run, &id) < 0)
		return fail(&s->f, WEIR_EUSAGE, "'%s' is no token: they look like 0000018-…/42, see weir state ls", word);
	for (size_t i = 0; i < l->n; i++)
		if (l->file[i].kind != STATE_MARK && l->file[i].id == id && !strcmp(l->file[i].run, run)) {
			snprintf(shard, 32, "%s", l->file[i].shard);
			snprintf(token, TOKEN_SIZE, "%s", word);
			return 0;
		}
	return fail(&s->f, WEIR_ESTATE, "%s has no checkpoint %s", s->path, word);
}

/* The instances with a snapshot in a checkpoint, one after the other: each(). */
static int
each_stage(struct state *s, const char *shard, const char *token, int (*each)(struct state *, struct state_dir *, const char *token, const char *stage))
{
	struct state_dir *d = open_shard(s, shard);
	char run[TOKEN_RUN_SIZE];
	uint64_t id;
	int e = !d ? s->f.code : token_parse(token, run, &id) < 0 ? WEIR_EBUG : 0;

	for (size_t i = 0; !e && i < s->files.n; i++) {
		const struct state_file *x = &s->files.file[i];

		if (x->kind <= STATE_DELTA && x->id == id && !strcmp(x->run, run) && !strcmp(x->shard, shard))
			e = each(s, d, token, x->stage);
	}
	state_close(d);
	return e;
}

static json_t *
head_json(const struct snapshot_head *h, const char *stage)
{
	char token[TOKEN_SIZE];
	json_t *o = json_object();

	token_format(h->run, h->id, token);
	set_text(o, "config", h->config);
	set_text(o, "holds", h->holds);
	set_text(o, "on", h->on);
	set_text(o, "pipe", h->pipe);
	set_text(o, "semantic", h->semantic);
	set_text(o, "stage", stage);
	set_text(o, "token", token);
	json_object_set_new(o, "kind", json_string(*h->on ? "delta" : "base"));
	json_object_set_new(o, "bytes", json_integer((json_int_t)h->bytes));
	return o;
}

/* Bytes of the records, unpacked; or an error. */
static int64_t
raw_bytes(struct weir_state *file, struct fail *f)
{
	int64_t all = 0;
	uint32_t records;
	const char *p;
	long n;

	while ((n = snapshot_frame(file, &p, &records, f)) > 0)
		all += n;
	return n < 0 ? n : all;
}

static int
show_stage(struct state *s, struct state_dir *d, const char *token, const char *stage)
{
	struct weir_state *file[CHAIN_DELTAS + 1];
	json_t *chain = json_array(), *o;
	int64_t raw = 0, bytes = 0;
	struct chain c;
	size_t n;
	int e = chain_open(d, token, stage, NULL, file, &n, &c, &s->f);

	if (e) {
		json_decref(chain);
		return e;
	}
	o = head_json(snapshot_head(file[n - 1]), stage);
	for (size_t i = 0; i < n; i++) {
		const struct snapshot_head *h = snapshot_head(file[i]);
		int64_t k = raw_bytes(file[i], &s->f);
		char t[TOKEN_SIZE];

		if (k < 0)
			e = (int)k;
		token_format(h->run, h->id, t);
		raw += k;
		bytes += (int64_t)h->bytes;
		json_array_append_new(chain, json_pack("{s:s,s:I,s:I}", "token", t, "bytes", (json_int_t)h->bytes, "raw_bytes", (json_int_t)k));
		snapshot_close(file[i]);
	}
	json_object_set_new(o, "chain", chain);
	json_object_set_new(o, "total_bytes", json_integer(bytes));
	json_object_set_new(o, "total_raw_bytes", json_integer(raw));
	if (e) {
		json_decref(o);
		return e;
	}
	return put(s, o);
}

static int
show(struct state *s)
{
	char shard[32], token[TOKEN_SIZE];
	int e = find_token(s, s->operand[0] ? s->operand[0] : "newest", shard, token);

	return e ? e : each_stage(s, shard, token, show_stage);
}

/* The records of one file, after a line with its header. */
static int
dump_file(struct state *s, struct weir_state *file, const char *stage)
{
	const struct snapshot_head *h = snapshot_head(file);
	json_t *args = h->args ? json_loads(h->args, 0, NULL) : NULL;
	char *argv[HOST_COLUMNS / 8] = { (char *)(uintptr_t)h->stage };
	const struct weir_stage *is;
	struct weir_stage bare = { .abi = WEIR_ABI, .size = sizeof bare, .name = h->stage };
	int argc = 1, e = put(s, head_json(h, stage));
	struct host *host = host_new();

	for (size_t i = 0; i < json_array_size(args) && argc + 1 < (int)(sizeof argv / sizeof *argv); i++)
		argv[argc++] = (char *)(uintptr_t)json_string_value(json_array_get(args, i));
	if (module_load(h->stage, &is, &s->f) < 0 || !is || strcmp(is->version, h->semantic) || !args)
		is = &bare;		/* a plugin, or of another time: its bytes */
	if (!e && fflush(stdout) != 0)
		e = fail_errno(&s->f, WEIR_EIO, "cannot write");
	if (!e && ((e = host_add(host, is, argc, argv)) < 0 || (e = host_dump(host, file)) < 0))
		s->f.code = 0;		/* said already */
	host_free(host);
	json_decref(args);
	return e;
}

static int
dump_stage(struct state *s, struct state_dir *d, const char *token, const char *stage)
{
	struct weir_state *file[CHAIN_DELTAS + 1];
	struct chain c;
	size_t n;
	int e;

	if (s->operand[1] && strcmp(s->operand[1], stage))
		return 0;
	if ((e = chain_open(d, token, stage, NULL, file, &n, &c, &s->f)))
		return e;
	for (size_t i = 0; i < n; i++) {
		if (!e)
			e = dump_file(s, file[i], stage);
		snapshot_close(file[i]);
	}
	return e;
}

static int
dump(struct state *s)
{
	char shard[32], token[TOKEN_SIZE], *copy[2], run[TOKEN_RUN_SIZE];
	struct weir_state *file;
	uint64_t id;
	int dir, e;

	if (!s->operand[0])
		return fail(&s->f, WEIR_EUSAGE, "dump takes a file, or a token and a stage: weir state dump newest dedupe");
	if (!strcmp(s->operand[0], "newest") || token_parse(s->operand[0], run, &id) == 0)
		return (e = find_token(s, s->operand[0], shard, token)) ? e : each_stage(s, shard, token, dump_stage);
	copy[0] = strdup(s->operand[0]);
	copy[1] = strdup(s->operand[0]);
	if (!copy[0] || !copy[1])
		e = fail(&s->f, WEIR_EAGAIN, "no memory");
	else if ((dir = open(dirname(copy[0]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		e = fail_errno(&s->f, fail_path_code(errno), "%s", s->operand[0]);
	else {
		if (!(e = snapshot_open(dir, basename(copy[1]), NULL, &file, &s->f))) {
			e = dump_file(s, file, snapshot_head(file)->stage);
			snapshot_close(file);
		}
		close(dir);
	}
	free(copy[0]);
	free(copy[1]);
	return e;
}

/* ---- verify ---- */

/* A snapshot: every byte, that it lies where it belongs, and that what it stands on is there. */
static int
verify_snapshot(const struct state_files *l, const struct state_file *x, struct fail *f)
{
	struct snapshot_head below;
	const struct snapshot_head *h;
	struct weir_state *file;
	char run[TOKEN_RUN_SIZE], path[1024];
	uint64_t id;
	int e = snapshot_open(l->dir, x->path, NULL, &file, f);

	if (e)
		return e;
	h = snapshot_head(file);
	e = raw_bytes(file, f) < 0 ? f->code : 0;
	if (!e && *x->run && (strcmp(h->run, x->run) || h->id != x->id))
		e = fail(f, WEIR_ESTATE, "the state %s is of checkpoint %s/%" PRIu64, x->path, h->run, h->id);
	if (!e && !*h->on != (x->kind == STATE_BASE))
		e = fail(f, WEIR_ESTATE, "the state %s is a %s by its header", x->path, *h->on ? "delta" : "base");
	if (!e && *h->on) {
		int found = 0;

		if (token_parse(h->on, run, &id) == 0)
			for (int k = 0; k < 2 && !found; k++) {
				snprintf(path, sizeof path, "%s/runs/%s/ckpt/%" PRIu64 "/%s%s", x->shard, run, id, x->stage, k ? CHAIN_DELTA : CHAIN_BASE);
				found = snapshot_peek(l->dir, path, &below, f) == 0;
				snapshot_head_free(&below);
			}
		if (!found)
			e = fail(f, WEIR_ESTATE, "the state %s stands on checkpoint %s, which has no %s", x->path, h->on, x->stage);
	}
	snapshot_close(file);
	return e;
}

static int
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

static int
verify_file(const struct state_files *l, const struct state_file *x, struct fail *f)
{
	int fd = openat(l->dir, x->path, O_RDONLY | O_CLOEXEC), e = 0;
	json_error_t why;
	json_t *j;

	if (fd < 0)
		return fail_errno(f, WEIR_EIO, "cannot open %s", x->path);
	if (ends_with(x->name, ".json") || ends_with(x->name, ".prep")) {
		if (!(j = json_loadfd(fd, 0, &why)))
			e = fail(f, WEIR_ESTATE, "%s is no JSON: %s", x->path, why.text);
		json_decref(j);
	}
	close(fd);
	return e;
}

static int
verify(struct state *s)
{
	const struct state_files *l = &s->files;
	uint64_t bytes = 0, damaged = 0;
	int e = 0;

	for (size_t i = 0; !e && i < l->n; i++) {
		const struct state_file *x = &l->file[i];
		char token[TOKEN_SIZE];
		struct fail f = { 0 };
		int bad = x->kind == STATE_MARK ? state_files_mark(l, x, token, &f) : x->kind == STATE_FILE ? verify_file(l, x, &f) : verify_snapshot(l, x, &f);

		bytes += x->bytes;
		damaged += bad != 0;
		if (bad)
			e = put(s, json_pack("{s:s,s:s}", "error", f.text, "file", x->path));
	}
	if (!e)
		e = put(s, json_pack("{s:I,s:I,s:I}", "bytes", (json_int_t)bytes, "damaged", (json_int_t)damaged, "files", (json_int_t)l->n));
	if (!e && damaged)
		e = fail(&s->f, WEIR_ESTATE, "%" PRIu64 " of %zu files in %s are damaged", damaged, l->n, s->path);
	return e;
}

/* ---- gc ---- */

static int
gone(void *arg, const char *run, uint64_t id)
{
	struct state *s = arg;
	char token[TOKEN_SIZE];

	token_format(run, id, token);
	return put(s, json_pack("{s:b,s:s}", "removed", !s->dry_run, "token", token));
}

static int
gc(struct state *s)
{
	int e = 0;

	for (size_t i = 0; !e && i < s->files.n_shards; i++) {
		struct state_dir *d = open_shard(s, s->files.shard[i]);

		e = !d ? s->f.code : s->dry_run ? 0 : state_lock(d, &s->f);
		if (!e)
			e = state_gc_all(d, s->dry_run, gone, s, &s->f);
		state_close(d);
	}
	return e;
}

/* ---- */

static const struct {
	const char *name, *operands, *what;
	int (*run)(struct state *);
	int most;		/* operands beside DIR */
} command[] = {
	{ "ls", "[DIR]", "the files of all checkpoints", ls, 0 },
	{ "show", "[TOKEN|newest]", "headers and sizes of a checkpoint's states", show, 1 },
	{ "dump", "FILE | TOKEN|newest [STAGE]", "the records", dump, 2 },
	{ "verify", "[DIR]", "read every file to its last byte", verify, 0 },
	{ "gc", "[DIR]", "remove what no run will read again", gc, 0 },
};

static void
usage(FILE *out)
{
	struct opt_set set = { opts, NULL };

	for (size_t i = 0; i < sizeof command / sizeof *command; i++)
		fprintf(out, "%s weir state %-6s [-s DIR] %-28s %s\n", i ? "      " : "usage:", command[i].name, command[i].operands, command[i].what);
	opt_help(out, &set, 1);
}

/* Operands that the command does not take for itself: the directory, which may also be one. */
static int
run(struct state *s, size_t which, int argc, char **argv)
{
	const struct opt_set set = { opts, s };
	const char **operand = calloc((size_t)argc + 1, sizeof *operand), *env = getenv("WEIR_STATE");
	int n = 0, e;

	if (!operand)
		return fail(&s->f, WEIR_EAGAIN, "no memory");
	s->operand = operand;
	if (!(e = opt_parse(&set, 1, argc, argv, operand, &s->f))) {
		while (operand[n])
			n++;
		if (!s->path && n && !command[which].most)
			s->path = operand[--n], operand[n] = NULL;
		if (!s->path && env && *env)
			s->path = env;
		if (n > command[which].most)
			e = fail(&s->f, WEIR_EUSAGE, "state %s takes %s", command[which].name, command[which].operands);
		else if (s->dry_run && command[which].run != gc)
			e = fail(&s->f, WEIR_EUSAGE, "--dry-run is for gc");
		else if (!s->path && !(command[which].run == dump && n == 1))
			e = fail(&s->f, WEIR_EUSAGE, "state %s needs a directory: name it with -s DIR or WEIR_STATE", command[which].name);
	}
	if (!e && s->path)
		e = state_files_list(s->path, &s->files, &s->f);
	if (!e)
		e = command[which].run(s);
	free(operand);
	return e;
}

int
command_state(int argc, char **argv)
{
	struct state s = { .files.dir = -1 };
	int e;

	if (argc < 2) {
		usage(stderr);
		return -WEIR_EUSAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < sizeof command / sizeof *command; i++) {
		if (strcmp(argv[1], command[i].name))
			continue;
		e = run(&s, i, argc - 1, argv + 1);
		state_files_free(&s.files);
		if (fflush(stdout) != 0 && !e)
			e = fail_errno(&s.f, WEIR_EIO, "cannot write");
		if (e && s.f.code)
			return command_error(s.f.code, "%s", s.f.text);
		return e < 0 ? -e : e;
	}
	return command_error(WEIR_EUSAGE, "state does ls, show, dump, verify and gc, not '%s'", argv[1]);
}
