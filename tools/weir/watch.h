/*
 * watch.h - the statistics of all stages there are, at one instant.
 */
#ifndef WATCH_H
#define WATCH_H

#include "buf.h"
#include "fail.h"
#include "stats.h"

#define WATCH_ROWS	65536	/* stages in one look */

struct watch_row {
	size_t			dir;		/* order of the state directories */
	char			*name;		/* of the pipeline */
	int			alive;
	struct stats_page	page;
};

/* Rows by directory, shard, run and place in the chain.  Of each shard the runs that are on are here, else the newest one. */
struct watch {
	struct watch_row	*row;
	size_t			n, cap, n_dirs;
	int64_t			clock_us, now_us;	/* monotonic; since 1970 */
	struct buf		notes;			/* what could not be looked at, each with its NUL */
};

/* Look.  `path`: one pipeline's state directory, or a folder of them; NULL: the default one.  Frees what was there. */
int	watch_read(struct watch *, const char *path, struct fail *);
void	watch_free(struct watch *);

/* The same stage of the same process in an earlier look, or NULL. */
const struct watch_row *watch_before(const struct watch *, const struct watch_row *);

/* Rows i.. of one run: the index behind the last one. */
size_t	watch_run_end(const struct watch *, size_t i);

/* Is row i the first one of its process? */
int	watch_leads(const struct watch *, size_t i);

#endif
