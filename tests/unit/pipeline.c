/* The grammar of a pipeline: words as in sh, and where it stops being one. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "pipeline.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static struct fail f;

/* Words as <a><b>|<c>. */
static char *
shape(const struct pipeline *pl)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < pl->n; i++) {
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", i ? "|" : "");
		for (int k = 0; k < pl->stage[i].argc; k++)
			n += (size_t)snprintf(text + n, sizeof text - n, "<%s>", pl->stage[i].argv[k]);
		assert_null(pl->stage[i].argv[pl->stage[i].argc]);
	}
	return text;
}

static const struct { const char *in, *file, *words; } good[] = {
	/* as an argument; in a file when that differs */
	{ "a", NULL, "<a>" },
	{ "  a\t-k  id  ", NULL, "<a><-k><id>" },
	{ "a|b | c", NULL, "<a>|<b>|<c>" },
	{ "a '' \"\"", NULL, "<a><><>" },
	{ "a 'x y|z' \"p | q\"", NULL, "<a><x y|z><p | q>" },
	{ "a x'y'\"z\"\\ w", NULL, "<a><xyz w>" },
	{ "a '$(ls) ${V} \\' \"\\\"\\\\\\$\\n\"", NULL, "<a><$(ls) ${V} \\><\"\\$\\n>" },
	{ "a \\| \\' \\\" \\$ \\# \\\\", NULL, "<a><|><'><\"><$><#><\\>" },
	{ "a ${V}", NULL, "<a><v 'w'>" },
	{ "a x${V}y \"<${V}>\" '${V}'", NULL, "<a><xv 'w'y><<v 'w'>><${V}>" },
	{ "a ${EMPTY} b", NULL, "<a><><b>" },
	{ "a '{\"x\": [1]}' 'b\nc'", NULL, "<a><{\"x\": [1]}><b\nc>" },
	{ "a # b", "<a>", "<a><#><b>" },
	{ "a x#y", NULL, "<a><x#y>" },
	{ "a k=v -x,y:z@%+^!", NULL, "<a><k=v><-x,y:z@%+^!>" },
};

static void
words(void **state)
{
	struct pipeline pl;

	(void)state;
	setenv("V", "v 'w'", 1);
	setenv("EMPTY", "", 1);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		for (int is_file = 0; is_file < 2; is_file++) {
			const char *want = is_file && good[i].file ? good[i].file : good[i].words;

			if (pipeline_parse(good[i].in, is_file, &pl, &f) != 0)
				fail_msg("%s: %s", good[i].in, f.text);
			assert_string_equal(shape(&pl), want);
			pipeline_free(&pl);
		}
}

static void
files(void **state)
{
	static const char text[] = "# what it does | with a pipe in it\n\na -k id\t# the key\r\n  '#no' x#y |\n# between\nb\n  | c 'two\nlines'\n#last";
	struct pipeline pl;

	(void)state;
	assert_int_equal(pipeline_parse(text, 1, &pl, &f), 0);
	assert_string_equal(shape(&pl), "<a><-k><id><#no><x#y>|<b>|<c><two\nlines>");
	pipeline_free(&pl);
}

static const struct { const char *in; int is_file; const char *sentence; } bad[] = {
	{ "", 0, "column 1 of the pipeline: a stage is missing here" },
	{ "   ", 0, "column 4 of the pipeline: a stage is missing here" },
	{ "| a", 0, "column 1 of the pipeline: a stage is missing here" },
	{ "a |", 0, "column 4 of the pipeline: a stage is missing here" },
	{ "a || b", 0, "column 4 of the pipeline: a stage is missing here" },
	{ "a > out", 0, "column 3 of the pipeline: an unquoted > is for a shell, and there is none here: put it in quotes" },
	{ "a $HOME", 0, "column 3 of the pipeline: an unquoted $ is for a shell, and there is none here: put it in quotes" },
	{ "a *.x", 0, "column 3 of the pipeline: an unquoted * is for a shell, and there is none here: put it in quotes" },
	{ "a ; b", 0, "column 3 of the pipeline: an unquoted ; is for a shell, and there is none here: put it in quotes" },
	{ "a x~", 0, "column 4 of the pipeline: an unquoted ~ is for a shell, and there is none here: put it in quotes" },
	{ "a\nb", 0, "column 2 of the pipeline: an unquoted newline is for a shell, and there is none here: put it in quotes" },
	{ "a 'x", 0, "column 3 of the pipeline: a quote that is not closed" },
	{ "a b\"x\\\"", 0, "column 4 of the pipeline: a quote that is not closed" },
	{ "a ${NOT_SET_HERE}", 0, "column 3 of the pipeline: the variable NOT_SET_HERE is not set" },
	{ "a \"x${NOT_SET_HERE}\"", 0, "column 5 of the pipeline: the variable NOT_SET_HERE is not set" },
	{ "a ${}", 0, "column 3 of the pipeline: ${NAME} takes letters, digits and underscores" },
	{ "a ${1}", 0, "column 3 of the pipeline: ${NAME} takes letters, digits and underscores" },
	{ "a ${V:-x}", 0, "column 3 of the pipeline: ${NAME} takes letters, digits and underscores" },
	{ "a ${V", 0, "column 3 of the pipeline: ${NAME} takes letters, digits and underscores" },
	{ "a\n| b |\n", 1, "line 3, column 1: a stage is missing here" },
	{ "# x\na\n  | b > c\n", 1, "line 3, column 7: an unquoted > is for a shell, and there is none here: put it in quotes" },
	{ "a\n 'b\nc", 1, "line 2, column 2: a quote that is not closed" },
	{ "# only a comment", 1, "line 1, column 17: a stage is missing here" },
};

static void
mistakes(void **state)
{
	struct pipeline pl;

	(void)state;
	setenv("V", "v", 1);
	unsetenv("NOT_SET_HERE");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(pipeline_parse(bad[i].in, bad[i].is_file, &pl, &f), WEIR_EUSAGE);
		assert_string_equal(f.text, bad[i].sentence);
		assert_int_equal(pl.n, 0);
	}
}

static void
limits(void **state)
{
	char text[4 * PIPELINE_STAGES + 8] = "a", *big;
	struct pipeline pl;

	(void)state;
	for (int i = 1; i < PIPELINE_STAGES; i++)
		strcat(text, "|a");
	assert_int_equal(pipeline_parse(text, 0, &pl, &f), 0);
	assert_int_equal(pl.n, PIPELINE_STAGES);
	pipeline_free(&pl);
	strcat(text, "|a");
	assert_int_equal(pipeline_parse(text, 0, &pl, &f), WEIR_EUSAGE);
	assert_string_equal(f.text, "column 64 of the pipeline: too many stages");
	big = malloc(PIPELINE_BYTES + 2);
	memset(big, 'x', PIPELINE_BYTES + 1);
	big[PIPELINE_BYTES + 1] = '\0';
	assert_int_equal(pipeline_parse(big, 0, &pl, &f), WEIR_EUSAGE);
	assert_string_equal(f.text, "the pipeline is too long");
	free(big);
}

static void
from_disk(void **state)
{
	const char *path = in_folder("pipe");
	char *big = malloc(PIPELINE_BYTES + 1), *text;

	(void)state;
	assert_null(pipeline_read(path, &f));
	assert_int_equal(f.code, WEIR_ECONFIG);
	for (size_t n = 0; n < 20000; n += 4095) {
		memset(big, 'x', n);
		assert_int_equal(spill(path, big, n), 0);
		assert_non_null(text = pipeline_read(path, &f));
		assert_int_equal(strlen(text), n);
		free(text);
	}
	assert_int_equal(spill(path, "a | b\0| c", 9), 0);
	assert_null(pipeline_read(path, &f));	/* a part of it is not the pipeline */
	assert_non_null(strstr(f.text, "it has a NUL byte"));
	memset(big, 'x', PIPELINE_BYTES + 1);
	assert_int_equal(spill(path, big, PIPELINE_BYTES + 1), 0);
	assert_null(pipeline_read(path, &f));
	assert_int_equal(f.code, WEIR_ECONFIG);
	assert_null(pipeline_read(folder, &f));
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words), cmocka_unit_test(files), cmocka_unit_test(mistakes), cmocka_unit_test(limits),
		cmocka_unit_test_setup_teardown(from_disk, folder_make, folder_remove),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
