#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "marks.h"
#include "publish.h"
#include "weir.h"

#define DIGITS	16

int
marks_path(char *path, size_t size, const char *dir, const char *shard, const char *kind)
{
	int n = (int)strcspn(shard, "/");

	return snprintf(path, size, "%s/%.*s-%s/%s", dir, n, shard, shard + n + (shard[n] == '/'), kind) < (int)size ? 0 : -1;
}

static int
has(int dir, const char *name, uint64_t content)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char text[DIGITS + 1] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, DIGITS);

	if (fd >= 0)
		close(fd);
	return n == DIGITS && strtoull(text, NULL, 16) == content;
}

unsigned
marks_count(const char *path, uint64_t content)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir)))
		n += *e->d_name != '.' && has(dirfd(dir), e->d_name, content);
	if (dir)
		closedir(dir);
	return n;
}

int
marks_add(const char *path, const char *name, uint64_t content)
{
	char text[DIGITS + 1];
	struct fail f;
	int dir, e;

	if (mkdir(path, 0700) < 0 && access(path, F_OK) < 0)
		return -1;
	if ((dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return -1;
	snprintf(text, sizeof text, "%016" PRIx64, content);
	e = publish_bytes(dir, name, text, DIGITS, &f);
	close(dir);
	return e == WEIR_EFENCED ? 1 : e < 0 ? -1 : 0;
}

void
marks_clear(const char *path, const char *prefix)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (*e->d_name != '.' && !strncmp(e->d_name, prefix, strlen(prefix)) && unlinkat(dirfd(dir), e->d_name, 0) < 0)
			break;		/* tried again the next time */
	if (dir)
		closedir(dir);
}
