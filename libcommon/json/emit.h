/*
 * emit.h - JSON text into a buf.  All return 0, or -1 as buf_put() does.
 */
#ifndef EMIT_H
#define EMIT_H

#include <stdint.h>

#include "buf.h"

/* A string with its quotes; p[0..n) is UTF-8, escaped where JSON demands it and no more.  Bytes that are no UTF-8 become U+FFFD. */
int	emit_string(struct buf *, const char *p, size_t n);
int	emit_text(struct buf *, const char *s);

/* Bytes of the character that p[0..n) begins with, 0 if they are no UTF-8. */
size_t	emit_utf8_length(const char *p, size_t n);

int	emit_int(struct buf *, int64_t v);

/* The shortest digits that read back as v; not finite: null. */
int	emit_double(struct buf *, double v);

/* Bytes as a base64 string with its quotes (RFC 4648, padded). */
int	emit_base64(struct buf *, const void *p, size_t n);

#endif
