/*
 * model.h - the protocol's rules and the ways to get them wrong.
 */
#ifndef MODEL_H
#define MODEL_H

#include "search.h"

/* What the store does with a commit request. */
enum accept {
	ACCEPT_PREV,		/* right: the newest token must be the request's predecessor */
	ACCEPT_JOB_PREV,	/* right: one job for each predecessor (an id made of it) */
	ACCEPT_JOB_EPOCH,	/* one job for each epoch number */
	ACCEPT_NEWER,		/* "not newer than what is there: that was done before, go on" */
	ACCEPT_NEW,		/* anything whose token is not the newest one: no compare */
	ACCEPT_ALL,		/* plain append, sent again on an unknown outcome */
};

/* One rule of the protocol left out, or none. */
struct protocol {
	enum accept	accept;
	int		no_guard;	/* a sink takes any hello.prev and hello.off */
	int		no_eos;		/* the end of input without eos ends the epoch */
	int		id_keyed;	/* snapshots are found by id, not by run and id */
	int		forward_first;	/* the barrier is forwarded before the snapshot is durable */
	int		gc_at_start;	/* a starting run removes the checkpoints of runs that it takes for dead */
	int		gc_all;		/* a run that has committed removes every other checkpoint */
};

/* How two sinks of one stream agree. */
enum agree {
	AGREE_DECIDE,		/* right: both have prepared, one decision record, both apply */
	AGREE_REPLAY,		/* each commits alone; boundaries are logged before their records are read, and those come in a fixed order */
	AGREE_BOUNDS,		/* boundaries are logged, but partitions come as they like */
	AGREE_NOT,		/* each commits alone */
};

struct fan {
	enum agree	agree;
	int		runs;			/* that are ever started */
	int		decides_anew;		/* a decision replaces one that is there */
	int		shared_prep;		/* a prepared manifest belongs to an epoch, and a later run's replaces it */
	int		no_roll_forward;	/* a run starts before both sinks have what was decided */
};

extern const struct search_model protocol_model, fan_model;

#endif
