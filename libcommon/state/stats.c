#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "emit.h"
#include "iso.h"
#include "publish.h"
#include "stats.h"
#include "weir.h"

/* ---- the page ---- */

/* A small file of /proc as text; empty when it cannot be read. */
static void
proc_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		do
			n = read(fd, text, size - 1);
		while (n < 0 && errno == EINTR);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
}

/* When a process began, in clock ticks after boot; 0: there is none. */
static uint64_t
started(uint64_t pid)
{
	char path[48], text[1024], *p;

	snprintf(path, sizeof path, "/proc/%" PRIu64 "/stat", pid);
	proc_text(path, text, sizeof text);
	if (!(p = strrchr(text, ')')))		/* the name before it may hold anything */
		return 0;
	for (int field = 2; field < 22 && p; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

static void
boot_id(char id[40])
{
	proc_text("/proc/sys/kernel/random/boot_id", id, 40);
	id[strcspn(id, "\n")] = '\0';
}

void
stats_init(struct stats_page *p)
{
	memset(p, 0, sizeof *p);
	memcpy(p->magic, STATS_MAGIC, sizeof p->magic);
	p->format = STATS_FORMAT;
	p->bytes = STATS_BYTES;
	p->pid = (uint64_t)getpid();
	p->started = started(p->pid);
	boot_id(p->boot);
	for (int w = STATS_ENDED_US; w <= STATS_WATERMARK_US; w++)
		p->word[w] = STATS_NONE;
}

int
stats_alive(const struct stats_page *p)
{
	char boot[40];

	boot_id(boot);
	return stats_get(p, STATS_ENDED_US) == STATS_NONE && !strcmp(boot, p->boot) && p->started && started(p->pid) == p->started;
}

void
stats_put(struct stats_named table[STATS_NAMED], const char *name, int64_t value)
{
	for (int i = 0; i < STATS_NAMED; i++) {
		if (!strcmp(table[i].name, name)) {
			__atomic_store_n(&table[i].value, value, __ATOMIC_RELAXED);
			return;
		}
		if (table[i].name[0])
			continue;
		if (!*name || strlen(name) >= STATS_NAME)
			return;
		/* The value, the rest of the name, and last what makes it one. */
		__atomic_store_n(&table[i].value, value, __ATOMIC_RELAXED);
		strcpy(table[i].name + 1, name + 1);
		__atomic_store_n(&table[i].name[0], name[0], __ATOMIC_RELEASE);
		return;
	}
}

int64_t
stats_find(const struct stats_named table[STATS_NAMED], const char *name)
{
	for (int i = 0; i < STATS_NAMED && table[i].name[0]; i++)
		if (!strcmp(table[i].name, name))
			return __atomic_load_n(&table[i].value, __ATOMIC_RELAXED);
	return STATS_NONE;
}

/* ---- the file ---- */

/* A file without a name; where the file system has none such, with a name that is never used twice. */
static int
nameless(int dir, char temp[64])
{
	uint64_t random;
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	temp[0] = '\0';
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return -1;
	snprintf(temp, 64, ".tmp-%ld-%016" PRIx64, (long)getpid(), random);
	return openat(dir, temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
}

/* The name passes from the file of the run before to this one. */
static int
give_name(int dir, int fd, const char *temp, const char *name)
{
	char proc[64];

	if (*temp)
		return renameat(dir, temp, dir, name);
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	for (int tries = 0; tries < 3; tries++) {	/* another run may do the same at the same time: the last one is seen */
		if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
			return -1;
		if (linkat(AT_FDCWD, proc, dir, name, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

int
stats_map(int dir, const char *name, struct stats_page **page, struct fail *f)
{
	char temp[64], block[STATS_BYTES] = { 0 };
	void *map = MAP_FAILED;
	int fd = nameless(dir, temp), e = 0;

	if (fd < 0)
		return fail_errno(f, fail_path_code(errno), "cannot make stats/%s", name);
	/* Written, and not only made long: a page that no disk block stands behind is a signal at its first store. */
	memcpy(block, *page, sizeof **page);
	if (publish_write(fd, block, sizeof block) < 0 || (map = mmap(NULL, STATS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED ||
	    give_name(dir, fd, temp, name) < 0) {
		e = fail_errno(f, WEIR_EIO, "cannot make stats/%s", name);
		if (map != MAP_FAILED)
			munmap(map, STATS_BYTES);
		if (*temp)
			unlinkat(dir, temp, 0);		/* a file that nobody reads */
	} else {
		*page = map;
	}
	close(fd);
	return e;
}

static int
is_text(const char *p, size_t size)
{
	return memchr(p, '\0', size) != NULL;
}

int
stats_read(int dir, const char *name, struct stats_page *p, struct fail *f)
{
	char block[STATS_BYTES];
	size_t n = 0;
	ssize_t k = 1;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e;

	if (fd < 0)
		return fail_errno(f, fail_path_code(errno), "cannot read stats/%s", name);
	while (n < sizeof block && k) {
		if ((k = read(fd, block + n, sizeof block - n)) < 0 && errno != EINTR) {
			e = fail_errno(f, WEIR_EIO, "cannot read stats/%s", name);
			close(fd);
			return e;
		}
		n += k > 0 ? (size_t)k : 0;
	}
	close(fd);
	memcpy(p, block, sizeof *p);
	if (n < sizeof block || memcmp(p->magic, STATS_MAGIC, sizeof p->magic))
		return fail(f, WEIR_ESTATE, "stats/%s is no file of statistics", name);
	if (p->format != STATS_FORMAT || p->bytes != STATS_BYTES)
		return fail(f, WEIR_ESTATE, "stats/%s is of format %" PRIu32 ", this weir knows %d", name, p->format, STATS_FORMAT);
	if (!is_text(p->boot, sizeof p->boot) || !is_text(p->run, sizeof p->run) || !is_text(p->prev, sizeof p->prev) ||
	    !is_text(p->shard, sizeof p->shard) || !is_text(p->epoch, sizeof p->epoch) || !is_text(p->stage, sizeof p->stage) ||
	    !is_text(p->pipe, sizeof p->pipe))
		return fail(f, WEIR_ESTATE, "stats/%s is damaged", name);
	for (int i = 0; i < STATS_NAMED; i++)
		p->counter[i].name[STATS_NAME - 1] = p->gauge[i].name[STATS_NAME - 1] = '\0';
	return 0;
}

/* ---- as JSON ---- */

static int
put_time(struct buf *b, const char *name, int64_t us)
{
	char text[ISO_SIZE];

	if (us == STATS_NONE || us < ISO_MIN_US || us > ISO_MAX_US)
		return buf_printf(b, ",\"%s\":null", name);
	iso_format(us, text);
	return buf_printf(b, ",\"%s\":\"%s\"", name, text);
}

static int
put_named(struct buf *b, const char *name, const struct stats_named table[STATS_NAMED])
{
	int e = 0;

	for (int i = 0; i < STATS_NAMED && table[i].name[0]; i++)
		e |= (i ? buf_putc(b, ',') : buf_printf(b, ",\"%s\":{", name)) | emit_text(b, table[i].name) |
		    buf_printf(b, ":%" PRId64, __atomic_load_n(&table[i].value, __ATOMIC_RELAXED));
	return e | (table[0].name[0] ? buf_putc(b, '}') : 0);
}

static double
in_seconds(const struct stats_page *p, enum stats_word w)
{
	return (double)stats_get(p, w) / 1e6;
}

int
stats_json(const struct stats_page *p, double seconds, struct buf *b)
{
	static const char *const count[] = { "in", "emitted", "passed", "filtered", "taken", "rejected", "late", "duplicate", "bytes_in", "bytes_out" };
	char token[TOKEN_SIZE];
	int e = buf_puts(b, "\"stage\":") | emit_text(b, p->stage) | buf_printf(b, ",\"seconds\":%.3f", seconds);

	for (int i = 0; i < (int)(sizeof count / sizeof *count); i++)
		e |= buf_printf(b, ",\"%s\":%" PRId64, count[i], stats_get(p, STATS_IN + i));
	e |= buf_printf(b, ",\"busy_seconds\":%.6f,\"cpu_seconds\":%.6f,\"wait_input_seconds\":%.6f,\"wait_output_seconds\":%.6f", in_seconds(p, STATS_BUSY_US),
	    in_seconds(p, STATS_CPU_US), in_seconds(p, STATS_WAIT_IN_US), in_seconds(p, STATS_WAIT_OUT_US));
	e |= stats_get(p, STATS_EPOCH) == STATS_NONE ? buf_puts(b, ",\"epoch\":null") : buf_printf(b, ",\"epoch\":%" PRId64, stats_get(p, STATS_EPOCH));
	e |= put_time(b, "epoch_began", stats_get(p, STATS_EPOCH_US));
	if (p->role == WEIR_SINK) {
		if (stats_get(p, STATS_COMMIT) == STATS_NONE)
			snprintf(token, sizeof token, "%s", p->prev);
		else
			token_format(p->run, (uint64_t)stats_get(p, STATS_COMMIT), token);
		e |= put_time(b, "last_commit", stats_get(p, STATS_COMMIT_US)) | buf_puts(b, ",\"token\":") | (*token ? emit_text(b, token) : buf_puts(b, "null"));
	}
	e |= put_time(b, "watermark", stats_get(p, STATS_WATERMARK_US));
	return e | put_named(b, "gauges", p->gauge) | put_named(b, "counters", p->counter) ? -1 : 0;
}
