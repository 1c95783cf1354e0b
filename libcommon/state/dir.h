/*
 * dir.h - the state directory of one pipeline and shard; see weir-state(5).
 *
 *	DIR/pipeline.json		pipe and seed, written once
 *	DIR/sink.json			the sink and its target, written once
 *	DIR/<i-N>/LOCK			held while a run is on: a courtesy
 *	DIR/<i-N>/runs/<run>/ckpt/<id>/	the files of one checkpoint, each written once
 *	DIR/<i-N>/done/<sink>/<id>	a commit of the sink was seen: a cache
 *	DIR/<i-N>/rejects/
 *	DIR/<i-N>/stats/<stage>		numbers of a running stage: a cache
 *	DIR/plain/<n>/			snapshots of runs on plain input
 */
#ifndef DIR_H
#define DIR_H

#include <stdint.h>

#include "buf.h"
#include "fail.h"
#include "token.h"

#define STATE_FORMAT	"1"	/* of the directory, in pipeline.json */

struct state_dir;

/* Open, and make what is missing, mode 0700.  `pipe` may be NULL when it is not known yet; a directory made for another pipe is
 * WEIR_ESTATE.  `shard` is "i/N". */
int	state_open(const char *path, const char *pipe, const char *shard, struct state_dir **, struct fail *);
void	state_close(struct state_dir *);
const char *state_path(const struct state_dir *);
int	state_fd(const struct state_dir *);	/* of DIR/<i-N>, still the directory's */

/* Two random words, the same for ever. */
const uint64_t *state_seed(const struct state_dir *);

/* Whose commits this directory is of: pinned at the first call, WEIR_ESTATE when it is another sink, or the same with another target. */
int	state_pin_sink(struct state_dir *, const char *sink, const char *target, struct fail *);

/* One run at a time: WEIR_EAGAIN when another process has it.  Held until state_close(). */
int	state_lock(struct state_dir *, struct fail *);

/* The number for the next run: one more than the greatest there is. */
int	state_next_number(struct state_dir *, uint64_t *, struct fail *);

/* A descriptor of the folder of checkpoint `id` of `run`, made when `make` is set; -1 with errno in *f (WEIR_ESTATE: not there). */
int	state_ckpt(struct state_dir *, const char *run, uint64_t id, int make, struct fail *);

/* The mark of a commit: done/<sink>/<id>, which holds the token.  One that is there already is of a commit that was rolled back since, or
 * the same. */
int	state_done(struct state_dir *, const char *sink, uint64_t id, const char *token, struct fail *);
/* The token of the newest mark, NUL-terminated: 1, or 0 when there is none. */
int	state_done_newest(struct state_dir *, const char *sink, struct buf *token, struct fail *);
/* 1 when some sink has a mark of a later epoch than `id`; its token into *token. */
int	state_overtaken(struct state_dir *, uint64_t id, char token[TOKEN_SIZE]);

/* Another shard of this pipeline that has marks of the sink, of another number of shards than ours: 1 and its name, "i/N"; 0; or an error. */
#define STATE_SHARD	48
int	state_other_shards(struct state_dir *, const char *sink, char other[STATE_SHARD], struct fail *);

/* For plain input: the newest n of plain/<n>/ that holds `name` (0: none), and a descriptor of plain/<n>/. */
int	state_plain_newest(struct state_dir *, const char *name, uint64_t *n, struct fail *);
int	state_plain(struct state_dir *, uint64_t n, int make, struct fail *);
/* plain/<n>/<name> was published: the three newest stay. */
void	state_plain_tidy(struct state_dir *, uint64_t n, const char *name);

/* A descriptor of the folder of the stages' statistics, made; see stats.h. */
int	state_stats(struct state_dir *, struct fail *);

/* 1 when framed runs have left checkpoints here. */
int	state_has_runs(struct state_dir *);

/* Where rejects of a stage go: DIR/<i-N>/rejects/<stage>.ndjson.zst; made ready.  Into buf, NUL-terminated. */
int	state_rejects_path(struct state_dir *, const char *stage, struct buf *, struct fail *);

/* ${XDG_STATE_HOME:-~/.local/state}/weir/<pipe>.  Into buf, NUL-terminated; WEIR_ECONFIG without a home. */
int	state_default_path(const char *pipe, struct buf *, struct fail *);

#endif
