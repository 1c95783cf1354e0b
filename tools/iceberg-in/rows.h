/*
 * rows.h - the rows of a plan's data files, one after another, deleted ones left out.
 *
 * Position deletes (format v2) are applied: those of the data file's sequence
 * number or a later one, of the same partition or about this very file.
 * Equality deletes, deletion vectors (v3) and files that are not Parquet are
 * refused by name before the first row, never passed over.
 */
#ifndef ROWS_H
#define ROWS_H

#include "columns.h"
#include "filter.h"
#include "plan.h"
#include "table.h"

#define ROWS_DELETED	(64u << 20)	/* positions deleted in one data file that are kept in memory */

struct rows;

/* All arguments outlive the result; filter may be NULL. */
int	rows_open(struct table *, const struct plan *, const struct parquet_column *root, struct filter *, struct rows **, struct fail *);
void	rows_free(struct rows *);

/* Append the next matching row: 1; 0 at the end. */
int	rows_next(struct rows *, struct buf *, struct fail *);

#endif
