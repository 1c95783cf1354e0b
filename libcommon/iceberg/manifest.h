/*
 * manifest.h - manifests and manifest lists, format v1 and v2 read, v2 written (spec, "Manifests", "Manifest Lists").
 *
 * Read by field id and leniently: other writers leave columns out, use other
 * names, or make everything nullable.  Written exactly as Java does.
 */
#ifndef MANIFEST_H
#define MANIFEST_H

#include "transform.h"

enum manifest_status { MANIFEST_EXISTING, MANIFEST_ADDED, MANIFEST_DELETED };
enum manifest_content { MANIFEST_DATA, MANIFEST_POSITION_DELETES, MANIFEST_EQUALITY_DELETES };

/* Of one leaf column of one file; -1: not known.  Bounds in binary form (datum.h), NULL: none. */
struct manifest_metric {
	int32_t		 id;
	int64_t		 bytes, values, nulls, nans;
	char		*lower, *upper;
	size_t		 n_lower, n_upper;
};

struct manifest_file {			/* a data file, or a delete file */
	int		 content;	/* enum manifest_content */
	int		 status;	/* enum manifest_status */
	int64_t		 snapshot_id;	/* -1: inherits */
	int64_t		 sequence;	/* data sequence number; -1: inherits */
	int64_t		 file_sequence;
	int32_t		 spec_id;
	char		*path;
	char		 format[8];	/* "PARQUET" */
	int64_t		 records, bytes;
	size_t		 n_partition;
	struct datum	*partition;	/* one per field of the spec; their strings are owned */
	size_t		 n_metric;
	struct manifest_metric *metric;	/* ascending by id when written by us */
	size_t		 n_split;
	int64_t		*split;		/* start of each row group, ascending */
	int32_t		 sort_order;	/* -1: none */
	size_t		 n_equality;
	int32_t		*equality;	/* ids of an equality delete file */
	char		*referenced;	/* data file that a position delete file or deletion vector is about, or NULL */
	int64_t		 content_at, content_bytes;	/* v3 deletion vector in its Puffin file; -1: none */
	int64_t		 first_row_id;	/* v3; -1: none */
};

void	manifest_file_free(struct manifest_file *);	/* what it owns, not the struct */

struct manifest_partition {		/* summary of one partition field over a manifest */
	int	 has_null;
	int	 has_nan;		/* -1: not known */
	char	*lower, *upper;		/* binary form or NULL */
	size_t	 n_lower, n_upper;
};

struct manifest {			/* an entry of a manifest list */
	char		*path;
	int64_t		 bytes;
	int32_t		 spec_id;
	int		 content;	/* 0 data, 1 deletes */
	int64_t		 sequence, min_sequence, snapshot_id;
	int64_t		 n_added, n_existing, n_deleted, rows_added, rows_existing, rows_deleted;	/* -1: not known */
	size_t		 n_partition;
	struct manifest_partition *partition;
	int64_t		 first_row_id;	/* v3; -1: none */
};

void	manifest_free(struct manifest *);		/* what it owns */

/* A manifest's bytes into *out.  Entries keep their status; ADDED ones inherit snapshot and sequence numbers.  *m gets the counts,
 * sums and partition summaries; path, bytes and sequence numbers are the caller's. */
int	manifest_write(struct buf *out, const struct schema *, const struct spec *, const struct manifest_file *, size_t n,
	    int64_t snapshot_id, struct manifest *m, struct fail *);

/* fn() gets each entry with inherited values filled in; it takes the file over by zeroing it, else it is freed.
 * Returns what fn() returned when not 0. */
int	manifest_read(const char *p, size_t n, const struct manifest *from, const struct spec *, const struct schema *,
	    int (*fn)(void *, struct manifest_file *), void *arg, struct fail *);

/* The list; `parent` -1 for none. */
int	manifest_list_write(struct buf *out, const struct manifest *, size_t n, int64_t snapshot_id, int64_t parent, int64_t sequence,
	    struct fail *);
int	manifest_list_read(const char *p, size_t n, struct manifest **, size_t *n_manifests, struct fail *);

#endif
