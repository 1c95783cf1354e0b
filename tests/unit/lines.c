/* Lines out of a descriptor: spans of whole lines, long ones in pieces, the last one torn, at every boundary. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define MAX_LINE	10

static int to = -1;
static struct lines l;
static struct fail f;

static int
setup(void **state)
{
	int fd[2];

	(void)state;
	if (pipe(fd) < 0)
		return -1;
	to = fd[1];
	return lines_open(&l, fd[0], MAX_LINE, &f);
}

static int
teardown(void **state)
{
	(void)state;
	close(l.fd);
	lines_close(&l);
	if (to >= 0)
		close(to);
	to = -1;
	return 0;
}

static void
send(const char *text)
{
	assert_int_equal(write(to, text, strlen(text)), strlen(text));
}

static void
end(void)
{
	close(to);
	to = -1;
}

#define EXPECT(what, text)	do { \
		char *p_; \
		size_t n_ = 0; \
		assert_int_equal(lines_next(&l, &p_, &n_, &f), what); \
		assert_int_equal(n_, strlen(text)); \
		assert_memory_equal(p_, text, n_); \
	} while (0)

static void
expect_eof(void)
{
	char *p;
	size_t n;

	assert_int_equal(lines_next(&l, &p, &n, &f), LINES_EOF);
	assert_int_equal(lines_next(&l, &p, &n, &f), LINES_EOF);
}

static void
spans(void **state)
{
	(void)state;
	assert_true(lines_empty(&l));
	send("a\nbb\n\nhalf");
	EXPECT(LINES_WHOLE, "a\nbb\n\n");
	assert_true(lines_empty(&l));	/* half a line is nothing to work on: whoever asks for more has to wait */
	send("way\nc\n");
	EXPECT(LINES_WHOLE, "halfway\nc\n");
	send("torn");
	end();
	EXPECT(LINES_TORN, "torn");
	expect_eof();
	assert_false(lines_empty(&l));
}

static void
nothing(void **state)
{
	(void)state;
	end();
	expect_eof();
}

/* A line of the limit is whole, one byte more is long; newline not counted. */
static void
limits(void **state)
{
	(void)state;
	send("0123456789\n");
	EXPECT(LINES_WHOLE, "0123456789\n");
	send("0123456789a\n");
	EXPECT(LINES_LONG_END, "0123456789a\n");
	send("ok\n0123456789\n0123456789a\nok\n");
	EXPECT(LINES_WHOLE, "ok\n0123456789\n");
	assert_false(lines_empty(&l));
	EXPECT(LINES_LONG_END, "0123456789a\n");
	EXPECT(LINES_WHOLE, "ok\n");
	send("0123456789");
	end();
	EXPECT(LINES_TORN, "0123456789");
	expect_eof();
}

static void
long_in_pieces(void **state)
{
	(void)state;
	send("0123456789a");
	EXPECT(LINES_LONG, "0123456789a");
	send("bcd");
	EXPECT(LINES_LONG, "bcd");
	send("\nx\ny");
	EXPECT(LINES_LONG_END, "\n");
	EXPECT(LINES_WHOLE, "x\n");
	send("0123456789");
	EXPECT(LINES_LONG, "y0123456789");
	end();
	expect_eof();	/* a long line that ends with the input: the caller has the pieces, and no end */
}

static void
limit_moves(void **state)
{
	char *p;
	size_t n;

	(void)state;
	send("first\n0123456789abcdef\n");
	assert_int_equal(lines_next(&l, &p, &n, &f), LINES_WHOLE);
	assert_int_equal(n, 6);
	lines_unread(&l, p);
	assert_int_equal(lines_set_max(&l, 1u << 20, &f), 0);	/* the buffer moves, its bytes stay */
	EXPECT(LINES_WHOLE, "first\n0123456789abcdef\n");
	assert_int_equal(lines_set_max(&l, 3, &f), 0);
	send("abcd\nabc\n");
	EXPECT(LINES_LONG_END, "abcd\n");
	EXPECT(LINES_WHOLE, "abc\n");
}

static void
unread(void **state)
{
	char *p;
	size_t n;

	(void)state;
	send("hello\nrest\n");
	assert_int_equal(lines_next(&l, &p, &n, &f), LINES_WHOLE);
	lines_unread(&l, p + 6);
	assert_false(lines_empty(&l));
	EXPECT(LINES_WHOLE, "rest\n");
}

/* Every way to cut one input into three reads gives the same lines: a pipe of packets gives one write a read. */
static void
every_boundary(void **state)
{
	static const char input[] = "\n0123456789\nabcdefghijk\n\nx\n0123456789abcdefghijklmn\nyy\n0123456789\ntail";
	size_t size = sizeof input - 1;

	(void)state;
	for (size_t first = 0; first <= size; first++)
		for (size_t second = first; second <= size; second++) {
			const size_t cut[] = { 0, first, second, size };
			char whole[256] = "", longs[256] = "", torn[256] = "", *p;
			struct lines in;
			int what, fd[2];
			size_t n;

			assert_int_equal(pipe2(fd, O_DIRECT), 0);
			for (int c = 0; c < 3; c++)
				if (cut[c + 1] > cut[c])
					assert_int_equal(write(fd[1], input + cut[c], cut[c + 1] - cut[c]), cut[c + 1] - cut[c]);
			close(fd[1]);
			assert_int_equal(lines_open(&in, fd[0], MAX_LINE, &f), 0);
			while ((what = lines_next(&in, &p, &n, &f)) != LINES_EOF) {
				assert_true(what > LINES_EOF);
				strncat(what == LINES_WHOLE ? whole : what == LINES_TORN ? torn : longs, p, n);
			}
			assert_string_equal(whole, "\n0123456789\n\nx\nyy\n0123456789\n");
			assert_string_equal(longs, "abcdefghijk\n0123456789abcdefghijklmn\n");
			assert_string_equal(torn, "tail");
			close(fd[0]);
			lines_close(&in);
		}
}

/* More than a block, with a line over the end of each. */
static void
blocks(void **state)
{
	enum { SIZE = 5 * LINES_BLOCK / 2 };
	FILE *file = tmpfile();
	uint64_t sum = 0;
	struct lines in;
	unsigned n_lines = 0, x = 1;
	size_t n, size = 0;
	int what;
	char *p;

	(void)state;
	assert_non_null(file);
	while (size < SIZE) {
		unsigned len = (x = x * 1103515245 + 12345) >> 16 & 2047;

		size += (size_t)fprintf(file, "%0*u\n", (int)len + 1, x);
		n_lines++;
	}
	rewind(file);
	assert_int_equal(lines_open(&in, fileno(file), 4096, &f), 0);
	while ((what = lines_next(&in, &p, &n, &f)) == LINES_WHOLE) {
		assert_int_equal(p[n - 1], '\n');
		sum += n;
		for (char *nl = p; (nl = memchr(nl, '\n', (size_t)(p + n - nl))); nl++)
			n_lines--;
		assert_true(n <= LINES_BLOCK + 4096);
	}
	assert_int_equal(what, LINES_EOF);
	assert_int_equal(sum, size);
	assert_int_equal(n_lines, 0);
	lines_close(&in);
	fclose(file);
}

static void
no_descriptor(void **state)
{
	struct lines in;
	size_t n;
	char *p;

	(void)state;
	assert_int_equal(lines_open(&in, -1, MAX_LINE, &f), 0);
	assert_int_equal(lines_next(&in, &p, &n, &f), WEIR_EIO);
	assert_string_equal(f.text, "cannot read the input: Bad file descriptor");
	lines_close(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(spans, setup, teardown), cmocka_unit_test_setup_teardown(nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown), cmocka_unit_test_setup_teardown(long_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(limit_moves, setup, teardown), cmocka_unit_test_setup_teardown(unread, setup, teardown),
		cmocka_unit_test(every_boundary), cmocka_unit_test(blocks), cmocka_unit_test(no_descriptor),
	};

	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
