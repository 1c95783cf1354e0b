/*
 * feed.h - what a table remembers of the streams that were committed to it, and whether one may go on.
 *
 * A feed is (pipe, shard) on a branch of a table.  Its entry is a property
 * that moves together with a snapshot, "weir.feed.<pipe>/<shard>/<ref>"; the
 * summaries of the feed's snapshots tell the same.  Rules: weir-stream(5).
 * No I/O: everything is decided by the metadata that was loaded.
 */
#ifndef FEED_H
#define FEED_H

#include <jansson.h>

#include "metadata.h"
#include "position.h"

#define FEED_PREFIX	"weir.feed."	/* of the properties' names */
#define FEED_NAME_BYTES	600		/* room for the name of a pipe, or a shard */

enum feed_rollback { FEED_STOP, FEED_REPLAY, FEED_KEEP };

struct feed {			/* who asks; texts are the caller's */
	const char	*table;		/* "shop.orders", for messages */
	const char	*pipe, *shard, *ref;
	int		 as_new_feed;
	int		 rollback;	/* enum feed_rollback */
};

struct feed_state {		/* what the table says */
	json_t		*entry;		/* owned; NULL: nothing was ever committed */
	struct position	 at;
	const char	*hash;
};

/* WEIR_ESTATE when the entry cannot be read, or when the branch was rolled back below it and feed.rollback does not say what to do, or
 * says replay and nobody can tell any more from where. */
int	feed_find(const struct metadata *, const struct feed *, struct feed_state *, struct fail *);
void	feed_state_free(struct feed_state *);

/* May the stream go on?  position_guard(), and what other feeds of the table say to a new one. */
int	feed_guard(const struct metadata *, const struct feed *, const struct feed_state *, const struct position_stream *, struct fail *);

/* "weir.feed.<pipe>/<i>/<N>/<ref>" of that ref into pipe and shard, "i/N": 0, or -1 when it is none. */
int	feed_split_key(const char *key, const char *ref, char *pipe, char *shard, size_t size);
/* "a/0/1, b/0/1": the feeds on a ref that are wanted (see feed_recover()), into *names with a NUL; the last one's parts into pipe and
 * shard (FEED_NAME_BYTES).  How many, or -1: no memory. */
int	feed_list(const struct metadata *, const char *want, const char *want_shard, const char *ref, struct buf *names, char *pipe, char *shard);

/* The position of the feed (pipe, shard) on `ref`; `pipe` may also be "pipe/shard", as a list of feeds shows them; what is NULL or "" may be any: of the table's only feed then, WEIR_EUSAGE and the
 * list when there are several. */
int	feed_recover(const struct metadata *, const char *table, const char *pipe, const char *shard, const char *ref, int rollback, struct buf *out,
	    struct fail *);

/* "our token (17,41), up to orders/0:9901" of the only feed on `ref`; of several their names and tokens; or that there is none. */
int	feed_tell(const struct metadata *, const char *table, const char *ref, int rollback, struct buf *out, struct fail *);

/* What a commit writes. */
struct feed_commit {
	const char	*token, *prev, *hash, *off, *acct, *chain;
	int64_t		 snapshot_id, sequence;
};

int	feed_fill(const struct feed *, const struct feed_commit *, json_t *summary, json_t *properties);

#endif
