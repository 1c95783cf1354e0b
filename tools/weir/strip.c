/*
 * weir strip - data without the control lines, for programs that are not weir's.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "control.h"
#include "frame.h"
#include "lines.h"
#include "out.h"

#define LINE	(64u << 20)	/* longer ones pass in pieces, as they are */

struct strip {
	struct lines	in;
	struct out	out;
	struct buf	line;
	struct fail	fail;
	int		framed;		/* -1: no line yet.  Plain data has no control lines: nothing is dropped, nothing unescaped */
	int		open;		/* a stream began and has not ended */
};

/* One line of a framed stream: control lines of any run go, escaped keys lose one '@'. */
static int
framed_line(struct strip *s, const char *p, size_t n)
{
	json_t *c = frame_may_be(p, n) ? control_parse(p, n - 1) : NULL;
	int e;

	if (c) {
		s->open = !strcmp(control_text(c, "k"), "hello") || (s->open && strcmp(control_text(c, "k"), "eos"));
		json_decref(c);
		return 0;
	}
	if ((e = frame_unescape(p, n, &s->line)) < 0)
		return fail(&s->fail, WEIR_EAGAIN, "no memory");
	return out_data(&s->out, e ? s->line.p : p, e ? s->line.n : n, 1, &s->fail);
}

/* Does the input begin with hello? */
static int
is_framed(const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	json_t *c = nl && frame_may_be(p, (size_t)(nl - p)) ? control_parse(p, (size_t)(nl - p)) : NULL;
	int framed = c && !strcmp(control_text(c, "k"), "hello");

	json_decref(c);
	return framed;
}

static int
span(struct strip *s, int what, const char *p, size_t n)
{
	int e = 0;

	if (s->framed < 0)
		s->framed = what == LINES_WHOLE && is_framed(p, n);
	if (!s->framed || what != LINES_WHOLE)
		return out_data(&s->out, p, n, 1, &s->fail);
	while (!e && n) {
		size_t len = (size_t)((const char *)memchr(p, '\n', n) + 1 - p);

		e = framed_line(s, p, len);
		p += len;
		n -= len;
	}
	return e;
}

static int
strip(struct strip *s)
{
	size_t n;
	char *p;
	int what, e;

	for (;;) {
		if (lines_empty(&s->in) && (e = out_flush(&s->out, &s->fail)))
			return e;
		if ((what = lines_next(&s->in, &p, &n, &s->fail)) == WEIR_EAGAIN)
			continue;
		if (what == LINES_EOF)
			break;
		if (what < 0 || (what = span(s, what, p, n)) < 0)
			return what;
	}
	if ((e = out_flush(&s->out, &s->fail)))
		return e;
	return !s->open ? 0 : fail(&s->fail, WEIR_EAGAIN, "strip: input ended without its end mark: a stage before this one died, and what came out is not all");
}

int
command_strip(int argc, char **argv)
{
	struct strip s = { .framed = -1 };
	int e;

	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		puts("usage: weir strip <STREAM\ndrop control lines; exit 75 when the stream has no end mark");
		return fflush(stdout) == 0 ? 0 : -WEIR_EIO;
	}
	if (argc > 1)
		return command_error(WEIR_EUSAGE, "strip takes no arguments: it reads standard input");
	signal(SIGPIPE, SIG_IGN);
	if (lines_open(&s.in, 0, LINE, &s.fail) < 0 || out_open(&s.out, 1, &s.fail) < 0)
		return command_error(s.fail.code, "%s", s.fail.text);
	e = strip(&s);
	buf_free(&s.line);
	lines_close(&s.in);
	out_close(&s.out);
	return e ? command_error(e, "%s", s.fail.text) : 0;
}
