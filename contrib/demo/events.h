/*
 * events.h - generated subscription events, and what a correct pipeline finds in them.
 *
 * A stream is a pure function of its options: the same options give the same
 * bytes, on every machine.  Each event is made from its index alone, so that a
 * duplicate is made again instead of being kept.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EVENTS_LINE	640		/* room for any line of events_next() */

struct events_options {
	uint64_t	seed, events, users;	/* lines of every kind; user ids are 1 to users */
	double		duplicates, late, bad;	/* shares, 0 to 1 */
};

struct events;

/* NULL when memory is short. */
struct events	*events_new(const struct events_options *);
void		 events_free(struct events *);

/* The next line, without newline; *user is its key.  Returns its length, 0 at the end. */
size_t		 events_next(struct events *, char *line, uint64_t *user);

/* What was made so far, as one JSON object.  Windows and sums are over the valid events without their duplicates, by their
 * own event time, however late.  0, or -1 when writing failed (errno). */
int		 events_truth(const struct events *, FILE *);

/* The dimension table: id,country,tier,segment,since for every user.  0 or -1. */
int		 events_users(const struct events_options *, FILE *);

#endif
