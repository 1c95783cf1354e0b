/*
 * footer.h - Parquet's metadata structs, written as thrift.
 */
#ifndef FOOTER_H
#define FOOTER_H

#include "pages.h"
#include "thrift.h"
#include "write.h"

/* The list of SchemaElement as field `id`. */
void	footer_schema(struct thrift_out *, int id, const struct parquet_column *root);

/* One ColumnChunk, as an item of a list. */
void	footer_chunk(struct thrift_out *, const struct pages *, int64_t offset, int64_t dictionary_bytes);

/* column_orders as field `id`: TYPE_ORDER for every leaf. */
void	footer_orders(struct thrift_out *, int id, uint32_t n_leaves);

void	footer_pairs(struct thrift_out *, int id, const struct parquet_pair *, uint32_t n);

#endif
