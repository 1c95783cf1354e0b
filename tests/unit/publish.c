/* Files that are published once: whole or not there, never replaced, with O_TMPFILE and without. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "publish.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static int no_tmpfile, no_fsync;	/* failures to play */
static size_t at_most;			/* of one write(2); 0: all */
static int dir;
static struct fail f;

int	__real_openat(int, const char *, int, ...);
int	__wrap_openat(int, const char *, int, ...);
int	__wrap_openat64(int, const char *, int, ...);
int	__real_fsync(int);
int	__wrap_fsync(int);
ssize_t	__real_write(int, const void *, size_t);
ssize_t	__wrap_write(int, const void *, size_t);

int
__wrap_openat(int at, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = no_tmpfile;
		return -1;
	}
	return __real_openat(at, path, flags, mode);
}

int
__wrap_openat64(int at, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return __wrap_openat(at, path, flags, mode);
}

int
__wrap_fsync(int fd)
{
	if (no_fsync && !--no_fsync) {
		errno = EIO;
		return -1;
	}
	return __real_fsync(fd);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	static int turn;

	if (!at_most || fd <= 2)
		return __real_write(fd, p, n);
	if (turn++ % 2) {
		errno = EINTR;
		return -1;
	}
	return __real_write(fd, p, n < at_most ? n : at_most);
}

static int
setup(void **state)
{
	if (folder_make(state) < 0)
		return -1;
	dir = folder_fd();
	no_tmpfile = no_fsync = 0;
	at_most = 0;
	return dir < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	close(dir);
	return folder_remove(state);
}

static void
holds(const char *name, const char *want)
{
	char text[256];
	ssize_t n = slurp(in_folder(name), text, sizeof text);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(text, want, (size_t)n);
}

/* The folder has these entries and no others. */
static void
entries(int want)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		want -= strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	assert_int_equal(want, 0);
}

static void
once(void **state)
{
	static const int way[] = { 0, EOPNOTSUPP, EISDIR, ENOENT };
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
		char name[16];

		snprintf(name, sizeof name, "file%zu", i);
		no_tmpfile = way[i];
		assert_int_equal(publish_bytes(dir, name, "one", 3, &f), 0);
		assert_int_equal(publish_bytes(dir, name, "other", 5, &f), WEIR_EFENCED);
		assert_memory_equal(f.text, name, strlen(name));
		assert_non_null(strstr(f.text, "exists already"));
		holds(name, "one");
		assert_int_equal(stat(in_folder(name), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(st.st_nlink, 1);
		entries((int)i + 1);
	}
}

/* Nothing is seen before the end, and nothing stays of what was given up. */
static void
not_before_the_end(void **state)
{
	struct publish p;

	(void)state;
	for (no_tmpfile = 0; no_tmpfile <= EOPNOTSUPP; no_tmpfile += EOPNOTSUPP) {
		assert_int_equal(publish_begin(&p, dir, &f), 0);
		assert_int_equal(!!p.temp[0], !!no_tmpfile);
		assert_int_equal(publish_write(p.fd, "half", 4), 0);
		entries(!!no_tmpfile);	/* the name that nobody reads */
		publish_abort(&p);
		entries(0);
	}
}

static void
not_durable_is_not_there(void **state)
{
	(void)state;
	for (no_tmpfile = 0; no_tmpfile <= EOPNOTSUPP; no_tmpfile += EOPNOTSUPP) {
		no_fsync = 1;
		assert_int_equal(publish_bytes(dir, "file", "x", 1, &f), WEIR_EIO);
		assert_string_equal(f.text, "file: fsync: Input/output error");
		entries(0);
	}
	no_fsync = 2;	/* of the directory: the file may be there or not after a crash, and nobody is told that it is */
	no_tmpfile = 0;
	assert_int_equal(publish_bytes(dir, "file", "x", 1, &f), WEIR_EIO);
}

static void
short_writes(void **state)
{
	char text[1000], got[1001];

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	at_most = 7;
	assert_int_equal(publish_bytes(dir, "file", text, sizeof text, &f), 0);
	assert_int_equal(slurp(in_folder("file"), got, sizeof got), sizeof text);
	assert_memory_equal(got, text, sizeof text);
}

static void
no_room(void **state)
{
	int full = open("/dev/full", O_WRONLY), none;

	(void)state;
	if (full >= 0) {
		assert_int_equal(publish_write(full, "x", 1), -1);
		assert_int_equal(errno, ENOSPC);
		close(full);
	}
	none = open("/dev/null", O_RDONLY);
	assert_int_equal(publish_bytes(none, "file", "x", 1, &f), WEIR_ECONFIG);
	close(none);
}

int
main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(once), TEST(not_before_the_end), TEST(not_durable_is_not_there), TEST(short_writes), TEST(no_room) };

	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
