/* Control lines: one form out, any spacing and order in; keys of data that look like theirs; counts and hashes of the output. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "out.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static struct fail f;

static void
formats(void **state)
{
	struct buf b = { 0 };
	json_t *c = json_pack("{s:s,s:s,s:{s:s,s:s,s:s}}", "k", "bar", "Z", "\xc3\xbc\xf0\x9d\x84\x9e\"\n", "a", "b", "2", "B", "3", "10", "1");

	(void)state;
	assert_int_equal(control_format(c, &b, &f), 0);
	assert_int_equal(buf_putc(&b, '\0'), 0);
	assert_string_equal(b.p, "{\"@weir\":{\"Z\":\"\\u00FC\\uD834\\uDD1E\\\"\\n\",\"a\":{\"10\":\"1\",\"B\":\"3\",\"b\":\"2\"},\"k\":\"bar\"}}\n");
	json_decref(c);
	buf_free(&b);
}

/* Up to CONTROL_MAX bytes, the newline counted, and not one more. */
static void
format_limit(void **state)
{
	size_t n = CONTROL_MAX - strlen("{\"@weir\":{\"k\":\"\"}}\n");
	char *text = calloc(1, n + 2);
	struct buf b = { 0 };
	json_t *c;

	(void)state;
	memset(text, 'x', n);
	c = json_pack("{s:s}", "k", text);
	assert_int_equal(control_format(c, &b, &f), 0);
	assert_int_equal(b.n, CONTROL_MAX);
	json_decref(c);
	c = control_parse(b.p, b.n);
	assert_non_null(c);
	json_decref(c);
	assert_int_equal(buf_putc(&b, ' '), 0);
	assert_null(control_parse(b.p, b.n));
	b.n = 0;
	text[n] = 'x';
	c = json_pack("{s:s}", "k", text);
	assert_int_equal(control_format(c, &b, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "use --shard"));
	json_decref(c);
	buf_free(&b);
	free(text);
}

static void
parses(void **state)
{
	static const char *const good[] = {
		"{\"@weir\":{\"k\":\"wm\",\"ts\":\"5\"}}", " { \"@weir\" :\t{ \"ts\" : \"5\" , \"k\" : \"wm\" } } \r", "{\"\\u0040weir\":{\"k\":\"\\u0077m\",\"ts\":\"5\"}}",
		"{\"@weir\":{\"k\":\"wm\",\"ts\":\"5\",\"new\":{\"x\":[1]}}}",
	};
	static const char *const bad[] = {
		"", "{}", "[]", "\"@weir\"", "{\"@weir\":1}", "{\"@weir\":[]}", "{\"@weir\":{},\"x\":1}", "{\"@@weir\":{}}", "{\"@weir\":{}} x", "{\"@weir\":{}}{}",
		"{\"@weir\":{\"k\":\"a\",\"k\":\"b\"}}", "{\"@weir\":{},\"@weir\":{}}", "{\"@weir\":{}", "{\"@WEIR\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		json_t *c = control_parse(good[i], strlen(good[i]));
		uint64_t n;

		assert_non_null(c);
		assert_string_equal(control_text(c, "k"), "wm");
		assert_int_equal(control_count(c, "ts", &n), 0);
		assert_int_equal(n, 5);
		json_decref(c);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (control_parse(bad[i], strlen(bad[i])))
			fail_msg("'%s' was taken for a control line", bad[i]);
}

static void
members(void **state)
{
	json_t *c = json_pack("{s:s,s:i,s:s,s:s,s:{s:s,s:{}}}", "text", "7x", "number", 7, "minus", "-7", "n", "18446744073709551615", "o", "b", "1", "a");
	char *text;
	uint64_t n;

	(void)state;
	assert_string_equal(control_text(c, "text"), "7x");
	assert_string_equal(control_text(c, "number"), "");	/* every leaf is a string */
	assert_string_equal(control_text(c, "o"), "");
	assert_string_equal(control_text(c, "none"), "");
	assert_int_equal(control_count(c, "text", &n), -1);
	assert_int_equal(control_count(c, "number", &n), -1);
	assert_int_equal(control_count(c, "minus", &n), -1);
	assert_int_equal(control_count(c, "none", &n), -1);
	assert_int_equal(control_count(c, "n", &n), 0);
	assert_true(n == UINT64_MAX);
	text = control_object(c, "o");
	assert_string_equal(text, "{\"a\":{},\"b\":\"1\"}");
	free(text);
	text = control_object(c, "text");
	assert_string_equal(text, "{}");
	free(text);
	json_decref(c);
}

static void
limits(void **state)
{
	static const char *const bad[] = {
		"", "depth=0 dup=reject line=1", "depth=1025 dup=reject line=1", "depth=1 dup=reject line=0", "depth=1 dup=reject line=1073741824",
		"depth=1 dup=reject", "depth=x dup=reject line=1", "depth=-1 dup=last line=5", "depth=1 dup=last line=-5",
	};
	uint64_t line;
	uint32_t depth;
	int last;

	(void)state;
	assert_int_equal(control_limits("depth=128 dup=reject line=1048576", &line, &depth, &last), 0);
	assert_int_equal(line, 1 << 20);
	assert_int_equal(depth, 128);
	assert_false(last);
	assert_int_equal(control_limits("depth=1024 dup=last line=1073741823 more=1", &line, &depth, &last), 0);
	assert_true(last);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (control_limits(bad[i], &line, &depth, &last) == 0)
			fail_msg("'%s' was taken for limits", bad[i]);
}

static void
escape_is(const char *in, int by, const char *want)
{
	struct buf line = { 0 }, b = { 0 };

	assert_int_equal(buf_puts(&line, in), 0);	/* with the padding that the scanner wants */
	assert_int_equal(control_escape(line.p, line.n, by, &b), 0);
	if (b.n != strlen(want) || memcmp(b.p, want, b.n))
		fail_msg("%s became %.*s, not %s", in, (int)b.n, b.p, want);
	buf_free(&line);
	buf_free(&b);
}

static void
escapes(void **state)
{
	static const struct { const char *in, *out; } c[] = {
		{ "{\"@weir\":1}", "{\"@@weir\":1}" },
		{ "{\"@@weir\":1}", "{\"@@@weir\":1}" },
		{ "{\"\\u0040weir\":1}", "{\"@@weir\":1}" },
		{ "{\"@\\u0040w\\u0065\\u0069\\u0072\":1}", "{\"@@@weir\":1}" },
		{ "{\"\\u0040\\u0077eir\" : 1}", "{\"@@weir\" : 1}" },
		{ " { \"a\" : {\"@weir\":1} , \"@weir\" : [ \"@weir\" ] , \"b\":2 } ", " { \"a\" : {\"@weir\":1} , \"@@weir\" : [ \"@weir\" ] , \"b\":2 } " },
		{ "{\"@weir\":1,\"x\":2,\"@@weir\":3}", "{\"@@weir\":1,\"x\":2,\"@@@weir\":3}" },
		{ "{}", "{}" },
	};
	static const char *const same[] = {
		"{\"weir\":1}", "{\"@weirs\":1}", "{\"@wei\":1}", "{\"@\":1}", "{\"\":1}", "{\"x@weir\":1}", "{\"@weir \":1}", "{\"@Weir\":1}", "{\"\\u0140weir\":1}",
		"{\"@weir\\u0000\":1}", "{\"\\\\u0040weir\":1}", "{\"@weir\\n\":1}", "{\"@we\\u0131r\":1}", "{\"a\":\"@weir\"}", "{\"@we\\\"ir\":1}",
		"{\"@weir@\":1}", "{\"@\\u005cweir\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++)
		escape_is(c[i].in, 1, c[i].out);
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		escape_is(same[i], 1, same[i]);
		escape_is(same[i], -1, same[i]);
	}
	escape_is("{\"@@weir\":1,\"@weir\":2,\"@@@weir\":3}", -1, "{\"@weir\":1,\"@weir\":2,\"@@weir\":3}");
	escape_is("{\"@\\u0040weir\":1}", -1, "{\"@weir\":1}");
}

/* Of any length: what one side escapes the other finds again. */
static void
escapes_back(void **state)
{
	char in[512], out[512];

	(void)state;
	for (int n = 1; n < 400; n++) {
		memset(in, 0, sizeof in);
		memset(out, 0, sizeof out);
		memset(in + 2, '@', (size_t)n);
		memset(out + 2, '@', (size_t)n + 1);
		memcpy(in, "{\"", 2);
		memcpy(out, "{\"", 2);
		strcat(in, "weir\":1}");
		strcat(out, "weir\":1}");
		escape_is(in, 1, out);
		escape_is(out, -1, in);
	}
}

/* ---- the output ---- */

static void
counts_and_hash(void **state)
{
	uint64_t n, hash, other;
	struct out o;
	char got[256];
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(out_open(&o, fd[1], &f), 0);
	o.framed = 1;
	assert_int_equal(out_control(&o, "{h}\n", 4, &f), 0);
	assert_int_equal(read(fd[0], got, sizeof got), 4);	/* control is never held back */
	assert_int_equal(out_data(&o, "a\nb\n", 4, 2, &f), 0);
	out_mark(&o, &n, &hash);
	assert_int_equal(n, 2);
	assert_int_equal(out_data(&o, "a\n", 2, 1, &f), 0);
	memcpy(out_room(&o, 2, &f), "b\n", 2);
	out_added(&o, 2, 1);
	out_mark(&o, &n, &other);
	assert_int_equal(n, 2);
	assert_true(hash == other);	/* of the bytes, however they came; control lines are not of it */
	out_mark(&o, &n, &other);
	assert_int_equal(n, 0);
	assert_true(other == UINT64_C(0x2d06800538d394c2));	/* xxh3-64 of nothing */
	assert_int_equal(out_control(&o, "{b}\n", 4, &f), 0);
	assert_int_equal(o.seq, 2);
	assert_int_equal(o.bytes, 16);
	assert_int_equal(read(fd[0], got, sizeof got), 12);
	assert_memory_equal(got, "a\nb\na\nb\n{b}\n", 12);
	o.framed = 0;
	assert_int_equal(out_control(&o, "{x}\n", 4, &f), 0);
	assert_int_equal(out_flush(&o, &f), 0);
	assert_int_equal(o.bytes, 16);
	out_close(&o);
	close(fd[0]);
	close(fd[1]);
}

static void
reader_gone(void **state)
{
	struct out o;
	int fd[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	assert_int_equal(out_open(&o, fd[1], &f), 0);
	assert_int_equal(out_data(&o, "a\n", 2, 1, &f), 0);
	assert_int_equal(out_flush(&o, &f), WEIR_EGONE);
	assert_int_equal(out_flush(&o, &f), 0);	/* said once */
	out_close(&o);
	close(fd[1]);
	assert_int_equal(out_open(&o, -1, &f), 0);
	assert_int_equal(out_data(&o, "a\n", 2, 1, &f), 0);
	assert_int_equal(out_flush(&o, &f), WEIR_EIO);
	out_close(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats), cmocka_unit_test(format_limit), cmocka_unit_test(parses), cmocka_unit_test(members), cmocka_unit_test(limits),
		cmocka_unit_test(escapes), cmocka_unit_test(escapes_back), cmocka_unit_test(counts_and_hash), cmocka_unit_test(reader_gone),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
