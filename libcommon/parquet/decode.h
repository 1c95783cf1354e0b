/*
 * decode.h - the encodings of Parquet (parquet-format, Encodings.md), a batch
 * of values at a time.
 *
 * A decoder reads from bytes in place; nothing it hands out is copied but what
 * has to be put together (DELTA_BYTE_ARRAY, BYTE_STREAM_SPLIT of fixed bytes),
 * and that stands in a buffer of bounded size.  No function reads outside the
 * bytes it was given, whatever they say.  Functions return NULL, or what is
 * wrong with the bytes: static text.
 */
#ifndef DECODE_H
#define DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define DECODE_BATCH		1024		/* values at most in one call */
#define DECODE_ARENA		(1 << 20)	/* put-together bytes of one batch, unless one value is longer */
#define DECODE_VALUE_MAX	(256u << 20)	/* bytes of one such value */

enum decode_encoding {
	DECODE_PLAIN = 0, DECODE_PLAIN_DICTIONARY = 2, DECODE_RLE = 3, DECODE_BIT_PACKED = 4, DECODE_DELTA_BINARY_PACKED = 5,
	DECODE_DELTA_LENGTH_BYTE_ARRAY = 6, DECODE_DELTA_BYTE_ARRAY = 7, DECODE_RLE_DICTIONARY = 8, DECODE_BYTE_STREAM_SPLIT = 9
};

/* One value: booleans and integers in i, floats in d (and as they are stored in f), the others as bytes in b. */
union decode_cell {
	int64_t	i;
	double	d;
	struct {
		const uint8_t	*p;
		uint32_t	 n;
	} b;
};

/* The hybrid of run lengths and bit-packed groups; also plain runs of packed bits. */
struct decode_rle {
	const uint8_t	*p, *end;
	uint64_t	 left;		/* values of this run still to come */
	uint32_t	 value;		/* of a repeated run */
	unsigned	 width;		/* bits of a value, 0 to 32 */
	unsigned	 bit;		/* of *p, where a packed run goes on */
	int		 packed;
};

void		 decode_rle_init(struct decode_rle *, const uint8_t *p, const uint8_t *end, unsigned width);
const char	*decode_rle(struct decode_rle *, uint32_t *out, size_t n);

/* Levels in the deprecated BIT_PACKED form: the highest bit first, no runs.  p holds (n * width + 7) / 8 bytes at least. */
void		 decode_bits_msb(const uint8_t *p, uint64_t first, unsigned width, uint32_t *out, size_t n);

/* DELTA_BINARY_PACKED. */
struct decode_delta {
	const uint8_t	*p, *end;
	const uint8_t	*widths;	/* of the miniblocks in this block */
	uint64_t	 left;		/* values in all */
	uint64_t	 last, min;	/* arithmetic wraps around, as the format wants */
	uint32_t	 n_mini, per_mini, mini, at;	/* miniblocks a block, values of each, where we are */
	int		 first, in_block;
};

const char	*decode_delta_init(struct decode_delta *, const uint8_t *p, const uint8_t *end);
const char	*decode_delta(struct decode_delta *, int64_t *out, size_t n);
/* The byte behind the last block, for what follows it. */
const char	*decode_delta_end(const struct decode_delta *, const uint8_t **p);

/* The values of one page. */
struct decode {
	const union decode_cell	*dictionary;	/* when the encoding wants one */
	uint32_t		 n_dictionary;
	uint8_t			 physical;	/* enum parquet_type */
	uint8_t			 encoding;	/* enum decode_encoding */
	uint32_t		 width;		/* bytes of a value of PARQUET_FIXED */
	const uint8_t		*p, *end;
	struct decode_rle	 rle;
	struct decode_delta	 lengths, prefixes;
	uint64_t		 split_n, split_at;	/* BYTE_STREAM_SPLIT: values in the page, the next one */
	struct buf		*arena;		/* the caller's, one for each column */
	uint32_t		 previous;	/* DELTA_BYTE_ARRAY: length of the last value, which begins at arena[last] */
	size_t			 last;
};

/* Begin with the values in p..end.  physical, width, encoding, dictionary and arena are set; "encoding" when the pair of type and
 * encoding is none that the format has, so that the caller can name them. */
const char	*decode_open(struct decode *, const uint8_t *p, const uint8_t *end);

/* Up to n <= DECODE_BATCH values into cell[]; *got of them, at least one.  Cells are valid until the next call. */
const char	*decode_values(struct decode *, union decode_cell *cell, size_t n, size_t *got);

const char	*decode_name(unsigned encoding);	/* "RLE", for messages */

extern const char decode_unsupported[];	/* what decode_open() says of an unknown pair */
extern const char decode_no_memory[];

#endif
