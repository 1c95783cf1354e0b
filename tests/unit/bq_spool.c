/* The spool: what goes in comes out, within its ceiling, however often its front is released; rows by position; a disk that fails. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>
#include <zlib.h>

#include "folder.h"
#include "spool.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define CEILING	SPOOL_LEAST
#define STEP	(256u << 10)

static int no_tmpfile, no_room;		/* failures to play */
static int short_writes;
static struct fail f;

int	__real_open(const char *, int, ...);
int	__wrap_open(const char *, int, ...);
int	__wrap_open64(const char *, int, ...);
ssize_t	__real_pwrite(int, const void *, size_t, off_t);
ssize_t	__wrap_pwrite(int, const void *, size_t, off_t);
ssize_t	__wrap_pwrite64(int, const void *, size_t, off_t);

int
__wrap_open(const char *path, int flags, ...)
{
	if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return __real_open(path, flags, 0600);
}

int
__wrap_open64(const char *path, int flags, ...)
{
	return __wrap_open(path, flags);
}

ssize_t
__wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
	static int turn;

	assert_true((uint64_t)at + n <= CEILING);	/* the file is never larger than its ceiling */
	if (no_room && !--no_room) {
		errno = ENOSPC;
		return -1;
	}
	if (short_writes && turn++ % 2) {
		errno = EINTR;
		return -1;
	}
	return __real_pwrite(fd, p, short_writes && n > 1000 ? 1000 : n, at);
}

ssize_t
__wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return __wrap_pwrite(fd, p, n, at);
}

static int
setup(void **state)
{
	no_tmpfile = no_room = short_writes = 0;
	return folder_make(state);
}

static struct spool *
make(int plain)
{
	struct spool *s = NULL;
	DIR *d;
	struct dirent *e;

	assert_int_equal(spool_open(&(struct spool_options){ .dir = folder, .bytes = CEILING, .plain = plain }, &s, &f), 0);
	assert_non_null(d = opendir(folder));
	while ((e = readdir(d)))
		assert_true(!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."));	/* no name is left behind */
	closedir(d);
	return s;
}

/* Rows that do not shrink much. */
static size_t
row(char *p, uint64_t i)
{
	uint64_t x = i * UINT64_C(0x9e3779b97f4a7c15);
	int n = sprintf(p, "{\"id\":%llu,\"x\":\"", (unsigned long long)i);

	for (int k = 0; k < (int)(i % 7) * 20; k++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		p[n++] = (char)('!' + 2 + (x >> 58));		/* neither quote nor newline */
	}
	return (size_t)(n + sprintf(p + n, "\"}\n"));
}

/* What comes out at the other end, and its hash. */
struct drain {
	z_stream	 z;
	XXH3_state_t	*hash;
	uint64_t	 at, in;
	int		 plain;
};

static void
drain(struct drain *d, struct spool *s, uint64_t to)
{
	static unsigned char in[STEP], out[STEP];

	while (d->at < to) {
		size_t n = to - d->at < sizeof in ? (size_t)(to - d->at) : sizeof in;

		assert_int_equal(spool_read(s, d->at, in, n, &f), 0);
		d->at += n;
		spool_release(s, d->at);
		d->z.next_in = in;
		d->z.avail_in = (unsigned)n;
		while (d->z.avail_in && !d->plain) {
			d->z.next_out = out;
			d->z.avail_out = sizeof out;
			assert_true(inflate(&d->z, Z_NO_FLUSH) >= 0);
			XXH3_128bits_update(d->hash, out, sizeof out - d->z.avail_out);
			d->in += sizeof out - d->z.avail_out;
		}
		if (d->plain) {
			XXH3_128bits_update(d->hash, in, n);
			d->in += n;
		}
	}
}

static void
streams(int plain, uint64_t rows, size_t slice)
{
	struct drain d = { .plain = plain, .hash = XXH3_createState() };
	struct spool *s = make(plain);
	struct spool_sum sum;
	char *block = malloc(SPOOL_SLICE + 1024);
	size_t n = 0, last = 0, k;
	uint64_t in = 0, count = 0;
	XXH128_hash_t h;
	int e;

	XXH3_128bits_reset(d.hash);
	inflateInit2(&d.z, 15 + 16);
	for (uint64_t i = 0; i < rows || n; ) {
		for (; i < rows && n < slice; i++, count++)
			n += row(block + n, i);
		last = n < slice ? n : slice;
		while ((e = spool_put(s, block, last, count, &f)) == 1) {
			spool_sum(s, &sum);
			assert_true(sum.in >= CEILING / 2);		/* the head's hash is there before anything must go */
			assert_true(sum.head_hash[0] || sum.head_hash[1]);
			drain(&d, s, sum.out - STEP);
		}
		assert_int_equal(e, 0);
		in += last;
		count = 0;
		memmove(block, block + last, n - last);
		n -= last;
	}
	assert_int_equal(spool_finish(s, &f), 0);
	spool_sum(s, &sum);
	assert_int_equal(sum.rows, rows);
	assert_int_equal(sum.in, in);
	drain(&d, s, sum.out);
	h = XXH3_128bits_digest(d.hash);
	assert_int_equal(d.in, in);
	assert_int_equal(h.low64, sum.hash[0]);
	assert_int_equal(h.high64, sum.hash[1]);
	k = 1;
	assert_int_equal(spool_read(s, sum.out, block, k, &f), WEIR_EBUG);
	assert_int_equal(spool_read(s, 0, block, k, &f), sum.out ? WEIR_EBUG : 0);
	inflateEnd(&d.z);
	XXH3_freeState(d.hash);
	free(block);
	spool_close(s);
}

static void
through(void **state)
{
	(void)state;
	streams(0, 250000, SPOOL_SLICE);
	streams(1, 250000, SPOOL_SLICE);
	streams(0, 30000, 999);
	short_writes = 1;
	streams(0, 30000, SPOOL_SLICE);
	no_tmpfile = 1;
	streams(0, 3, SPOOL_SLICE);
	streams(0, 0, SPOOL_SLICE);
}

/* The head's hash depends on the bytes alone, not on how they were cut into slices. */
static void
head(void **state)
{
	struct spool_sum sum[2];
	static const size_t slice[2] = { 1000, SPOOL_SLICE };
	char *block = malloc(SPOOL_SLICE);

	(void)state;
	for (size_t i = 0; i < SPOOL_SLICE; i++)
		block[i] = (char)i;
	for (int w = 0; w < 2; w++) {
		struct spool *s = make(0);

		for (uint64_t at = 0; at < CEILING / 2 + 300000; ) {
			size_t n = SPOOL_SLICE - at % SPOOL_SLICE;

			n = n < slice[w] ? n : slice[w];
			assert_int_equal(spool_put(s, block + at % SPOOL_SLICE, n, 0, &f), 0);
			at += n;
		}
		spool_sum(s, &sum[w]);
		spool_close(s);
	}
	assert_memory_equal(sum[0].head_hash, sum[1].head_hash, sizeof sum[0].head_hash);
	assert_true(sum[0].head_hash[0]);
	free(block);
}

static void
rows(void **state)
{
	uint64_t start[1000], end = 0;
	char text[1024];
	size_t n;

	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		struct spool *s = make(plain);
		struct spool_row r[7] = { 0 };

		end = 0;
		for (uint64_t i = 0; i < 1000; i++) {
			start[i] = end;
			n = row(text, i);
			assert_int_equal(spool_put(s, text, n, 1, &f), 0);
			end += n;
		}
		assert_int_equal(spool_put(s, "tail", 4, 1, &f), 0);		/* without a newline */
		assert_int_equal(spool_finish(s, &f), 0);
		r[0].at = 0;
		r[1].at = start[13];
		r[2].at = start[13] + 5;
		r[3].at = start[999];
		r[4].at = end - 1;
		r[5].at = end + 3;
		r[6].at = end + 4;
		assert_int_equal(spool_find(s, r, 7, &f), 0);
		assert_int_equal(r[0].number, 1);
		assert_int_equal(r[1].number, 14);
		assert_int_equal(r[2].number, 14);
		assert_int_equal(r[3].number, 1000);
		assert_int_equal(r[4].number, 1000);
		assert_int_equal(r[5].number, 1001);
		assert_int_equal(r[6].number, 0);
		n = row(text, 13) - 1;
		assert_int_equal(r[1].n, n < SPOOL_TEXT ? n : SPOOL_TEXT);
		assert_memory_equal(r[1].text, text, r[1].n);
		assert_int_equal(r[5].n, 4);
		assert_memory_equal(r[5].text, "tail", 4);
		spool_close(s);
	}
}

static void
disk(void **state)
{
	static char block[SPOOL_SLICE];
	struct spool *s = make(1);

	(void)state;
	no_room = 3;
	assert_int_equal(spool_put(s, block, sizeof block, 0, &f), 0);
	assert_int_equal(spool_put(s, block, sizeof block, 0, &f), 0);
	assert_int_equal(spool_put(s, block, sizeof block, 0, &f), WEIR_EIO);
	assert_non_null(strstr(f.text, folder));
	assert_non_null(strstr(f.text, "make room"));
	spool_close(s);
	s = NULL;
	assert_int_equal(spool_open(&(struct spool_options){ .dir = in_folder("none") }, &s, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "none"));
	no_tmpfile = 1;
	assert_int_equal(spool_open(&(struct spool_options){ .dir = in_folder("none") }, &s, &f), WEIR_ECONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(through, setup, folder_remove),
		cmocka_unit_test_setup_teardown(head, setup, folder_remove),
		cmocka_unit_test_setup_teardown(rows, setup, folder_remove),
		cmocka_unit_test_setup_teardown(disk, setup, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
