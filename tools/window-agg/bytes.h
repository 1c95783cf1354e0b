/*
 * bytes.h - numbers as little-endian bytes: what a state snapshot is made of.
 *
 * bytes_put*() return 0 or -1 like buf_put(); bytes_get*() return 0, or 1 when the bytes end too early.
 */
#ifndef BYTES_H
#define BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"

static inline int
bytes_put32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	return buf_put(b, &v, sizeof v);
}

static inline int
bytes_put64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	return buf_put(b, &v, sizeof v);
}

static inline int
bytes_get32(const char **p, const char *end, uint32_t *v)
{
	if ((size_t)(end - *p) < sizeof *v)
		return 1;
	memcpy(v, *p, sizeof *v);
	*v = le32toh(*v);
	*p += sizeof *v;
	return 0;
}

static inline int
bytes_get64(const char **p, const char *end, uint64_t *v)
{
	if ((size_t)(end - *p) < sizeof *v)
		return 1;
	memcpy(v, *p, sizeof *v);
	*v = le64toh(*v);
	*p += sizeof *v;
	return 0;
}

#endif
