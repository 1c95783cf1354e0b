#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "gc.h"
#include "weir.h"

#define KEPT_MAX	((GC_KEEP + 1) * (CHAIN_DELTAS + 1))

struct kept {
	char	token[TOKEN_SIZE];
	char	on[TOKEN_SIZE];		/* what its deltas stand on, or empty */
	int	looked;			/* `on` was read, and will not change */
};

struct candidate {
	char		run[TOKEN_RUN_SIZE];
	uint64_t	id;
};

struct state_gc {
	int		  shard;		/* of the state directory */
	char		  sink[96], run[TOKEN_RUN_SIZE];
	char		(*earlier)[TOKEN_RUN_SIZE];	/* runs that were there at the beginning */
	size_t		  n_earlier;
	struct candidate *candidate;
	size_t		  n_candidates, cap;
	struct kept	  kept[KEPT_MAX];
	size_t		  n_kept;
	char		  commit[GC_KEEP][TOKEN_SIZE];	/* newest first */
	int		  seen;			/* a commit of our own */
	int		  off;			/* several sinks share the directory: their commits differ */
};

/* ---- folders ---- */

/* Each name in the folder `path` below `at` to each(); a folder that is not there has none. */
static int
names(int at, const char *path, int (*each)(void *, const char *), void *arg, struct fail *f)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), e = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? 0 : fail_errno(f, WEIR_EIO, "cannot read %s of the state directory", path);
	}
	for (errno = 0; !e && (d = readdir(dir)); errno = 0)
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			e = each(arg, d->d_name);
	if (!e && errno)
		e = fail_errno(f, WEIR_EIO, "cannot read %s of the state directory", path);
	closedir(dir);
	return e;
}

static int
number(const char *name, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(name, &end, 10);
	return *name >= '0' && *name <= '9' && !*end && !errno;
}

/* ---- what is kept ---- */

struct look {
	int		 dir;
	struct kept	*k;
	int		 differ;
	struct fail	*f;
};

static int
look_at(void *arg, const char *name)
{
	size_t n = strlen(name), suffix = strlen(CHAIN_DELTA);
	struct snapshot_head head;
	struct look *l = arg;
	int e;

	if (n <= suffix || strcmp(name + n - suffix, CHAIN_DELTA))
		return 0;
	if ((e = snapshot_peek(l->dir, name, &head, l->f)) == 0) {
		l->differ |= *l->k->on && strcmp(l->k->on, head.on);
		snprintf(l->k->on, sizeof l->k->on, "%s", head.on);
	}
	snapshot_head_free(&head);
	return e;
}

static void
ckpt_path(char path[128], const char *run, uint64_t id)
{
	snprintf(path, 128, "runs/%s/ckpt/%" PRIu64, run, id);
}

/* What the deltas of a checkpoint stand on.  All stages of a run write theirs at the same barriers, so that is one token. */
static int
look_up(struct state_gc *g, struct kept *k, struct fail *f)
{
	struct look l = { .k = k, .f = f };
	char run[TOKEN_RUN_SIZE], path[128];
	uint64_t id;
	int e;

	*k->on = '\0';
	if (token_parse(k->token, run, &id) < 0)
		return 0;
	ckpt_path(path, run, id);
	if ((l.dir = openat(g->shard, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return errno == ENOENT ? 0 : fail_errno(f, WEIR_EIO, "cannot read %s of the state directory", path);
	e = names(l.dir, ".", look_at, &l, f);
	close(l.dir);
	if (!e && l.differ)
		return fail(f, WEIR_ESTATE, "the files of checkpoint %s stand on several others: nothing is removed", k->token);
	return e;
}

static int
is_kept(const struct state_gc *g, const char *token)
{
	for (size_t i = 0; i < g->n_kept; i++)
		if (!strcmp(g->kept[i].token, token))
			return 1;
	return 0;
}

/* A checkpoint and what it stands on.  `fresh`: files may still come to it. */
static int
keep(struct state_gc *g, const struct kept *before, size_t n_before, const char *token, int fresh, struct fail *f)
{
	while (*token && !is_kept(g, token)) {
		struct kept *k = &g->kept[g->n_kept];
		int e;

		if (g->n_kept == KEPT_MAX)
			return fail(f, WEIR_ESTATE, "checkpoint %s stands on more than %d others: nothing is removed", token, CHAIN_DELTAS);
		*k = (struct kept){ .looked = 0 };
		snprintf(k->token, sizeof k->token, "%s", token);
		for (size_t i = 0; i < n_before; i++)
			if (before[i].looked && !strcmp(before[i].token, token))
				*k = before[i];
		if (!k->looked && (e = look_up(g, k, f)))
			return e;
		k->looked = !fresh;
		fresh = 0;
		g->n_kept++;
		token = k->on;
	}
	return 0;
}

/* Anew: the last commits, the newest barrier, and what they stand on. */
static int
keep_all(struct state_gc *g, const char *newest, struct fail *f)
{
	struct kept before[KEPT_MAX];
	size_t n = g->n_kept;
	int e;

	memcpy(before, g->kept, n * sizeof *before);
	g->n_kept = 0;
	e = newest ? keep(g, before, n, newest, 1, f) : 0;
	for (int i = 0; !e && i < GC_KEEP; i++)
		e = keep(g, before, n, g->commit[i], 0, f);
	return e;
}

/* ---- what goes ---- */

static int
add_candidate(struct state_gc *g, const char *run, uint64_t id, struct fail *f)
{
	if (g->n_candidates == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 64;
		struct candidate *p = realloc(g->candidate, cap * sizeof *p);

		if (!p)
			return fail(f, WEIR_EAGAIN, "no memory");
		g->candidate = p;
		g->cap = cap;
	}
	snprintf(g->candidate[g->n_candidates].run, TOKEN_RUN_SIZE, "%s", run);
	g->candidate[g->n_candidates++].id = id;
	return 0;
}

struct scan {
	struct state_gc	*g;
	const char	*run;
	struct fail	*f;
};

static int
add_ckpt(void *arg, const char *name)
{
	struct scan *s = arg;
	uint64_t id;

	return number(name, &id) && s->g->n_candidates < GC_CANDIDATES ? add_candidate(s->g, s->run, id, s->f) : 0;
}

/* A run without checkpoints leaves nothing.  What cannot be removed is not empty, or not there any more. */
static void
remove_run(struct state_gc *g, const char *run)
{
	char path[128];

	if (!strcmp(run, g->run))
		return;
	snprintf(path, sizeof path, "runs/%s/ckpt", run);
	if (unlinkat(g->shard, path, AT_REMOVEDIR) == 0 || errno == ENOENT) {
		*strrchr(path, '/') = '\0';
		(void)unlinkat(g->shard, path, AT_REMOVEDIR);
	}
}

static int
add_earlier(struct state_gc *g, int tidy, struct fail *f)
{
	int e = 0;

	for (size_t i = 0; !e && i < g->n_earlier; i++) {
		struct scan s = { g, g->earlier[i], f };
		char path[128];

		/* The number is the order of begin in one directory; a higher one has come while we came. */
		if (*g->run && strtoull(g->earlier[i], NULL, 10) > strtoull(g->run, NULL, 10))
			continue;
		if (tidy)
			remove_run(g, g->earlier[i]);
		snprintf(path, sizeof path, "runs/%s/ckpt", g->earlier[i]);
		e = names(g->shard, path, add_ckpt, &s, f);
	}
	return e;
}

struct unlinks {
	int		 dir;
	const char	*path;
	struct fail	*f;
};

static int
unlink_one(void *arg, const char *name)
{
	struct unlinks *u = arg;

	if (unlinkat(u->dir, name, 0) < 0 && errno != ENOENT)
		fail_errno(u->f, WEIR_EIO, "cannot remove %s/%s of the state directory", u->path, name);
	return 0;
}

/* One checkpoint.  An error is kept in *f, and the rest of its files goes. */
static void
remove_ckpt(struct state_gc *g, const struct candidate *c, struct fail *f)
{
	struct unlinks u = { .f = f };
	char path[128];

	ckpt_path(path, c->run, c->id);
	u.path = path;
	if ((u.dir = openat(g->shard, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) {
		names(u.dir, ".", unlink_one, &u, f);
		close(u.dir);
	}
	if (unlinkat(g->shard, path, AT_REMOVEDIR) < 0 && errno != ENOENT && !f->code)
		fail_errno(f, WEIR_EIO, "cannot remove %s of the state directory", path);
	remove_run(g, c->run);
}

/* The candidate of the highest epoch that is not kept: what stands on others is above them.  -1: none. */
static long
next_to_go(const struct state_gc *g)
{
	char token[TOKEN_SIZE];
	long best = -1;

	for (size_t i = 0; i < g->n_candidates; i++) {
		if (best >= 0 && g->candidate[i].id <= g->candidate[best].id)
			continue;
		token_format(g->candidate[i].run, g->candidate[i].id, token);
		if (!is_kept(g, token))
			best = (long)i;
	}
	return best;
}

static void
sweep(struct state_gc *g, int steps, struct fail *f)
{
	long i;

	while (steps-- > 0 && !f->code && (i = next_to_go(g)) >= 0) {
		remove_ckpt(g, &g->candidate[i], f);
		if (!f->code)		/* else what it stands on waits for it: the next barrier tries again */
			g->candidate[i] = g->candidate[--g->n_candidates];
	}
}

/* ---- marks of commits ---- */

struct marks {
	struct state_gc	*g;
	int		 dir;
	uint64_t	 below;			/* newer ones are of commits that were rolled back */
	uint64_t	 newest[GC_KEEP];
};

static int
note_mark(void *arg, const char *name)
{
	struct marks *m = arg;
	uint64_t id;

	if (!number(name, &id) || id > m->below)
		return 0;
	for (int i = 0; i < GC_KEEP; i++)
		if (id > m->newest[i]) {
			memmove(m->newest + i + 1, m->newest + i, (size_t)(GC_KEEP - 1 - i) * sizeof *m->newest);
			m->newest[i] = id;
			break;
		}
	return 0;
}

static int
unlink_mark(void *arg, const char *name)
{
	struct marks *m = arg;
	uint64_t id;

	if (!number(name, &id))
		return 0;
	for (int i = 0; i < GC_KEEP; i++)
		if (id == m->newest[i])
			return 0;
	(void)unlinkat(m->dir, name, 0);	/* a cache: one that stays is no harm */
	return 0;
}

static void
read_mark(int dir, uint64_t id, char token[TOKEN_SIZE])
{
	char name[24], run[TOKEN_RUN_SIZE];
	ssize_t n = -1;
	uint64_t of;
	int fd;

	snprintf(name, sizeof name, "%" PRIu64, id);
	if ((fd = openat(dir, name, O_RDONLY | O_CLOEXEC)) >= 0) {
		n = read(fd, token, TOKEN_SIZE - 1);
		close(fd);
	}
	token[n > 0 ? n : 0] = '\0';
	if (token_parse(token, run, &of) < 0)
		*token = '\0';
}

/* The newest commits of `sink` up to epoch `below`, and away with the other marks when `tidy`. */
static int
read_marks(struct state_gc *g, const char *sink, uint64_t below, int tidy, uint64_t *newest, struct fail *f)
{
	struct marks m = { .g = g, .below = below };
	char path[128];
	int e;

	snprintf(path, sizeof path, "done/%s", sink);
	memset(g->commit, 0, sizeof g->commit);
	if ((m.dir = openat(g->shard, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return errno == ENOENT ? 0 : fail_errno(f, WEIR_EIO, "cannot read %s of the state directory", path);
	e = names(m.dir, ".", note_mark, &m, f);
	for (int i = 0; !e && i < GC_KEEP && m.newest[i]; i++)
		read_mark(m.dir, m.newest[i], g->commit[i]);
	if (!e && tidy)
		e = names(m.dir, ".", unlink_mark, &m, f);
	if (newest)
		*newest = m.newest[0];
	close(m.dir);
	return e;
}

/* One more commit: the oldest of the kept ones is forgotten, and its mark goes. */
static void
push_commit(struct state_gc *g, const char *token)
{
	char run[TOKEN_RUN_SIZE], path[160];
	uint64_t id;

	if (token_parse(g->commit[GC_KEEP - 1], run, &id) == 0) {
		snprintf(path, sizeof path, "done/%s/%" PRIu64, g->sink, id);
		(void)unlinkat(g->shard, path, 0);
	}
	memmove(g->commit + 1, g->commit, sizeof g->commit - sizeof *g->commit);
	snprintf(g->commit[0], TOKEN_SIZE, "%s", token);
}

/* ---- a run ---- */

static int
note_run(void *arg, const char *name)
{
	struct state_gc *g = arg;

	if (!token_is_run(name, strlen(name)) || !strcmp(name, g->run) || g->n_earlier == GC_CANDIDATES)
		return 0;
	if (!(g->n_earlier & (g->n_earlier - 1))) {	/* grows by powers of two */
		void *p = realloc(g->earlier, (g->n_earlier ? 2 * g->n_earlier : 1) * sizeof *g->earlier);

		if (!p)
			return WEIR_EAGAIN;
		g->earlier = p;
	}
	snprintf(g->earlier[g->n_earlier++], TOKEN_RUN_SIZE, "%s", name);
	return 0;
}

static int
other_sink(void *arg, const char *name)
{
	struct state_gc *g = arg;

	g->off |= strcmp(name, g->sink) != 0;
	return 0;
}

int
state_gc_open(struct state_dir *d, const char *sink, const char *run, struct state_gc **out, struct fail *f)
{
	struct state_gc *g = calloc(1, sizeof *g);
	int e;

	*out = NULL;
	if (!g)
		return fail(f, WEIR_EAGAIN, "no memory");
	g->shard = state_fd(d);
	snprintf(g->sink, sizeof g->sink, "%s", sink);
	snprintf(g->run, sizeof g->run, "%s", run);
	e = names(g->shard, "runs", note_run, g, f);
	if (!e)
		e = names(g->shard, "done", other_sink, g, f);
	if (e) {
		state_gc_close(g);
		return e == WEIR_EAGAIN ? fail(f, e, "no memory") : e;
	}
	*out = g;
	return 0;
}

void
state_gc_close(struct state_gc *g)
{
	if (!g)
		return;
	free(g->earlier);
	free(g->candidate);
	free(g);
}

int
state_gc_barrier(struct state_gc *g, uint64_t id, int committed, struct fail *f)
{
	char token[TOKEN_SIZE];
	int e;

	f->code = 0;
	if (g->off)
		return 0;
	token_format(g->run, id, token);
	if ((e = add_candidate(g, g->run, id, f)))
		return e;
	if (committed && !g->seen) {
		if ((e = read_marks(g, g->sink, id, 1, NULL, f)) || (e = add_earlier(g, 1, f)))
			return e;
		if (strcmp(g->commit[0], token))	/* its mark could not be read */
			push_commit(g, token);
		g->seen = 1;
	} else if (committed) {
		push_commit(g, token);
	}
	if ((e = keep_all(g, token, f)))
		return e;
	sweep(g, GC_STEP, f);
	return f->code;
}

/* ---- by hand ---- */

struct all {
	struct state_gc	*g;
	uint64_t	 newest;
	char		 commit[8][GC_KEEP][TOKEN_SIZE];	/* of up to 8 sinks */
	int		 n;
	struct fail	*f;
};

static int
all_marks(void *arg, const char *sink)
{
	struct all *a = arg;
	uint64_t newest = 0;
	int e;

	if (a->n == 8)
		return fail(a->f, WEIR_ESTATE, "more than 8 sinks have commits here: nothing is removed");
	if ((e = read_marks(a->g, sink, UINT64_MAX, 0, &newest, a->f)))
		return e;
	memcpy(a->commit[a->n++], a->g->commit, sizeof a->g->commit);
	if (a->n == 1 || newest < a->newest)		/* of several sinks the one that is behind counts */
		a->newest = newest;
	return 0;
}

/* Room for what several sinks keep: their newest commits are mostly the same ones. */
static int
keep_marked(struct all *a)
{
	int e = 0;

	a->g->n_kept = 0;
	for (int i = 0; i < GC_KEEP; i++)
		for (int k = 0; !e && k < a->n; k++)
			e = keep(a->g, NULL, 0, a->commit[k][i], 0, a->f);
	return e;
}

int
state_gc_all(struct state_dir *d, int dry_run, int (*gone)(void *, const char *run, uint64_t id), void *arg, struct fail *f)
{
	struct all a = { .f = f };
	struct state_gc *g;
	long i;
	int e;

	if ((e = state_gc_open(d, "", "", &g, f)))
		return e;
	a.g = g;
	e = names(g->shard, "done", all_marks, &a, f);
	if (!e && a.n)
		e = keep_marked(&a);
	if (!e && a.n)
		e = add_earlier(g, !dry_run, f);
	f->code = e;
	while (!e && !f->code && (i = next_to_go(g)) >= 0) {
		const struct candidate *c = &g->candidate[i];

		if (c->id <= a.newest) {
			e = gone(arg, c->run, c->id);
			if (!e && !dry_run)
				remove_ckpt(g, c, f);
		}
		g->candidate[i] = g->candidate[--g->n_candidates];
	}
	state_gc_close(g);
	return e ? e : f->code;
}
