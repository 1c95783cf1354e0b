/*
 * lost.so - preloaded into a tool: a call that changes a file is made, and its answer is lost.
 *
 * LOST=CALL:SUFFIX:N:WHAT	at the N-th CALL (link, unlink, fsync) on a file whose name ends in SUFFIX
 *
 * WHAT: eio	it is made, and says EIO
 *	 kill	it is made, then the process dies
 *	 deaf	as eio, and from then on no such file can be opened, read or looked for
 *	 never	it is not made, and says EIO
 *	 stop	the process stops before it (SIGSTOP), and makes it when it is woken
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#pragma GCC visibility push(default)

static char	call[16], suffix[128], what[16];
static long	number = -1, seen;
static int	deaf;

__attribute__((constructor)) static void
start(void)
{
	const char *rule = getenv("LOST");

	if (rule && sscanf(rule, "%15[^:]:%127[^:]:%ld:%15s", call, suffix, &number, what) != 4) {
		fprintf(stderr, "lost.so: LOST=%s is no CALL:SUFFIX:N:WHAT\n", rule);
		_exit(99);
	}
}

static int
is_ours(const char *path)
{
	size_t n = strlen(path), k = strlen(suffix);

	return number > 0 && n >= k && strcmp(path + n - k, suffix) == 0;
}

static int
fd_is_ours(int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if ((n = readlink(link, path, sizeof path - 1)) < 0)
		return 0;
	path[n] = '\0';
	return is_ours(path);
}

/* A file, or what goes with it: a database of its journal. */
static int
is_near(const char *path)
{
	size_t k = strcspn(suffix, "-"), n = strlen(path);

	return is_ours(path) || (suffix[k] == '-' && n >= k && strncmp(path + n - k, suffix, k) == 0);
}

/* Before the call: 1 it is the one. */
static int
is_now(const char *name, int ours)
{
	if (!ours || strcmp(name, call) || ++seen != number)
		return 0;
	if (strcmp(what, "stop") == 0)
		raise(SIGSTOP);
	return 1;
}

/* After it. */
static int
answer(int now, int result)
{
	if (!now || strcmp(what, "stop") == 0)
		return result;
	if (strcmp(what, "kill") == 0)
		raise(SIGKILL);
	deaf = strcmp(what, "deaf") == 0;
	errno = EIO;
	return -1;
}

#define REAL(name) \
	static __typeof__(name) *real; \
	if (!real && !(real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name))) \
		_exit(99)

#define NEVER(now)	((now) && strcmp(what, "never") == 0)

int
linkat(int from, const char *old, int to, const char *new, int flags)
{
	REAL(linkat);
	int now = is_now("link", is_ours(new));

	return answer(now, NEVER(now) ? -1 : real(from, old, to, new, flags));
}

int
unlink(const char *path)
{
	REAL(unlink);
	int now = is_now("unlink", is_ours(path));

	return answer(now, NEVER(now) ? -1 : real(path));
}

int
fsync(int fd)
{
	REAL(fsync);
	int now = is_now("fsync", fd_is_ours(fd));

	return answer(now, NEVER(now) ? -1 : real(fd));
}

int
fdatasync(int fd)
{
	REAL(fdatasync);
	int now = is_now("fsync", fd_is_ours(fd));

	return answer(now, NEVER(now) ? -1 : real(fd));
}

#define OPEN(name) \
int \
name(const char *path, int flags, ...) \
{ \
	REAL(name); \
	va_list ap; \
	int mode; \
\
	va_start(ap, flags); \
	mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, int) : 0; \
	va_end(ap); \
	if (deaf && is_near(path)) { \
		errno = EIO; \
		return -1; \
	} \
	return real(path, flags, mode); \
}

OPEN(open)
OPEN(open64)

#define PREAD(name, offset) \
ssize_t \
name(int fd, void *p, size_t n, offset at) \
{ \
	REAL(name); \
	char link[32], path[PATH_MAX]; \
	ssize_t k = 0; \
\
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd); \
	if (deaf && (k = readlink(link, path, sizeof path - 1)) > 0) { \
		path[k] = '\0'; \
		if (is_near(path)) { \
			errno = EIO; \
			return -1; \
		} \
	} \
	return real(fd, p, n, at); \
}

PREAD(pread, off_t)
PREAD(pread64, off64_t)
