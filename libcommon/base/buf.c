#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"

#define BUF_FIRST	256

int
buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	char *p;

	if (more > SIZE_MAX / 4 - b->n || (b->max && b->n + more > b->max)) {
		errno = EMSGSIZE;
		return -1;
	}
	while (cap < b->n + more)
		cap *= 2;
	if (b->max && cap > b->max)
		cap = b->max;
	if (!(p = realloc(b->p, cap + BUF_PAD))) {
		errno = ENOMEM;
		return -1;
	}
	memset(p + cap, 0, BUF_PAD);
	b->p = p;
	b->cap = cap;
	return 0;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_reserve(b, (size_t)n) < 0)		/* the NUL of vsnprintf() has room in the padding */
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return 0;
}

void
buf_free(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}
