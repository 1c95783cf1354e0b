/*
 * read.h - rows of a Parquet file, one row group at a time, as JSON.
 *
 * Order of calls: open; columns (once, or none for all of them); watch for
 * what a filter looks at; then for each row group wanted: group, and next
 * until it returns 0, each row either shown, skipped or just left by the
 * following next.  Only chosen and watched columns are read from the file.
 *
 * Functions return 0 (next and peek: 1 or 0), or WEIR_EDATA for a damaged
 * file, WEIR_ECONFIG for a feature that is not supported, WEIR_EAGAIN for
 * short memory, or what the source returned.
 */
#ifndef READ_H
#define READ_H

#include <stdint.h>

#include "buf.h"
#include "column.h"
#include "fail.h"
#include "tail.h"
#include "chunk.h"
#include "show.h"

#define READ_FOOTER	(256u << 20)	/* bytes of the longest footer */
#define READ_WATCHED	64

struct parquet_read;

/* The struct and what it points to is copied, but for source->arg. */
struct parquet_read *parquet_read_open(const struct chunk_source *, struct fail *);
void	parquet_read_close(struct parquet_read *);
const struct tail *parquet_read_footer(const struct parquet_read *);

/* Show these columns: root is a struct whose children are looked for by field id (by name in a file without ids), at every level.
 * One that the file lacks is null.  The tree must outlive the reader.  NULL: what the file has, as it has it. */
int	parquet_read_columns(struct parquet_read *, const struct parquet_column *root, struct fail *);

/* Also look at the primitive at path[0..n): a column, then a child of it...; none of them a list or map.  Returns its number for
 * the functions below, counted from 0; it may be absent from the file, then it is null in every row. */
int	parquet_read_watch(struct parquet_read *, const struct parquet_column *const *path, size_t n, struct fail *);

/* What the row group's statistics say of a watched column: which of *min, *max are known (bits 1 and 2).  *n_nulls -1: unknown. */
int	parquet_read_bounds(const struct parquet_read *, uint32_t group, int watched, struct show_key *min, struct show_key *max,
	    int64_t *n_nulls);

int	parquet_read_group(struct parquet_read *, uint32_t group, struct fail *);
int	parquet_read_next(struct parquet_read *, struct fail *);
int	parquet_read_json(struct parquet_read *, struct buf *, struct fail *);
int	parquet_read_at_row(const struct parquet_read *);	/* next() gave a row that was neither shown nor left */

/* The value of a watched column in this row: 1; 0: null.  Valid until the row is shown or left. */
int	parquet_read_peek(struct parquet_read *, int watched, struct show_key *, struct fail *);

#endif
