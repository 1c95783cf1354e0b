/*
 * values.h - the values of one leaf, as they come from a shredder.
 */
#ifndef VALUES_H
#define VALUES_H

#include <stdint.h>

#include "column.h"

struct parquet_bytes {
	const char	*p;
	uint32_t	 n;
};

/* Some rows of one leaf.  An entry is a value or a null (or an empty list); values are only what is not null. */
struct parquet_values {
	uint32_t		 n_levels;	/* entries */
	uint32_t		 n_values;
	const uint8_t		*def;		/* of each entry; NULL: all are values */
	const uint8_t		*rep;		/* of each entry; NULL: the leaf is in no list or map */
	union {					/* by the leaf's physical type */
		const uint8_t			*bools;	/* 0 or 1 */
		const int32_t			*i32;
		const int64_t			*i64;
		const float			*f32;
		const double			*f64;
		const struct parquet_bytes	*bytes;
		const uint8_t			*fixed;	/* leaf->width bytes each; decimals big-endian */
	};
};

/* Bytes from one value to the next in the arrays above. */
static inline uint32_t
values_stride(const struct parquet_column *leaf)
{
	switch (leaf->physical) {
	case PARQUET_BOOLEAN:
		return 1;
	case PARQUET_INT32: case PARQUET_FLOAT:
		return 4;
	case PARQUET_INT64: case PARQUET_DOUBLE:
		return 8;
	case PARQUET_FIXED:
		return leaf->width;
	default:
		return sizeof(struct parquet_bytes);
	}
}

#endif
