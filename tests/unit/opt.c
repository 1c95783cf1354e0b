/* Option tables: values of every type, mistakes and their remedies, the text of a meaning. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opt.h"

#include <cmocka.h>	/* last: its fail() is a macro */

struct values {
	int			 flag, choice, rest;
	const char		*text, *maybe;
	uint64_t		 count, size;
	int64_t			 duration;
	struct weir_time	 time;
	struct weir_list	*paths, *texts;
};

#define AT(member)	offsetof(struct values, member)

static const struct weir_opt table[] = {
	{ 'f', "flag", NULL, "a flag", WEIR_FLAG, WEIR_MEANING, AT(flag), NULL },
	{ 't', "text", "NAME", "a text", WEIR_TEXT, WEIR_MEANING, AT(text), NULL },
	{ 0, "maybe", "[=NAME]", "a text or none", WEIR_TEXT, 0, AT(maybe), NULL },
	{ 'n', "count", "N", "a number", WEIR_COUNT, WEIR_MEANING, AT(count), "7" },
	{ 0, "size", "BYTES", "a size", WEIR_SIZE, WEIR_MEANING, AT(size), "64K" },
	{ 'd', "duration", "TIME", "a duration", WEIR_DURATION, WEIR_MEANING, AT(duration), NULL },
	{ 0, "time", "PATH", "a time", WEIR_TIME, WEIR_MEANING, AT(time), NULL },
	{ 'k', "key", "PATHS", "paths", WEIR_PATHS, WEIR_MEANING, AT(paths), NULL },
	{ 'a', "agg", "TEXT", "repeated", WEIR_TEXTS, WEIR_MEANING, AT(texts), NULL },
	{ 0, "mode", "one|two|three", "a choice", WEIR_CHOICE, WEIR_MEANING, AT(choice), "two" },
	{ 0 }
};

static struct values v;
static const struct opt_set set = { table, &v };
static const char *operand[32];
static struct fail f;

/* Words up to NULL as a command line. */
static int
parse(const struct opt_set *sets, size_t n_sets, ...)
{
	char *argv[32] = { (char *)(uintptr_t)"tool" };
	int argc = 1;
	va_list ap;

	va_start(ap, n_sets);
	while ((argv[argc] = va_arg(ap, char *)))
		argc++;
	va_end(ap);
	f = (struct fail){ 0 };
	return opt_parse(sets, n_sets, argc, argv, operand, &f);
}

#define PARSE(...)	(clear(), parse(&set, 1, __VA_ARGS__, NULL))

static void
clear(void)
{
	opt_release(&set, 1);
	memset(&v, 0, sizeof v);
}

#define REFUSED(sentence, ...)	do { \
		assert_int_equal(PARSE(__VA_ARGS__), WEIR_EUSAGE); \
		assert_string_equal(f.text, sentence); \
	} while (0)

static void
every_type(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-ft", "name", "in", "--count=12", "--size", "3M", "-d90s", "--time", "meta.at:ms", "-k", "a,b[0].c,.\"x,y\"", "-a", "sum(x)", "-a",
	    "max(y)", "--mode", "three", "--", "--flag"), 0);
	assert_int_equal(v.flag, 1);
	assert_string_equal(v.text, "name");
	assert_int_equal(v.count, 12);
	assert_int_equal(v.size, 3 << 20);
	assert_int_equal(v.duration, 90000000);
	assert_string_equal(v.time.path, "meta.at");
	assert_int_equal(v.time.unit, WEIR_UNIT_MS);
	assert_int_equal(v.paths->n, 3);
	assert_string_equal(v.paths->item[1], "b[0].c");
	assert_string_equal(v.paths->item[2], ".\"x,y\"");
	assert_int_equal(v.texts->n, 2);
	assert_string_equal(v.texts->item[1], "max(y)");
	assert_int_equal(v.choice, 2);
	assert_string_equal(operand[0], "in");
	assert_string_equal(operand[1], "--flag");
	assert_null(operand[2]);
}

static void
presets_and_the_last_one_counts(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-"), 0);
	assert_int_equal(v.count, 7);
	assert_int_equal(v.size, 65536);
	assert_int_equal(v.choice, 1);
	assert_null(v.maybe);
	assert_string_equal(operand[0], "-");
	assert_int_equal(PARSE("-k", "a,b", "-k", "c", "--time", "x", "--time", "y:s", "-n1", "-n", "2"), 0);
	assert_int_equal(v.paths->n, 1);
	assert_string_equal(v.paths->item[0], "c");
	assert_string_equal(v.time.path, "y");
	assert_int_equal(v.count, 2);
	/* An argument that may be left out never takes the next word. */
	assert_int_equal(PARSE("--maybe", "word"), 0);
	assert_string_equal(v.maybe, "");
	assert_string_equal(operand[0], "word");
	assert_int_equal(PARSE("--maybe=x"), 0);
	assert_string_equal(v.maybe, "x");
}

static void
mistakes_have_remedies(void **state)
{
	(void)state;
	REFUSED("unknown option '--colour'; --help lists them", "--colour");
	REFUSED("unknown option '--duratoin'; is it --duration?", "--duratoin=5s");
	REFUSED("unknown option '--cont'; is it --count?", "--cont", "3");
	REFUSED("unknown option '-z'; --help lists them", "-fz");
	REFUSED("--flag takes no value", "--flag=1");
	REFUSED("--text needs a value: NAME", "--text");
	REFUSED("-t needs a value: NAME", "-ft");
	REFUSED("--count takes a number, not '1x'", "-n", "1x");
	REFUSED("--size takes a size such as 64K, 16M or 1G, not '1KB'", "--size", "1KB");
	REFUSED("--duration takes a duration such as 10s, 5m, 2h or 1d, not '5'", "-d", "5");
	REFUSED("--time takes PATH[:iso|s|ms|us|ns], not ''", "--time", "");
	REFUSED("--key takes paths such as user.id,items[0].sku, not 'a,,b'", "-k", "a,,b");
	REFUSED("--key takes paths such as user.id,items[0].sku, not 'a,'", "-k", "a,");
	REFUSED("--key takes paths such as user.id,items[0].sku, not ''", "-k", "");
	REFUSED("--mode takes one of one|two|three, not 'tw'", "--mode", "tw");
	REFUSED("--mode takes one of one|two|three, not 'one|two'", "--mode", "one|two");
}

static void
required(void **state)
{
	static const struct weir_opt need[] = {
		{ 'x', "first", "X", "what it is for", WEIR_TEXT, WEIR_REQUIRED, AT(text), NULL },
		{ 0, "second", "Y", "another", WEIR_COUNT, WEIR_REQUIRED, AT(count), NULL },
		{ 0 }
	};
	const struct opt_set two[] = { { need, &v }, { table, &v } };

	(void)state;
	clear();
	assert_int_equal(parse(two, 2, "--second", "1", NULL), WEIR_EUSAGE);
	assert_string_equal(f.text, "-x (--first) X is needed: what it is for");
	assert_int_equal(parse(two, 2, "-x", "1", NULL), WEIR_EUSAGE);
	assert_string_equal(f.text, "--second Y is needed: another");
	assert_int_equal(parse(two, 2, "-x", "1", "--second", "2", NULL), 0);
}

static void
values_grammars(void **state)
{
	static const char *const bad_count[] = { "", "-1", "+1", " 1", "\t1", "\n-1", "1 ", "0x10", "18446744073709551616" };
	static const char *const bad_size[] = { "", "K", "-1K", "\t1K", "1k", "1.5M", "8388608T", "99999999999999999999" };
	static const struct { const char *text; int64_t us; } good[] = {
		{ "0", 0 }, { "0s", 0 }, { "5us", 5 }, { "7ms", 7000 }, { "2m", 120000000 }, { "1h", INT64_C(3600000000) }, { "1d", INT64_C(86400000000) },
		{ "9223372036854775807us", INT64_MAX },
	};
	static const char *const bad_duration[] = { "", "s", "1", "-1s", "\n1s", "1S", "1 s", "9223372036854775808us", "106751992d" };
	uint64_t n;
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof bad_count / sizeof *bad_count; i++)
		assert_int_equal(opt_count(bad_count[i], &n), -1);
	assert_int_equal(opt_count("18446744073709551615", &n), 0);
	assert_true(n == UINT64_MAX);
	for (size_t i = 0; i < sizeof bad_size / sizeof *bad_size; i++)
		assert_int_equal(opt_size(bad_size[i], &n), -1);
	assert_int_equal(opt_size("2T", &n), 0);
	assert_true(n == UINT64_C(2) << 40);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(opt_duration(good[i].text, &us), 0);
		assert_true(us == good[i].us);
	}
	for (size_t i = 0; i < sizeof bad_duration / sizeof *bad_duration; i++)
		assert_int_equal(opt_duration(bad_duration[i], &us), -1);
}

/* The unit is the end of the text; a path may hold colons. */
static void
times(void **state)
{
	static const struct { const char *text, *path; int unit; } c[] = {
		{ "t", "t", WEIR_UNIT_ISO }, { "t:iso", "t", WEIR_UNIT_ISO }, { "t:s", "t", WEIR_UNIT_S }, { "t:us", "t", WEIR_UNIT_US },
		{ "t:ns", "t", WEIR_UNIT_NS }, { "a:s:ms", "a:s", WEIR_UNIT_MS }, { "t:min", "t:min", WEIR_UNIT_ISO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct weir_time t;

		assert_int_equal(opt_time(c[i].text, &t), 0);
		assert_string_equal(t.path, c[i].path);
		assert_int_equal(t.unit, c[i].unit);
		free((void *)(uintptr_t)t.path);
	}
}

static void
meaning_is(const char *want)
{
	struct buf b = { 0 };

	assert_int_equal(opt_meaning(&set, &b), 0);
	assert_int_equal(buf_putc(&b, '\0'), 0);
	assert_string_equal(b.p, want);
	buf_free(&b);
}

/* What is the same configuration has the same text, however it was typed. */
static void
meaning(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-d", "24h", "-k", "a,b", "--time", "t:iso", "-n", "3", "--maybe=x"), 0);
	meaning_is("--count 3 --size 65536 --duration 86400s --time t --key a,b --mode two");
	assert_int_equal(PARSE("--time=t", "--key=a,b", "--mode", "two", "--count=3", "--duration", "1d", "--size=64K"), 0);
	meaning_is("--count 3 --size 65536 --duration 86400s --time t --key a,b --mode two");
	assert_int_equal(PARSE("-f", "-t", "x", "-d", "1500ms", "-a", "p", "-a", "q", "--mode", "one", "--time", "t:ms"), 0);
	meaning_is("--flag --text x --count 7 --size 65536 --duration 1500000us --time t:ms --agg p,q --mode one");
}

static void
nearest(void **state)
{
	static const char *const names[] = { "validate", "dedupe", "enrich", "window-agg" };
	char word[256];

	(void)state;
	assert_string_equal(opt_nearest("dedup", names, 4), "dedupe");
	assert_string_equal(opt_nearest("valdiate", names, 4), "validate");
	assert_string_equal(opt_nearest("windowagg", names, 4), "window-agg");
	assert_null(opt_nearest("frobnicate", names, 4));
	memset(word, 'v', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	assert_null(opt_nearest(word, names, 4));
}

static void
help_text(void **state)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_non_null(out);
	opt_synopsis(out, "tool", &set, 1);
	opt_help(out, &set, 1);
	fclose(out);
	assert_non_null(strstr(text, "usage: tool [-f] [-t NAME] [--maybe[=NAME]] [-n N]"));
	assert_non_null(strstr(text, "  -n, --count N                   a number (7)\n"));
	for (char *p = text, *nl; (nl = strchr(p, '\n')); p = nl + 1)
		assert_true(nl - p <= 100);
	free(text);
}

static int
release(void **state)
{
	(void)state;
	clear();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type), cmocka_unit_test(presets_and_the_last_one_counts), cmocka_unit_test(mistakes_have_remedies),
		cmocka_unit_test(required), cmocka_unit_test(values_grammars), cmocka_unit_test(times), cmocka_unit_test(meaning),
		cmocka_unit_test(nearest), cmocka_unit_test(help_text),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, release);
}
