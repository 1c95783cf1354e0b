/*
 * snapshot.h - the file of one stage's state; see weir-state(5).
 *
 * Little-endian.  "WEIRSNAP", u32 format (1), u32 length of the header, the
 * header (compact JSON: config, holds, id, pipe, run, semantic, stage; a delta
 * also has depth and on, the token of the snapshot it stands on), then frames:
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
#include "token.h"

struct snapshot_meta {
	const char	*stage, *semantic;	/* stage name; version of the meaning of its records */
	const char	*config;		/* the options with meaning, as text */
	const char	*pipe, *run;
	uint64_t	 id;
	const char	*holds;		/* what is in it, for people ("8200000 keys"); may be NULL */
	const char	*on;		/* a delta: the token it stands on; else NULL */
	unsigned	 depth;		/* a delta: how many files it stands on, from 1; else 0 */
	const char	*args;		/* the options with meaning once more, as a JSON array of words; may be NULL */
};

/* The header of a file, read without what follows it. */
struct snapshot_head {
	char		 stage[80], semantic[32], pipe[1024], run[TOKEN_RUN_SIZE], on[TOKEN_SIZE], holds[96];
	char		*config, *args;	/* malloc'd; args NULL when the file has none */
	uint64_t	 id, bytes;	/* bytes: of the file */
	unsigned	 depth;
};

struct weir_state;

/* Write `name` into the folder `dir` (borrowed until the end).  put() takes one record. */
int	snapshot_create(int dir, const char *name, const struct snapshot_meta *, struct weir_state **, struct fail *);
int	snapshot_put(struct weir_state *, const void *p, size_t n, struct fail *);
/* Durable under its name on return; frees the handle either way.  The size of the file goes to *bytes, which may be NULL. */
int	snapshot_finish(struct weir_state *, uint64_t *bytes, struct fail *);
void	snapshot_abort(struct weir_state *);

/* Read: 0; WEIR_ESTATE when it is missing, damaged, of an unknown version, or when stage, semantic version, configuration, pipe, run
 * and id (unless pipe or run is empty) differ; the sentence names the file and the remedy.  `want` may be NULL: whatever it is. */
int	snapshot_open(int dir, const char *name, const struct snapshot_meta *want, struct weir_state **, struct fail *);
/* Exactly n bytes: 1; 0 at the end; WEIR_ESTATE when fewer are left. */
int	snapshot_get(struct weir_state *, void *p, size_t n, struct fail *);
void	snapshot_close(struct weir_state *);
const struct snapshot_head *snapshot_head(const struct weir_state *);
/* What is left of the frame that is read now, as it is, else of the next one: its bytes, 0 at the end, or an error.  *records: of the
 * whole frame.  Valid until the next call. */
long	snapshot_frame(struct weir_state *, const char **p, uint32_t *records, struct fail *);

/* The header alone: 0, or WEIR_ESTATE (missing, or no snapshot).  Free with snapshot_head_free(), also after a failure. */
int	snapshot_peek(int dir, const char *name, struct snapshot_head *, struct fail *);
void	snapshot_head_free(struct snapshot_head *);

#endif
