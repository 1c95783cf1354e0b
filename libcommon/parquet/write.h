/*
 * write.h - writes one Parquet file.
 *
 * Pages: v1, RLE_DICTIONARY or PLAIN, zstd, CRC.  The same rows give the same
 * bytes, however they were cut into batches.  Memory: the compressed pages of
 * one row group, one raw page a leaf, and the dictionaries.
 *
 * parquet-format at 2.11; field ids, types and bounds as in the Iceberg
 * specification, Appendix A and D.
 */
#ifndef WRITE_H
#define WRITE_H

#include "minmax.h"
#include "press.h"
#include "values.h"

#define PARQUET_PAGE_ROWS	20000
#define PARQUET_PAGE_BYTES	(1u << 20)
#define PARQUET_DICTIONARY_BYTES	(2u << 20)	/* of one column */
#define PARQUET_DICTIONARIES_BYTES	(24u << 20)	/* of all in one writer, with their indices */
#define PARQUET_ROW_GROUP_BYTES	(32u << 20)	/* before compression */
#define PARQUET_ROW_GROUP_ROWS	(1u << 24)

struct parquet_writer;

/* Where the bytes go, in order.  The owner of the file descriptor syncs and closes it. */
struct parquet_sink {
	int	(*write)(void *arg, const void *p, size_t n, struct fail *);
	void	*arg;
};

struct parquet_pair {
	const char	*key, *value;
};

/* Zero is: the defaults above, zstd 1, no size at which a file ends. */
struct parquet_options {
	struct press			*press;		/* shared with other writers of this thread; NULL: one of its own */
	int				 no_compression;
	int				 level;		/* without press: of zstd, 0 means 1 */
	int				 thread;	/* without press: compress in a thread */
	int				 no_dictionary;
	uint32_t			 page_rows;
	size_t				 page_bytes, dictionary_bytes;
	uint64_t			 row_group_bytes;
	uint64_t			 file_bytes;	/* append() stops taking rows at about this size */
	const struct parquet_pair	*pair;		/* key_value_metadata */
	uint32_t			 n_pairs;
};

/* What Iceberg keeps of one leaf.  For leaves in a list or map (repeated) only column_size means what readers expect. */
struct parquet_metrics {
	int32_t			field_id;
	int			repeated;
	int64_t			value_count;	/* nulls and NaN included */
	int64_t			null_count;
	int64_t			nan_count;	/* -1: not a floating-point column */
	int64_t			column_size;	/* compressed bytes, headers included */
	struct parquet_bound	lower, upper;
};

struct parquet_result {
	int64_t				n_rows, file_size;
	uint32_t			n_leaves, n_splits;
	const struct parquet_metrics	*leaf;
	const int64_t			*split;		/* where each row group begins */
};

/* root was laid out by column_layout() and stays the caller's; so do press and pairs, and they outlive the writer.  Nothing is
 * written yet.  NULL: *fail tells. */
struct parquet_writer *parquet_writer_new(const struct parquet_column *root, const struct parquet_options *, const struct parquet_sink *,
	    struct fail *);
void	parquet_writer_free(struct parquet_writer *);

/* Rows: v[leaf] for every leaf.  What was taken is removed from v, and its number is in *taken: all of them, or fewer when the
 * file has reached file_bytes, and then the rest belongs into another file.  After a failure only free() may follow. */
int	parquet_writer_append(struct parquet_writer *, struct parquet_values *v, uint32_t n_rows, uint32_t *taken, struct fail *);
int	parquet_writer_full(const struct parquet_writer *);

/* End the row group now, to give its memory back. */
int	parquet_writer_flush(struct parquet_writer *, struct fail *);

/* Flush, footer.  At least one row must have been appended: Iceberg wants no empty files.  *result lives as long as the writer. */
int	parquet_writer_finish(struct parquet_writer *, struct parquet_result *, struct fail *);

uint64_t parquet_writer_rows(const struct parquet_writer *);
uint64_t parquet_writer_bytes(const struct parquet_writer *);	/* written, and what is waiting at its size before compression */
size_t	parquet_writer_memory(const struct parquet_writer *);

#endif
