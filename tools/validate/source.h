/*
 * source.h - where schema documents come from: files below the schema's folder, and folders that stand for URI prefixes.
 * Nothing is ever fetched.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stddef.h>

#include "buf.h"
#include "fail.h"
#include "weir.h"

struct source {
	char			*folder;	/* "file:///dir/" of the schema */
	char			*uri;		/* of the schema itself */
	const struct weir_list	*map;		/* "URI-PREFIX=DIR" each; not owned */
};

/* 0 or WEIR_ECONFIG, WEIR_EUSAGE; the text of the schema file is appended. */
int	source_open(struct source *, const char *file, const struct weir_list *map, struct buf *text, struct fail *);
void	source_close(struct source *);

/* schema_options.load; arg is the source. */
int	source_load(void *arg, const char *uri, struct buf *text, struct fail *);

#endif
