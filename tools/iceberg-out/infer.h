/*
 * infer.h - a table's columns from the events of the first epoch.
 *
 * true, false -> boolean; whole number -> long; another number, or a whole one
 * beyond 64 bits -> double; a string that is always an instant with a zone ->
 * timestamptz, always a date -> date, else string;
 * object -> struct of all members seen; array -> list.  A number that is whole
 * in one event and not in another is a double.  A member that is of several
 * kinds, or an object or array that stays empty, becomes a string with the
 * JSON text.  A member that is always null gets no column.  All are optional.
 *
 * Amounts of money want decimal, which no event tells: say it with --columns.
 */
#ifndef INFER_H
#define INFER_H

#include "schema.h"
#include "weir.h"

#define INFER_MAX_NODES	10000	/* members seen at all */
#define INFER_DEPTH	16	/* deeper objects and arrays become JSON text */

struct infer;

/* `ignore`: a top-level member that is to be no column, or NULL; it outlives the rest. */
struct infer	*infer_new(const char *ignore);
void		 infer_free(struct infer *);
/* One event: a valid JSON object.  Returns 0, or WEIR_EAGAIN, or WEIR_ECONFIG when there are too many members. */
int		 infer_add(struct infer *, const char *p, size_t n, struct fail *);
/* NULL, with *fail, when no column came out. */
struct schema	*infer_schema(const struct infer *, struct fail *);
/* "event_time timestamptz, user struct<id long>": what was found, for people. */
int		 infer_tell(const struct schema *, struct buf *out);

#endif
