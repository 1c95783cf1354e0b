/*
 * folder.h - a directory of a test's own, and files in it.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX];	/* the test's directory */

static inline int
folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* As cmocka's setup and teardown of one test. */
static inline int
folder_make(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof folder, "%s/weir-unit.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static inline int
folder_remove(void **state)
{
	(void)state;
	return nftw(folder, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The name of a file in it, valid until the fourth call after this one. */
static inline const char *
in_folder(const char *name)
{
	static char path[4][PATH_MAX + 256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof path[i], "%s/%s", folder, name);
	return path[i];
}

static inline int
folder_fd(void)
{
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A whole file into p[0..max); its size, or -1. */
static inline ssize_t
slurp(const char *path, char *p, size_t max)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = 0, k;

	if (fd < 0)
		return -1;
	while ((k = read(fd, p + n, max - (size_t)n)) > 0)
		n += k;
	close(fd);
	return k < 0 ? -1 : n;
}

static inline int
spill(const char *path, const char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int e = fd < 0 || write(fd, p, n) != (ssize_t)n;

	if (fd >= 0)
		close(fd);
	return e ? -1 : 0;
}

#endif
