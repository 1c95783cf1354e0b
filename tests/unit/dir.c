/* The state directory: who it belongs to, its lock, its numbers, its default place. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dir.h"
#include "folder.h"
#include "publish.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define RUN(n)	"000000" #n "-0123456789abcdef0123456789abcde" #n

static struct fail f;

static struct state_dir *
opened(const char *path, const char *pipe_name)
{
	struct state_dir *d;

	if (state_open(path, pipe_name, "0/1", &d, &f) != 0)
		fail_msg("%s", f.text);
	return d;
}

static void
belongs_to_one_pipe(void **state)
{
	struct state_dir *d;
	struct stat st;
	uint64_t seed[2];

	(void)state;
	d = opened(in_folder("a/b//c"), "shop.orders");
	assert_string_equal(state_path(d), in_folder("a/b//c"));
	memcpy(seed, state_seed(d), sizeof seed);
	assert_true(seed[0] && seed[1]);
	state_close(d);
	assert_int_equal(stat(in_folder("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(in_folder("a/b/c/0-1"), &st), 0);

	d = opened(in_folder("a/b/c/"), "shop.orders");
	assert_memory_equal(state_seed(d), seed, sizeof seed);	/* the same for ever */
	state_close(d);
	d = opened(in_folder("a/b/c"), NULL);	/* whose it is need not be known */
	assert_memory_equal(state_seed(d), seed, sizeof seed);
	state_close(d);

	assert_int_equal(state_open(in_folder("a/b/c"), "shop.other", "0/1", &d, &f), WEIR_ESTATE);
	assert_null(d);
	assert_non_null(strstr(f.text, "belongs to the pipeline shop.orders, not to shop.other; take another directory with -s"));
}

static void
damaged(void **state)
{
	static const struct { const char *text, *want; } c[] = {
		{ "", "damaged" }, { "{", "damaged" }, { "{}", "damaged" }, { "{\"format\":\"1\",\"pipe\":\"p\",\"seed\":\"12\"}", "damaged" },
		{ "{\"format\":\"2\",\"pipe\":\"p\",\"seed\":\"0123456789abcdef0123456789abcdef\"}", "is of format 2, this weir knows 1" },
	};
	struct state_dir *d;

	(void)state;
	state_close(opened(in_folder("s"), "p"));
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		assert_int_equal(unlink(in_folder("s/pipeline.json")), 0);
		assert_int_equal(spill(in_folder("s/pipeline.json"), c[i].text, strlen(c[i].text)), 0);
		assert_int_equal(state_open(in_folder("s"), "p", "0/1", &d, &f), WEIR_ESTATE);
		assert_non_null(strstr(f.text, c[i].want));
	}
}

static void
no_directory(void **state)
{
	struct state_dir *d;

	(void)state;
	assert_int_equal(state_open("", "p", "0/1", &d, &f), WEIR_EUSAGE);
	assert_int_equal(spill(in_folder("file"), "x", 1), 0);
	assert_int_equal(state_open(in_folder("file"), "p", "0/1", &d, &f), WEIR_ECONFIG);
	assert_int_equal(state_open(in_folder("file/sub"), "p", "0/1", &d, &f), WEIR_ECONFIG);
}

/* Many processes make the same directory at once: all get the one seed that was published. */
static void
race(void **state)
{
	enum { PROCESSES = 8, ROUNDS = 10 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t first[2], seed[2];
		int go[2], out[2], status;
		char name[16], c;

		snprintf(name, sizeof name, "r%d", round);
		assert_int_equal(pipe(go) | pipe(out), 0);
		for (int i = 0; i < PROCESSES; i++)
			if (!fork()) {
				struct state_dir *d;

				close(go[1]);
				if (read(go[0], &c, 1) != 0 || state_open(in_folder(name), "p", "0/1", &d, &f) != 0 ||
				    write(out[1], state_seed(d), sizeof seed) != sizeof seed)
					_exit(1);
				_exit(0);
			}
		close(go[0]);
		close(go[1]);	/* all at once */
		for (int i = 0; i < PROCESSES; i++) {
			assert_int_not_equal(wait(&status), -1);
			assert_int_equal(status, 0);
			assert_int_equal(read(out[0], i ? seed : first, sizeof seed), sizeof seed);
			if (i)
				assert_memory_equal(seed, first, sizeof seed);
		}
		close(out[0]);
		close(out[1]);
	}
}

static void
lock(void **state)
{
	struct state_dir *a = opened(in_folder("s"), "p"), *b = opened(in_folder("s"), "p"), *other;

	(void)state;
	assert_int_equal(state_lock(a, &f), 0);
	assert_int_equal(state_lock(b, &f), WEIR_EAGAIN);
	assert_non_null(strstr(f.text, "runs already"));
	assert_int_equal(state_open(in_folder("s"), "p", "1/2", &other, &f), 0);
	assert_int_equal(state_lock(other, &f), 0);	/* each shard has its own */
	state_close(a);
	state_close(b);
	b = opened(in_folder("s"), "p");
	assert_int_equal(state_lock(b, &f), 0);
	state_close(b);
	state_close(other);
}

static void
numbers(void **state)
{
	struct state_dir *d = opened(in_folder("s"), "p");
	uint64_t n;
	int fd;

	(void)state;
	assert_false(state_has_runs(d));
	assert_int_equal(state_next_number(d, &n, &f), 0);
	assert_int_equal(n, 1);
	assert_int_equal(state_ckpt(d, RUN(3), 5, 0, &f), -1);
	assert_int_equal(f.code, WEIR_ESTATE);
	assert_true((fd = state_ckpt(d, RUN(3), 5, 1, &f)) >= 0);
	close(fd);
	assert_true((fd = state_ckpt(d, RUN(3), 5, 0, &f)) >= 0);
	close(fd);
	assert_int_equal(state_ckpt(d, RUN(3), 6, 0, &f), -1);
	assert_true((fd = state_ckpt(d, RUN(2), 1, 1, &f)) >= 0);
	close(fd);
	assert_int_equal(mkdir(in_folder("s/0-1/runs/9999999-not-a-run"), 0700), 0);
	assert_true(state_has_runs(d));
	assert_int_equal(state_next_number(d, &n, &f), 0);
	assert_int_equal(n, 4);
	state_close(d);
}

static void
plain(void **state)
{
	struct state_dir *d = opened(in_folder("s"), NULL);
	uint64_t n;
	int fd;

	(void)state;
	assert_int_equal(state_plain_newest(d, "dedupe", &n, &f), 0);
	assert_int_equal(n, 0);
	for (uint64_t i = 1; i <= 12; i++) {
		assert_true((fd = state_plain(d, i, 1, &f)) >= 0);
		close(fd);
	}
	assert_int_equal(spill(in_folder("s/plain/9/dedupe"), "", 0) | spill(in_folder("s/plain/10/dedupe"), "", 0) | spill(in_folder("s/plain/12/other"), "", 0), 0);
	assert_int_equal(state_plain_newest(d, "dedupe", &n, &f), 0);
	assert_int_equal(n, 10);	/* as numbers, and only those that hold the file */
	assert_int_equal(state_plain(d, 99, 0, &f), -1);
	assert_int_equal(f.code, WEIR_ESTATE);
	state_close(d);
}

static void
rejects(void **state)
{
	struct state_dir *d = opened(in_folder("s"), "p");
	struct buf b = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(state_rejects_path(d, "validate.2", &b, &f), 0);
	assert_string_equal(b.p, in_folder("s/0-1/rejects/validate.2.ndjson.zst"));
	assert_int_equal(stat(in_folder("s/0-1/rejects"), &st), 0);
	buf_free(&b);
	state_close(d);
}

static void
default_is(const char *pipe_name, const char *want)
{
	struct buf b = { 0 };
	int e = state_default_path(pipe_name, &b, &f);

	assert_int_equal(e, want ? 0 : WEIR_ECONFIG);
	if (want)
		assert_string_equal(b.p, want);
	buf_free(&b);
}

static void
default_path(void **state)
{
	(void)state;
	setenv("HOME", "/home/u", 1);
	unsetenv("XDG_STATE_HOME");
	default_is("shop.orders", "/home/u/.local/state/weir/shop.orders");
	setenv("XDG_STATE_HOME", "/var/s", 1);
	default_is("shop.orders", "/var/s/weir/shop.orders");
	default_is("a/../b", "/var/s/weir/a_.._b");
	default_is("..", "/var/s/weir/_.");
	default_is("../x", "/var/s/weir/_._x");
	setenv("XDG_STATE_HOME", "relative", 1);	/* the base directory specification: to be ignored */
	default_is("p", "/home/u/.local/state/weir/p");
	unsetenv("HOME");
	default_is("p", NULL);
}

static void
belongs_to_one_sink(void **state)
{
	struct state_dir *d = opened(in_folder("s"), "p");

	(void)state;
	assert_int_equal(state_pin_sink(d, "iceberg-out", "a.b", &f), 0);
	assert_int_equal(state_pin_sink(d, "iceberg-out", "a.b", &f), 0);
	assert_int_equal(state_pin_sink(d, "iceberg-out", "a.c", &f), WEIR_ESTATE);
	assert_non_null(strstr(f.text, "belongs to iceberg-out a.b, not to iceberg-out a.c"));
	assert_int_equal(state_pin_sink(d, "bq-out", "a.b", &f), WEIR_ESTATE);
	assert_int_equal(spill(in_folder("s/sink.json"), "{", 1), 0);
	assert_int_equal(state_pin_sink(d, "iceberg-out", "a.b", &f), WEIR_ESTATE);
	assert_non_null(strstr(f.text, "sink.json is damaged"));
	state_close(d);
}

/* Plain input: the state of the last three runs stays, of each stage by itself. */
static void
plain_tidy(void **state)
{
	struct state_dir *d = opened(in_folder("s"), NULL);
	char name[64];

	(void)state;
	for (uint64_t n = 1; n <= 9; n++) {
		int dir = state_plain(d, n, 1, &f);

		assert_int_equal(publish_bytes(dir, "a.base", "x", 1, &f), 0);
		if (n == 2)
			assert_int_equal(publish_bytes(dir, "b.base", "x", 1, &f), 0);
		close(dir);
		state_plain_tidy(d, n, "a.base");
	}
	for (int n = 1; n <= 9; n++) {
		snprintf(name, sizeof name, "s/plain/%d/a.base", n);
		assert_int_equal(access(in_folder(name), F_OK) == 0, n > 6);
		snprintf(name, sizeof name, "s/plain/%d", n);
		assert_int_equal(access(in_folder(name), F_OK) == 0, n > 6 || n == 2);
	}
	state_close(d);
}

int
main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(belongs_to_one_pipe), TEST(damaged), TEST(no_directory), TEST(race), TEST(lock), TEST(numbers), TEST(plain), TEST(rejects),
		TEST(default_path), TEST(belongs_to_one_sink), TEST(plain_tidy),
	};

	return cmocka_run_group_tests_name("dir", tests, NULL, NULL);
}
