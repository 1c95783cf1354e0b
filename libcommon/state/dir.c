#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "breakage.h"
#include "dir.h"
#include "dirs.h"
#include "publish.h"
#include "weir.h"

#define FORMAT		STATE_FORMAT
#define PLAIN_KEEP	3	/* runs on plain input whose state stays */

struct state_dir {
	char		*path;
	int		 fd, shard, lock;
	char		 shard_name[32];	/* "0-1" */
	uint64_t	 seed[2];
};

/* A folder that was there a moment ago is gone: a later run has committed and cleaned up after this one. */
static int
removed(struct fail *f, const char *name)
{
	if (errno != ENOENT)
		return 0;
	fail(f, WEIR_EFENCED, "the folder of %s was removed meanwhile: another run has gone on from here, or somebody cleans up; run it again", name);
	return 1;
}

/* Open a folder below `dir`, made if it may be.  Its name is durable before anything in it is: see dirs.h. */
static int
folder(int dir, const char *name, int make, struct fail *f)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && (!make || !dirs_is_empty(dir, name)))
		return fd;
	if (fd >= 0)
		close(fd);		/* nothing was written to it */
	else if (errno == ENOENT && !make)
		return fail(f, WEIR_ESTATE, "the state directory has no folder %s: it was removed, or -s was another one; --state-reset goes on without it", name), -1;
	else if (errno != ENOENT)
		return fail_errno(f, fail_path_code(errno), "cannot open the directory %s", name), -1;
	else if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST) {
		if (!removed(f, name))
			fail_errno(f, fail_path_code(errno), "cannot make the directory %s", name);
		return -1;
	}
	if (!BROKEN("no-dirsync") && fsync(dir) < 0)
		return fail_errno(f, WEIR_EIO, "fsync of the directory of %s", name), -1;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && !removed(f, name))
		fail_errno(f, WEIR_EIO, "%s", name);
	return fd;
}

static int
parse_pipeline(struct state_dir *d, const char *pipe, const char *text, size_t n, struct fail *f)
{
	json_t *j = json_loadb(text, n, 0, NULL);
	const char *format, *have, *seed;
	char half[17];
	int e = 0;

	if (json_unpack(j, "{s:s,s:s,s:s}", "format", &format, "pipe", &have, "seed", &seed) < 0 || strlen(seed) != 32)
		e = fail(f, WEIR_ESTATE, "%s/pipeline.json is damaged; take another directory with -s", d->path);
	else if (strcmp(format, FORMAT))
		e = fail(f, WEIR_ESTATE, "%s is of format %s, this weir knows %s", d->path, format, FORMAT);
	else if (pipe && *pipe && *have && strcmp(have, pipe))
		e = fail(f, WEIR_ESTATE, "%s belongs to the pipeline %s, not to %s; take another directory with -s", d->path, have, pipe);
	else
		for (int i = 0; i < 2; i++) {
			memcpy(half, seed + 16 * i, 16);
			half[16] = '\0';
			d->seed[i] = strtoull(half, NULL, 16);
		}
	json_decref(j);
	return e;
}

/* pipeline.json: read it, or write it first. */
static int
pipeline(struct state_dir *d, const char *pipe, struct fail *f)
{
	for (int tries = 0; tries < 2; tries++) {
		char text[4096];
		ssize_t n;
		json_t *j;
		uint64_t r[2];
		int e, fd = openat(d->fd, "pipeline.json", O_RDONLY | O_CLOEXEC);

		if (fd >= 0) {
			n = read(fd, text, sizeof text);
			close(fd);
			if (n < 0)
				return fail_errno(f, WEIR_EIO, "%s/pipeline.json", d->path);
			return parse_pipeline(d, pipe, text, (size_t)n, f);
		}
		if (errno != ENOENT)
			return fail_errno(f, fail_path_code(errno), "cannot open %s/pipeline.json", d->path);
		if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
			return fail_errno(f, WEIR_EIO, "no random numbers");
		snprintf(text, 40, "%016" PRIx64 "%016" PRIx64, r[0], r[1]);
		j = json_pack("{s:s,s:s,s:s}", "format", FORMAT, "pipe", pipe ? pipe : "", "seed", text);
		n = (ssize_t)json_dumpb(j, text, sizeof text, JSON_COMPACT | JSON_SORT_KEYS);
		json_decref(j);
		if (!n || n > (ssize_t)sizeof text)
			return fail(f, WEIR_ECONFIG, "the pipeline's name is too long");
		e = publish_bytes(d->fd, "pipeline.json", text, (size_t)n, f);
		if (e && e != WEIR_EFENCED)	/* another process of the same pipeline was first: read its file */
			return e;
	}
	return f->code;
}

static int
compare_sink(const struct state_dir *d, const char *text, size_t n, const char *sink, const char *target, struct fail *f)
{
	json_t *j = json_loadb(text, n, 0, NULL);
	const char *have, *have_target;
	int e = 0;

	if (json_unpack(j, "{s:s,s:s}", "sink", &have, "target", &have_target) < 0)
		e = fail(f, WEIR_ESTATE, "%s/sink.json is damaged; take another directory with -s", d->path);
	else if (strcmp(have, sink) || strcmp(have_target, target))
		e = fail(f, WEIR_ESTATE, "%s belongs to %s %s, not to %s %s: its state fits to what was committed there; take another directory with -s", d->path, have,
		    have_target, sink, target);
	json_decref(j);
	return e;
}

int
state_pin_sink(struct state_dir *d, const char *sink, const char *target, struct fail *f)
{
	for (int tries = 0; tries < 2; tries++) {
		char text[4096];
		ssize_t n;
		json_t *j;
		int e, fd = openat(d->fd, "sink.json", O_RDONLY | O_CLOEXEC);

		if (fd >= 0) {
			n = read(fd, text, sizeof text);
			close(fd);
			return n < 0 ? fail_errno(f, WEIR_EIO, "%s/sink.json", d->path) : compare_sink(d, text, (size_t)n, sink, target, f);
		}
		if (errno != ENOENT)
			return fail_errno(f, fail_path_code(errno), "cannot open %s/sink.json", d->path);
		j = json_pack("{s:s,s:s}", "sink", sink, "target", target);
		n = j ? (ssize_t)json_dumpb(j, text, sizeof text, JSON_COMPACT | JSON_SORT_KEYS) : 0;
		json_decref(j);
		if (!n || n > (ssize_t)sizeof text)
			return fail(f, WEIR_ECONFIG, "the name of the sink's target is too long, or no UTF-8");
		e = publish_bytes(d->fd, "sink.json", text, (size_t)n, f);
		if (e != WEIR_EFENCED)		/* else another shard was first: read its file */
			return e;
	}
	return f->code;
}

int
state_open(const char *path, const char *pipe, const char *shard, struct state_dir **out, struct fail *f)
{
	struct state_dir *d = calloc(1, sizeof *d);
	int e;

	*out = NULL;
	if (!d || !(d->path = strdup(path))) {
		free(d);
		return fail(f, WEIR_EAGAIN, "no memory");
	}
	d->fd = d->shard = d->lock = -1;
	snprintf(d->shard_name, sizeof d->shard_name, "%s", shard);
	for (char *p = d->shard_name; *p; p++)
		if (*p == '/')
			*p = '-';
	if (!*path) {
		e = fail(f, WEIR_EUSAGE, "the name of the state directory is empty; name one with -s DIR");
		goto fail;
	}
	if ((e = dirs_make(path, 0700, f)))
		goto fail;
	if ((d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		e = fail_errno(f, fail_path_code(errno), "cannot open the state directory %s", path);
		goto fail;
	}
	if ((e = pipeline(d, pipe, f)))
		goto fail;
	if ((d->shard = folder(d->fd, d->shard_name, 1, f)) < 0) {
		e = f->code;
		goto fail;
	}
	*out = d;
	return 0;
fail:
	state_close(d);
	return e;
}

void
state_close(struct state_dir *d)
{
	if (!d)
		return;
	if (d->lock >= 0)
		close(d->lock);
	if (d->shard >= 0)
		close(d->shard);
	if (d->fd >= 0)
		close(d->fd);
	free(d->path);
	free(d);
}

const char *
state_path(const struct state_dir *d)
{
	return d->path;
}

int
state_fd(const struct state_dir *d)
{
	return d->shard;
}

const uint64_t *
state_seed(const struct state_dir *d)
{
	return d->seed;
}

int
state_lock(struct state_dir *d, struct fail *f)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if ((d->lock = openat(d->shard, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
		return fail_errno(f, fail_path_code(errno), "cannot open %s/%s/LOCK", d->path, d->shard_name);
	if (fcntl(d->lock, F_OFD_SETLK, &l) < 0)
		return errno == EAGAIN || errno == EACCES ?
		    fail(f, WEIR_EAGAIN, "this pipeline runs already: %s is locked by another process", d->path) :
		    fail_errno(f, WEIR_EIO, "%s/%s/LOCK", d->path, d->shard_name);
	return 0;
}

/* The greatest number that begins a name in `fd` and of which accept() thinks well. */
static int
greatest(int fd, int (*accept)(int fd, const char *name, const void *arg), const void *arg, uint64_t *out, struct fail *f)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;

	*out = 0;
	if (!dir) {
		close(fd);
		return fail_errno(f, errno == ENOMEM ? WEIR_EAGAIN : WEIR_EIO, "cannot read the state directory");
	}
	for (errno = 0; (e = readdir(dir)); errno = 0) {
		uint64_t n = strtoull(e->d_name, NULL, 10);

		if (n > *out && accept(dirfd(dir), e->d_name, arg))
			*out = n;
	}
	if (errno)
		fail_errno(f, WEIR_EIO, "cannot read the state directory");
	else
		f->code = 0;
	closedir(dir);
	return f->code;
}

static int
is_run(int fd, const char *name, const void *arg)
{
	(void)fd;
	(void)arg;
	return token_is_run(name, strlen(name));
}

static int
holds(int fd, const char *name, const void *file)
{
	char path[512];

	return snprintf(path, sizeof path, "%s/%s", name, (const char *)file) < (int)sizeof path && faccessat(fd, path, F_OK, 0) == 0;
}

int
state_next_number(struct state_dir *d, uint64_t *number, struct fail *f)
{
	int fd = folder(d->shard, "runs", 1, f), e;

	if (fd < 0)
		return f->code;
	if ((e = greatest(fd, is_run, NULL, number, f)) == 0)
		++*number;
	return e;
}

int
state_has_runs(struct state_dir *d)
{
	struct fail f;
	uint64_t n = 0;
	int fd = folder(d->shard, "runs", 0, &f);

	return fd >= 0 && greatest(fd, is_run, NULL, &n, &f) == 0 && n;
}

int
state_ckpt(struct state_dir *d, const char *run, uint64_t id, int make, struct fail *f)
{
	char id_name[24];
	const char *const name[] = { "runs", BROKEN("id-keyed") ? "all" : run, "ckpt", id_name };
	int fd = d->shard;

	snprintf(id_name, sizeof id_name, "%" PRIu64, id);
	for (int i = 0; i < 4; i++) {
		int next = folder(fd, name[i], make, f);

		if (fd != d->shard)
			close(fd);
		if ((fd = next) < 0)
			return -1;
	}
	return fd;
}

static int
done_folder(struct state_dir *d, const char *sink, int make, struct fail *f)
{
	int done = folder(d->shard, "done", make, f), fd;

	if (done < 0)
		return -1;
	fd = folder(done, sink, make, f);
	close(done);
	return fd;
}

static ssize_t
read_mark(int dir, const char *name, char text[TOKEN_SIZE])
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, TOKEN_SIZE - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

int
state_done(struct state_dir *d, const char *sink, uint64_t id, const char *token, struct fail *f)
{
	int fd = done_folder(d, sink, 1, f), e;
	char name[24], text[TOKEN_SIZE];

	if (fd < 0)
		return f->code;
	snprintf(name, sizeof name, "%" PRIu64, id);
	e = publish_bytes(fd, name, token, strlen(token), f);
	/* The store says what is committed: a mark of another commit of this epoch is of a history that was rolled back. */
	if (e == WEIR_EFENCED && (read_mark(fd, name, text) < 0 || strcmp(text, token)))
		e = unlinkat(fd, name, 0) < 0 && errno != ENOENT ? fail_errno(f, WEIR_EIO, "cannot remove done/%s/%s", sink, name) :
		    publish_bytes(fd, name, token, strlen(token), f);
	close(fd);
	return e == WEIR_EFENCED ? 0 : e;
}

static int
is_number(int fd, const char *name, const void *arg)
{
	(void)fd;
	(void)arg;
	return *name && !name[strspn(name, "0123456789")];
}

int
state_done_newest(struct state_dir *d, const char *sink, struct buf *token, struct fail *f)
{
	int dir = done_folder(d, sink, 0, f), e;
	char name[24], text[TOKEN_SIZE];
	uint64_t id = 0;
	ssize_t n;

	if (dir < 0)
		return f->code == WEIR_ESTATE ? 0 : f->code;
	if ((e = greatest(dup(dir), is_number, NULL, &id, f)) || !id) {
		close(dir);
		return e;
	}
	snprintf(name, sizeof name, "%" PRIu64, id);
	n = read_mark(dir, name, text);
	close(dir);
	if (n < 0)
		return fail_errno(f, WEIR_EIO, "cannot read done/%s/%s", sink, name);
	return buf_puts(token, text) | buf_putc(token, '\0') ? fail(f, WEIR_EAGAIN, "no memory") : 1;
}

/* "i-N" as i and N; 0 when it is no shard. */
static int
shard_parts(const char *name, unsigned long *i, unsigned long *n)
{
	char *end;

	*i = strtoul(name, &end, 10);
	if (end == name || *end != '-' || !end[1] || end[1 + strspn(end + 1, "0123456789")])
		return 0;
	*n = strtoul(end + 1, NULL, 10);
	return 1;
}

int
state_other_shards(struct state_dir *d, const char *sink, char other[STATE_SHARD], struct fail *f)
{
	int fd = dup(d->fd), marks, found = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	unsigned long i, n, my_i, my_n;
	struct dirent *e;
	char done[320];

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return fail_errno(f, WEIR_EIO, "cannot read %s", d->path);
	}
	rewinddir(dir);
	for (errno = 0; !found && shard_parts(d->shard_name, &my_i, &my_n) && (e = readdir(dir)); errno = 0) {
		uint64_t newest = 0;

		if (!shard_parts(e->d_name, &i, &n) || n == my_n || snprintf(done, sizeof done, "%s/done/%s", e->d_name, sink) >= (int)sizeof done)
			continue;
		if ((marks = openat(d->fd, done, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
			if (errno != ENOENT)
				found = fail_errno(f, WEIR_EIO, "cannot open %s/%s", d->path, done);
			continue;
		}
		if ((found = greatest(marks, is_number, NULL, &newest, f)) == 0)
			found = newest > 0;
		snprintf(other, STATE_SHARD, "%lu/%lu", i, n);
	}
	if (!found && errno)
		found = fail_errno(f, WEIR_EIO, "cannot read %s", d->path);
	closedir(dir);
	return found;
}

int
state_overtaken(struct state_dir *d, uint64_t id, char token[TOKEN_SIZE])
{
	struct fail f;
	int done = folder(d->shard, "done", 0, &f), fd, found = 0;
	DIR *dir = done < 0 ? NULL : fdopendir(done);
	struct dirent *e;
	char name[24];

	if (!dir) {
		if (done >= 0)
			close(done);
		return 0;
	}
	while (!found && (e = readdir(dir))) {
		uint64_t newest = 0;

		if (*e->d_name == '.' || (fd = openat(done, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			continue;
		if (greatest(dup(fd), is_number, NULL, &newest, &f) == 0 && newest > id) {
			snprintf(name, sizeof name, "%" PRIu64, newest);
			found = read_mark(fd, name, token) > 0;
		}
		close(fd);
	}
	closedir(dir);
	return found;
}

int
state_plain_newest(struct state_dir *d, const char *name, uint64_t *n, struct fail *f)
{
	int fd = folder(d->fd, "plain", 0, f);

	*n = 0;
	if (fd < 0)
		return f->code == WEIR_ESTATE ? 0 : f->code;
	return greatest(fd, holds, name, n, f);
}

int
state_plain(struct state_dir *d, uint64_t n, int make, struct fail *f)
{
	char name[24];
	int fd = folder(d->fd, "plain", make, f), sub;

	if (fd < 0)
		return -1;
	snprintf(name, sizeof name, "%" PRIu64, n);
	sub = folder(fd, name, make, f);
	close(fd);
	return sub;
}

int
state_stats(struct state_dir *d, struct fail *f)
{
	int fd = folder(d->shard, "stats", 1, f);

	return fd < 0 ? f->code : fd;
}

void
state_plain_tidy(struct state_dir *d, uint64_t n, const char *name)
{
	char path[512];

	for (uint64_t old = n > PLAIN_KEEP ? n - PLAIN_KEEP : 0; old; old--) {
		if (snprintf(path, sizeof path, "plain/%" PRIu64 "/%s", old, name) >= (int)sizeof path || unlinkat(d->fd, path, 0) < 0)
			return;		/* the ones before it have gone already */
		*strrchr(path, '/') = '\0';
		(void)unlinkat(d->fd, path, AT_REMOVEDIR);	/* unless another stage's file is there */
	}
}

int
state_rejects_path(struct state_dir *d, const char *stage, struct buf *b, struct fail *f)
{
	int fd = folder(d->shard, "rejects", 1, f);

	if (fd < 0)
		return f->code;
	close(fd);
	if (buf_printf(b, "%s/%s/rejects/%s.ndjson.zst", d->path, d->shard_name, stage) < 0 || buf_putc(b, '\0') < 0)
		return fail(f, WEIR_EAGAIN, "no memory");
	return 0;
}

int
state_default_path(const char *pipe, struct buf *b, struct fail *f)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int e;

	if (base && *base == '/')
		e = buf_printf(b, "%s/weir/", base);
	else if (home && *home)
		e = buf_printf(b, "%s/.local/state/weir/", home);
	else
		return fail(f, WEIR_ECONFIG, "neither XDG_STATE_HOME nor HOME is set: name a state directory with -s DIR");
	for (const char *p = pipe; !e && *p; p++)	/* a name, never a path, and neither . nor .. */
		e = buf_putc(b, *p == '/' || (p == pipe && *p == '.') ? '_' : *p);
	return e | buf_putc(b, '\0') ? fail(f, WEIR_EAGAIN, "no memory") : 0;
}
