/*
 * partition.h - which partition a row is in, and what a finished Parquet file is to Iceberg.
 */
#ifndef PARTITION_H
#define PARTITION_H

#include "files.h"
#include "manifest.h"

struct partition;

/* root is laid out from that schema; all outlive it.  WEIR_ECONFIG for a source column inside a list, or a transform not known. */
int	partition_new(const struct schema *, const struct spec *, const struct parquet_column *root, struct partition **, struct fail *);
void	partition_free(struct partition *);

/* struct files_ops.keys; arg is the struct partition. */
int	partition_keys(void *arg, const struct parquet_values *, uint32_t n_rows, struct buf *keys, uint32_t *end, struct fail *);

/* The tuple of a key, spec.n datums whose strings point into the key. */
int	partition_tuple(const struct partition *, const void *key, size_t n, struct datum *tuple);

/* A finished file as a manifest's entry, ADDED; it owns copies of everything. */
int	partition_file(const struct partition *, const struct files_done *, struct manifest_file *, struct fail *);

#endif
