/*
 * path.h - paths into events: user.id, items[0].sku, ."odd key".
 */
#ifndef PATH_H
#define PATH_H

#include <stddef.h>
#include <stdint.h>

#define PATH_DEPTH	32	/* segments of one path */
#define PATH_BYTES	1024	/* of its text, and of all its keys together */

struct path_seg {
	const char	*key;		/* decoded UTF-8, not terminated; NULL: an array index */
	uint32_t	 n;
	uint32_t	 index;
};

struct path {
	size_t		n;
	struct path_seg	seg[PATH_DEPTH];
	char		text[PATH_BYTES];	/* what the keys point into */
};

/* A leading dot is allowed.  Quoted keys take JSON's escapes.  0, or -1 when it is no path or passes a limit. */
int	path_parse(const char *text, struct path *);

#endif
