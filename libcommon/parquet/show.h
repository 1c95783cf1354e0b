/*
 * show.h - one Parquet value as JSON, and as a key that compares.
 *
 * How a value looks follows from the column's physical and logical type, and
 * from the type that the reader's user wants (an Iceberg schema knows more
 * than an old file).  Integers and decimals keep their digits; times are ISO
 * 8601, with Z when they are instants; binary is base64; NaN and the
 * infinities, which JSON has not, are strings.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdint.h>

#include "buf.h"
#include "column.h"
#include "decode.h"
#include "tail.h"
#include "number.h"

enum show_form {
	SHOW_NULL, SHOW_BOOLEAN, SHOW_INTEGER, SHOW_UNSIGNED, SHOW_FLOAT, SHOW_DOUBLE, SHOW_HALF, SHOW_DECIMAL, SHOW_DECIMAL_BYTES,
	SHOW_DATE, SHOW_TIME, SHOW_TIMESTAMP, SHOW_INT96, SHOW_TEXT, SHOW_BASE64, SHOW_UUID, SHOW_INTERVAL
};

struct show {
	uint8_t	form;			/* enum show_form */
	uint8_t	unit, utc;		/* times: enum tail_unit */
	uint8_t	scale;
	uint8_t	bits;			/* SHOW_UNSIGNED */
};

enum show_kind { SHOW_KEY_NUMBER, SHOW_KEY_DOUBLE, SHOW_KEY_BYTES };

/* A value to compare with another of the same kind.  Times are numbers of seconds, dates of days, booleans 0 and 1. */
struct show_key {
	uint8_t		kind;		/* enum show_kind */
	struct number	number;
	double		d;
	struct {
		const void	*p;
		size_t		 n;
	} bytes;
};

/* How to show the values of a leaf; want may be NULL.  NULL, or why that cannot be done: static text. */
const char	*show_pick(struct show *, const struct tail_node *leaf, const struct parquet_column *want);

/* Append the value.  NULL, or what is wrong with it; show_no_memory. */
const char	*show_json(const struct show *, const union decode_cell *, struct buf *);
extern const char show_no_memory[];

/* The value as a key; bytes point to where the cell points.  0, or -1: it has no order. */
int	show_key(const struct show *, const union decode_cell *, struct show_key *);
/* The same of a bound in a file's statistics. */
int	show_key_bound(const struct show *, const struct tail_node *leaf, const char *p, size_t n, struct show_key *);

/* <0, 0, >0; of NaN the answer is 2: nothing. */
int	show_compare(const struct show_key *, const struct show_key *);

#endif
