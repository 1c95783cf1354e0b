#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "breakage.h"
#include "buf.h"
#include "opt.h"
#include "publish.h"
#include "side.h"

#define SIDE_BLOCK	(256u << 10)
#define LEVEL		3
#define ZSTD_MAGIC	"\x28\xb5\x2f\xfd"

struct side {
	char		*path;
	int		 fd, zstd, borrowed, dirty;
	struct buf	 line, packed;
};

/* The beginning of a frame whose bytes came to the disk, or did not (zeros). */
static int
may_be_frame(const char *p, size_t n)
{
	n = n < 4 ? n : 4;
	return !memcmp(p, ZSTD_MAGIC, n) || !memcmp(p, "\0\0\0", n);
}

/* Cut off a last frame that was never finished; a file of something else stays as it is. */
static int
cut_torn(struct side *s, struct fail *f)
{
	struct stat st;
	size_t whole = 0, n;
	char *map;

	if (fstat(s->fd, &st) < 0)
		return fail_errno(f, WEIR_EIO, "%s", s->path);
	if (!st.st_size)
		return 0;
	if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, s->fd, 0)) == MAP_FAILED)
		return fail_errno(f, WEIR_EIO, "%s", s->path);
	while (whole < (size_t)st.st_size && !ZSTD_isError(n = ZSTD_findFrameCompressedSize(map + whole, (size_t)st.st_size - whole)))
		whole += n;
	n = whole || may_be_frame(map, (size_t)st.st_size);
	munmap(map, (size_t)st.st_size);
	if (!n)
		return fail(f, WEIR_ECONFIG, "%s is no zstd file and is left alone; name another", s->path);
	return whole < (size_t)st.st_size && ftruncate(s->fd, (off_t)whole) < 0 ? fail_errno(f, WEIR_EIO, "%s: cannot cut off a torn frame", s->path) : 0;
}

int
side_open(const char *path, struct side **out, struct fail *f)
{
	struct side *s = calloc(1, sizeof *s);
	size_t n = strlen(path);
	uint64_t fd;

	*out = NULL;
	if (!s || !(s->path = strdup(path))) {
		free(s);
		return fail(f, WEIR_EAGAIN, "no memory");
	}
	if (!strncmp(path, "fd:", 3)) {
		s->borrowed = 1;
		s->fd = -1;
		if (opt_count(path + 3, &fd) == 0 && fd < INT32_MAX)
			s->fd = (int)fd;
		if (fcntl(s->fd, F_GETFL) < 0) {
			fail_errno(f, WEIR_EUSAGE, "%s", path);
			goto fail;
		}
	} else {
		s->zstd = n > 4 && !strcmp(path + n - 4, ".zst");
		if ((s->fd = open(path, (s->zstd ? O_RDWR : O_WRONLY) | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) < 0) {
			fail_errno(f, errno == EACCES || errno == ENOENT || errno == EISDIR ? WEIR_ECONFIG : WEIR_EIO, "cannot open %s", path);
			goto fail;
		}
		if (s->zstd && cut_torn(s, f))
			goto fail;
	}
	*out = s;
	return 0;
fail:
	side_close(s);
	return f->code;
}

static int
flush(struct side *s, struct fail *f)
{
	const char *p = s->line.p;
	size_t n = s->line.n;

	if (!n)
		return 0;
	if (s->zstd) {
		if (buf_reserve(&s->packed, ZSTD_compressBound(n)) < 0)
			return fail(f, WEIR_EAGAIN, "no memory");
		n = ZSTD_compress(s->packed.p, s->packed.cap, p, n, LEVEL);
		if (ZSTD_isError(n))
			return fail(f, ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? WEIR_EAGAIN : WEIR_EBUG, "zstd: %s", ZSTD_getErrorName(n));
		p = s->packed.p;
	}
	s->line.n = 0;
	s->dirty = 1;
	return publish_write(s->fd, p, n) < 0 ? fail_errno(f, WEIR_EIO, "cannot write %s", s->path) : 0;
}

int
side_line(struct side *s, const char *p, size_t n, struct fail *f)
{
	if (buf_put(&s->line, p, n) < 0 || buf_putc(&s->line, '\n') < 0)
		return fail(f, WEIR_EAGAIN, "no memory");
	return s->line.n >= SIDE_BLOCK ? flush(s, f) : 0;
}

int
side_sync(struct side *s, struct fail *f)
{
	int e = flush(s, f);

	if (e || s->borrowed || !s->dirty)
		return e;
	s->dirty = 0;
	if (!BROKEN("no-fsync") && fdatasync(s->fd) < 0 && errno != EINVAL)	/* a terminal or a pipe has nothing to sync */
		return fail_errno(f, WEIR_EIO, "fdatasync of %s", s->path);
	return 0;
}

const char *
side_path(const struct side *s)
{
	return s->path;
}

void
side_close(struct side *s)
{
	if (!s)
		return;
	if (!s->borrowed && s->fd >= 0)
		close(s->fd);
	buf_free(&s->line);
	buf_free(&s->packed);
	free(s->path);
	free(s);
}
