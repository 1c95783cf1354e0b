/*
 * convert.h - one JSON value to one value of a column, exactly or not at all.
 *
 * What a column takes:
 *   boolean              true, false
 *   int, long            a number whose value is an integer in range (1, 1.0, 1e3)
 *   float, double        a number; the nearest one, if it is finite
 *   decimal(P,S)         a number, or a string with one, that needs no rounding and no more than P digits
 *   date                 "2026-01-31"
 *   time                 "23:59:59[.ffffff]"
 *   timestamp            "2026-01-31T23:59:59[.ffffff]", no zone
 *   timestamptz          the same with Z or +hh:mm
 *                        both: or a number in the unit that the user named; digits behind the microsecond are cut off
 *   string               a string without U+0000; with column.json any value, as its JSON text
 *   uuid                 "f79c3e09-677c-4bbd-a479-3f349cb785e7"
 *   binary, fixed[L]     base64 (RFC 4648, padded); fixed: of exactly L bytes
 */
#ifndef CONVERT_H
#define CONVERT_H

#include "values.h"
#include "weir.h"

enum convert_code { CONVERT_OK, CONVERT_KIND, CONVERT_RANGE, CONVERT_FORM, CONVERT_NUL, CONVERT_MEMORY };

struct convert_block {
	struct convert_block	*next;
	size_t			 n, cap;
	char			 p[];
};

/* Zero it; convert_free() in the end.  Texts that had to be decoded live in it until convert_reset(). */
struct convert {
	struct convert_block	*block;		/* the one in use; those before it are full */
	char			 day[16];	/* the date that was read last, and its number */
	int64_t			 day_us;
};

/* The values of one leaf, growing.  Zero it; vector_free() in the end. */
struct vector {
	char		*data;
	uint8_t		*def, *rep;
	uint32_t	 n_levels, n_values, cap_levels, cap_values;
};

void	convert_reset(struct convert *);
void	convert_free(struct convert *);
/* n bytes that live as long as decoded texts.  NULL: no memory. */
void	*convert_room(struct convert *, size_t n);

/* One value (neither absent nor null) into out, values_stride() bytes.  unit: enum weir_unit, of times. */
int	convert_one(struct convert *, const struct parquet_column *leaf, int unit, const struct weir_value *, void *out);

/* A column of a flat path: entry k is col[row[k]].  up[k] (may be NULL: all there) is the definition level that the struct around
 * it has, up_def the level at which that struct is there.  failed() hears of each value that does not fit, and of a null where the
 * leaf is required (code CONVERT_OK); its row gets something in its place.  0, or -1: no memory. */
int	convert_column(struct convert *, const struct parquet_column *leaf, int unit, const struct weir_value *col, const uint32_t *row,
	    uint32_t n, const uint8_t *up, unsigned up_def, struct vector *out,
	    void (*failed)(void *arg, uint32_t k, int code), void *arg);

/* "is \"n/a\", a string, and its column is decimal(9, 2)" and what would be right. */
void	convert_explain(int code, const struct parquet_column *, const struct weir_value *, char *out, size_t size);

int	vector_levels(struct vector *, uint32_t more);				/* room; 0 or -1 */
int	vector_values(struct vector *, const struct parquet_column *leaf, uint32_t more);
void	vector_free(struct vector *);

/* Base64 in p[0..n) to bytes; returns how many, or -1. */
int64_t	convert_base64(const char *p, size_t n, uint8_t *out);

#endif
