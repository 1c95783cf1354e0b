/*
 * ops.h - what the catalogs share with each other and with nobody else.
 */
#ifndef CATALOG_OPS_H
#define CATALOG_OPS_H

#include "catalog.h"

/* `path` of the database with its options ("?name=..."), or of the folder.  The result's warehouse is set by catalog_open(). */
int	catalog_sqlite(const char *path, int create, struct catalog **, struct fail *);
int	catalog_file(const char *dir, int create, struct catalog **, struct fail *);

/* version-hint.text beside a metadata file, for readers that open a folder.  A hint only: what goes wrong is ignored. */
void	catalog_hint(struct store *, const char *metadata_location);

#endif
