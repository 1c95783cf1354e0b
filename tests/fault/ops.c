/*
 * ops.c - write down what is done to the files below a folder, in the order in which it is done, whichever process does it.
 *
 * One record an operation: "OP INODE NUMBER NUMBER PATH [PATH]\n", for a write followed by its bytes; see tests/fault/power.py.  A lock on
 * the log spans operation and record, so the order of records is the order of what happened.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault.h"
#include "trap.h"

static char	log_file[PATH_MAX], root[PATH_MAX];
static size_t	root_n;

int
ops_start(const char *file, const char *dir)
{
	snprintf(log_file, sizeof log_file, "%s", file);
	snprintf(root, sizeof root, "%s/", dir);
	root_n = strlen(root);
	return 1;
}

static int
below(const char *path)
{
	return !strncmp(path, root, root_n);
}

static int
fd_path(long fd, char *out)
{
	char link[32];
	long n;

	snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
	n = TRAP_RAW(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1, 0, 0);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The absolute form of a path; "." and ".." stay in it. */
static void
absolute(long dir, long path, char *out)
{
	const char *p = (const char *)(unsigned long)path;
	size_t n;

	if (*p == '/') {
		snprintf(out, PATH_MAX, "%s", p);
		return;
	}
	if ((int)dir == AT_FDCWD) {
		if (TRAP_RAW(SYS_getcwd, out, PATH_MAX, 0, 0, 0, 0) < 0)
			*out = '\0';
	} else {
		fd_path(dir, out);
	}
	n = strlen(out);
	snprintf(out + n, PATH_MAX - n, "/%s", p);
}

static int
fd_below(long fd)
{
	char path[PATH_MAX];

	return fd_path(fd, path) && (below(path) || (!strncmp(path, root, root_n - 1) && path[root_n - 1] == '\0'));
}

static int
at_below(long dir, long path)
{
	char text[PATH_MAX];

	if (!path)
		return 0;
	absolute(dir, path, text);
	return below(text);
}

int
ops_wants(long nr, const long a[6])
{
	switch (nr) {
	case SYS_openat:
		return (a[2] & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))) && at_below(a[0], a[1]);
	case SYS_write: case SYS_writev: case SYS_pwrite64: case SYS_pwritev: case SYS_fsync: case SYS_fdatasync: case SYS_ftruncate: case SYS_fallocate:
		return fd_below(a[0]);
	case SYS_linkat: case SYS_renameat2:
#ifdef SYS_renameat
	case SYS_renameat:
#endif
		return at_below(a[2], a[3]);
	case SYS_unlinkat: case SYS_mkdirat:
		return at_below(a[0], a[1]);
#ifdef SYS_open
	case SYS_open:
		return (a[1] & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))) && at_below(AT_FDCWD, a[0]);
	case SYS_creat: case SYS_unlink: case SYS_mkdir: case SYS_rmdir:
		return at_below(AT_FDCWD, a[0]);
	case SYS_link: case SYS_rename:
		return at_below(AT_FDCWD, a[1]);
#endif
	default:
		return 0;
	}
}

/* ---- records ---- */

static long
locked(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	long fd = TRAP_RAW(SYS_openat, AT_FDCWD, log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600, 0, 0);

	while (fd >= 0 && TRAP_RAW(SYS_fcntl, fd, F_SETLKW, &l, 0, 0, 0) == -EINTR)
		;
	return fd;
}

static void
record(long log, const char *op, unsigned long ino, unsigned long a, unsigned long b, const char *path, const char *path2, const void *data)
{
	char head[2 * PATH_MAX + 128];
	struct iovec v[2] = { { head, 0 }, { (void *)(unsigned long)data, data ? b : 0 } };
	int n = snprintf(head, sizeof head, "%s %lu %lu %lu %s%s%s\n", op, ino, a, b, path, *path2 ? " " : "", path2);

	v[0].iov_len = (size_t)n;
	TRAP_RAW(SYS_writev, log, v, data ? 2 : 1, 0, 0, 0);
}

static unsigned long
inode(long fd, struct stat *st)
{
	if (TRAP_RAW(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH, 0, 0) < 0)
		memset(st, 0, sizeof *st);
	return st->st_ino;
}

static unsigned long
inode_at(const char *path, struct stat *st)
{
	if (TRAP_RAW(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW, 0, 0) < 0)
		memset(st, 0, sizeof *st);
	return st->st_ino;
}

static long
opened(long log, long dir, long path, long flags, long nr, const long a[6])
{
	char name[PATH_MAX];
	struct stat st;
	int was;
	long fd;

	absolute(dir, path, name);
	was = inode_at(name, &st) != 0;
	fd = trap_raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (fd < 0)
		return fd;
	inode(fd, &st);
	if ((flags & O_TMPFILE) == O_TMPFILE)
		record(log, "tmpfile", st.st_ino, 0, 0, "-", "", NULL);
	else if (!was)
		record(log, "create", st.st_ino, 0, 0, name, "", NULL);
	else if (flags & O_TRUNC)
		record(log, "truncate", st.st_ino, 0, 0, "-", "", NULL);
	return fd;
}

static long
written(long log, long nr, const long a[6])
{
	const struct iovec *v = (const struct iovec *)(unsigned long)a[1];
	long at = nr == SYS_pwrite64 || nr == SYS_pwritev ? a[3] : TRAP_RAW(SYS_lseek, a[0], 0, SEEK_CUR, 0, 0, 0);
	long flags = TRAP_RAW(SYS_fcntl, a[0], F_GETFL, 0, 0, 0, 0), n, left;
	unsigned long ino;
	struct stat st;

	ino = inode(a[0], &st);
	if (flags >= 0 && (flags & O_APPEND) && (nr == SYS_write || nr == SYS_writev))
		at = st.st_size;
	n = left = trap_raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (n <= 0)
		return n;
	if (nr == SYS_write || nr == SYS_pwrite64)
		record(log, "write", ino, (unsigned long)at, (unsigned long)n, "-", "", (const void *)(unsigned long)a[1]);
	for (; (nr == SYS_writev || nr == SYS_pwritev) && left > 0; v++) {
		long k = (long)v->iov_len < left ? (long)v->iov_len : left;

		if (k)
			record(log, "write", ino, (unsigned long)at, (unsigned long)k, "-", "", v->iov_base);
		at += k;
		left -= k;
	}
	return n;
}

static long
named(long log, const char *op, long olddir, long old, long dir, long path, long nr, const long a[6])
{
	char from[PATH_MAX] = "-", to[PATH_MAX];
	struct stat st;
	unsigned long gone;
	long r;

	absolute(dir, path, to);
	if (old)
		absolute(olddir, old, from);
	gone = inode_at(to, &st);
	if ((r = trap_raw(nr, a[0], a[1], a[2], a[3], a[4], a[5])) < 0)
		return r;
	if (!strcmp(op, "unlink") || !strcmp(op, "rmdir"))
		record(log, op, gone, 0, 0, to, "", NULL);
	else
		record(log, op, inode_at(to, &st), 0, 0, to, strcmp(op, "rename") ? "" : from, NULL);
	return r;
}

long
ops_call(long nr, const long a[6])
{
	long log = locked(), r;
	struct stat st;

	switch (nr) {
	case SYS_openat:
		r = opened(log, a[0], a[1], a[2], nr, a);
		break;
	case SYS_write: case SYS_writev: case SYS_pwrite64: case SYS_pwritev:
		r = written(log, nr, a);
		break;
	case SYS_linkat:
		r = named(log, "link", 0, 0, a[2], a[3], nr, a);
		break;
	case SYS_renameat2:
#ifdef SYS_renameat
	case SYS_renameat:
#endif
		r = named(log, "rename", a[0], a[1], a[2], a[3], nr, a);
		break;
	case SYS_unlinkat:
		r = named(log, a[2] & AT_REMOVEDIR ? "rmdir" : "unlink", 0, 0, a[0], a[1], nr, a);
		break;
	case SYS_mkdirat:
		r = named(log, "mkdir", 0, 0, a[0], a[1], nr, a);
		break;
#ifdef SYS_open
	case SYS_open:
		r = opened(log, AT_FDCWD, a[0], a[1], nr, a);
		break;
	case SYS_creat:
		r = opened(log, AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, nr, a);
		break;
	case SYS_unlink:
		r = named(log, "unlink", 0, 0, AT_FDCWD, a[0], nr, a);
		break;
	case SYS_rmdir:
		r = named(log, "rmdir", 0, 0, AT_FDCWD, a[0], nr, a);
		break;
	case SYS_mkdir:
		r = named(log, "mkdir", 0, 0, AT_FDCWD, a[0], nr, a);
		break;
	case SYS_link:
		r = named(log, "link", 0, 0, AT_FDCWD, a[1], nr, a);
		break;
	case SYS_rename:
		r = named(log, "rename", AT_FDCWD, a[0], AT_FDCWD, a[1], nr, a);
		break;
#endif
	default:		/* on a descriptor */
		r = trap_raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (r == 0)
			record(log, nr == SYS_ftruncate ? "truncate" : nr == SYS_fallocate ? "grow" : "sync", inode(a[0], &st),
			    nr == SYS_fallocate ? (unsigned long)(a[2] + a[3]) : nr == SYS_ftruncate ? (unsigned long)a[1] : 0, 0, "-", "", NULL);
	}
	TRAP_RAW(SYS_close, log, 0, 0, 0, 0, 0);
	return r;
}
