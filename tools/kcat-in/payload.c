/*
 * payload - from a record's bytes to one line of NDJSON.
 */
#include "config.h"

#include "payload.h"

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int
payload_has_newline(const char *p, size_t *n)
{
	if (!memchr(p, '\n', *n))
		return 0;
	while (*n && is_blank(p[*n - 1]))
		(*n)--;
	return memchr(p, '\n', *n) != NULL;
}

int
payload_one_line(struct buf *b, const char *p, size_t n, const struct scan_limits *limits, struct scan_fault *fault)
{
	size_t at = b->n;
	char *q, *end;

	/* In the buffer it has the padding that the scanner reads over. */
	if (buf_put(b, p, n) < 0)
		return -1;
	if (scan_document(b->p + at, n, limits, fault) < 0) {
		b->n = at;
		return 1;
	}
	for (q = b->p + at, end = q + n; (q = memchr(q, '\n', (size_t)(end - q))); q++)
		*q = ' ';
	return 0;
}

int
payload_splice(struct buf *b, const char *p, size_t n, const char *member, size_t n_member)
{
	size_t before;

	while (n && is_blank(p[n - 1]))
		n--;
	if (!n || p[n - 1] != '}')
		return 1;
	for (before = n - 1; before && is_blank(p[before - 1]); before--)
		;
	if (!before || buf_reserve(b, n + 1 + n_member) < 0)
		return before ? -1 : 1;
	buf_put(b, p, n - 1);
	if (p[before - 1] != '{')	/* a member stands before */
		buf_putc(b, ',');
	buf_put(b, member, n_member);
	return buf_putc(b, '}');
}
