/*
 * protocol.c - one stream into one sink: runs that are started, killed at any step and two at a time, and commit requests that are
 * delayed, sent twice, lost, or carried out when the run that sent them is long dead.
 *
 * The source has two partitions and interleaves them as it likes.  A stage counts the records of partition 0; a record of partition 1
 * makes it emit the count as a row and begin at 0 again.  So every row depends on the order of records and on state from before.  Each
 * effect is in the table exactly once if and only if, after every commit,
 *	sum of rows + the state behind them = the commit's offset of partition 0, and number of rows = its offset of partition 1.
 *
 * What a process does alone, and without a choice, it does at once: another order would lead to the same states.  A request that is
 * lost is one that is never carried out.  Not in the model, since it changes nothing here: the bytes of the stream (n, hash, seq), the
 * prepare manifest, several stages.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

#define RECORDS_0	2
#define RECORDS_1	1
#define RUNS		3
#define ALIVE		2
#define IDS		7	/* epoch ids are below this */
#define REQUESTS	6	/* in the network */

struct token {
	uint8_t	run, id;	/* 0/0: none */
};

struct offsets {
	uint8_t	p0, p1;
};

struct rows {
	uint8_t	sum, n;
};

enum what { NOTHING, ROW, BAR, EOS };

struct item {			/* in the pipe between the stage and the sink */
	uint8_t		what, value, last, id;
	struct offsets	off;
	uint8_t		state;	/* of the stage at a barrier: for the check alone */
};

struct request {
	struct token	token, prev;
	struct rows	rows;
	struct offsets	off;
	uint8_t		state;
	uint8_t		again;	/* the network, or the sink on an unknown outcome, may send it a second time */
};

enum source { LIVE, CUT, FORWARDED, LAST, ENDED, DEAD };
enum sink { BEFORE_HELLO, READS, WAITS };

struct run {
	uint8_t		number;		/* 0: this place is free */
	/* the source and the stage */
	uint8_t		source, state, id, last;
	struct offsets	off, cut;	/* where it reads; and where the last barrier was */
	struct item	pipe;
	/* the sink */
	uint8_t		sink, gc;	/* gc: the id it has committed and not yet cleaned up after */
	struct token	token;		/* that it goes on from */
	struct offsets	base;		/* and its offsets */
	struct rows	rows;		/* of the open epochs */
	struct request	sent;		/* while it waits */
};

struct state {
	/* the table: its rows, and what was committed with them */
	struct rows	rows;
	struct token	token;
	struct offsets	off;
	uint32_t	jobs;			/* ids that were used, ACCEPT_JOB_* */
	uint8_t		n_runs;			/* that were ever started */
	uint8_t		snapshot[RUNS + 1][IDS];	/* the stage's state + 1; 0: there is none */
	struct request	request[REQUESTS];	/* in order */
	struct run	run[ALIVE];
};

/* One step on its way: a copy of the state, and what the step is called. */
struct step {
	struct search		*s;
	const struct protocol	*p;
	struct state		 to;
	char			 text[512];
	size_t			 n;
};

static struct step *
step_from(struct step *x, struct search *s, const struct protocol *p, const struct state *from)
{
	x->s = s;
	x->p = p;
	x->to = *from;
	x->n = 0;
	return x;
}

static void __attribute__((format(printf, 2, 3)))
say(struct step *x, const char *fmt, ...)
{
	va_list ap;

	if (!search_telling(x->s) || x->n + 2 >= sizeof x->text)
		return;
	x->n += (size_t)snprintf(x->text + x->n, sizeof x->text - x->n, "%s", x->n ? "; " : "");
	va_start(ap, fmt);
	x->n += (size_t)vsnprintf(x->text + x->n, sizeof x->text - x->n, fmt, ap);
	va_end(ap);
}

static int
same(struct token a, struct token b)
{
	return a.run == b.run && a.id == b.id;
}

static int
here(struct offsets a, struct offsets b)
{
	return a.p0 == b.p0 && a.p1 == b.p1;
}

static void
gone(struct run *r)
{
	memset(r, 0, sizeof *r);
}

/* runs/<run>/ckpt/<id>: state_ckpt(), libcommon/state/dir.c */
static uint8_t *
snapshot(const struct protocol *p, struct state *st, struct token t)
{
	return &st->snapshot[p->id_keyed ? 0 : t.run][t.id];
}

/* ---------------------------------------------------------------- the sink */

static void
send(struct step *x, const struct request *q)
{
	for (int i = 0; i < REQUESTS; i++)
		if (!x->to.request[i].token.run) {
			x->to.request[i] = *q;
			return;
		}
	search_wrong(x->s, "more than %d requests are on their way: the model is too small", REQUESTS);
}

/* commit(), libcommon/stream/epoch.c; worth() and output_commit(), tools/iceberg-out/output.c: without rows the epoch is held, and the
 * next commit covers it; the last one is committed without rows when offsets have moved. */
static void
barrier(struct step *x, struct run *r, const struct item *b)
{
	struct token t = { r->number, b->id };
	struct request q = { .token = t, .prev = r->token, .rows = r->rows, .off = b->off, .state = b->state, .again = 1 };

	if (!r->rows.n && !(b->last && !here(b->off, r->base))) {
		say(x, "epoch %d/%d has no rows and is held", t.run, t.id);
		return;
	}
	r->sent = q;
	r->sink = WAITS;
	send(x, &q);
	say(x, "the sink sends %d/%d after %d/%d: %d rows of sum %d, offsets %d %d", t.run, t.id, q.prev.run, q.prev.id, q.rows.n, q.rows.sum, q.off.p0, q.off.p1);
}

/* What is in the pipe, into the sink; read_loop(), libcommon/stream/run.c.  1: something was there. */
static int
sink_reads(struct step *x, struct run *r)
{
	const struct item it = r->pipe;
	int number = r->number;

	if (!number || r->sink != READS || (!it.what && r->source != DEAD))
		return 0;
	memset(&r->pipe, 0, sizeof r->pipe);
	switch (it.what) {
	case ROW:
		r->rows.sum += it.value;
		r->rows.n++;
		break;
	case BAR:
		barrier(x, r, &it);
		break;
	case EOS:
		gone(r);
		say(x, "run %d ends (0)", number);
		break;
	case NOTHING:		/* the end of input, and no eos came: host_barrier() is not called */
		if (x->p->no_eos && r->rows.n) {
			barrier(x, r, &(const struct item){ .what = BAR, .last = 1, .id = r->id, .off = r->cut, .state = r->state });
			break;
		}
		gone(r);
		say(x, "the input of run %d's sink ended without eos (75)", number);
		break;
	}
	return 1;
}

/* ---------------------------------------------------------------- source and stage */

/* What waits for room in the pipe.  1: something was written. */
static int
source_writes(struct step *x, struct run *r)
{
	if (r->pipe.what || (r->source != CUT && r->source != LAST))
		return 0;
	if (r->source == LAST) {
		r->pipe.what = EOS;
		r->source = ENDED;
		return 1;
	}
	r->pipe = (struct item){ .what = BAR, .last = r->last, .id = r->id, .off = r->off, .state = r->state };
	say(x, "run %d forwards %sbarrier %d, offsets %d %d", r->number, r->last ? "the last " : "", r->id, r->off.p0, r->off.p1);
	r->cut = r->off;
	r->source = x->p->forward_first ? FORWARDED : r->last ? LAST : LIVE;
	if (!x->p->forward_first) {
		r->id++;
		r->last = 0;
	}
	return 1;
}

/* ---------------------------------------------------------------- the end of a step */

/* A request that nothing can come of: nobody waits for its answer, and the store will refuse it for ever.  ACCEPT_PREV: its
 * predecessor was the newest token when it was made, and ids grow along commits, so that one does not come back. */
static int
hopeless(const struct step *x, const struct request *q);

/* May this checkpoint become the position of a run that is yet to start? */
static int
reachable(const struct state *st, struct token t)
{
	int yes = same(st->token, t);

	for (int i = 0; i < REQUESTS; i++)
		yes |= same(st->request[i].token, t);
	for (int i = 0; i < ALIVE; i++) {
		const struct run *r = &st->run[i];

		yes |= r->number == t.run && (r->id == t.id || (r->pipe.what == BAR && r->pipe.id == t.id));
	}
	return yes;
}

/* States that differ in what is never looked at again are made one. */
static void
forget(struct step *x)
{
	struct state *st = &x->to;

	for (int i = 0; i < REQUESTS; i++)
		if (st->request[i].token.run && hopeless(x, &st->request[i]))
			memset(&st->request[i], 0, sizeof *st->request);
	for (int run = 1; run <= RUNS && !x->p->id_keyed; run++)
		for (int id = 1; id < IDS; id++)
			if (!reachable(st, (struct token){ (uint8_t)run, (uint8_t)id }))
				st->snapshot[run][id] = 0;
	for (int i = 0; i < ALIVE; i++) {
		struct run *r = &st->run[i];

		if (r->source == ENDED || (r->source == DEAD && !x->p->no_eos))
			r->id = r->state = r->off.p0 = r->off.p1 = r->cut.p0 = r->cut.p1 = r->last = 0;
	}
	for (int i = 1; i < REQUESTS; i++)
		for (int j = i; j && memcmp(&st->request[j - 1], &st->request[j], sizeof *st->request) < 0; j--) {
			struct request r = st->request[j];

			st->request[j] = st->request[j - 1];
			st->request[j - 1] = r;
		}
	if (st->run[0].number < st->run[1].number) {
		struct run r = st->run[0];

		st->run[0] = st->run[1];
		st->run[1] = r;
	}
}

static void
go(struct step *x)
{
	for (int i = 0; i < ALIVE; i++)
		while (sink_reads(x, &x->to.run[i]) || source_writes(x, &x->to.run[i]))
			;
	forget(x);
	search_to(x->s, &x->to, "%s", x->text);
}

/* ---------------------------------------------------------------- steps of a run */

/* tools/weir/launch.c asks the sink for the position, the source seeks it, the stages restore its snapshot (host_restore(),
 * libcommon/stream/keep.c); or somebody types the pipeline anew and forgets the position. */
static void
start(struct step *x, int forgets)
{
	struct state *st = &x->to;
	struct run *r = &st->run[ALIVE - 1];
	struct token t = forgets ? (struct token){ 0 } : st->token;

	if (st->n_runs == RUNS || r->number || (forgets && !st->token.run))
		return;
	for (int run = 1; run <= RUNS && x->p->gc_at_start; run++)
		for (int id = 1; id < IDS; id++)
			if (run != t.run || id != t.id)
				st->snapshot[run][id] = 0;
	r->number = ++st->n_runs;
	r->id = t.id + 1;
	r->token = t;
	if (!forgets)
		r->off = r->cut = r->base = st->off;
	if (t.run && !*snapshot(x->p, st, t)) {
		search_wrong(x->s, "run %d starts at %d/%d, whose snapshot is not there", r->number, t.run, t.id);
		return;
	}
	r->state = t.run ? *snapshot(x->p, st, t) - 1 : 0;
	say(x, "run %d starts %s%d/%d, offsets %d %d, state %d", r->number, forgets ? "without a position, at " : "at ", t.run, t.id, r->off.p0, r->off.p1, r->state);
	go(x);
}

/* hello is at the sink: output_begin() and output_guard(), tools/iceberg-out/output.c; feed_guard(), feed.c */
static void
hello(struct step *x, int i)
{
	struct run *r = &x->to.run[i];

	if (r->sink != BEFORE_HELLO)
		return;
	if (!x->p->no_guard && (!same(r->token, x->to.token) || !here(r->base, x->to.off))) {
		say(x, "run %d is not where the table is, at %d/%d: it ends (77)", r->number, x->to.token.run, x->to.token.id);
		gone(r);
	} else {
		r->token = x->to.token;
		r->base = x->to.off;
		r->sink = READS;
		say(x, "run %d: the sink goes on from %d/%d", r->number, r->token.run, r->token.id);
	}
	go(x);
}

/* A record of a partition, through the stage. */
static void
read_record(struct step *x, int i, int partition)
{
	struct run *r = &x->to.run[i];

	if (r->source != LIVE || (partition ? r->off.p1 == RECORDS_1 || r->pipe.what : r->off.p0 == RECORDS_0))
		return;
	if (partition) {
		say(x, "run %d reads a record of partition 1 and emits row %d", r->number, r->state);
		r->off.p1++;
		r->pipe = (struct item){ .what = ROW, .value = r->state };
		r->state = 0;
	} else {
		say(x, "run %d reads a record of partition 0", r->number);
		r->off.p0++;
		r->state++;
	}
	go(x);
}

/* A barrier at any time, the last one too (SIGTERM): host_barrier(), libcommon/stream/epoch.c, makes the snapshots before it calls
 * forward_bar().  That the source is killed in between is in the model as a kill before the barrier: nobody asks for the snapshot. */
static void
cut(struct step *x, int i, int last)
{
	struct run *r = &x->to.run[i];
	struct token t = { r->number, r->id };

	if (r->source != LIVE || (!last && here(r->off, r->cut)))
		return;
	if (r->id == IDS) {
		search_wrong(x->s, "more than %d epochs: the model is too small", IDS - 1);
		return;
	}
	r->last = (uint8_t)last;
	r->source = CUT;
	if (!x->p->forward_first) {
		*snapshot(x->p, &x->to, t) = r->state + 1;
		say(x, "state %d is in snapshot %d/%d", r->state, t.run, t.id);
	}
	go(x);
}

static void
late_snapshot(struct step *x, int i)
{
	struct run *r = &x->to.run[i];
	struct token t = { r->number, r->id };

	if (r->source != FORWARDED)
		return;
	*snapshot(x->p, &x->to, t) = r->state + 1;
	say(x, "state %d is in snapshot %d/%d", r->state, t.run, t.id);
	r->source = r->last ? LAST : LIVE;
	r->last = 0;
	r->id++;
	go(x);
}

/* A checkpoint may go when it can never be the position again.  Ids grow along commits, so that is every other one that is not newer
 * than a commit that was seen.  A newer one may be a living run's, or that of a request on its way. */
static void
clean_up(struct step *x, int i)
{
	struct run *r = &x->to.run[i];

	if (!r->gc)
		return;
	for (int run = 0; run <= RUNS; run++)
		for (int id = 1; id < IDS; id++)
			if ((id <= r->gc || x->p->gc_all) && !(id == r->gc && (run == r->number || x->p->id_keyed)))
				x->to.snapshot[run][id] = 0;
	say(x, "run %d cleans up after its commit %d", r->number, r->gc);
	r->gc = 0;
	go(x);
}

static void
killed(struct step *x, int i, int source_only)
{
	struct run *r = &x->to.run[i];

	if (source_only && r->source >= ENDED)
		return;
	say(x, "%s %d is killed", source_only ? "the source of run" : "run", r->number);
	if (source_only)
		r->source = DEAD;
	else
		gone(r);
	go(x);
}

/* ---------------------------------------------------------------- the store */

/* check_feed(), tools/iceberg-out/output.c, together with the swap of try(), libcommon/iceberg/commit.c: both are about one head. */
static uint32_t
job(const struct protocol *p, const struct request *q)
{
	return UINT32_C(1) << (p->accept == ACCEPT_JOB_EPOCH ? q->token.id : q->prev.run * IDS + q->prev.id);
}

static int
accepted(const struct protocol *p, const struct state *st, const struct request *q)
{
	switch (p->accept) {
	case ACCEPT_PREV:
		return same(st->token, q->prev);
	case ACCEPT_JOB_PREV:
	case ACCEPT_JOB_EPOCH:
		return !(st->jobs & job(p, q));
	case ACCEPT_NEWER:
		return q->token.id > st->token.id;
	case ACCEPT_NEW:
		return !same(st->token, q->token);
	case ACCEPT_ALL:
		break;
	}
	return 1;
}

/* What a refused run makes of it: its own token is there (an earlier copy was carried out), or another run was first (77). */
static int
takes_for_done(const struct protocol *p, const struct state *st, const struct request *q)
{
	return same(st->token, q->token) || (p->accept == ACCEPT_NEWER && q->token.id <= st->token.id);
}

static struct run *
waiting(struct state *st, const struct request *q)
{
	for (int i = 0; i < ALIVE; i++)
		if (st->run[i].number == q->token.run && st->run[i].sink == WAITS && same(st->run[i].sent.token, q->token))
			return &st->run[i];
	return NULL;
}

static int
hopeless(const struct step *x, const struct request *q)
{
	struct state st = x->to;

	if (x->p->accept == ACCEPT_NEW || waiting(&st, q))
		return 0;
	return !accepted(x->p, &st, q);
}

/* remember(), tools/iceberg-out/output.c, and host_done(), libcommon/stream/keep.c */
static void
done(struct run *r)
{
	r->token = r->sent.token;
	r->base = r->sent.off;
	r->gc = r->sent.token.id;
	r->sink = READS;
	memset(&r->rows, 0, sizeof r->rows);
	memset(&r->sent, 0, sizeof r->sent);
}

static int
take(struct step *x, const struct request *q)
{
	struct state *st = &x->to;

	st->jobs |= x->p->accept == ACCEPT_JOB_PREV || x->p->accept == ACCEPT_JOB_EPOCH ? job(x->p, q) : 0;
	st->rows.sum += q->rows.sum;
	st->rows.n += q->rows.n;
	st->token = q->token;
	st->off = q->off;
	if (st->rows.sum + q->state == q->off.p0 && st->rows.n == q->off.p1)
		return 0;
	search_wrong(x->s, "the table takes %d/%d: %d rows of sum %d, and state %d, are not what offsets %d %d make", q->token.run, q->token.id, st->rows.n,
	    st->rows.sum, q->state, q->off.p0, q->off.p1);
	return -1;
}

/* Request j is carried out; a copy of it stays in the network when `copy` is set, and its answer is lost when `lost` is. */
static void
carry_out(struct step *x, int j, int copy, int lost)
{
	struct state *st = &x->to;
	struct request q = st->request[j];
	struct run *r = q.token.run ? waiting(st, &q) : NULL;
	int yes = accepted(x->p, st, &q);

	if (!q.token.run || (copy && !q.again) || (lost && (!r || !yes)))
		return;
	if (copy)
		st->request[j].again = 0;
	else
		memset(&st->request[j], 0, sizeof *st->request);
	if (yes && take(x, &q) < 0)
		return;
	say(x, "the table %s %d/%d%s%s", yes ? "takes" : "refuses", q.token.run, q.token.id, copy ? ", a copy is on its way" : "",
	    !r ? ", whose run is dead or gone on" : lost ? ", the answer is lost" : "");
	if (r && !lost) {
		if (yes || takes_for_done(x->p, st, &q))
			done(r);
		else {
			say(x, "run %d ends (77)", r->number);
			gone(r);
		}
	}
	go(x);
}

/* ---------------------------------------------------------------- */

static void
next(struct search *s, const void *variant, const void *state)
{
	const struct protocol *p = variant;
	const struct state *from = state;
	struct step x;

	start(step_from(&x, s, p, from), 0);
	start(step_from(&x, s, p, from), 1);
	for (int j = 0; j < REQUESTS; j++)
		for (int how = 0; how < 4 && from->request[j].token.run; how++)
			carry_out(step_from(&x, s, p, from), j, how & 1, how >> 1);
	for (int i = 0; i < ALIVE; i++) {
		if (!from->run[i].number)
			continue;
		killed(step_from(&x, s, p, from), i, 0);
		killed(step_from(&x, s, p, from), i, 1);
		hello(step_from(&x, s, p, from), i);
		clean_up(step_from(&x, s, p, from), i);
		if (from->run[i].sink == BEFORE_HELLO)	/* hello is the first thing in the pipe: what the source does before, it can do after */
			continue;
		for (int k = 0; k < 2; k++) {
			read_record(step_from(&x, s, p, from), i, k);
			cut(step_from(&x, s, p, from), i, k);
		}
		late_snapshot(step_from(&x, s, p, from), i);
	}
}

static void
first(const void *variant, void *state)
{
	(void)variant;
	(void)state;		/* all zero: an empty table, and nobody there */
}

const struct search_model protocol_model = { sizeof(struct state), first, next };
