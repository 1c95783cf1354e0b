/*
 * table.h - a table of a catalog as it stands.
 */
#ifndef TABLE_H
#define TABLE_H

#include "catalog.h"
#include "metadata.h"

struct table {
	struct catalog	*catalog;		/* not owned; NULL: opened by its metadata file */
	struct store	*store;			/* of the table's files, owned */
	char		*name;			/* "ns.name" */
	char		*metadata_location;
	struct metadata	*meta;
};

/* 1 loaded, 0 no such table. */
int	table_load(struct catalog *, const char *name, struct table **, struct fail *);
/* By the path of its metadata.json; read only. */
int	table_open_metadata(const char *uri, struct table **, struct fail *);
/* Read it again: 1 it moved, 0 it is the same.  Schemas and snapshots of before are no longer valid after 1. */
int	table_reload(struct table *, struct fail *);
void	table_free(struct table *);

/* A name as a person writes it: at least "ns.name", no empty level, no slash.  0 or WEIR_EUSAGE. */
int	table_check_name(const char *name, struct fail *);

/* "table ns.x does not exist in sqlite:...; similar: ns.y" */
int	table_missing(struct catalog *, const char *name, const char *remedy, struct fail *);

#endif
