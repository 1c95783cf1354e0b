/*
 * encode.h - the RLE/bit-packed hybrid and the bits of booleans.
 *
 * parquet-format Encodings.md: RLE = 3, PLAIN = 0.  All append to a buf;
 * 0, or -1 when memory is short.
 */
#ifndef ENCODE_H
#define ENCODE_H

#include <stdint.h>

#include "buf.h"

/* Bits to hold 0..max. */
static inline unsigned
encode_width(uint32_t max)
{
	return max ? 32u - (unsigned)__builtin_clz(max) : 0;
}

/* Definition or repetition levels as a v1 data page has them: a length, then the hybrid.  width 1 to 8. */
int	encode_levels(struct buf *, const uint8_t *v, size_t n, unsigned width);

/* Dictionary indices: one byte of width, then the hybrid.  width 1 to 31. */
int	encode_indices(struct buf *, const uint32_t *v, size_t n, unsigned width);

/* Bytes 0 or 1, eight to a byte, the first in the lowest bit. */
int	encode_bools(struct buf *, const uint8_t *v, size_t n);

#endif
