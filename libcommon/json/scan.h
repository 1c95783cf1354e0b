/*
 * scan.h - a strict scanner of JSON that hands out the wanted members.
 *
 * RFC 8259 and UTF-8 (RFC 3629) in one pass, no recursion, nothing allocated
 * per event.  Escaped surrogates must come in pairs; a key that stands twice
 * in one object is a fault unless last_wins.
 *
 * Without memory for an event's keys the process ends (fail_no_memory()): a fault would be taken for the event's, and the event be rejected.
 *
 * Input needs SCAN_PAD readable bytes behind its end, of any value.
 */
#ifndef SCAN_H
#define SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "weir.h"

#define SCAN_PAD	64
#define SCAN_MAX_DEPTH	1024	/* the highest max_depth */

struct scan;

struct scan_limits {
	uint32_t	max_depth;	/* open containers; 128 is usual */
	int		last_wins;	/* duplicate keys: the last one counts */
};

/* Why an input was refused. */
struct scan_fault {
	const char	*code;		/* "not-json", "not-object", "utf-8", "depth", "duplicate-key": static */
	size_t		 at;		/* byte offset */
	char		 message[192];
};

/* No wanted paths at first.  NULL when memory is short. */
struct scan	*scan_new(const struct scan_limits *);
void		 scan_free(struct scan *);
void		 scan_set_limits(struct scan *, const struct scan_limits *);

/* Want a path.  Returns its column, counted from 0, the same for the same path; -1 for a bad path, -2 when memory is short. */
int		 scan_want(struct scan *, const char *path);
size_t		 scan_n_cols(const struct scan *);
/* The single top-level key of column c, decoded, or NULL when its path is longer; and all columns below (c's path + more). */
const char	*scan_col_key(const struct scan *, int c, size_t *n);

/* One event: a JSON object, white space around it allowed.  Writes col[c][i] of every column c (WEIR_ABSENT where the
 * event has no such member).  Returns 0, or -1 with *fault filled in.  On 0, *marks is the number of top-level keys that
 * begin with '@', so that only those lines are looked at again (protocol: @weir). */
int		 scan_event(struct scan *, const char *p, size_t n, struct weir_value *const *col, uint32_t i, unsigned *marks,
		    struct scan_fault *);

/* Of the event just scanned: how many keys no wanted path leads to, in the top object and in objects below it of which members are
 * wanted.  None: the columns are the whole event. */
uint32_t	 scan_unmatched(const struct scan *);

/* The value of column c of event i was replaced by the literal p[0..n) (valid JSON): fill in c and the columns below it. */
int		 scan_member(struct scan *, int c, const char *p, size_t n, struct weir_value *const *col, uint32_t i);

/* Any JSON text, not only objects; p must be padded too. */
int		 scan_document(const char *p, size_t n, const struct scan_limits *, struct scan_fault *);

/* Walk over the members of an object or the elements of an array, p[0..n) valid JSON, brackets included.  Start with
 * *at = 0; returns 1 with key (quotes included; kind WEIR_ABSENT in arrays) and value filled in, 0 at the end. */
int		 scan_next(const char *p, size_t n, size_t *at, struct weir_value *key, struct weir_value *value);

/* The same in two steps, for callers that know some values' ends: after scan_key(), *at is where the value begins; scan_value() moves
 * it, or the caller does, behind the value. */
int		 scan_key(const char *p, size_t n, size_t *at, struct weir_value *key);
void		 scan_value(const char *p, size_t n, size_t *at, struct weir_value *value);

#endif
