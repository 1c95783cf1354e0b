/*
 * filter.h - `col op value and col op value ...` over the rows and over the bounds of what holds them.
 *
 * As in SQL a comparison with null is never true.  NaN compares as in IEEE
 * 754: unequal to everything, neither less nor greater.
 */
#ifndef FILTER_H
#define FILTER_H

#include "columns.h"
#include "manifest.h"
#include "read.h"

#define FILTER_TERMS	32

struct filter;

/* `text` against the columns of the schema, which must outlive it.  WEIR_EUSAGE, WEIR_ECONFIG. */
int	filter_parse(const char *text, const struct schema *, struct filter **, struct fail *);
void	filter_free(struct filter *);

/* Can the file have a matching row?  By the metrics of its manifest entry. */
int	filter_file(const struct filter *, const struct manifest_file *);

/* Tell the reader of a file what the filter looks at; then: can a row group match, does the current row (1, 0 or an error)? */
int	filter_watch(struct filter *, struct parquet_read *, struct fail *);
int	filter_group(const struct filter *, const struct parquet_read *, uint32_t group);
int	filter_row(const struct filter *, struct parquet_read *, struct fail *);

#endif
