/*
 * host.h - the host of one or more stages in one process.
 *
 * A process holds a run of neighbouring stages of a pipeline: one behind a
 * pipe, or several fused.  The host owns everything that is not a stage's own
 * struct, and is the only one that reads, writes or exits.
 */
#ifndef HOST_H
#define HOST_H

#include <jansson.h>

#include "account.h"
#include "batch.h"
#include "chain.h"
#include "dir.h"
#include "gc.h"
#include "lines.h"
#include "meter.h"
#include "opt.h"
#include "out.h"
#include "side.h"
#include "snapshot.h"
#include "weir.h"

#define HOST_STAGES	32	/* in one process */
#define HOST_COLUMNS	4096	/* wanted paths, of one process */
#define HOST_SIDES	16	/* files beside the stream, of one process */
#define HOST_COUNTERS	16	/* of a stage's own, see weir_count() */
#define HOST_FINDINGS	512	/* bytes of one of weir doctor's lines */

/* Options every stage takes; see host_opts. */
struct common {
	const char	*state, *rejects, *max_rejects, *pipeline, *stats;
	uint64_t	 max_line, max_depth;
	int		 last_wins, plain, control, quiet, verbose, json_log, state_reset;
	/* sources */
	const char	*resume, *epoch;
	int64_t		 epoch_min_us;
	/* sinks */
	const char	*batch_id;
	int		 batch_replace, empty_skip, as_new_feed, accept_change, position, recover, drop_meta;
	const char	*rows;
	int64_t		 empty_commit_us;
};

/* When a source cuts an epoch: the first of these that is reached; 0: never. */
struct epoch_cut {
	int64_t		us;
	uint64_t	events, bytes;
	int		all;		/* one epoch, to the end */
};

struct counter {
	char		name[32];
	uint64_t	n;
};

#define HOST_KINDS	16	/* of rejects, told apart in the message that there are too many */

/* The rejects of an epoch, for that message. */
struct reject_kinds {
	struct { char text[96]; uint64_t n; } kind[HOST_KINDS];	/* "/amount type" */
	char		first[320];
};

struct stage {
	struct weir_ctx		 ctx;		/* first: what the stage holds */
	struct host		*host;
	size_t			 index;
	const struct weir_stage	*is;
	void			*self;
	struct common		 common;
	const char		**operand;
	char			 name[80];	/* instance: dedupe, dedupe.2 */
	char			*meaning, *words;	/* the options with meaning, as text and as a JSON array of arguments */
	char			 config[17];	/* and its hash */
	struct chain		 chain;		/* what its next snapshot stands on */
	struct account		 epoch, total;
	struct counter		 counter[HOST_COUNTERS];	/* in the order of their first call */
	size_t			 n_counters;
	uint64_t		 bytes_in, bytes_out;	/* of its events, as they came into this process */
	uint64_t		 rejects_shown;
	struct reject_kinds	 kinds;
	struct side		*rejects;
	struct batch		*made;		/* events it made, on their way to the later stages */
	int			 opened;
	uint8_t			 wants[HOST_COLUMNS];	/* by column */
	uint16_t		 other[HOST_COLUMNS];	/* columns it did not want, once the stream has begun */
	int			 n_other;	/* -1: not yet looked up */
};

struct host {
	struct stage		 stage[HOST_STAGES];
	size_t			 n;
	struct scan		*scan;
	struct scan_limits	 limits;
	struct lines		 in;
	struct out		 out;
	struct meter		 meter;
	struct batch		 batch;		/* lines of the input */
	struct batch		*now;		/* the batch a stage sees */
	int			 col_control, col_origin;	/* columns of "@weir" and of the origin; -1: not wanted */
	struct fail		 fail;		/* the sentence that ended the run, said already when said is set */
	int			 said;
	int64_t			 now_us;
	/* the stream */
	int			 framed_in, framed_out, source, sink, last_of_run;
	int			 supervised;	/* by weir run, which alone counts requests to end */
	json_t			*hello;		/* as it came, or as the source made it */
	struct weir_stream	 stream;
	struct buf		 text[8];	/* what stream points to */
	char			 run[TOKEN_RUN_SIZE];
	uint64_t		 id;		/* of the open epoch */
	char			*off;		/* at the last barrier */
	char			 prev[TOKEN_SIZE];	/* the token this run goes on from */
	char			 committed[TOKEN_SIZE];	/* the sink's last commit */
	struct epoch_cut	 cut;
	uint64_t		 offered_bytes;	/* by the source */
	json_t			*upstream;	/* accounts of the barrier being handled */
	json_t			*total;		/* accounts of the whole chain, all epochs */
	json_t			*held;		/* and of the epochs since the sink's last commit */
	int64_t			 watermark;
	uint64_t		 n_in, hash_n, seq_in;
	void			*hash_in;
	uint64_t		 line_no;	/* of plain input, for messages */
	size_t			 n_events;	/* since the last look at the rejects */
	struct buf		 torn;		/* the beginning of a line too long */
	uint64_t		 torn_n;
	/* side files and state */
	struct side		*side[HOST_SIDES];
	size_t			 n_sides;
	struct state_dir	*state;
	struct state_gc		*gc;		/* in the process of the sink */
	int			 gc_committed, gc_told;
	struct buf		 loaded, newest;
	struct buf		 scratch;
	uint64_t		 receipts;
	int			 (*finding)(void *arg, const char *stage, const char *part, int level, const char *text);
	void			*finding_arg;
};

struct host	*host_new(void);
void		 host_free(struct host *);

/* Add the next stage.  argv[0] is its name as typed; argv must outlive the host.  0, or a negative code after the message. */
int		 host_add(struct host *, const struct weir_stage *, int argc, char *const *argv);

/* The text of an option of the first stage, "" when it is not given or there is none of that name: shard (also from WEIR_SHARD),
 * partitioned-by. */
const char	*host_source_option(struct host *, const char *name);

/* Open all stages, run the stream to its end, close.  Returns an exit code. */
int		 host_run(struct host *);

/* Open the sink (the last stage) and ask what it has committed: NUL-terminated texts in the host, valid until host_free().  position
 * NULL: only the name of the feed, without a look into the store.  The shard asked for is in stream.shard, else WEIR_SHARD. */
int		 host_recover(struct host *, const char **feed, const char **position);

/* The shortest epoch that the sink, opened, can commit; 0: any, or there is no sink. */
int		 host_min_epoch(struct host *, int64_t *us);

/* Open the one stage of the host and let it show a snapshot, or show its bytes when it cannot: lines of JSON on standard output. */
int		 host_dump(struct host *, struct weir_state *);

/* Open every stage and ask it to check its surroundings. */
int		 host_check(struct host *, int (*finding)(void *arg, const char *stage, const char *part, int level, const char *text), void *arg);

/* The code a stage or the host ended with, as a sentence on standard error, once. */
void		 host_say(const struct stage *, const char *level, const char *text);

extern const struct weir_opt host_opts[], host_source_opts[], host_sink_opts[];

/* between host.c, services.c, run.c, reader.c, reject.c, epoch.c and keep.c */
extern const struct weir_host host_table;
int		 host_fail(struct host *);	/* h->fail as a message, once; returns its code */
int		 host_stage_fail(struct stage *);	/* the same in the name of a stage */
int		 host_chain(struct host *, size_t from, struct batch *);
int		 host_flush_made(struct host *, struct stage *);
int		 host_open(struct host *);
int		 host_begin(struct host *);
int		 host_read(struct host *);	/* fd 0, to its end */
int		 host_write_out(struct host *);
int		 host_end_stream(struct host *, const json_t *eos, const char *why);	/* eos: as it came, or NULL */
void		 host_close(struct host *);
int		 host_barrier(struct host *, json_t *bar, int last);
int		 host_watermark(struct host *, int64_t ts);
int		 host_flush_stages(struct host *);
int		 host_reject(struct stage *, const char *code, const char *path, const char *message, const char *source, const char *event, size_t n, int raw);
int		 host_check_rejects(struct host *);
int		 host_sides_sync(struct host *);
int		 host_epoch(struct host *, const char *text);
void		 host_name_instances(struct host *);
char		*host_words(const struct opt_set *);	/* malloc'd; NULL when memory is short or a word is no UTF-8 */
int		 host_open_state(struct host *);
int		 host_open_positions(struct host *);	/* the same for recover(): of a sink that needs it */
int		 host_shard_holds_keys(struct stage *);
int		 host_restore(struct stage *);
int		 host_snapshots(struct host *, size_t from, size_t to);
int		 host_marks(struct host *, struct buf *newest);	/* of a stream that begins at none: the newest commit that this directory knows */
int		 host_knows_none(struct host *, const struct buf *newest);	/* WEIR_ESTATE if there is one */
int		 host_done(struct host *, const struct weir_barrier *);	/* the sink has committed */
void		 host_gc_begin(struct host *);
void		 host_collect(struct host *);	/* behind a barrier, in the process of the sink: what is not needed any more goes */
struct side	*host_side(struct host *, const char *path);
void		 host_tick(struct host *);
int		 host_ending(struct weir_ctx *);

#endif
