#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "breakage.h"
#include "dirs.h"
#include "local.h"
#include "weir.h"

#define LIST_DEPTH	64		/* folders below one another */

struct stream {
	struct store_stream	 head;
	int			 fd;
	char			*path;		/* where it will be */
	char			*temp;		/* where it is, without O_TMPFILE */
};

struct source {
	struct store_source	 head;
	int			 fd;
	char			*path;
};

static int
path_of(const char *uri, const char **path, struct fail *f)
{
	if (!(*path = store_local_path(uri)) || !**path)
		return fail(f, WEIR_ECONFIG, "'%s' is no local file", uri);
	if (strlen(*path) >= PATH_MAX)
		return fail(f, WEIR_ECONFIG, "the path '%.60s...' is longer than %d bytes", *path, PATH_MAX - 1);
	return 0;
}

/* The folder of a path, into dir (PATH_MAX). */
static void
parent(const char *path, char *dir)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		strcpy(dir, ".");
	else {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash == path ? 1 : slash - path] = '\0';
		if (slash == path)
			dir[0] = '/';
	}
}

static int
write_error(const char *what, const char *path, struct fail *f)
{
	return fail_errno(f, errno == EACCES || errno == EPERM || errno == EROFS ? WEIR_ECONFIG : WEIR_EIO, "cannot %s %s", what, path);
}

/* ---------------------------------------------------------------- writing */

static int
temp_name(const char *path, char **out, struct fail *f)
{
	uint64_t r[2];
	const char *slash = strrchr(path, '/');
	int head = slash ? (int)(slash - path) + 1 : 0;

	if (BROKEN("reuse-tmp")) {
		if (asprintf(out, "%.*s.tmp", head, path) < 0)
			*out = NULL;
		return *out ? 0 : fail(f, WEIR_EAGAIN, "no memory for a path");
	}
	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		return fail_errno(f, WEIR_EIO, "cannot get random bytes");
	if (asprintf(out, "%.*s.%016" PRIx64 "%016" PRIx64 ".tmp", head, path, r[0], r[1]) < 0) {
		*out = NULL;
		return fail(f, WEIR_EAGAIN, "no memory for a path");
	}
	return 0;
}

static void
stream_free(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);		/* nothing was promised, or close() was checked before */
	if (s->temp)
		unlink(s->temp);
	free(s->temp);
	free(s->path);
	free(s);
}

/* named: with a temporary name, for rename(). */
static int
start(struct store *store, const char *uri, int named, struct stream **out, struct fail *f)
{
	struct stream *s;
	const char *path;
	char dir[PATH_MAX];
	int e;

	if ((e = path_of(uri, &path, f)) < 0)
		return e;
	if (!(s = calloc(1, sizeof *s)) || !(s->path = strdup(path))) {
		free(s);
		return fail(f, WEIR_EAGAIN, "no memory for a file");
	}
	s->head.store = store;
	s->fd = -1;
	parent(path, dir);
	if (BROKEN("reuse-tmp"))
		named = 1;
	if ((e = dirs_make(dir, 0777, f)) < 0)
		goto fail;
	if (!named)
		s->fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (s->fd < 0 && (named || errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		if ((e = temp_name(path, &s->temp, f)) < 0)
			goto fail;
		if ((s->fd = open(s->temp, O_WRONLY | O_CREAT | (BROKEN("reuse-tmp") ? O_TRUNC : O_EXCL) | O_CLOEXEC, 0666)) < 0) {
			free(s->temp);
			s->temp = NULL;
		}
	}
	if (s->fd < 0) {
		e = write_error("create", path, f);
		goto fail;
	}
	*out = s;
	return 0;
fail:
	stream_free(s);
	return e;
}

static int
local_create(struct store *store, const char *uri, struct store_stream **out, struct fail *f)
{
	struct stream *s;
	int e = start(store, uri, 0, &s, f);

	if (!e)
		*out = &s->head;
	return e;
}

static int
local_write(struct store_stream *stream, const void *data, size_t n, struct fail *f)
{
	struct stream *s = (struct stream *)stream;
	const char *p = data;

	while (n) {
		ssize_t k = write(s->fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return write_error("write", s->path, f);
		p += k;
		n -= (size_t)k;
		stream->bytes += (uint64_t)k;
	}
	return 0;
}

/* Give the synced file its name: 0, 1 the name is taken, or an error. */
static int
publish(struct stream *s, struct fail *f)
{
	char self[32], dir[PATH_MAX];
	int e;

	if (!BROKEN("no-fsync") && fsync(s->fd) < 0)
		return write_error("fsync", s->path, f);
	snprintf(self, sizeof self, "/proc/self/fd/%d", s->fd);
	if (linkat(AT_FDCWD, s->temp ? s->temp : self, AT_FDCWD, s->path, s->temp ? 0 : AT_SYMLINK_FOLLOW) < 0)
		return errno == EEXIST ? 1 : write_error("publish", s->path, f);
	if (s->temp) {
		if (unlink(s->temp) < 0 && !BROKEN("reuse-tmp"))
			return write_error("unlink", s->temp, f);
		free(s->temp);
		s->temp = NULL;
	}
	parent(s->path, dir);
	if ((e = dirs_sync(dir, f)) < 0)
		return e;
	e = close(s->fd);
	s->fd = -1;
	return e < 0 ? write_error("close", s->path, f) : 0;
}

/* Is what lies under that name this file, and not one of before? */
static int
has_its_name(const struct stream *s)
{
	struct stat a, b;

	return s->fd >= 0 && fstat(s->fd, &a) == 0 && stat(s->path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
local_finish(struct store_stream *stream, struct fail *f)
{
	struct stream *s = (struct stream *)stream;
	int e = publish(s, f);

	if (e == 1)
		e = fail(f, WEIR_EFENCED, "%s exists already: this run was used before; call weir begin again", s->path);
	else if (e < 0 && has_its_name(s))	/* it failed, so it is not there; should this fail too, nobody refers to it */
		unlink(s->path);
	stream_free(s);
	return e;
}

static void
local_abort(struct store_stream *stream)
{
	stream_free((struct stream *)stream);
}

static int
local_put_if_absent(struct store *store, const char *uri, const void *p, size_t n, struct fail *f)
{
	struct stream *s;
	int e = start(store, uri, 0, &s, f);

	if (e < 0)
		return e;
	if ((e = local_write(&s->head, p, n, f)) == 0)
		e = publish(s, f);
	stream_free(s);
	return e;
}

static int
local_put(struct store *store, const char *uri, const void *p, size_t n, struct fail *f)
{
	char dir[PATH_MAX];
	struct stream *s;
	int e = start(store, uri, 1, &s, f);

	if (e < 0)
		return e;
	if ((e = local_write(&s->head, p, n, f)) < 0)
		goto out;
	if (!BROKEN("no-fsync") && fsync(s->fd) < 0)
		e = write_error("fsync", s->path, f);
	else if (rename(s->temp, s->path) < 0)
		e = write_error("rename to", s->path, f);
	else {
		free(s->temp);
		s->temp = NULL;
		parent(s->path, dir);
		e = dirs_sync(dir, f);
	}
out:
	stream_free(s);
	return e;
}

/* ---------------------------------------------------------------- reading */

static int
local_source(struct store *store, const char *uri, struct store_source **out, uint64_t *bytes, struct fail *f)
{
	struct source *s;
	struct stat st;
	const char *path;
	int e;

	if ((e = path_of(uri, &path, f)) < 0)
		return e;
	if (!(s = calloc(1, sizeof *s)) || !(s->path = strdup(path))) {
		free(s);
		return fail(f, WEIR_EAGAIN, "no memory for a file");
	}
	s->head.store = store;
	if ((s->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 || fstat(s->fd, &st) < 0)
		e = fail_errno(f, errno == ENOENT ? WEIR_EGONE : errno == EACCES ? WEIR_ECONFIG : WEIR_EIO, "cannot open %s", path);
	else if (!S_ISREG(st.st_mode))
		e = fail(f, WEIR_ECONFIG, "%s is no regular file", path);
	if (e < 0) {
		store->ops->shut(&s->head);
		return e;
	}
	*bytes = (uint64_t)st.st_size;
	*out = &s->head;
	return 0;
}

static int
local_read(struct store_source *source, uint64_t at, void *data, size_t n, struct fail *f)
{
	struct source *s = (struct source *)source;
	char *p = data;

	while (n) {
		ssize_t k = pread(s->fd, p, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail_errno(f, WEIR_EIO, "cannot read %s", s->path);
		if (!k)
			return fail(f, WEIR_ESTATE, "%s ends at byte %" PRIu64 ", more is expected", s->path, at);
		p += k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return 0;
}

static void
local_shut(struct store_source *source)
{
	struct source *s = (struct source *)source;

	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

static int
local_get(struct store *store, const char *uri, struct buf *out, struct fail *f)
{
	struct store_source *s;
	uint64_t n;
	int e;

	if ((e = local_source(store, uri, &s, &n, f)) < 0)
		return e;
	if (n > SIZE_MAX / 8 || buf_reserve(out, (size_t)n) < 0)
		e = fail(f, WEIR_EAGAIN, "%s has %" PRIu64 " bytes, more than fits (ceiling %zu)", uri, n, out->max);
	else if ((e = local_read(s, 0, out->p + out->n, (size_t)n, f)) == 0)
		out->n += (size_t)n;
	local_shut(s);
	return e;
}

/* ---------------------------------------------------------------- folders */

struct listing {
	int		(*fn)(void *, const struct store_entry *);
	void		 *arg;
	struct fail	 *fail;
};

static int list_dir(struct listing *, const char *dir, int depth);

static int
list_entry(struct listing *l, const char *path, int depth)
{
	struct store_entry entry;
	struct stat st;
	char *uri;
	int e;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail_errno(l->fail, WEIR_EIO, "cannot look at %s", path);
	if (S_ISDIR(st.st_mode))
		return list_dir(l, path, depth + 1);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (asprintf(&uri, "%s%s", *path == '/' ? "file://" : "", path) < 0)
		return fail(l->fail, WEIR_EAGAIN, "no memory for a path");
	entry = (struct store_entry){ uri, (uint64_t)st.st_size, st.st_mtim.tv_sec * INT64_C(1000) + st.st_mtim.tv_nsec / 1000000 };
	e = l->fn(l->arg, &entry);
	free(uri);
	return e;
}

static int
list_dir(struct listing *l, const char *dir, int depth)
{
	struct dirent *d;
	char *path;
	DIR *dp;
	int e = 0;

	if (depth > LIST_DEPTH)
		return fail(l->fail, WEIR_ECONFIG, "%s: more than %d folders below one another", dir, LIST_DEPTH);
	if (!(dp = opendir(dir)))
		return errno == ENOENT ? 0 : fail_errno(l->fail, WEIR_EIO, "cannot list %s", dir);
	while (!e && (errno = 0, d = readdir(dp))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (asprintf(&path, "%s/%s", dir, d->d_name) < 0)
			e = fail(l->fail, WEIR_EAGAIN, "no memory for a path");
		else {
			e = list_entry(l, path, depth);
			free(path);
			errno = 0;
		}
	}
	if (!e && errno)
		e = fail_errno(l->fail, WEIR_EIO, "cannot list %s", dir);
	closedir(dp);
	return e;
}

static int
local_list(struct store *store, const char *uri, int (*fn)(void *, const struct store_entry *), void *arg, struct fail *f)
{
	struct listing l = { fn, arg, f };
	const char *path;
	int e;

	(void)store;
	return (e = path_of(uri, &path, f)) < 0 ? e : list_dir(&l, path, 0);
}

static int
local_remove(struct store *store, const char *uri, struct fail *f)
{
	const char *path;
	int e;

	(void)store;
	if ((e = path_of(uri, &path, f)) < 0)
		return e;
	return unlink(path) < 0 && errno != ENOENT ? write_error("remove", path, f) : 0;
}

static void
local_close(struct store *store)
{
	free(store);
}

static const struct store_ops ops = {
	"file", local_get, local_put, local_put_if_absent, local_create, local_write, local_finish, local_abort, local_source, local_read,
	local_shut, local_list, local_remove, local_close
};

int
local_open(struct store **out, struct fail *f)
{
	struct store *s = calloc(1, sizeof *s);

	if (!s)
		return fail(f, WEIR_EAGAIN, "no memory for a store");
	s->ops = &ops;
	*out = s;
	return 0;
}
