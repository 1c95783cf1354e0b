/*
 * meter.h - where the time of a process goes, and its stages' statistics as they are published.
 *
 * At any instant the process waits for its input, waits for its output, or is
 * in one of its stages, or in the host.  The clock is read when that changes:
 * a few times per batch.
 */
#ifndef METER_H
#define METER_H

#include <stddef.h>
#include <stdint.h>

#include "stats.h"

#define METER_STAGES	32
#define METER_HOST	METER_STAGES	/* in no stage */

struct host;
struct stage;

struct meter {
	struct stats_page	*page[METER_STAGES];	/* in memory of our own, or mapped */
	int			 mapped[METER_STAGES];
	size_t			 n;
	int64_t			 now_us;		/* the monotonic clock at the last change */
	size_t			 in;			/* the stage, or METER_HOST */
	int64_t			 busy_us[METER_STAGES + 1], wait_us[3];	/* wait_us: by enum stats_waiting */
	int			 waiting;		/* enum stats_waiting */
	int			 told;			/* the source says itself how long it waits */
	int64_t			 cpu_at_us;		/* when CPU time was asked for */
	/* Called every so often while the input lets wait; NULL: nobody wants it. */
	void			 (*idle)(void *);
	void			*idle_arg;
};

/* Before and after a call that may block.  `fd` is what is read, and is polled when there is an idle(). */
void	meter_wait_input(struct meter *, int fd);
void	meter_wait_output(struct meter *);
void	meter_go(struct meter *);

/* The process is in this stage now; returns where it was, for the way back. */
size_t	meter_enter(struct meter *, size_t stage);
/* What the source has done since meter_enter() was to wait. */
void	meter_waited(struct meter *);

/* A page for every stage; once their names are known, and the state directory is open.  Without one the pages stay private. */
void	meter_open(struct host *);
/* How it ended: for those who look later. */
void	meter_close(struct host *, int code);

/* All numbers as they are now, into the pages. */
void	meter_tick(struct host *);
void	meter_epoch(struct host *);	/* a new one has begun */
void	meter_commit(struct host *);	/* the sink has committed the open one */
void	meter_gauge(struct stage *, const char *name, int64_t value);

#endif
