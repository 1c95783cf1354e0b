/*
 * table.h - the table of weir top, as text.
 */
#ifndef TABLE_H
#define TABLE_H

#include "watch.h"

#define TABLE_WIDE	110	/* columns from which on there is room for everything */

/* A run per block, a stage per line, none longer than `width`.  `before` is an earlier look, for rates.  0 or -1. */
int	table_print(struct buf *, const struct watch *, const struct watch *before, int width);

#endif
