/* stats: the page of a running stage, its file, and what is made of it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "stats.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static struct stats_page *
new_page(void)
{
	struct stats_page *p = calloc(1, STATS_BYTES);

	assert_non_null(p);
	stats_init(p);
	strcpy(p->stage, "dedupe");
	strcpy(p->run, "0000018-00000000000000000000000000000000");
	strcpy(p->prev, "none");
	return p;
}

/* The layout is a promise to other programs: weir-state(5). */
static void
layout(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct stats_page, pid), 16);
	assert_int_equal(offsetof(struct stats_page, boot), 32);
	assert_int_equal(offsetof(struct stats_page, number), 72);
	assert_int_equal(offsetof(struct stats_page, run), 80);
	assert_int_equal(offsetof(struct stats_page, prev), 128);
	assert_int_equal(offsetof(struct stats_page, shard), 200);
	assert_int_equal(offsetof(struct stats_page, epoch), 232);
	assert_int_equal(offsetof(struct stats_page, stage), 256);
	assert_int_equal(offsetof(struct stats_page, pipe), 336);
	assert_int_equal(offsetof(struct stats_page, word), 592);
	assert_int_equal(offsetof(struct stats_page, counter), 1104);
	assert_int_equal(offsetof(struct stats_page, gauge), 1744);
	assert_int_equal(STATS_WATERMARK_US, 19);
	assert_int_equal(STATS_WORDS, 25);
}

static void
what_is_stored_is_read(void **state)
{
	struct stats_page *p = new_page(), *own = p, copy;
	int fd = folder_fd(), other;
	struct stat st;
	struct fail f;

	(void)state;
	stats_set(p, STATS_IN, 7);
	assert_int_equal(stats_map(fd, "dedupe", &p, &f), 0);
	assert_ptr_not_equal(p, own);
	free(own);
	stats_set(p, STATS_EMITTED, 8);		/* after it has its name */
	stats_put(p->gauge, "keys", 9);
	stats_put(p->gauge, "keys", 10);
	assert_int_equal(stats_read(fd, "dedupe", &copy, &f), 0);
	assert_int_equal(stats_get(&copy, STATS_IN), 7);
	assert_int_equal(stats_get(&copy, STATS_EMITTED), 8);
	assert_int_equal(stats_get(&copy, STATS_COMMIT), STATS_NONE);
	assert_int_equal(stats_find(copy.gauge, "keys"), 10);
	assert_int_equal(stats_find(copy.gauge, "key"), STATS_NONE);
	assert_int_equal(fstatat(fd, "dedupe", &st, 0), 0);
	assert_int_equal(st.st_size, STATS_BYTES);
	assert_int_equal(st.st_mode & 0777, 0600);

	/* Another run takes the name; what the first one stores is not seen any more, and does no harm. */
	struct stats_page *second = new_page(), *kept = second;

	assert_int_equal(stats_map(fd, "dedupe", &second, &f), 0);
	free(kept);
	stats_set(p, STATS_IN, 1000);
	assert_int_equal(stats_read(fd, "dedupe", &copy, &f), 0);
	assert_int_equal(stats_get(&copy, STATS_IN), 0);
	munmap(second, STATS_BYTES);
	munmap(p, STATS_BYTES);
	assert_int_equal((other = openat(fd, "dedupe", O_RDONLY)) >= 0, 1);
	close(other);
	close(fd);
}

static void
names_without_room(void **state)
{
	struct stats_named table[STATS_NAMED] = { 0 };
	char name[40];

	(void)state;
	stats_put(table, "a_name_of_more_than_thirty_one_bytes", 1);
	stats_put(table, "", 1);
	assert_int_equal(table[0].name[0], 0);
	for (int i = 0; i < STATS_NAMED + 3; i++) {
		snprintf(name, sizeof name, "n%d", i);
		stats_put(table, name, i);
	}
	assert_int_equal(stats_find(table, "n15"), 15);
	assert_int_equal(stats_find(table, "n16"), STATS_NONE);
}

static void
put(int dir, const char *name, const void *p, size_t n)
{
	int fd = openat(dir, name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

static void
refused(void **state)
{
	int fd = folder_fd();
	struct stats_page *p = new_page(), copy;
	struct fail f;

	(void)state;
	assert_int_equal(stats_read(fd, "none", &copy, &f), fail_path_code(ENOENT));
	put(fd, "short", p, STATS_BYTES - 1);
	assert_int_equal(stats_read(fd, "short", &copy, &f), WEIR_ESTATE);
	assert_non_null(strstr(f.text, "no file of statistics"));
	put(fd, "right", p, STATS_BYTES);
	assert_int_equal(stats_read(fd, "right", &copy, &f), 0);
	p->format = STATS_FORMAT + 1;
	put(fd, "later", p, STATS_BYTES);
	assert_int_equal(stats_read(fd, "later", &copy, &f), WEIR_ESTATE);
	assert_non_null(strstr(f.text, "is of format 2, this weir knows 1"));
	p->format = STATS_FORMAT;
	memset(p->stage, 'x', sizeof p->stage);		/* no end */
	put(fd, "endless", p, STATS_BYTES);
	assert_int_equal(stats_read(fd, "endless", &copy, &f), WEIR_ESTATE);
	free(p);
	close(fd);
}

static void
alive(void **state)
{
	struct stats_page *p = new_page();
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(stats_alive(p), 1);
	p->started++;			/* another process with the number of one that is gone */
	assert_int_equal(stats_alive(p), 0);
	p->started--;
	p->boot[0] ^= 1;		/* before the machine was started anew */
	assert_int_equal(stats_alive(p), 0);
	p->boot[0] ^= 1;
	stats_set(p, STATS_ENDED_US, 1);
	assert_int_equal(stats_alive(p), 0);
	stats_set(p, STATS_ENDED_US, STATS_NONE);
	if (!(pid = fork()))
		_exit(0);
	waitpid(pid, &status, 0);
	p->pid = (uint64_t)pid;
	assert_int_equal(stats_alive(p), 0);
	free(p);
}

static void
json(void **state)
{
	struct stats_page *p = new_page();
	struct buf b = { 0 };

	(void)state;
	p->role = WEIR_SINK;
	stats_set(p, STATS_IN, 12);
	stats_set(p, STATS_BUSY_US, 1500000);
	stats_set(p, STATS_EPOCH, 42);
	stats_set(p, STATS_EPOCH_US, INT64_C(1764000000000000));
	stats_set(p, STATS_COMMIT, 41);
	stats_put(p->gauge, "a\"b", -1);
	stats_put(p->counter, "lost", 3);
	assert_int_equal(stats_json(p, 2, &b), 0);
	assert_int_equal(buf_putc(&b, '\0'), 0);
	assert_string_equal(b.p, "\"stage\":\"dedupe\",\"seconds\":2.000,\"in\":12,\"emitted\":0,\"passed\":0,\"filtered\":0,\"taken\":0,\"rejected\":0,"
	    "\"late\":0,\"duplicate\":0,\"bytes_in\":0,\"bytes_out\":0,\"busy_seconds\":1.500000,\"cpu_seconds\":0.000000,\"wait_input_seconds\":0.000000,"
	    "\"wait_output_seconds\":0.000000,\"epoch\":42,\"epoch_began\":\"2025-11-24T16:00:00Z\",\"last_commit\":null,"
	    "\"token\":\"0000018-00000000000000000000000000000000/41\",\"watermark\":null,\"gauges\":{\"a\\\"b\":-1},\"counters\":{\"lost\":3}");
	buf_free(&b);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout), cmocka_unit_test_setup_teardown(what_is_stored_is_read, folder_make, folder_remove), cmocka_unit_test(names_without_room), cmocka_unit_test_setup_teardown(refused, folder_make, folder_remove),
		cmocka_unit_test(alive), cmocka_unit_test(json),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
