/*
 * members.h - which members of an event no column takes.
 *
 * A tree of the paths that columns read.  Whether an object has a member
 * besides them is told by a sum, as a rule: compact JSON with known members
 * alone is just as long as they are.  Only an object with more bytes than
 * that (spaces, escaped keys, an unknown member) is walked.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "buf.h"
#include "fail.h"
#include "path.h"
#include "weir.h"

struct members;

/* NULL: no memory. */
struct members	*members_new(void);
void		 members_free(struct members *);

/* A column reads `path`.  whole: all that is below belongs to it (a primitive, list or map). */
int		 members_add(struct members *, const char *path, int whole, struct fail *);

/* Where the values of each object and member on the way stand: col[] as in weir_batch; want() is asked once a path, and may say
 * -1: then objects with such members are always walked. */
int		 members_bind(struct members *, int (*want)(void *, const char *path), void *arg, struct fail *);

/* Call fn() for every member of event i (p[0..n)) that nobody takes; path is its own, as text.  Stops at fn()'s first answer other
 * than 0 and returns it; 0 at the end. */
int		 members_unknown(struct members *, const char *p, size_t n, struct weir_value *const *col, uint32_t i,
		    int (*fn)(void *, const char *path, size_t path_n, const struct weir_value *), void *arg);

/* A key (decoded UTF-8) behind a path: .name or ."odd name"; without the dot at the beginning. */
int		 members_append(struct buf *path, const char *key, size_t n);

#endif
