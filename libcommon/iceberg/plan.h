/*
 * plan.h - what a reader has to read: the live files of a snapshot.
 *
 * Use: catalog_open(), table_load(), pick a snapshot of table->meta, plan_files().
 */
#ifndef PLAN_H
#define PLAN_H

#include "manifest.h"
#include "table.h"

struct plan {
	size_t			 n_data, n_deletes;
	struct manifest_file	*data, *deletes;	/* live ones; in the order of the manifest list */
};

/* A filter on what is opened at all; may be NULL.  manifest(): 0 skips a manifest (its partition summaries say no).
 * Strict in one direction only: what cannot match may be skipped. */
struct plan_filter {
	int	(*manifest)(void *, const struct manifest *, const struct spec *, const struct schema *);
	int	(*file)(void *, const struct manifest_file *, const struct spec *, const struct schema *);
	void	*arg;
};

int	plan_files(struct table *, int64_t snapshot_id, const struct plan_filter *, struct plan *, struct fail *);
/* Files added by the append snapshots in (from, to]: WEIR_EOFFSET when `from` is no ancestor of `to` any more, WEIR_ECONFIG at a
 * snapshot that deleted or overwrote rows, unless skip_changes. */
int	plan_added(struct table *, int64_t from, int64_t to, int skip_changes, struct plan *, struct fail *);
void	plan_free(struct plan *);

#endif
