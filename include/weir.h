/*
 * weir.h - what a stage is, and what its host does for it.
 *
 * A stage turns batches of events into batches of events.  It never reads,
 * writes, forks or exits: the host does, whether the stage runs alone behind
 * a pipe or beside others in one process.  weir's own stages and anybody
 * else's use this header and nothing else; see weir-plugin(7).
 *
 * Threads: one stage is called from one thread at a time.
 * Errors: int functions return 0 or a negative weir_code; the text has gone
 * to weir_error() once, at the place that knew.
 * Growth: weir_stage and weir_host grow at their end, and `size` says how far
 * the other side knows them.  weir_value, weir_batch, weir_opt and weir_list
 * are frozen in ABI 1.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>

#define WEIR_ABI	1
#define WEIR_SYMBOL	"weir_stage_v1"

enum weir_code {		/* also the exit codes, see weir(1) */
	WEIR_EUSAGE = -64, WEIR_EDATA = -65, WEIR_EGONE = -69, WEIR_EBUG = -70,
	WEIR_EIO = -74, WEIR_EAGAIN = -75, WEIR_EFRAME = -76, WEIR_EFENCED = -77,
	WEIR_ECONFIG = -78, WEIR_ESTATE = -81, WEIR_EOFFSET = -82, WEIR_EUNKNOWN = -83
};

enum { WEIR_ESCAPED = 1, WEIR_INTEGER = 2 };	/* weir_value.flags: a string with a backslash; a number without . and e */

enum weir_kind { WEIR_ABSENT, WEIR_NULL, WEIR_FALSE, WEIR_TRUE, WEIR_NUMBER, WEIR_STRING, WEIR_OBJECT, WEIR_ARRAY };

/* One member of one event, as written: strings with their quotes and escapes,
 * numbers digit by digit, objects and arrays with their brackets.  Points into
 * the event; valid until process() returns. */
struct weir_value {
	const char	*p;
	uint32_t	 n;
	uint8_t		 kind;		/* enum weir_kind */
	uint8_t		 flags;		/* WEIR_ESCAPED, WEIR_INTEGER */
};

/* What becomes of an event.  The host counts each and checks the sum, see weir-stream(5). */
enum weir_verdict { WEIR_PASSED, WEIR_FILTERED, WEIR_TAKEN, WEIR_REJECTED, WEIR_LATE, WEIR_DUPLICATE };
#define WEIR_N_VERDICTS	6

/* A stage looks at the events whose verdict is WEIR_PASSED and leaves the others alone.
 * The bytes of an event come from weir_event(): a stage before may have added members. */
struct weir_batch {
	uint32_t		 n;		/* events */
	const char		*bytes;		/* event i is bytes[line[i]] .. bytes[line[i+1]], newline included */
	const uint32_t		*line;		/* n + 1 offsets */
	struct weir_value *const *col;		/* col[c][i], c from weir_want() */
	uint8_t			*verdict;	/* enum weir_verdict, WEIR_PASSED at first */
};

enum weir_opt_type {		/* type of the member at `offset` of the stage's own struct */
	WEIR_FLAG,		/* int */
	WEIR_TEXT,		/* const char * */
	WEIR_COUNT,		/* uint64_t */
	WEIR_SIZE,		/* uint64_t, bytes; 64K 16M 1G */
	WEIR_DURATION,		/* int64_t, microseconds; 10s 5m 2h 1d */
	WEIR_TIME,		/* struct weir_time: PATH[:iso|s|ms|us|ns] */
	WEIR_PATHS,		/* struct weir_list *, paths into events */
	WEIR_TEXTS,		/* struct weir_list *, option may be repeated */
	WEIR_CHOICE		/* int, index into `arg` "a|b|c" */
};

enum { WEIR_REQUIRED = 1, WEIR_MEANING = 2, WEIR_BY_KEY = 4 };

struct weir_opt {
	char		 letter;	/* 0: long name only */
	const char	*name, *arg, *help;
	uint8_t		 type;		/* enum weir_opt_type */
	uint8_t		 flags;		/* WEIR_REQUIRED; WEIR_MEANING: state made with another value is another state.
					 * WEIR_BY_KEY, of WEIR_PATHS: the state is kept by these members, so the host refuses
					 * shards that are not partitioned by some of them */
	uint16_t	 offset;
	const char	*preset;	/* parsed like a given one; NULL: zero */
};

enum weir_unit { WEIR_UNIT_ISO, WEIR_UNIT_S, WEIR_UNIT_MS, WEIR_UNIT_US, WEIR_UNIT_NS };

struct weir_time {
	const char	*path;		/* NULL: option not given */
	int		 unit;		/* enum weir_unit */
};

struct weir_list {
	size_t		 n;
	const char	*item[];
};

struct weir_ctx;		/* the host's side of one running stage */
struct weir_state;		/* a state snapshot being written or read */

/* The stream a stage is part of, known at hello; texts as in weir-stream(5), empty on plain input. */
struct weir_stream {
	uint32_t	 size;
	int		 framed;	/* 0: plain input, no control lines; a stage with --time keeps its own watermark */
	const char	*run, *pipe, *shard, *prev, *off, *chain, *epoch, *time, *by;
	const char	*batch_id;	/* of the sink's --batch-id, else empty */
	const char	*meta;		/* the member that holds an event's origin (kcat-in --meta), else empty */
	int		 state;		/* a state directory keeps the stages' state */
	int		 threads;	/* a stage may use threads of its own (WEIR_THREADS is not 0) */
	/* Options of all sinks, see the man pages of the sinks. */
	int		 batch_replace, as_new_feed, accept_change, drop_meta;
	int64_t		 empty_commit_us;
};

/* A barrier as a sink sees it.  Texts are compact JSON, see weir-stream(5). */
struct weir_barrier {
	const char	*token;		/* "run/id" of this epoch */
	const char	*prev;		/* of the last commit, or none: epochs since then were held */
	const char	*off;
	const char	*acct;		/* of all epochs since the last commit */
	const char	*hash;		/* 16 hex digits over the sink's input of this epoch */
	uint64_t	 n;		/* events that reached the sink since the last commit */
	int		 last;		/* eos follows */
};

enum weir_role { WEIR_FILTER, WEIR_SOURCE, WEIR_SINK };
enum weir_level { WEIR_OK, WEIR_WARN, WEIR_FAIL };

struct weir_stage {
	uint32_t		 abi, size;
	const char		*name, *version, *summary;
	size_t			 self_size;	/* the host allocates it, zeroed, options filled in */
	const struct weir_opt	*opts;		/* ends with an empty entry */
	int			 role;		/* enum weir_role */
	/* Sinks: the shortest epoch it can commit, after open().  The source cuts no sooner, but for the last.  NULL: any. */
	int	(*min_epoch)(struct weir_ctx *, void *self, int64_t *us);

	/* All may be NULL but process (poll for sources). */
	/* Options are parsed.  Check them, call weir_want(), load tables.  `operand` ends with NULL. */
	int	(*open)(struct weir_ctx *, void *self, const char *const *operand);
	/* After hello and restore(), before any event: stages check what they need, sinks the guards of weir-stream(5). */
	int	(*begin)(struct weir_ctx *, void *self, const struct weir_stream *);
	int	(*process)(struct weir_ctx *, void *self, struct weir_batch *);
	int	(*watermark)(struct weir_ctx *, void *self, int64_t event_time_us);
	int	(*flush)(struct weir_ctx *, void *self);	/* the input has ended (last=end, or EOF of plain input without -s) */
	/* State: everything (base), or, for a stage that says so (deltas below), what changed since the snapshot before, which was
	 * published or restored.  Having a snapshot() says that the state decides rows.  restore() is called for the base and then for
	 * each delta, in order. */
	int	(*snapshot)(struct weir_ctx *, void *self, struct weir_state *, int base);
	int	(*restore)(struct weir_ctx *, void *self, struct weir_state *);
	/* Sources: offer at most one batch, 1 = go on, 0 = end of input, 2 = end by a signal.  What was offered stays valid
	 * until the next poll().  refused(): the host found that event `tag` is no JSON object; call weir_reject_raw(). */
	int	(*poll)(struct weir_ctx *, void *self, int timeout_ms);
	int	(*refused)(struct weir_ctx *, void *self, uint64_t tag, const char *code, const char *message);
	int	(*seek)(struct weir_ctx *, void *self, const char *off);	/* before begin(): start at these positions */
	int	(*position)(struct weir_ctx *, void *self, const char **off);	/* compact sorted JSON, valid until the next call */
	/* Sinks: the default name of the feed; what the store committed last; durable but invisible; visible. */
	int	(*feed)(struct weir_ctx *, void *self, const char **name);
	int	(*recover)(struct weir_ctx *, void *self, const char **position);	/* *position comes in as --pipeline, or NULL */
	int	(*prepare)(struct weir_ctx *, void *self, const struct weir_barrier *);
	/* 0; or 1: the epoch is held, nothing of it is in the store yet, and the next commit covers it. */
	int	(*commit)(struct weir_ctx *, void *self, const struct weir_barrier *);
	int	(*check)(struct weir_ctx *, void *self);	/* weir doctor: one weir_finding() per part */
	void	(*close)(struct weir_ctx *, void *self);	/* also after a failed open(); self was zeroed */
	int	(*bounded)(struct weir_ctx *, void *self);	/* sources: 1 when the input ends by itself: one epoch then.  NULL: it does */
	/* The stage can write deltas.  snapshot() with base 0 may still return 1 before it has written: then it is called for a base. */
	int	deltas;
	/* What the state holds just now, for people: "8200000 keys". */
	int	(*holds)(struct weir_ctx *, void *self, char *text, size_t n);
	/* weir state dump: the records of one snapshot as lines of JSON, with weir_receipt().  open() has been called, with the options that
	 * have meaning as they were then.  NULL: the bytes are shown as they are. */
	int	(*dump)(struct weir_ctx *, void *self, struct weir_state *);
	/* Sinks: the store cannot tell the offsets of a commit, the checkpoint of that commit does: recover() and begin() ask weir_load() and
	 * weir_newest(), and a stream without a state directory is refused. */
	int	needs_state;
	/* Sinks: what else a state directory is pinned to, besides the sink's name: with another one its commits cannot be found, or would be
	 * made twice.  NULL: feed(). */
	int	(*pin)(struct weir_ctx *, void *self, const char **target);
};

struct weir_host {		/* append only */
	uint32_t abi, size;
	int	(*want)(struct weir_ctx *, const char *path);
	const char *(*event)(struct weir_ctx *, const struct weir_batch *, uint32_t i, size_t *n);
	int	(*set)(struct weir_ctx *, struct weir_batch *, uint32_t i, int column, const char *json, size_t n);
	int	(*replace)(struct weir_ctx *, struct weir_batch *, uint32_t i, const char *json, size_t n);
	int	(*emit)(struct weir_ctx *, const char *json, size_t n);
	int	(*offer)(struct weir_ctx *, const char *json, size_t n, uint64_t tag);
	int	(*reject)(struct weir_ctx *, struct weir_batch *, uint32_t i, const char *code, const char *path, const char *fmt, ...)
		    __attribute__((format(printf, 6, 7)));
	int	(*reject_raw)(struct weir_ctx *, const char *source_json, const void *p, size_t n, const char *code, const char *fmt, ...)
		    __attribute__((format(printf, 6, 7)));
	int	(*raise)(struct weir_ctx *, int64_t event_time_us);
	int	(*side)(struct weir_ctx *, const char *file, const char *json, size_t n);
	int	(*receipt)(struct weir_ctx *, const char *json, size_t n);
	int	(*publish)(struct weir_ctx *, const char *name, const void *p, size_t n);
	int	(*load)(struct weir_ctx *, const char *token, const char *name, const void **p, size_t *n);
	int	(*error)(struct weir_ctx *, enum weir_code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
	void	(*warn)(struct weir_ctx *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	int	(*finding)(struct weir_ctx *, const char *part, int level, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
	void	(*count)(struct weir_ctx *, const char *counter, uint64_t by);
	void	*(*alloc)(struct weir_ctx *, size_t n);
	int64_t	(*now_us)(struct weir_ctx *);
	const uint64_t *(*seed)(struct weir_ctx *);
	int	(*write)(struct weir_ctx *, struct weir_state *, const void *p, size_t n);
	int	(*read)(struct weir_ctx *, struct weir_state *, void *p, size_t n);
	int	(*ending)(struct weir_ctx *);
	int	(*known)(struct weir_ctx *, const struct weir_batch *, uint32_t i);
	void	(*gauge)(struct weir_ctx *, const char *name, int64_t value);
	const char *(*shard)(struct weir_ctx *);
	int	(*newest)(struct weir_ctx *, const char **token);
};

struct weir_ctx {
	const struct weir_host	*host;		/* the rest is the host's own */
};

/* Ask for a member, before the first batch.  Returns its column, the same one for the same path, or WEIR_ECONFIG for a bad path. */
static inline int
weir_want(struct weir_ctx *c, const char *path)
{
	return c->host->want(c, path);
}

/* The bytes of event i as it stands now, without the newline; readable for 64 bytes behind its end.  Valid until process() returns. */
static inline const char *
weir_event(struct weir_ctx *c, const struct weir_batch *b, uint32_t i, size_t *n)
{
	return c->host->event(c, b, i, n);
}

/* Add a top-level member at the end of event i, or replace the one of that name.  `column` is weir_want()'s for it; `json` is
 * copied, and valid JSON: that is the caller's duty. */
static inline int
weir_set(struct weir_ctx *c, struct weir_batch *b, uint32_t i, int column, const char *json, size_t n)
{
	return c->host->set(c, b, i, column, json, n);
}

/* Put another object in the place of event i.  Copied and scanned strictly; WEIR_EDATA when it is no JSON object. */
static inline int
weir_replace(struct weir_ctx *c, struct weir_batch *b, uint32_t i, const char *json, size_t n)
{
	return c->host->replace(c, b, i, json, n);
}

/* A new event, made by a filter: one valid JSON object without newline; copied.  It goes to the later stages before the control
 * record that caused it; its order among events that the same process() call passes is not defined. */
static inline int
weir_emit(struct weir_ctx *c, const char *json, size_t n)
{
	return c->host->emit(c, json, n);
}

/* Sources: an event as it came, without newline; copied.  The host scans it strictly, later; see refused(). */
static inline int
weir_offer(struct weir_ctx *c, const char *json, size_t n, uint64_t tag)
{
	return c->host->offer(c, json, n, tag);
}

/* Sources: event time has come this far. */
static inline int
weir_raise(struct weir_ctx *c, int64_t event_time_us)
{
	return c->host->raise(c, event_time_us);
}

/* One line of JSON into a file the user named (--late, --dropped). */
static inline int
weir_side(struct weir_ctx *c, const char *file, const char *json, size_t n)
{
	return c->host->side(c, file, json, n);
}

/* Sinks: one line of JSON on standard output about a commit.  In open(), sources and sinks: the answer to a question such as --info; then
 * there is no stream. */
static inline int
weir_receipt(struct weir_ctx *c, const char *json, size_t n)
{
	return c->host->receipt(c, json, n);
}

/* A file of this epoch's checkpoint, written once and durable on return; and a file of the checkpoint `token`, in memory until
 * the next call: 1 found, 0 not there.  Without a state directory publish() does nothing and load() finds nothing. */
static inline int
weir_publish(struct weir_ctx *c, const char *name, const void *p, size_t n)
{
	return c->host->publish(c, name, p, n);
}

static inline int
weir_load(struct weir_ctx *c, const char *token, const char *name, const void **p, size_t *n)
{
	return c->host->load(c, token, name, p, n);
}

/* Sinks: the token of the newest commit that this state directory has seen, "none" without one; it may be behind the store's.  0 or an
 * error. */
static inline int
weir_newest(struct weir_ctx *c, const char **token)
{
	return c->host->newest(c, token);
}

static inline void
weir_count(struct weir_ctx *c, const char *counter, uint64_t by)
{
	c->host->count(c, counter, by);
}

/* What stands at `value` now, for weir top and --stats: at most 16 names of up to 31 bytes.  Names that end in _bytes or _us are
 * shown as sizes and spans.  A source's lag_events and lag_us are how far it is behind, left_events what is left until its end, and
 * waited_us how long it has waited for input so far.  Nothing happens in a host that does not know it. */
static inline void
weir_gauge(struct weir_ctx *c, const char *name, int64_t value)
{
	if (c->host->size > offsetof(struct weir_host, gauge))
		c->host->gauge(c, name, value);
}

/* Memory that dies with the batch; aligned to 16; never NULL, the run ends instead. */
static inline void *
weir_alloc(struct weir_ctx *c, size_t n)
{
	return c->host->alloc(c, n);
}

/* The clock, microseconds since 1970; one value per batch. */
static inline int64_t
weir_now(struct weir_ctx *c)
{
	return c->host->now_us(c);
}

/* Two random words, made when the pipeline was first run and the same ever since: they key hashes. */
static inline const uint64_t *
weir_seed(struct weir_ctx *c)
{
	return c->host->seed(c);
}

static inline int
weir_write(struct weir_ctx *c, struct weir_state *s, const void *p, size_t n)
{
	return c->host->write(c, s, p, n);
}

/* Exactly n bytes: 1, or 0 at the end of the snapshot, or WEIR_ESTATE when it is damaged (checked before any byte is given out). */
static inline int
weir_read(struct weir_ctx *c, struct weir_state *s, void *p, size_t n)
{
	return c->host->read(c, s, p, n);
}

/* 1: every member of event i lies on a path that this stage has wanted; 0: maybe not, look. */
static inline int
weir_known(struct weir_ctx *c, const struct weir_batch *b, uint32_t i)
{
	return c->host->known(c, b, i);
}

/* Sinks, in recover(): the shard "i/N" whose position is asked for; "" when nobody said which. */
static inline const char *
weir_shard(struct weir_ctx *c)
{
	return c->host->shard(c);
}

/* Sources: not 0 when a signal asked the pipeline to end; poll() returns 2 soon. */
static inline int
weir_ending(struct weir_ctx *c)
{
	return c->host->ending(c);
}

/* weir_reject(c, batch, i, code, path or NULL, fmt, ...): event i becomes a reject; returns 0, or an error (too many of them).
 * weir_reject_raw(c, source_json or NULL, p, n, code, fmt, ...): sources, for bytes that are no event; counted as one in.
 * weir_error(c, code, fmt, ...): says it once and returns the code.  Begin with what failed, end with the remedy.
 * weir_warn(c, fmt, ...): a line on standard error.
 * weir_finding(c, part, level, fmt, ...): weir doctor. */
#define weir_reject(c, ...)	((c)->host->reject((c), __VA_ARGS__))
#define weir_reject_raw(c, ...)	((c)->host->reject_raw((c), __VA_ARGS__))
#define weir_error(c, ...)	((c)->host->error((c), __VA_ARGS__))
#define weir_warn(c, ...)	((c)->host->warn((c), __VA_ARGS__))
#define weir_finding(c, ...)	((c)->host->finding((c), __VA_ARGS__))

__attribute__((visibility("default"))) extern const struct weir_stage weir_stage_v1;	/* what a stage defines, and a module exports: WEIR_SYMBOL */

#endif
