/*
 * snapshot.h - the file of one stage's state; see weir-state(5).
 *
 * Little-endian.  "WEIRSNAP", u32 format (1), u32 length of the header, the
 * header (compact JSON: config, id, pipe, run, semantic, stage), then frames:
 * u32 raw bytes, u32 compressed bytes, u32 records, u32 zero, u64 xxh3-64 of
 * the raw bytes, one zstd frame.  Last: a frame of zeros whose hash is the
 * xxh3-64 of all bytes before it.  The whole file is verified before a stage
 * sees a byte.  The same records give the same file.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"

struct snapshot_meta {
	const char	*stage, *semantic;	/* stage name; version of the meaning of its records */
	const char	*config;		/* the options with meaning, as text */
	const char	*pipe, *run;
	uint64_t	 id;
};

struct weir_state;

/* Write `name` into the folder `dir` (borrowed until the end).  put() takes one record. */
int	snapshot_create(int dir, const char *name, const struct snapshot_meta *, struct weir_state **, struct fail *);
int	snapshot_put(struct weir_state *, const void *p, size_t n, struct fail *);
/* Durable under its name on return; frees the handle either way. */
int	snapshot_finish(struct weir_state *, struct fail *);
void	snapshot_abort(struct weir_state *);

/* Read: 0; WEIR_ESTATE when it is missing, damaged, of an unknown version, or when stage, semantic version, configuration or pipe
 * (unless empty) differ; the sentence names the remedy. */
int	snapshot_open(int dir, const char *name, const struct snapshot_meta *want, struct weir_state **, struct fail *);
/* Exactly n bytes: 1; 0 at the end; WEIR_ESTATE when fewer are left. */
int	snapshot_get(struct weir_state *, void *p, size_t n, struct fail *);
void	snapshot_close(struct weir_state *);

#endif
