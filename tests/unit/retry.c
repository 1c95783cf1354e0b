/* Waits between tries, without waiting. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "retry.h"

#include <cmocka.h>

#define S	INT64_C(1000000)

static void
test_doubles(void **state)
{
	static const int64_t most[] = { 1, 2, 4, 8, 16, 32, 32, 32, 32 };
	int64_t longest[9] = { 0 };
	struct retry r;
	size_t i, run;

	(void)state;
	for (run = 0; run < 200; run++) {
		retry_begin(&r, S, 32 * S, 3600 * S);
		for (i = 0; i < 9; i++) {
			int64_t us = retry_next(&r, -1);

			assert_in_range(us, 0, most[i] * S);
			if (longest[i] < us)
				longest[i] = us;
		}
		assert_int_equal(r.n, 9);
	}
	for (i = 0; i < 9; i++)		/* the whole span is used: (3/4)^200 that it is not */
		assert_true(longest[i] > most[i] * S * 3 / 4);
}

static void
test_retry_after(void **state)
{
	struct retry r;
	int i;

	(void)state;
	retry_begin(&r, S, 4 * S, 100 * S);
	assert_int_equal(retry_next(&r, 50 * S), 50 * S);
	for (i = 0; i < 100; i++)
		assert_in_range(retry_next(&r, 1), 1, 4 * S);
	assert_int_equal(retry_next(&r, 101 * S), -1);
}

static void
test_gives_up(void **state)
{
	struct retry r;
	int i;

	(void)state;
	retry_begin(&r, S, S, 0);
	assert_int_equal(retry_next(&r, -1), -1);
	assert_int_equal(retry_wait(&r, -1), -1);
	retry_begin(&r, 1000 * S, 1000 * S, S / 10);	/* no wait goes beyond the end */
	for (i = 0; i < 100; i++)
		assert_true(retry_next(&r, -1) <= S / 10);
}

static void
test_shortened(void **state)
{
	struct retry r;

	(void)state;
	setenv("WEIR_RETRY_FIRST_MS", "1", 1);
	retry_begin(&r, S, 4 * S, 100 * S);
	assert_int_equal(r.first_us, 1000);
	assert_in_range(retry_next(&r, -1), 0, 1000);
	assert_int_equal(retry_wait(&r, -1), 0);
	retry_begin(&r, 10, 4 * S, 100 * S);		/* shortens only */
	assert_int_equal(r.first_us, 10);
	setenv("WEIR_RETRY_FIRST_MS", "0", 1);
	retry_begin(&r, S, 4 * S, 100 * S);
	assert_int_equal(retry_next(&r, -1), 0);
	setenv("WEIR_RETRY_FIRST_MS", "soon", 1);
	retry_begin(&r, S, 4 * S, 100 * S);
	assert_int_equal(r.first_us, S);
	unsetenv("WEIR_RETRY_FIRST_MS");
}

static void
test_status(void **state)
{
	static const int again[] = { 408, 429, 500, 502, 503, 504 }, never[] = { 0, 200, 308, 400, 401, 403, 404, 409, 412, 501, 505 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof again / sizeof *again; i++)
		assert_true(retry_status(again[i]));
	for (i = 0; i < sizeof never / sizeof *never; i++)
		assert_false(retry_status(never[i]));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles), cmocka_unit_test(test_retry_after), cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_shortened), cmocka_unit_test(test_status),
	};

	unsetenv("WEIR_RETRY_FIRST_MS");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
