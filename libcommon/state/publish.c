#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "breakage.h"
#include "publish.h"
#include "weir.h"

int
publish_write(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* A folder without a name takes no files: a later run has committed, and cleaned up after this one. */
static int
gone(struct fail *f)
{
	return fail(f, WEIR_EFENCED, "the folder of this checkpoint was removed: another run has gone on from here");
}

int
publish_begin(struct publish *p, int dir, struct fail *f)
{
	uint64_t random;

	p->dir = dir;
	p->temp[0] = '\0';
	if (BROKEN("reuse-tmp")) {
		snprintf(p->temp, sizeof p->temp, ".tmp");
		p->fd = openat(dir, p->temp, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
		return p->fd < 0 ? fail_errno(f, fail_path_code(errno), "cannot create a file in the state directory") : 0;
	}
	p->fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (p->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EPERM)	/* EPERM: the second try tells */
		return fail_errno(f, fail_path_code(errno), "cannot create a file in the state directory");
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return fail_errno(f, WEIR_EIO, "no random numbers");
	snprintf(p->temp, sizeof p->temp, ".tmp-%ld-%016" PRIx64, (long)getpid(), random);
	p->fd = openat(dir, p->temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (p->fd >= 0)
		return 0;
	return errno == ENOENT ? gone(f) : fail_errno(f, fail_path_code(errno), "cannot create a file in the state directory");
}

void
publish_abort(struct publish *p)
{
	close(p->fd);
	if (p->temp[0])
		unlinkat(p->dir, p->temp, 0);	/* what stays behind is never read, and its name never used again */
	p->fd = -1;
}

int
publish_end(struct publish *p, const char *name, struct fail *f)
{
	char proc[64];
	int e;

	if (!BROKEN("no-fsync") && fsync(p->fd) < 0) {
		fail_errno(f, WEIR_EIO, "%s: fsync", name);
		publish_abort(p);
		return f->code;
	}
	if (BROKEN("id-keyed"))
		unlinkat(p->dir, name, 0);
	if (p->temp[0]) {
		e = linkat(p->dir, p->temp, p->dir, name, 0);
	} else {
		snprintf(proc, sizeof proc, "/proc/self/fd/%d", p->fd);
		e = linkat(AT_FDCWD, proc, p->dir, name, AT_SYMLINK_FOLLOW);
	}
	if (e < 0) {
		if (errno == EEXIST)
			fail(f, WEIR_EFENCED, "%s exists already: this run was used before; call weir begin again", name);
		else if (errno == ENOENT)
			gone(f);
		else
			fail_errno(f, WEIR_EIO, "cannot publish %s", name);
		publish_abort(p);
		return f->code;
	}
	if (p->temp[0] && unlinkat(p->dir, p->temp, 0) < 0 && !BROKEN("reuse-tmp"))
		e = fail_errno(f, WEIR_EIO, "cannot remove %s", p->temp);
	if (close(p->fd) < 0)
		e = fail_errno(f, WEIR_EIO, "%s: close", name);
	p->fd = -1;
	if (!e && !BROKEN("no-dirsync") && fsync(p->dir) < 0)
		e = fail_errno(f, WEIR_EIO, "fsync of the directory of %s", name);
	return e;
}

int
publish_bytes(int dir, const char *name, const void *bytes, size_t n, struct fail *f)
{
	struct publish p;
	int e;

	if ((e = publish_begin(&p, dir, f)))
		return e;
	if (publish_write(p.fd, bytes, n) < 0) {
		e = fail_errno(f, WEIR_EIO, "cannot write %s", name);
		publish_abort(&p);
		return e;
	}
	return publish_end(&p, name, f);
}
