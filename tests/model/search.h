/*
 * search.h - every state that a model can reach, nearest first, and the shortest way to a wrong one.
 *
 * A state is a struct without pointers whose unused bytes are zero: two states
 * are one when their bytes are equal.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include <stddef.h>
#include <stdint.h>

#define SEARCH_STATES	12000000u	/* a model that grows beyond this is a failure, not a success */

struct search;

struct search_model {
	size_t	  size;			/* bytes of a state */
	void	(*first)(const void *variant, void *state);
	/* Call search_to() for each state one step away, or search_wrong(). */
	void	(*next)(struct search *, const void *variant, const void *state);
};

enum search_result { SEARCH_HOLDS, SEARCH_WRONG, SEARCH_TOO_BIG };

/* All of it.  *n: states that were looked at.  out: lines for the way to the wrong state, one step each, put behind `prefix`. */
enum search_result search_run(const struct search_model *, const void *variant, uint64_t *n, int verbose, const char *prefix);

void	search_to(struct search *, const void *state, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Is somebody going to read what a step is called? */
int	search_telling(const struct search *);
void	search_wrong(struct search *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
