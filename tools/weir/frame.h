/*
 * frame.h - control lines as the wrappers of foreign commands write them.
 */
#ifndef FRAME_H
#define FRAME_H

#include <jansson.h>

#include "fail.h"
#include "out.h"

/* Can the line p[0..n) be a control line: an object whose first key is "@weir", as it may be written? */
int	frame_may_be(const char *p, size_t n);

/* A data line, newline included, as it is without control lines around it: escaped keys lose one '@'.  1: it is in the buf; 0: it is
 * the same as before; -1: no memory. */
int	frame_unescape(const char *p, size_t n, struct buf *);

/* Are control lines written to standard output?  To the next stage they are; to a terminal or a file they are not. */
int	frame_wanted(void);

/* Write it, numbered. */
int	frame_put(struct out *, json_t *control, struct fail *);

/* Number and hash of the data since the last one, into a barrier.  0 or -1. */
int	frame_stamp(struct out *, json_t *bar);

#endif
