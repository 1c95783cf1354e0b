/* Bytes that grow up to their ceiling, and memory that dies all at once. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "buf.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static void
buf_ceiling(void **state)
{
	struct buf b = { .max = 300 };
	char text[301];

	(void)state;
	memset(text, 'x', sizeof text);
	assert_int_equal(buf_put(&b, text, 299), 0);
	assert_int_equal(buf_put(&b, "ab", 2), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(b.n, 299);	/* nothing was added */
	assert_int_equal(buf_printf(&b, "%d", 12), -1);
	assert_int_equal(b.n, 299);
	assert_int_equal(buf_printf(&b, "%d", 7), 0);	/* up to the ceiling, not one short of it */
	assert_int_equal(b.n, 300);
	assert_memory_equal(b.p + 298, "x7", 2);
	assert_int_equal(buf_putc(&b, 'y'), -1);
	assert_int_equal(buf_put(&b, "", 0), 0);
	buf_free(&b);
	assert_null(b.p);
	assert_int_equal(buf_puts(&b, "again"), 0);
	assert_memory_equal(b.p, "again", 5);
	buf_free(&b);
}

/* The scanner reads behind the end: the sanitizer looks on. */
static void
buf_padding(void **state)
{
	struct buf b = { 0 };
	unsigned sum = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(buf_putc(&b, (char)i), 0);
		if (b.n == b.cap)
			for (int k = 0; k < BUF_PAD; k++)
				sum += (unsigned char)b.p[b.n + (size_t)k];
	}
	assert_int_equal(sum, 0);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(b.p[i], (char)i);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -1);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - b.n), -1);
	buf_free(&b);
}

static void
arena_pieces(void **state)
{
	static const size_t size[] = { 1, 15, 16, 17, 4000, 65535, 65536, 65537, 100000, 5u << 20, 3, 0 };
	enum { ROUNDS = 3, N = sizeof size / sizeof *size };
	struct arena a = { 0 };
	unsigned char *p[N];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < N; i++) {
			assert_non_null(p[i] = arena_alloc(&a, size[i]));
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			memset(p[i], (int)i + 1, size[i]);
		}
		for (size_t i = 0; i < N; i++)	/* none lies over another */
			for (size_t k = 0; k < size[i]; k++)
				if (p[i][k] != i + 1)
					fail_msg("byte %zu of piece %zu is another's", k, i);
		arena_reset(&a);
	}
	assert_null(arena_alloc(&a, SIZE_MAX));
	arena_free(&a);
	assert_null(a.first);
}

/* A reset keeps usual blocks and gives great ones back. */
static void
arena_reuse(void **state)
{
	struct arena a = { 0 };
	void *first, *again;

	(void)state;
	first = arena_alloc(&a, 100);
	assert_non_null(arena_alloc(&a, 8u << 20));
	arena_reset(&a);
	again = arena_alloc(&a, 100);
	assert_ptr_equal(first, again);
	/* A block that is kept serves again, and is not lost behind a smaller one. */
	assert_non_null(first = arena_alloc(&a, 1u << 20));
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 60000));
	again = arena_alloc(&a, 1u << 20);
	assert_ptr_equal(first, again);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_ceiling), cmocka_unit_test(buf_padding), cmocka_unit_test(arena_pieces), cmocka_unit_test(arena_reuse),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
