#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "dir.h"
#include "watch.h"
#include "weir.h"

#define PLAIN_GAP_US	10000000	/* between the end of a plain stage and the begin of the next one of its pipeline */

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for so many stages");
}

static int __attribute__((format(printf, 2, 3)))
note(struct watch *w, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return buf_put(&w->notes, text, strlen(text) + 1);
}

/* "0-1", "3-16": the folder of a shard. */
static int
is_shard(const char *name)
{
	size_t a = strspn(name, "0123456789"), b;

	if (!a || name[a] != '-')
		return 0;
	b = strspn(name + a + 1, "0123456789");
	return b && !name[a + 1 + b];
}

static int
is_any(const char *name)
{
	return name[0] != '.';
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
free_names(char **name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(name[i]);
	free(name);
}

/* The names in a folder that wanted() takes, sorted; takes fd.  The number of them, or -1. */
static ptrdiff_t
names_in(int fd, int (*wanted)(const char *), char ***out)
{
	DIR *dir = fdopendir(fd);
	char **name = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;

	*out = NULL;
	if (!dir) {
		close(fd);
		return -1;
	}
	for (errno = 0; (e = readdir(dir)); errno = 0) {
		if (!wanted(e->d_name))
			continue;
		if (n == cap) {
			void *p = n < WATCH_ROWS ? realloc(name, (cap = cap ? cap * 2 : 16) * sizeof *name) : NULL;

			if (!p) {
				errno = ENOMEM;
				break;
			}
			name = p;
		}
		if (!(name[n] = strdup(e->d_name)))
			break;
		n++;
	}
	if (errno || e) {
		int err = errno;

		closedir(dir);
		free_names(name, n);
		errno = err;
		return -1;
	}
	closedir(dir);
	if (n)
		qsort(name, n, sizeof *name, by_name);
	*out = name;
	return (ptrdiff_t)n;
}

/* The name of the pipeline whose directory this is, as far as pipeline.json tells: malloc'd.  NULL: not one to look into. */
static char *
pipe_name(struct watch *w, int dir, const char *path)
{
	const char *format, *pipe, *base = strrchr(path, '/');
	char text[4096], *name = NULL;
	int fd = openat(dir, "pipeline.json", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
	json_t *j = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;

	if (fd >= 0)
		close(fd);
	base = base && base[1] ? base + 1 : path;
	if (fd < 0 && errno == ENOENT)
		name = strdup(base);
	else if (fd < 0 || n < 0)
		note(w, "%s: cannot read pipeline.json: %s", path, strerror(errno));
	else if (json_unpack(j, "{s:s,s:s}", "format", &format, "pipe", &pipe) < 0)
		note(w, "%s: pipeline.json is damaged", path);
	else if (strcmp(format, STATE_FORMAT))
		note(w, "%s is of format %s, this weir knows %s", path, format, STATE_FORMAT);
	else
		name = strdup(*pipe ? pipe : base);
	json_decref(j);
	return name;
}

static int
add_row(struct watch *w, const struct stats_page *page, const char *name, struct fail *f)
{
	struct watch_row *r;

	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		void *p = w->n < WATCH_ROWS ? realloc(w->row, cap * sizeof *w->row) : NULL;

		if (!p)
			return no_memory(f);
		w->row = p;
		w->cap = cap;
	}
	r = &w->row[w->n];
	*r = (struct watch_row){ .dir = w->n_dirs, .page = *page, .alive = stats_alive(page), .name = strdup(*page->pipe ? page->pipe : name) };
	if (!r->name)
		return no_memory(f);
	w->n++;
	return 0;
}

static int64_t
began(const struct watch_row *r)
{
	return stats_get(&r->page, STATS_BEGAN_US);
}

/* Of the rows from `from` on, one shard's: keep those of runs that are on; if none is, those of the newest. */
static void
keep_runs(struct watch *w, size_t from)
{
	const struct watch_row *newest = NULL;
	char run[TOKEN_RUN_SIZE] = "";
	int64_t newest_us = INT64_MIN;
	size_t to = from;
	int any = 0;

	for (size_t i = from; i < w->n; i++) {
		any |= w->row[i].alive;
		if (!newest || began(&w->row[i]) > began(newest))
			newest = &w->row[i];
	}
	if (newest) {
		memcpy(run, newest->page.run, sizeof run);
		newest_us = began(newest);
	}
	for (size_t i = from; i < w->n; i++) {
		int keep = !any && !strcmp(w->row[i].page.run, run);

		for (size_t k = from; any && k < w->n && !keep; k++)
			keep = w->row[k].alive && !strcmp(w->row[i].page.run, w->row[k].page.run);
		/* Runs on plain input have no name: what was over long before another began is of an earlier one. */
		if (!w->row[i].alive && !w->row[i].page.run[0] && stats_get(&w->row[i].page, STATS_UPDATED_US) < newest_us - PLAIN_GAP_US)
			keep = 0;
		w->row[i].dir |= keep ? 0 : SIZE_MAX;
	}
	for (size_t i = from; i < w->n; i++) {
		if (w->row[i].dir == SIZE_MAX)
			free(w->row[i].name);
		else
			w->row[to++] = w->row[i];
	}
	w->n = to;
}

/* One shard: the files of its folder stats/, if it has one. */
static int
read_shard(struct watch *w, int dir, const char *shard, const char *path, const char *name, struct fail *f)
{
	struct stats_page page;
	size_t from = w->n;
	char folder[64], **file;
	ptrdiff_t n;
	int fd, e = 0;

	if (snprintf(folder, sizeof folder, "%s/stats", shard) >= (int)sizeof folder)
		return 0;
	if ((fd = openat(dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return errno == ENOENT || !note(w, "%s/%s: %s", path, folder, strerror(errno)) ? 0 : no_memory(f);
	if ((n = names_in(dup(fd), is_any, &file)) < 0)
		note(w, "%s/%s: %s", path, folder, strerror(errno));
	for (ptrdiff_t i = 0; i < n && !e; i++) {
		struct fail why;

		if (stats_read(fd, file[i], &page, &why) == 0)
			e = add_row(w, &page, name, f);
		else if (why.code != fail_path_code(ENOENT) || faccessat(fd, file[i], F_OK, 0) == 0)	/* it may just be replaced */
			note(w, "%s/%s: %s", path, shard, why.text);
	}
	if (n >= 0)
		free_names(file, (size_t)n);
	close(fd);
	keep_runs(w, from);
	return e;
}

/* A pipeline's state directory.  1; 0 when it is none. */
static int
read_pipeline(struct watch *w, const char *path, struct fail *f)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), e = 1;
	char **shard, *name;
	ptrdiff_t n;

	if (dir < 0)		/* among others: one is not the end of all */
		return errno == ENOENT || errno == ENOTDIR || !note(w, "%s: %s", path, strerror(errno)) ? 0 : no_memory(f);
	if ((n = names_in(dup(dir), is_shard, &shard)) < 0) {
		note(w, "%s: %s", path, strerror(errno));
	} else if (!n && faccessat(dir, "pipeline.json", F_OK, 0) < 0) {
		e = 0;
	} else if ((name = pipe_name(w, dir, path))) {
		for (ptrdiff_t i = 0; i < n && e > 0; i++)
			e = read_shard(w, dir, shard[i], path, name, f) < 0 ? f->code : 1;
		free(name);
	}
	if (n >= 0)
		free_names(shard, (size_t)n);
	close(dir);
	w->n_dirs += e != 0;
	return e;
}

static int
read_folder(struct watch *w, const char *path, int is_default, struct fail *f)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), e = 0;
	struct buf one = { 0 };
	char **name;
	ptrdiff_t n;

	if (fd < 0 && errno == ENOENT && is_default)
		return note(w, "nothing has run with a state directory yet: %s is not there", path) < 0 ? no_memory(f) : 0;
	if (fd < 0)
		return fail_errno(f, fail_path_code(errno), "cannot look into %s", path);
	if ((n = names_in(fd, is_any, &name)) < 0)
		return fail_errno(f, WEIR_EIO, "cannot look into %s", path);
	for (ptrdiff_t i = 0; i < n && e >= 0; i++) {
		one.n = 0;
		if (buf_printf(&one, "%s/%s", path, name[i]) < 0 || buf_putc(&one, '\0') < 0)
			e = no_memory(f);
		else
			e = read_pipeline(w, one.p, f);
	}
	free_names(name, (size_t)n);
	buf_free(&one);
	if (e >= 0 && !w->n_dirs)
		note(w, "%s holds no state directory of a pipeline", path);
	return e < 0 ? e : 0;
}

static int
by_place(const void *x, const void *y)
{
	const struct watch_row *a = x, *b = y;
	int e = a->dir < b->dir ? -1 : a->dir > b->dir;

	if (!e)
		e = atoi(a->page.shard) < atoi(b->page.shard) ? -1 : atoi(a->page.shard) > atoi(b->page.shard);
	if (!e)
		e = strcmp(a->page.shard, b->page.shard);
	if (!e)
		e = strcmp(a->page.run, b->page.run);
	if (!e && !a->page.run[0])
		e = began(a) < began(b) ? -1 : began(a) > began(b);
	if (!e)
		e = a->page.number < b->page.number ? -1 : a->page.number > b->page.number;
	return e ? e : strcmp(a->page.stage, b->page.stage);
}

static int64_t
clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int
watch_read(struct watch *w, const char *path, struct fail *f)
{
	struct buf def = { 0 };
	int e;

	watch_free(w);
	if (path) {
		if ((e = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			return fail_errno(f, fail_path_code(errno), "cannot look into %s", path);
		close(e);
		if ((e = read_pipeline(w, path, f)) == 0)
			e = read_folder(w, path, 0, f);
	} else if ((e = state_default_path("", &def, f)) == 0) {
		def.p[strlen(def.p) - 1] = '\0';	/* the slash before a name */
		e = read_folder(w, def.p, 1, f);
	}
	if (!e && !w->n && !w->notes.n)
		note(w, "%s: no stage has told anything yet", path ? path : def.p);
	buf_free(&def);
	w->now_us = clock_us(CLOCK_REALTIME);
	w->clock_us = clock_us(CLOCK_MONOTONIC);
	if (w->n)
		qsort(w->row, w->n, sizeof *w->row, by_place);
	return e < 0 ? e : 0;
}

void
watch_free(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->row[i].name);
	free(w->row);
	buf_free(&w->notes);
	*w = (struct watch){ 0 };
}

static int
same_run(const struct watch_row *a, const struct watch_row *b)
{
	return a->dir == b->dir && !strcmp(a->page.shard, b->page.shard) && !strcmp(a->page.run, b->page.run);
}

const struct watch_row *
watch_before(const struct watch *w, const struct watch_row *r)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct watch_row *o = &w->row[i];

		if (!strcmp(o->page.run, r->page.run) && o->page.pid == r->page.pid && o->page.started == r->page.started && !strcmp(o->page.stage, r->page.stage))
			return o;
	}
	return NULL;
}

size_t
watch_run_end(const struct watch *w, size_t i)
{
	size_t end = i + 1;

	while (end < w->n && same_run(&w->row[i], &w->row[end]))
		end++;
	return end;
}

int
watch_leads(const struct watch *w, size_t i)
{
	const struct watch_row *r = &w->row[i];

	return !i || !same_run(r, r - 1) || r->page.pid != r[-1].page.pid || r->page.started != r[-1].page.started;
}
