/*
 * minmax.h - the smallest and the largest value of a leaf, and the two forms
 * in which files keep them.
 *
 * Order: numbers by value; strings, binary, fixed and uuid as unsigned bytes;
 * wide decimals as signed big-endian numbers.  NaN is counted, never a bound.
 * Of bytes only the first MINMAX_BYTES are kept: enough for every bound.
 */
#ifndef MINMAX_H
#define MINMAX_H

#include <stdint.h>

#include "dictionary.h"
#include "values.h"

#define MINMAX_BYTES	64	/* Parquet statistics are cut here, too */
#define BOUND_CHARS	16	/* code points of a string, bytes of other things in an Iceberg bound: truncate(16) */

struct minmax_bytes {
	uint8_t	n, longer;		/* longer: the value goes on behind these bytes */
	uint8_t	b[MINMAX_BYTES];
};

struct minmax {
	uint8_t			seen;		/* there is a min and a max */
	int64_t			n_nan;
	int64_t			min_i, max_i;	/* boolean, int32, int64 */
	double			min_d, max_d;	/* float, double */
	uint64_t		min_key, max_key;	/* first eight bytes of the two below, as a number in the leaf's order */
	struct minmax_bytes	min_b, max_b;
};

/* A bound as it is written; n = 0 and has = 0: none. */
struct parquet_bound {
	uint8_t	has, exact;
	uint8_t	n;
	uint8_t	b[MINMAX_BYTES + 1];
};

void	minmax_add(struct minmax *, const struct parquet_column *leaf, const struct parquet_values *v, uint32_t from, uint32_t to);
void	minmax_add_dictionary(struct minmax *, const struct parquet_column *leaf, const struct dictionary *);
void	minmax_merge(struct minmax *into, const struct parquet_column *leaf, const struct minmax *from);

/* For ColumnMetaData.statistics: PLAIN without a length. */
void	minmax_parquet(const struct minmax *, const struct parquet_column *leaf, struct parquet_bound *min, struct parquet_bound *max);

/* Single-value binary form (Iceberg, Appendix D), cut by truncate(16). */
void	minmax_iceberg(const struct minmax *, const struct parquet_column *leaf, struct parquet_bound *lower, struct parquet_bound *upper);

#endif
