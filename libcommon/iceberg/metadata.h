/*
 * metadata.h - table metadata, v1 to v3 read, v2 written (spec, "Table Metadata", Appendix C).
 *
 * The document is kept as it was read and changed in place, so that fields
 * of other writers and later versions survive a commit of ours.
 */
#ifndef METADATA_H
#define METADATA_H

#include "transform.h"

#define METADATA_MAX_BYTES	(512u << 20)

struct metadata_snapshot {
	int64_t		 id, parent;		/* parent -1: none */
	int64_t		 sequence, timestamp_ms;
	int32_t		 schema_id;		/* -1: not written */
	const char	*operation;		/* "append", ...; "" when missing */
	const char	*manifest_list;		/* NULL: v1 with inline manifests */
	const json_t	*json;			/* everything, "summary" too */
};

struct metadata {
	json_t			*doc;
	int			 format;	/* 1, 2, 3 */
	const char		*uuid, *location;	/* uuid "" in v1 without one */
	int64_t			 last_sequence, last_updated_ms;
	int32_t			 last_column_id, current_schema_id, default_spec_id, last_partition_id;
	int64_t			 current_snapshot_id;	/* -1: none */
	size_t			 n_schema, n_spec, n_snapshot;
	struct schema		**schema;
	struct spec		**spec;
	struct metadata_snapshot *snapshot;		/* in the order of the document */
};

/* JSON, or gzip of it. */
int	 metadata_parse(const char *p, size_t n, struct metadata **, struct fail *);
/* The same of a document, whose reference is taken over, also on failure. */
int	 metadata_from(json_t *doc, struct metadata **, struct fail *);
void	 metadata_free(struct metadata *);
int	 metadata_text(const struct metadata *, struct buf *out);	/* -1: no memory */

const struct schema	*metadata_schema(const struct metadata *, int32_t id);	/* -1: the current one; NULL: no such */
const struct spec	*metadata_spec(const struct metadata *, int32_t id);	/* -1: the default one */
const struct metadata_snapshot *metadata_snapshot(const struct metadata *, int64_t id);
/* A ref's snapshot: 1, 0 = the ref is not there ("main" is, without snapshot: *id is -1). */
int	 metadata_ref(const struct metadata *, const char *ref, int64_t *id);
/* The snapshot that was current at a time, by the snapshot log; -1 none. */
int64_t	 metadata_as_of(const struct metadata *, int64_t timestamp_ms);
const char *metadata_property(const struct metadata *, const char *key);	/* or NULL */
const char *metadata_summary(const struct metadata_snapshot *, const char *key);	/* or NULL */

#endif
