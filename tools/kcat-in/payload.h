/*
 * payload.h - from a record's bytes to one line of NDJSON, touching as little as possible.
 *
 * Pure; nothing here decides whether the bytes are JSON, except where a
 * newline must become a blank: inside a string it may not, so such a payload
 * is scanned strictly first.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stddef.h>

#include "buf.h"
#include "scan.h"

/* The payload has a newline other than white space at its end.  *n is cut to leave out white space at the end. */
int	payload_has_newline(const char *p, size_t *n);

/* Append p[0..n) with the newlines between tokens as blanks.  0; 1 with *fault when it is no JSON; -1 when memory is short or
 * the ceiling of the buffer would be passed. */
int	payload_one_line(struct buf *, const char *p, size_t n, const struct scan_limits *, struct scan_fault *);

/* Append p[0..n), an object as far as one can see, with `member` ("key":value) added at its end.  0; 1 when it does not end
 * like an object and nothing was appended; -1 as above.  What is no JSON object before is none afterwards. */
int	payload_splice(struct buf *, const char *p, size_t n, const char *member, size_t n_member);

#endif
