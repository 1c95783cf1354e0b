/*
 * format.h - the values of JSON Schema's `format` keyword (validation 7.3), for --format-assert.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>

struct format {
	const char	*name;
	unsigned	 drafts;		/* 1 << enum schema_draft */
	const char	*says;			/* for people: expected ... */
	int		(*check)(const char *p, size_t n);	/* p: valid UTF-8, 8 readable bytes behind it; 1 or 0 */
};

/* NULL: not known in that draft, so it says nothing. */
const struct format *format_find(const char *name, size_t n, int draft);

#endif
