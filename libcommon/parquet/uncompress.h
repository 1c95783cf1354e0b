/*
 * uncompress.h - the codecs of Parquet pages (parquet-format, Compression.md).
 *
 * The size of the result is known before: a codec writes exactly that many
 * bytes, or the page is damaged.  Nothing else is allocated in proportion to
 * the input.
 */
#ifndef UNCOMPRESS_H
#define UNCOMPRESS_H

#include <stddef.h>
#include <stdint.h>

enum uncompress_codec {
	UNCOMPRESS_NONE, UNCOMPRESS_SNAPPY, UNCOMPRESS_GZIP, UNCOMPRESS_LZO, UNCOMPRESS_BROTLI, UNCOMPRESS_LZ4, UNCOMPRESS_ZSTD,
	UNCOMPRESS_LZ4_RAW
};

struct uncompress;			/* contexts that are used again and again */

struct uncompress *uncompress_new(void);	/* NULL: no memory */
void	uncompress_free(struct uncompress *);

/* NULL when the codec can be read, else its name. */
const char *uncompress_unsupported(int codec);

/* in[0..n) into exactly out[0..n_out).  NULL, or what is wrong: static text, or decode_no_memory. */
const char *uncompress_page(struct uncompress *, int codec, const uint8_t *in, size_t n, uint8_t *out, size_t n_out);

/* The block formats alone, for tests.  0, or -1. */
int	uncompress_snappy(const uint8_t *in, size_t n, uint8_t *out, size_t n_out);
int	uncompress_lz4(const uint8_t *in, size_t n, uint8_t *out, size_t n_out);

#endif
