/*
 * batches.h - what was committed under which --batch-id: the table property "weir.batches".
 */
#ifndef BATCHES_H
#define BATCHES_H

#include "metadata.h"

#define BATCHES_KEY	"weir.batches"
#define BATCHES_MAX	1000		/* ids kept; the oldest go */

/* 0 new; 1 committed with this hash; WEIR_EFENCED: with another one.  snapshot and rows are those of the commit, when 1. */
int	batches_find(const struct metadata *, const char *id, const char *hash, int64_t *snapshot, int64_t *rows, struct fail *);

/* Put it into the properties to be set, and into the summary. */
int	batches_fill(const struct metadata *, const char *id, const char *hash, int64_t rows, int64_t snapshot, json_t *summary,
	    json_t *properties);

#endif
