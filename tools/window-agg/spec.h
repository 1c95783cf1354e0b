/*
 * spec.h - what the user asks for: --agg 'name=function(path)', and the names of the members of a row.
 */
#ifndef SPEC_H
#define SPEC_H

#include <stddef.h>

#include "aggregate.h"
#include "fail.h"

#define SPEC_NAME	256	/* bytes of a member's name */
#define SPEC_PATH	1024	/* bytes of a path */

struct spec {
	const struct aggregate	*agg;
	char			 name[SPEC_NAME + 1];
	char			 path[SPEC_PATH + 1];	/* empty: none given */
};

/* WEIR_EUSAGE for bad grammar, with the column; WEIR_ECONFIG for a function there is not. */
int	spec_parse(const char *text, struct spec *, struct fail *);

/* The name of a --by member in a row: the last key of its path and the indexes behind it, as SQL names a column; `whole`: all
 * segments; joined by '_'.  0, or -1: no path, or too long. */
int	spec_by_name(const char *path, int whole, char out[SPEC_NAME + 1]);

#endif
