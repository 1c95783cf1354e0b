#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "scan.h"
#include "weir.h"

int
lines_open(struct lines *l, int fd, size_t max_line, struct fail *f)
{
	*l = (struct lines){ .fd = fd };
	return lines_set_max(l, max_line, f);
}

int
lines_set_max(struct lines *l, size_t max_line, struct fail *f)
{
	size_t cap = max_line + 1 + LINES_BLOCK;
	char *p = cap > l->cap ? realloc(l->p, cap + SCAN_PAD) : l->p;

	if (!p)
		return fail(f, WEIR_EAGAIN, "no memory for lines of %zu bytes; --max-line sets the limit", max_line);
	if (cap > l->cap) {
		memset(p + cap, 0, SCAN_PAD);
		l->cap = cap;
	}
	l->p = p;
	l->max_line = max_line;
	return 0;
}

void
lines_close(struct lines *l)
{
	free(l->p);
	l->p = NULL;
}

int
lines_empty(const struct lines *l)
{
	return !l->eof && (l->start == l->end || !memrchr(l->p + l->start, '\n', l->end - l->start));
}

void
lines_unread(struct lines *l, const char *p)
{
	l->start = (size_t)(p - l->p);
}

static int
span(struct lines *l, size_t n, char **p, size_t *out)
{
	*p = l->p + l->start;
	*out = n;
	l->start += n;
	return LINES_WHOLE;
}

int
lines_next(struct lines *l, char **p, size_t *n, struct fail *f)
{
	for (;;) {
		char *from = l->p + l->start, *nl;
		size_t have = l->end - l->start;
		ssize_t k;

		if (l->in_long && have) {
			nl = memchr(from, '\n', have);
			l->in_long = !nl;
			span(l, nl ? (size_t)(nl + 1 - from) : have, p, n);
			return nl ? LINES_LONG_END : LINES_LONG;
		}
		if (have && (nl = memrchr(from, '\n', have))) {
			/* A line over the limit within the block stands alone, so that the lines around it are not held up. */
			if (have > l->max_line) {
				char *first = memchr(from, '\n', have);
				size_t whole = 0;

				while (first && (size_t)(first - from) - whole <= l->max_line) {
					whole = (size_t)(first + 1 - from);
					first = memchr(from + whole, '\n', have - whole);
				}
				if (!whole) {
					l->in_long = 1;
					continue;
				}
				return span(l, whole, p, n);
			}
			return span(l, (size_t)(nl + 1 - from), p, n);
		}
		if (have > l->max_line) {
			l->in_long = 1;
			continue;
		}
		if (l->eof) {
			if (!have)
				return LINES_EOF;
			span(l, have, p, n);
			return LINES_TORN;
		}
		if (l->start) {
			memmove(l->p, from, have);
			l->start = 0;
			l->end = have;
		}
		k = l->cap - l->end < LINES_BLOCK ? (ssize_t)(l->cap - l->end) : (ssize_t)LINES_BLOCK;
		meter_wait_input(l->meter, l->fd);
		k = read(l->fd, l->p + l->end, (size_t)k);
		meter_go(l->meter);
		if (k < 0)
			return errno == EINTR ? fail(f, WEIR_EAGAIN, "interrupted") : fail_errno(f, WEIR_EIO, "cannot read the input");
		l->eof = !k;
		l->end += (size_t)k;
		l->bytes += (uint64_t)k;
	}
}
