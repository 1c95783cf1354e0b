/*
 * commit.h - changing a table: create it, append to it.
 *
 * An append is decided by one compare-and-swap of the catalog.  Whoever loses
 * looks at the table again, asks check() again, and builds on the new head;
 * data files and their manifest are made once.  The snapshot id is chosen by
 * the caller before the first attempt and identifies the commit for ever.
 */
#ifndef COMMIT_H
#define COMMIT_H

#include "manifest.h"
#include "table.h"

#define COMMIT_ATTEMPTS		30

struct commit {
	const char		*ref;		/* branch */
	int64_t			 snapshot_id;
	int64_t			 now_ms;
	const struct spec	*spec;		/* of all files */
	const struct manifest_file *file;	/* status MANIFEST_ADDED, content MANIFEST_DATA; none: an empty append */
	size_t			 n_files;
	const struct schema	*schema;	/* a new current schema, its id and last_column_id chosen by commit_evolve(); or NULL */
	int32_t			 last_column_id;
	int32_t			 base_schema_id;	/* what `schema` was made from */

	/* Asked on every attempt, of the table as it is now: 0 go on, 1 this commit is in the table already, or an error. */
	int	(*check)(void *arg, const struct table *, struct fail *);
	/* Add to the summary (texts) and to the table's properties (texts; JSON null removes); asked on every attempt. */
	int	(*fill)(void *arg, const struct table *, int64_t sequence, json_t *summary, json_t *properties, struct fail *);
	void	*arg;

	/* Result. */
	int	 attempts;
	int64_t	 sequence;
	int	 already;		/* check() said so, or the snapshot was found there */
	int	 unreferenced;		/* no attempt of this commit can be in the table: its data files may go */
};

/* 0; WEIR_EAGAIN: too many conflicts, or the schema moved under ours; WEIR_EUNKNOWN: it may have happened, files must stay;
 * other codes: check()'s, or it has not happened.  The table is loaded anew on 0. */
int	commit_append(struct table *, struct commit *, struct fail *);

/* May `ref` be appended to?  Its snapshot into *head, -1 for none; WEIR_ECONFIG when it is no branch. */
int	commit_branch(const struct table *, const char *ref, int64_t *head, struct fail *);

struct commit_table {
	const char		*name;
	const struct schema	*schema;	/* with ids, schema-id 0 */
	int32_t			 last_column_id;
	const struct spec	*spec;		/* NULL: unpartitioned */
	json_t			*properties;	/* texts, or NULL; not taken over */
	int64_t			 now_ms;
};

/* 0 created, 1 somebody was first.  It has no snapshot. */
int	commit_create(struct catalog *, const struct commit_table *, struct fail *);

#endif
