#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"
#include "weir.h"

#define FILES_MAX	1000000		/* of one directory */

/* ---- names in a folder ---- */

struct list {
	char	**name;
	size_t	  n;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
list_free(struct list *l)
{
	while (l->n)
		free(l->name[--l->n]);
	free(l->name);
	l->name = NULL;
}

/* Sorted; a folder that is not there has none. */
static int
list_names(int at, const char *path, struct list *l, struct fail *f)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), e = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	*l = (struct list){ 0 };
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail_errno(f, fail_path_code(errno), "cannot read %s", path);
	}
	for (errno = 0; !e && (d = readdir(dir)); errno = 0) {
		char **p;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		p = l->n & (l->n - 1) ? l->name : realloc(l->name, (l->n ? 2 * l->n : 1) * sizeof *p);	/* grows by powers of two */
		if (p)
			l->name = p;
		if (!p || l->n == FILES_MAX || !(p[l->n] = strdup(d->d_name)))
			e = fail(f, WEIR_EAGAIN, "no memory for the names in %s", path);
		else
			l->n++;
	}
	if (!e && errno)
		e = fail_errno(f, WEIR_EIO, "cannot read %s", path);
	closedir(dir);
	if (!e && l->n)
		qsort(l->name, l->n, sizeof *l->name, by_name);
	return e;
}

static int
is_number(const char *name)
{
	return *name && strlen(name) < 20 && !name[strspn(name, "0123456789")];
}

static int
is_shard(const char *name)
{
	size_t n = strspn(name, "0123456789"), m = name[n] == '-' ? strspn(name + n + 1, "0123456789") : 0;

	return n && m && !name[n + 1 + m] && n + 1 + m < 32;
}

/* ---- files ---- */

static int
ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

static void
name_parts(struct state_file *x)
{
	size_t n = strlen(x->name);

	x->kind = ends(x->name, CHAIN_BASE) ? STATE_BASE : ends(x->name, CHAIN_DELTA) ? STATE_DELTA : STATE_FILE;
	if (x->kind == STATE_BASE)
		n -= strlen(CHAIN_BASE);
	else if (x->kind == STATE_DELTA)
		n -= strlen(CHAIN_DELTA);
	else if (strrchr(x->name, '.') > x->name)
		n = (size_t)(strrchr(x->name, '.') - x->name);
	memcpy(x->stage, x->name, n);
	x->stage[n] = '\0';
}

/* One file, described as far as `x` says; its size and time are asked for. */
static int
add(struct state_files *l, struct state_file *x, struct fail *f)
{
	struct stat st;

	if (fstatat(l->dir, x->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_errno(f, WEIR_EIO, "%s", x->path);	/* removed meanwhile */
	x->bytes = (uint64_t)st.st_size;
	x->modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
	if (x->kind != STATE_MARK)
		name_parts(x);
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct state_file *p = room > FILES_MAX ? NULL : realloc(l->file, room * sizeof *p);

		if (!p)
			return fail(f, WEIR_EAGAIN, "no memory for so many files");
		l->file = p;
		l->room = room;
	}
	l->file[l->n++] = *x;
	return 0;
}

static int
list_folder(struct state_files *l, const struct state_file *like, const char *folder, struct fail *f)
{
	struct list names;
	int e = list_names(l->dir, folder, &names, f);

	for (size_t i = 0; !e && i < names.n; i++) {
		struct state_file x = *like;

		if (snprintf(x.name, sizeof x.name, "%s", names.name[i]) < (int)sizeof x.name &&
		    snprintf(x.path, sizeof x.path, "%s/%s", folder, x.name) < (int)sizeof x.path)
			e = add(l, &x, f);
	}
	list_free(&names);
	return e;
}

static int
by_epoch(const void *a, const void *b)
{
	uint64_t x = strtoull(*(char *const *)a, NULL, 10), y = strtoull(*(char *const *)b, NULL, 10);

	return x < y ? -1 : x > y;
}

/* Folders with numbers for names, in their order. */
static int
list_epochs(struct state_files *l, const struct state_file *like, const char *folder, struct fail *f)
{
	struct list names;
	int e = list_names(l->dir, folder, &names, f);

	if (names.n)
		qsort(names.name, names.n, sizeof *names.name, by_epoch);
	for (size_t i = 0; !e && i < names.n; i++) {
		struct state_file x = *like;
		char path[512];

		if (!is_number(names.name[i]) || snprintf(path, sizeof path, "%s/%s", folder, names.name[i]) >= (int)sizeof path)
			continue;
		x.id = strtoull(names.name[i], NULL, 10);
		if (x.kind != STATE_MARK) {
			e = list_folder(l, &x, path, f);
			continue;
		}
		snprintf(x.name, sizeof x.name, "%s", names.name[i]);
		snprintf(x.path, sizeof x.path, "%s", path);
		e = add(l, &x, f);
	}
	list_free(&names);
	return e;
}

static int
list_shard(struct state_files *l, const char *shard, struct fail *f)
{
	struct state_file x = { .kind = STATE_FILE };
	struct list names;
	char path[512];
	int e;

	snprintf(x.shard, sizeof x.shard, "%.31s", shard);
	snprintf(path, sizeof path, "%s/runs", shard);
	e = list_names(l->dir, path, &names, f);
	for (size_t i = 0; !e && i < names.n; i++)
		if (token_is_run(names.name[i], strlen(names.name[i]))) {
			snprintf(x.run, sizeof x.run, "%s", names.name[i]);
			snprintf(path, sizeof path, "%s/runs/%s/ckpt", shard, x.run);
			e = list_epochs(l, &x, path, f);
		}
	list_free(&names);
	*x.run = '\0';
	x.kind = STATE_MARK;
	snprintf(path, sizeof path, "%s/done", shard);
	if (!e)
		e = list_names(l->dir, path, &names, f);
	for (size_t i = 0; !e && i < names.n; i++) {
		if (snprintf(x.sink, sizeof x.sink, "%s", names.name[i]) >= (int)sizeof x.sink)
			continue;
		snprintf(path, sizeof path, "%s/done/%s", shard, x.sink);
		e = list_epochs(l, &x, path, f);
	}
	list_free(&names);
	return e;
}

int
state_files_list(const char *path, struct state_files *l, struct fail *f)
{
	struct state_file plain = { .kind = STATE_FILE };
	struct list names = { 0 };
	int e = 0;

	*l = (struct state_files){ .dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	if (l->dir < 0)
		return errno == ENOENT || errno == ENOTDIR ? fail(f, WEIR_ESTATE, "%s is no state directory: it is not there", path) :
		    fail_errno(f, fail_path_code(errno), "cannot open the state directory %s", path);
	if (faccessat(l->dir, "pipeline.json", F_OK, 0) < 0)
		return fail(f, WEIR_ESTATE, "%s is no state directory: it has no pipeline.json", path);
	e = list_names(l->dir, ".", &names, f);
	for (size_t i = 0; !e && i < names.n; i++)
		if (is_shard(names.name[i]) && l->n_shards < sizeof l->shard / sizeof *l->shard) {
			snprintf(l->shard[l->n_shards++], sizeof *l->shard, "%s", names.name[i]);
			e = list_shard(l, names.name[i], f);
		}
	list_free(&names);
	return e ? e : list_epochs(l, &plain, "plain", f);
}

void
state_files_free(struct state_files *l)
{
	free(l->file);
	if (l->dir >= 0)
		close(l->dir);
	*l = (struct state_files){ .dir = -1 };
}

int
state_files_mark(const struct state_files *l, const struct state_file *x, char token[TOKEN_SIZE], struct fail *f)
{
	int fd = openat(l->dir, x->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, token, TOKEN_SIZE - 1);
	char run[TOKEN_RUN_SIZE];
	uint64_t id;

	if (fd >= 0)
		close(fd);
	token[n > 0 ? n : 0] = '\0';
	if (n < 0)
		return fail_errno(f, WEIR_EIO, "cannot read %s", x->path);
	return token_parse(token, run, &id) < 0 || id != x->id ? fail(f, WEIR_ESTATE, "the mark %s holds no token of epoch %s", x->path, x->name) : 0;
}

int
state_files_committed(const struct state_files *l, const char *shard, const char *run, uint64_t id)
{
	char token[TOKEN_SIZE], want[TOKEN_SIZE];
	struct fail f;

	token_format(run, id, want);
	for (size_t i = 0; i < l->n; i++)
		if (l->file[i].kind == STATE_MARK && l->file[i].id == id && !strcmp(l->file[i].shard, shard) &&
		    state_files_mark(l, &l->file[i], token, &f) == 0 && !strcmp(token, want))
			return 1;
	return 0;
}
