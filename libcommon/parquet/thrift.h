/*
 * thrift.h - writing the compact protocol of Apache Thrift.
 *
 * Only what Parquet's metadata needs.  Fields of a struct are written in
 * ascending order of their ids; thrift_begin() and thrift_end() nest.  The
 * first failure (memory) sticks in `failed`, so callers look once.
 */
#ifndef THRIFT_H
#define THRIFT_H

#include <stdint.h>

#include "buf.h"

#define THRIFT_DEPTH	8	/* structs within structs */

enum thrift_type { THRIFT_TRUE = 1, THRIFT_FALSE = 2, THRIFT_I16 = 4, THRIFT_I32 = 5, THRIFT_I64 = 6, THRIFT_BINARY = 8, THRIFT_LIST = 9,
	THRIFT_STRUCT = 12 };

struct thrift_out {
	struct buf	*to;
	int		 failed;
	unsigned	 depth;
	int16_t		 last[THRIFT_DEPTH];	/* id of the last field of each open struct */
};

/* The outermost struct needs no field id; it ends with thrift_end(), too. */
void	thrift_start(struct thrift_out *, struct buf *to);
void	thrift_i16(struct thrift_out *, int id, int16_t v);
void	thrift_i32(struct thrift_out *, int id, int32_t v);
void	thrift_i64(struct thrift_out *, int id, int64_t v);
void	thrift_bool(struct thrift_out *, int id, int v);
void	thrift_bytes(struct thrift_out *, int id, const void *p, size_t n);
void	thrift_text(struct thrift_out *, int id, const char *s);
void	thrift_begin(struct thrift_out *, int id);
void	thrift_end(struct thrift_out *);

/* A list; its elements follow, by thrift_item*(). */
void	thrift_list(struct thrift_out *, int id, enum thrift_type of, uint32_t n);
void	thrift_item_i32(struct thrift_out *, int32_t v);
void	thrift_item_text(struct thrift_out *, const char *s);
void	thrift_item_begin(struct thrift_out *);	/* a struct; thrift_end() */
void	thrift_item_raw(struct thrift_out *, const void *p, size_t n);	/* elements that were written before */

#endif
