/*
 * cell.h - one JSON value as one value of a column; row.h says what each type takes.
 */
#ifndef CELL_H
#define CELL_H

#include "buf.h"
#include "schema.h"
#include "weir.h"

enum cell_fit { CELL_AS_IS, CELL_CHANGED, CELL_BAD };

/* Zero it; cell_free() in the end. */
struct cell {
	struct buf	 text;		/* a string that had to be decoded */
	const char	*why;		/* of CELL_BAD: "has no zone", or NULL where the column's type says enough */
	char		 day[10];	/* the date that was read last, and its number */
	int32_t		 day_number;
};

/* v is neither absent nor null, the field no RECORD; its mode is not looked at.  CELL_CHANGED: the literal to write instead stands at the
 * end of out.  CELL_BAD: cell_explain() says why.  WEIR_EAGAIN: no memory.  But for CELL_CHANGED, out is as it was. */
int	cell_put(struct cell *, const struct schema_field *, const struct weir_value *, struct buf *out);

/* "is "n/a", a string; its column (NUMERIC(9, 2)) takes ...", for any value that does not fit. */
void	cell_explain(const struct cell *, const struct schema_field *, const struct weir_value *, char *out, size_t size);

void	cell_free(struct cell *);

/* For cell.c alone: the kinds of text.  p[0..n) is the decoded content; quoted: it stood in quotes. */
int	cell_decimal(struct cell *, const struct schema_field *, const char *p, size_t n, int quoted, struct buf *out);
int	cell_interval(struct cell *, const char *p, size_t n, struct buf *out);

/* DATE, TIME, DATETIME, TIMESTAMP (fraction digits of a second are kept).  *order grows with the value. */
int	cell_time(struct cell *, unsigned type, unsigned fraction, const char *p, size_t n, int64_t *order, struct buf *out);

#endif
