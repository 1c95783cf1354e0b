/*
 * buf.h - bytes that grow, up to a named ceiling.
 *
 * Zero it, or set max; no other set-up.  Functions return 0, or -1 when
 * memory is short (errno ENOMEM) or max would be passed (EMSGSIZE): then
 * nothing was added.  The bytes are not terminated.  64 bytes behind the end
 * are always readable, as the scanner of libcommon/json wants.
 */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>
#include <string.h>

#define BUF_PAD		64

struct buf {
	char	*p;
	size_t	 n, cap;	/* cap does not count the padding */
	size_t	 max;		/* 0: no ceiling but memory */
};

int	buf_grow(struct buf *, size_t more);
int	buf_printf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	buf_free(struct buf *);

/* Room for `more` bytes behind n. */
static inline int
buf_reserve(struct buf *b, size_t more)
{
	return b->cap - b->n >= more && b->p ? 0 : buf_grow(b, more);
}

static inline int
buf_put(struct buf *b, const void *p, size_t n)
{
	if (buf_reserve(b, n) < 0)
		return -1;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

static inline int
buf_putc(struct buf *b, char c)
{
	return buf_put(b, &c, 1);
}

static inline int
buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

#endif
