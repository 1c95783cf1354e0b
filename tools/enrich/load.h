/*
 * load.h - what the kinds share that read a whole table from a file.
 *
 * A kind's load function walks over its source and, row by row, puts the
 * literals of the wanted columns one behind the other with load_value() or
 * load_object_*(), then ends the row with load_row().  Loading makes a new
 * table beside the old one, which stays when anything fails.
 */
#ifndef LOAD_H
#define LOAD_H

#include "buf.h"
#include "lookup.h"

struct load {
	const struct lookup	*lookup;
	struct rows		*rows;
	const char		*unit;		/* of `line` in messages: ":" (file:17) or ", row " */
	struct buf		 text;		/* the literals of this row */
	uint32_t		 end[LOOKUP_WANTS_MAX];
	uint32_t		 n;
	uint32_t		 line;		/* where this row stands, from 1 */
};

/* open, find, refresh and close of such a kind. */
int	load_open(struct lookup *, int (*fn)(struct load *, struct fail *), struct fail *);
int	load_find(const struct lookup *, const char *key, size_t n, int64_t at_us, struct rows_value *);
int	load_refresh(struct lookup *, struct fail *);
void	load_close(struct lookup *);

/* A reason with its place: "users.csv:17: ...".  Returns WEIR_ECONFIG. */
int	load_bad(const struct load *, struct fail *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* in->text, or another text of a row, took no more: it is at its ceiling ("WHAT longer than ..."), or memory is short (WEIR_EAGAIN). */
int	load_full(const struct load *, const char *what, struct fail *);

/* Text as a literal of the wanted type: a number must be JSON's, an empty one is null.  0 or a code. */
int	load_text(struct load *, const char *p, size_t n, int type, const char *column, struct fail *);
int	load_literal(struct load *, const char *json, size_t n, struct fail *);
int	load_value_end(struct load *, struct fail *);	/* the literal of the next wanted column is complete */

/* Members of the literal of a whole row: key, then its value by load_text() or load_literal(). */
int	load_member(struct load *, const char *name, size_t n, struct fail *);
int	load_object_end(struct load *, struct fail *);

/* The row is complete.  `from` is its valid_from, NULL for the beginning of time. */
int	load_row(struct load *, const char *key, size_t n, const char *from, size_t from_n, struct fail *);

#endif
