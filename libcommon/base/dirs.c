#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "breakage.h"
#include "dirs.h"
#include "weir.h"

int
dirs_is_empty(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 1;
	}
	do
		e = readdir(dir);
	while (e && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")));
	closedir(dir);
	return !e;
}

int
dirs_sync(const char *path, struct fail *f)
{
	int fd, e = 0;

	if (BROKEN("no-dirsync"))
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(f, fail_path_code(errno), "cannot open the folder %s", path);
	if (fsync(fd) < 0 && errno != EINVAL)		/* some file systems cannot */
		e = fail_errno(f, WEIR_EIO, "cannot fsync the folder %s", path);
	if (close(fd) < 0 && !e)
		e = fail_errno(f, WEIR_EIO, "cannot close the folder %s", path);
	return e;
}

int
dirs_sync_above(const char *path, struct fail *f)
{
	char *copy = strdup(path);
	int e = copy ? dirs_sync(dirname(copy), f) : fail(f, WEIR_EAGAIN, "no memory for a path");

	free(copy);
	return e;
}

static int
make_one(const char *path, mode_t mode, struct fail *f)
{
	int e, made = mkdir(path, mode) == 0;

	if (!made && errno != EEXIST)
		return fail_errno(f, fail_path_code(errno), "cannot make the folder %s", path);
	e = dirs_sync_above(path, f);
	return e == WEIR_ECONFIG && !made ? 0 : e;	/* where we may not read, another made it: ours would not have begun there */
}

int
dirs_make(const char *path, mode_t mode, struct fail *f)
{
	char *copy;
	int e = 0;

	if (!dirs_is_empty(AT_FDCWD, path))
		return 0;
	if (!(copy = strdup(path)))
		return fail(f, WEIR_EAGAIN, "no memory for a path");
	for (char *p = copy + 1; *copy && !e; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (dirs_is_empty(AT_FDCWD, copy))
			e = make_one(copy, mode, f);
		*p = c;
		if (!c)
			break;
	}
	free(copy);
	return e;
}
