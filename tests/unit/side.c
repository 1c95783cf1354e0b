/* Files beside the stream: appended in whole lines, torn frames cut at open, descriptors borrowed. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "folder.h"
#include "side.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static struct fail f;

static void
add(const char *path, const char *line)
{
	struct side *s;

	assert_int_equal(side_open(path, &s, &f), 0);
	assert_int_equal(side_line(s, line, strlen(line), &f), 0);
	assert_int_equal(side_sync(s, &f), 0);
	side_close(s);
}

/* The text in a .zst, all frames. */
static void
unpacked(const char *path, const char *want)
{
	char packed[65536], text[65536];
	ssize_t n = slurp(path, packed, sizeof packed);
	size_t at = 0, have = 0;

	assert_true(n >= 0);
	while (at < (size_t)n) {
		size_t k = ZSTD_findFrameCompressedSize(packed + at, (size_t)n - at), got;

		assert_false(ZSTD_isError(k));
		got = ZSTD_decompress(text + have, sizeof text - have, packed + at, k);
		assert_false(ZSTD_isError(got));
		at += k;
		have += got;
	}
	assert_int_equal(have, strlen(want));
	assert_memory_equal(text, want, have);
}

static void
appended(void **state)
{
	const char *path = in_folder("late");
	char text[64];
	struct stat st;

	(void)state;
	add(path, "{\"a\":1}");
	add(path, "{\"a\":2}");
	assert_int_equal(slurp(path, text, sizeof text), 16);
	assert_memory_equal(text, "{\"a\":1}\n{\"a\":2}\n", 16);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* What a barrier covers is in the file; before that only whole blocks are. */
static void
not_in_halves(void **state)
{
	const char *path = in_folder("late");
	char line[1000];
	struct side *s;
	struct stat st;

	(void)state;
	memset(line, 'x', sizeof line);
	assert_int_equal(side_open(path, &s, &f), 0);
	assert_string_equal(side_path(s), path);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(side_line(s, line, sizeof line, &f), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size % (sizeof line + 1), 0);
	}
	assert_true(st.st_size > 500000);	/* not all in memory */
	assert_int_equal(side_sync(s, &f), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 1000 * (sizeof line + 1));
	side_close(s);
}

/* Every length of a torn second frame, zeros of a lost block too. */
static void
torn_frame(void **state)
{
	const char *path = in_folder("rejects.ndjson.zst");
	char whole[4096];
	ssize_t first, n;

	(void)state;
	add(path, "{\"one\":1}");
	first = slurp(path, whole, sizeof whole);
	add(path, "{\"two\":\"....................abcdefghijklmnopqrstuvwxyz\"}");
	n = slurp(path, whole, sizeof whole);
	assert_true(first > 0 && n > first + 10);
	unpacked(path, "{\"one\":1}\n{\"two\":\"....................abcdefghijklmnopqrstuvwxyz\"}\n");
	for (ssize_t k = first; k < n; k++) {
		assert_int_equal(spill(path, whole, (size_t)k), 0);
		add(path, "{\"three\":3}");
		unpacked(path, "{\"one\":1}\n{\"three\":3}\n");
	}
	for (ssize_t k = 0; k < first; k++) {
		assert_int_equal(spill(path, whole, (size_t)k), 0);
		add(path, "{\"three\":3}");
		unpacked(path, "{\"three\":3}\n");
	}
	memset(whole + first, 0, (size_t)(n - first));
	assert_int_equal(spill(path, whole, (size_t)n), 0);
	add(path, "{\"three\":3}");
	unpacked(path, "{\"one\":1}\n{\"three\":3}\n");
}

/* A file of something else is not a torn frame. */
static void
no_zstd(void **state)
{
	static const char text[] = "id,name\n1,not to be lost\n";
	const char *path = in_folder("table.zst");
	struct side *s;
	char got[64];

	(void)state;
	assert_int_equal(spill(path, text, sizeof text - 1), 0);
	assert_int_equal(side_open(path, &s, &f), WEIR_ECONFIG);
	assert_null(s);
	assert_non_null(strstr(f.text, "is no zstd file and is left alone"));
	assert_int_equal(slurp(path, got, sizeof got), sizeof text - 1);
	assert_memory_equal(got, text, sizeof text - 1);
}

static void
descriptor(void **state)
{
	char name[16], text[64];
	struct side *s;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	snprintf(name, sizeof name, "fd:%d", fd[1]);
	assert_int_equal(side_open(name, &s, &f), 0);
	assert_int_equal(side_line(s, "{}", 2, &f), 0);
	assert_int_equal(side_sync(s, &f), 0);
	assert_int_equal(read(fd[0], text, sizeof text), 3);
	side_close(s);
	assert_int_equal(write(fd[1], "x", 1), 1);	/* it was borrowed, and is open */
	close(fd[0]);
	close(fd[1]);
	assert_int_equal(side_open(name, &s, &f), WEIR_EUSAGE);	/* now it is not */
	assert_int_equal(side_open("fd:", &s, &f), WEIR_EUSAGE);
	assert_int_equal(side_open("fd:x", &s, &f), WEIR_EUSAGE);
	assert_int_equal(side_open("fd:99999999999", &s, &f), WEIR_EUSAGE);
}

static void
mistakes(void **state)
{
	struct side *s;

	(void)state;
	assert_int_equal(side_open(in_folder("none/late"), &s, &f), WEIR_ECONFIG);
	assert_int_equal(side_open(folder, &s, &f), WEIR_ECONFIG);
	if (access("/dev/full", W_OK) == 0) {
		assert_int_equal(side_open("/dev/full", &s, &f), 0);
		assert_int_equal(side_line(s, "{}", 2, &f), 0);
		assert_int_equal(side_sync(s, &f), WEIR_EIO);
		assert_string_equal(f.text, "cannot write /dev/full: No space left on device; make room and run it again");
		side_close(s);
	}
}

int
main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(appended), TEST(not_in_halves), TEST(torn_frame), TEST(no_zstd), TEST(descriptor), TEST(mistakes),
	};

	return cmocka_run_group_tests_name("side", tests, NULL, NULL);
}
