/*
 * pages.h - one leaf of the row group that is being written: its current page,
 * its dictionary, and the pages that are done, compressed.
 *
 * A page ends when it has as many rows or bytes as it may; that depends on the
 * rows alone, never on how they were cut into batches.  A dictionary is given
 * up when its first page shows that it does not pay, or when it is full: what
 * comes after is PLAIN.
 */
#ifndef PAGES_H
#define PAGES_H

#include "dictionary.h"
#include "minmax.h"
#include "press.h"

/* parquet.thrift: Encoding, PageType, CompressionCodec */
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_RLE_DICTIONARY = 8 };
enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };
enum { CODEC_NONE = 0, CODEC_ZSTD = 6 };

struct pages_limits {
	uint32_t	page_rows;
	size_t		page_bytes;		/* of raw values */
	size_t		dictionary_bytes;	/* 0: no dictionaries */
};

struct pages {
	const struct parquet_column	*leaf;
	const struct pages_limits	*limits;
	struct press			*press;

	/* the current page */
	struct buf	 def, rep, plain;	/* a byte a level; PLAIN, but booleans a byte each */
	uint32_t	*index;			/* of values in the dictionary */
	uint32_t	 index_cap;
	uint32_t	 rows, n_levels, n_values;
	size_t		 raw;			/* bytes its values would have in PLAIN */

	/* the chunk: what the footer says of it */
	struct dictionary dictionary;
	int		 use_dictionary, tried;	/* tried: the first page has been looked at */
	uint32_t	 n_plain_pages, n_dictionary_pages;
	int64_t		 all_levels, nulls;
	uint64_t	 encoded;		/* bytes of finished pages before compression, without headers */
	struct minmax	 minmax;

	/* of the chunk, too, and the press's until press_wait() */
	int		 codec;			/* -1 not chosen yet; parquet CompressionCodec: 0 none, 6 zstd */
	struct buf	 done;			/* data pages with their headers */
	size_t		 done_cap;		/* of done; may be read at any time */
	uint64_t	 uncompressed;		/* bytes of its pages, headers included */

	/* the file: Iceberg's metrics */
	int64_t		 file_levels, file_nulls, file_bytes;
	struct minmax	 file_minmax;
};

void	pages_init(struct pages *, const struct parquet_column *leaf, const struct pages_limits *, struct press *, size_t *budget);

/* Take n rows off the front of v. */
int	pages_add(struct pages *, struct parquet_values *v, uint32_t n_rows, struct fail *);

/* Bytes of this chunk so far, before compression; and of memory. */
uint64_t pages_bytes(const struct pages *);
size_t	pages_memory(const struct pages *);

/* End the chunk.  dictionary[] gets the dictionary page with its header (nothing when there is none); the data pages are in
 * p->done.  pages_next() then makes ready for the next chunk. */
int	pages_finish(struct pages *, struct buf *dictionary, struct fail *);
void	pages_next(struct pages *, uint64_t chunk_bytes);

/* Between two chunks, or in the end: give the memory back. */
void	pages_release(struct pages *);

#endif
