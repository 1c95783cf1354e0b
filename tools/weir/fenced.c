#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fenced.h"
#include "fail.h"
#include "publish.h"
#include "token.h"

#define HASH_DIGITS	16

int
fenced_path(char *path, size_t size, const char *dir, const char *shard)
{
	int n = (int)strcspn(shard, "/");

	return snprintf(path, size, "%s/%.*s-%s/fenced", dir, n, shard, shard + n + (shard[n] == '/')) < (int)size ? 0 : -1;
}

static int
is_of(int dir, const char *name, uint64_t pipeline)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char text[HASH_DIGITS + 1] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, HASH_DIGITS);

	if (fd >= 0)
		close(fd);
	return n == HASH_DIGITS && strtoull(text, NULL, 16) == pipeline;
}

unsigned
fenced_count(const char *path, uint64_t pipeline)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir)))
		n += token_is_run(e->d_name, strlen(e->d_name)) && is_of(dirfd(dir), e->d_name, pipeline);
	if (dir)
		closedir(dir);
	return n;
}

void
fenced_add(const char *path, const char *run, uint64_t pipeline)
{
	char text[HASH_DIGITS + 1];
	struct fail f;
	int dir;

	if (mkdir(path, 0700) < 0 && access(path, F_OK) < 0)
		return;
	if ((dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return;
	snprintf(text, sizeof text, "%016" PRIx64, pipeline);
	if (publish_bytes(dir, run, text, HASH_DIGITS, &f) < 0) {
		;	/* the count is one short: then the next one stops */
	}
	close(dir);
}

void
fenced_clear(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (token_is_run(e->d_name, strlen(e->d_name)) && unlinkat(dirfd(dir), e->d_name, 0) < 0)
			break;		/* it will be tried again after the next commit */
	if (dir)
		closedir(dir);
	rmdir(path);		/* only when it is empty; what a person put there stays */
}
