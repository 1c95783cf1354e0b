/*
 * csv.h - comma-separated values as RFC 4180 has them, one record at a time.
 *
 * UTF-8, a byte order mark skipped; lines end with LF or CRLF; the last one
 * needs no end.  Fields in quotes may hold commas, line ends and doubled
 * quotes.  Empty lines are skipped.  Refused, with the line: a quote inside a
 * field that does not begin with one, text behind a closing quote, an open
 * quote at the end, NUL, bytes that are no UTF-8, a lone CR.
 */
#ifndef CSV_H
#define CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "fail.h"

#define CSV_FIELDS_MAX	1024		/* of a record */
#define CSV_RECORD_MAX	(1 << 20)	/* bytes of a record's fields */

struct csv {
	FILE		*file;		/* the caller's */
	const char	*name;		/* for messages */
	struct buf	 text;		/* the fields, one behind the other */
	uint32_t	 end[CSV_FIELDS_MAX];	/* field i is text.p[end[i-1]] .. text.p[end[i]] */
	size_t		 n;		/* fields of this record */
	uint32_t	 line;		/* where this record begins, from 1 */
	uint32_t	 next_line;
};

void	csv_open(struct csv *, FILE *, const char *name);
void	csv_close(struct csv *);	/* not the file */

/* 1, or 0 at the end, or a negative code with the reason (WEIR_ECONFIG, WEIR_EIO).  Fields stay valid until the next call. */
int	csv_next(struct csv *, struct fail *);

static inline const char *
csv_field(const struct csv *c, size_t i, size_t *n)
{
	uint32_t start = i ? c->end[i - 1] : 0;

	*n = c->end[i] - start;
	return c->text.p + start;
}

#endif
