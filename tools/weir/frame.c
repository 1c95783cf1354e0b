#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control.h"
#include "frame.h"
#include "scan.h"

static size_t
blanks(const char *p, size_t n, size_t i)
{
	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r'))
		i++;
	return i;
}

int
frame_may_be(const char *p, size_t n)
{
	size_t i = blanks(p, n, 0);

	if (i >= n || p[i] != '{')
		return 0;
	i = blanks(p, n, i + 1);
	return n - i >= 7 && p[i] == '"' && (p[i + 1] == '@' || p[i + 1] == '\\');
}

int
frame_unescape(const char *p, size_t n, struct buf *b)
{
	static const struct scan_limits limits = { .max_depth = SCAN_MAX_DEPTH, .last_wins = 1 };
	struct scan_fault fault;

	if ((!memmem(p, n, "weir\"", 5) && !memmem(p, n, "\\u", 2)) || p[blanks(p, n, 0)] != '{')
		return 0;
	b->n = 0;
	if (buf_put(b, p, n) < 0)		/* the scanner wants room behind the line */
		return -1;
	if (scan_document(b->p, n - 1, &limits, &fault) != 0)
		return 0;
	b->n = 0;
	return control_escape(p, n, -1, b) < 0 ? -1 : 1;
}

int
frame_wanted(void)
{
	const char *run = getenv("WEIR_RUN"), *last = getenv("WEIR_LAST");
	struct stat st;

	if (run && *run && !(last && *last))
		return 1;
	return fstat(1, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

int
frame_put(struct out *o, json_t *control, struct fail *f)
{
	struct buf line = { 0 };
	char seq[24];
	int e;

	snprintf(seq, sizeof seq, "%" PRIu64, o->seq);
	if (json_object_set_new(control, "seq", json_string(seq)) < 0)
		return fail(f, WEIR_EAGAIN, "no memory");
	if ((e = control_format(control, &line, f)) == 0)
		e = out_control(o, line.p, line.n, f);
	buf_free(&line);
	return e;
}

int
frame_stamp(struct out *o, json_t *bar)
{
	uint64_t n, hash;
	char text[24];

	out_mark(o, &n, &hash);
	snprintf(text, sizeof text, "%" PRIu64, n);
	if (json_object_set_new(bar, "n", json_string(text)) < 0)
		return -1;
	snprintf(text, sizeof text, "%016" PRIx64, hash);
	return json_object_set_new(bar, "hash", json_string(text));
}
