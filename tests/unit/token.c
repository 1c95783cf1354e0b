/* Names of runs and of their epochs. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "token.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define RUN	"0000018-0123456789abcdef0123456789abcdef"

static void
round_trip(void **state)
{
	static const uint64_t id[] = { 0, 1, 42, UINT64_MAX };
	char token[TOKEN_SIZE], run[TOKEN_RUN_SIZE];
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof id / sizeof *id; i++) {
		token_format(RUN, id[i], token);
		assert_int_equal(token_parse(token, run, &got), 0);
		assert_string_equal(run, RUN);
		assert_true(got == id[i]);
	}
}

static void
new_runs(void **state)
{
	static const struct { uint64_t number; const char *prefix; } c[] = {
		{ 0, "0000000-" }, { 18, "0000018-" }, { 9999999, "9999999-" }, { 10000000, "0000000-" }, { UINT64_MAX, "9551615-" },
	};
	char run[TOKEN_RUN_SIZE], other[TOKEN_RUN_SIZE], token[TOKEN_SIZE];
	struct fail f;
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		assert_int_equal(token_new_run(c[i].number, run, &f), 0);
		assert_memory_equal(run, c[i].prefix, 8);
		assert_true(token_is_run(run, strlen(run)));
		assert_int_equal(token_new_run(c[i].number, other, &f), 0);
		assert_string_not_equal(run, other);	/* 128 random bits: the number is for people */
		token_format(run, UINT64_MAX, token);
		assert_int_equal(token_parse(token, other, &id), 0);
		assert_string_equal(run, other);
	}
}

static void
no_runs(void **state)
{
	static const char *const bad[] = {
		"", "0000018", "000018-0123456789abcdef0123456789abcdef", "0000018-0123456789abcdef0123456789abcde", "0000018-0123456789abcdef0123456789abcdef0",
		"0000018-0123456789ABCDEF0123456789abcdef", "0000018_0123456789abcdef0123456789abcdef", "a000018-0123456789abcdef0123456789abcdef",
		"0000018-0123456789abcdef0123456789abcde/", "../0018-0123456789abcdef0123456789abcdef", "1234567890123-0123456789abcdef0123456789abcdef",
	};

	(void)state;
	assert_true(token_is_run(RUN, strlen(RUN)));
	assert_true(token_is_run("123456789012-0123456789abcdef0123456789abcdef", 45));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(token_is_run(bad[i], strlen(bad[i])));
}

static void
no_tokens(void **state)
{
	static const char *const bad[] = {
		"", "none", "/", "/1", RUN, RUN "/", RUN "/x", RUN "/-1", RUN "/+1", RUN "/ 1", RUN "/1x", RUN "/1/2", RUN "/18446744073709551616", "x" RUN "/1",
		RUN "0/1",
	};
	char run[TOKEN_RUN_SIZE];
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (token_parse(bad[i], run, &id) == 0)
			fail_msg("'%s' was taken for a token", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(round_trip), cmocka_unit_test(new_runs), cmocka_unit_test(no_runs), cmocka_unit_test(no_tokens) };

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
