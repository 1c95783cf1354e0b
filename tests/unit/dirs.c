/* Folders, made with all above them. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirs.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static int
begin(void **state)
{
	static char dir[] = "/tmp/weir-dirs.XXXXXX";

	*state = dir;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int
end(void **state)
{
	const char *const made[] = { "a/b//c", "a/b", "a", "x", "f" };

	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		remove(made[i]);
	return chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
}

static void
made_and_there(void **state)
{
	struct fail f;
	struct stat st;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dirs_make("a/b//c", 0700, &f), 0);
		assert_int_equal(dirs_make("x", 0755, &f), 0);
		assert_int_equal(dirs_make("a/b/", 0700, &f), 0);
	}
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(dirs_make(".", 0700, &f), 0);
	assert_int_equal(dirs_make("/", 0700, &f), 0);
}

static void
emptiness(void **state)
{
	(void)state;
	assert_true(dirs_is_empty(AT_FDCWD, "a/b/c"));
	assert_false(dirs_is_empty(AT_FDCWD, "a/b"));
	assert_true(dirs_is_empty(AT_FDCWD, "none"));
}

static void
in_the_way(void **state)
{
	struct fail f;

	(void)state;
	assert_true(close(open("f", O_CREAT | O_WRONLY, 0600)) == 0);
	assert_int_equal(dirs_make("f/g", 0700, &f), WEIR_ECONFIG);
	assert_string_equal(f.text, "cannot make the folder f/g: Not a directory");
	assert_int_equal(dirs_make("/proc/none/g", 0700, &f), WEIR_EIO);
	assert_int_equal(dirs_sync("none", &f), WEIR_EIO);
	assert_string_equal(f.text, "cannot open the folder none: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(made_and_there), cmocka_unit_test(emptiness), cmocka_unit_test(in_the_way) };

	return cmocka_run_group_tests(tests, begin, end);
}
