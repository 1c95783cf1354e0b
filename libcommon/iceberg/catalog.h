/*
 * catalog.h - who knows where a table's metadata is, and swaps it.
 *
 *   sqlite:FILE   one SQLite file, the layout of PyIceberg's SqlCatalog and Java's JdbcCatalog; ?name=NAME, default "weir"
 *   file:DIR      tables are folders DIR/ns/name with metadata/vN.metadata.json and version-hint.text ("hadoop" catalog)
 */
#ifndef CATALOG_H
#define CATALOG_H

#include "buf.h"
#include "fail.h"
#include "store.h"

struct catalog;

struct catalog_ops {
	const char *kind;
	int	names_recur;	/* a table that was dropped and made again has metadata files of the same names */
	/* Where the metadata is, appended to *location: 1; 0: no such table. */
	int	(*load)(struct catalog *, const char *table, struct buf *location, struct fail *);
	/* Where the next metadata file of a table at `location` goes; `old` is the present one's, NULL for a new table. */
	int	(*next)(struct catalog *, const char *location, const char *old, struct buf *out, struct fail *);
	/* Make `text` the metadata at `new`, if `old` is still the present one: 0 done, 1 somebody was first,
	 * WEIR_EUNKNOWN: it may have happened; another error: it has not.  `new` stays only after 0 and WEIR_EUNKNOWN, or
	 * when it is another's.  old NULL: create. */
	int	(*swap)(struct catalog *, const char *table, const char *old, const char *new_, const char *text, size_t n, struct fail *);
	/* Make durable what load() said: who committed it may have been killed before he could. */
	int	(*settle)(struct catalog *, const char *location, struct fail *);
	/* fn() for each "ns.name"; similar names for messages. */
	int	(*list)(struct catalog *, int (*fn)(void *, const char *table), void *arg, struct fail *);
	void	(*close)(struct catalog *);
};

struct catalog {
	const struct catalog_ops *ops;
	struct store		 *store;
	char			 *uri;		/* "sqlite:/abs/catalog.db" */
	char			 *warehouse;	/* URI without a slash at the end */
};

/* uri NULL: ./warehouse/catalog.db if it is there, else WEIR_ECONFIG.  warehouse NULL: the catalog's own folder (sqlite: its
 * folder; file: DIR).  create: make the catalog when it is absent.  */
int	catalog_open(const char *uri, const char *warehouse, int create, struct catalog **, struct fail *);
void	catalog_close(struct catalog *);

/* Where a new table of that name goes: warehouse/ns/name. */
int	catalog_location(struct catalog *, const char *table, struct buf *out, struct fail *);

/* A random uuid (version 4) as text, and a random snapshot id: positive, 63 bits. */
#define CATALOG_UUID_SIZE	37
int	catalog_uuid(char *out, struct fail *);
int	catalog_snapshot_id(int64_t *, struct fail *);

#endif
