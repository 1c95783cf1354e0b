/*
 * fan.c - one stream into two sinks, and the ways in which they may agree on what is committed.
 *
 * Source, stage and the check are those of protocol.c.  A barrier goes to both sinks; each of them may be killed alone.  A step of a
 * dead or stopped process that is carried out late is the same as one of a slow process that is killed after it.  The source waits at
 * a barrier until both sinks have it: what it read meanwhile would be the open epoch of this run, and nobody else's business.
 *
 * AGREE_DECIDE is chapter 6 of the protocol: each sink prepares (data is durable and invisible), whoever sees that both have creates the
 * decision record of the epoch, each sink applies its own manifest, and a restart first applies what was decided.
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
#define SINKS		2
#define IDS		5	/* epoch ids are below this: each moves the offsets */

struct token {
	uint8_t	run, id;
};

struct offsets {
	uint8_t	p0, p1;
};

struct rows {
	uint8_t	sum, n;
};

struct store {
	struct rows	rows;
	struct token	token;
	struct offsets	off;
};

struct manifest {
	uint8_t		there;
	struct rows	rows;
	struct offsets	off;
	uint8_t		state;		/* of the stage: for the check alone */
};

enum at { TAKES_ROWS, HAS_BAR, HAS_PREPARED, KILLED };

struct sink {
	uint8_t		at;
	struct token	token;
	struct rows	rows;
};

struct run {
	uint8_t		number;		/* 0: this place is free */
	uint8_t		state, id, waits;	/* waits: a barrier is at the sinks */
	struct offsets	off, cut;
	struct sink	sink[SINKS];
};

struct state {
	struct store	store[SINKS];
	uint8_t		n_runs;
	uint8_t		snapshot[RUNS + 1][IDS];	/* state + 1 */
	uint8_t		decision[IDS];			/* the run; 0: none */
	struct { uint8_t there; struct offsets off; } bound[IDS];
	struct manifest	prep[RUNS + 1][IDS][SINKS];
	struct run	run[ALIVE];
};

struct step {
	struct search		*s;
	const struct fan	*f;
	struct state		 to;
	char			 text[512];
};

static struct step *
step_from(struct step *x, struct search *s, const struct fan *f, const struct state *from)
{
	x->s = s;
	x->f = f;
	x->to = *from;
	x->text[0] = '\0';
	return x;
}

static void __attribute__((format(printf, 2, 3)))
say(struct step *x, const char *fmt, ...)
{
	size_t n = strlen(x->text);
	va_list ap;

	if (!search_telling(x->s))
		return;
	n += (size_t)snprintf(x->text + n, sizeof x->text - n, "%s", n ? "; " : "");
	va_start(ap, fmt);
	if (n < sizeof x->text)
		vsnprintf(x->text + n, sizeof x->text - n, fmt, ap);
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

static struct manifest *
prep(const struct fan *f, struct state *st, int run, int id, int k)
{
	return &st->prep[f->shared_prep ? 0 : run][id][k];
}

/* A file of a run that can be read by nobody any more is not there. */
static void
forget(struct step *x)
{
	struct state *st = &x->to;

	for (int run = 1; run <= RUNS; run++) {
		int lives = st->run[0].number == run || st->run[1].number == run;

		for (int id = 1; id < IDS; id++) {
			const struct token t = { (uint8_t)run, (uint8_t)id };
			int decided = st->decision[id] == run;

			if (!lives && !decided && !same(st->store[0].token, t) && !same(st->store[1].token, t))
				st->snapshot[run][id] = 0;
			if (!lives && !decided)
				memset(st->prep[run][id], 0, sizeof st->prep[run][id]);
		}
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
	forget(x);
	search_to(x->s, &x->to, "%s", x->text);
}

static void
gone(struct run *r)
{
	memset(r, 0, sizeof *r);
}

/* Sink k takes rows into its store: 0, or -1 when that is wrong. */
static int
take(struct step *x, int k, struct token t, const struct manifest *m)
{
	struct store *e = &x->to.store[k];

	e->rows.sum += m->rows.sum;
	e->rows.n += m->rows.n;
	e->token = t;
	e->off = m->off;
	if (e->rows.sum + m->state == m->off.p0 && e->rows.n == m->off.p1)
		return 0;
	search_wrong(x->s, "store %d takes %d/%d: %d rows of sum %d, and state %d, are not what offsets %d %d make", k, t.run, t.id, e->rows.n, e->rows.sum,
	    m->state, m->off.p0, m->off.p1);
	return -1;
}

/* ---------------------------------------------------------------- start */

static int
roll_forward(struct step *x)
{
	struct state *st = &x->to;

	for (int id = 1; id < IDS; id++)
		for (int k = 0; k < SINKS && st->decision[id]; k++) {
			const struct token t = { st->decision[id], (uint8_t)id };

			if (st->store[k].token.id == id - 1 && take(x, k, t, prep(x->f, st, t.run, id, k)) < 0)
				return -1;
		}
	return 0;
}

static void
start(struct step *x)
{
	struct state *st = &x->to;
	struct run *r = &st->run[ALIVE - 1];
	struct token t = { 0 };
	struct offsets off = { 0 };

	if (st->n_runs == x->f->runs || r->number)
		return;
	if (x->f->agree == AGREE_DECIDE) {
		if (!x->f->no_roll_forward && roll_forward(x) < 0)
			return;
		for (int id = 1; id < IDS && st->decision[id]; id++) {
			t = (struct token){ st->decision[id], (uint8_t)id };
			off = prep(x->f, st, t.run, id, 0)->off;
		}
	} else {		/* the sink that is behind */
		const struct store *e = &st->store[st->store[1].token.id < st->store[0].token.id];

		t = e->token;
		off = e->off;
	}
	r->number = ++st->n_runs;
	if (t.run && !st->snapshot[t.run][t.id]) {
		search_wrong(x->s, "run %d starts at %d/%d, whose snapshot is not there", r->number, t.run, t.id);
		return;
	}
	r->state = t.run ? st->snapshot[t.run][t.id] - 1 : 0;
	r->id = t.id + 1;
	r->off = r->cut = off;
	for (int k = 0; k < SINKS; k++)
		r->sink[k].token = st->store[k].token;
	say(x, "run %d starts at %d/%d, offsets %d %d, state %d; the stores are at %d/%d and %d/%d", r->number, t.run, t.id, off.p0, off.p1, r->state,
	    st->store[0].token.run, st->store[0].token.id, st->store[1].token.run, st->store[1].token.id);
	go(x);
}

/* ---------------------------------------------------------------- source and stage */

/* May a record of this partition be read now? */
static int
may_read(const struct step *x, const struct run *r, int partition)
{
	const struct state *st = &x->to;
	int bounded = x->f->agree == AGREE_REPLAY || x->f->agree == AGREE_BOUNDS;

	if (r->waits || (partition ? r->off.p1 == RECORDS_1 : r->off.p0 == RECORDS_0))
		return 0;
	if (x->f->agree == AGREE_REPLAY && !st->bound[r->id].there)
		return 0;
	if (bounded && st->bound[r->id].there && (partition ? r->off.p1 >= st->bound[r->id].off.p1 : r->off.p0 >= st->bound[r->id].off.p0))
		return 0;
	return x->f->agree != AGREE_REPLAY || !partition || r->off.p0 >= st->bound[r->id].off.p0;	/* partition 0 first */
}

static void
read_record(struct step *x, int i, int partition)
{
	struct run *r = &x->to.run[i];

	if (!may_read(x, r, partition))
		return;
	if (partition) {
		say(x, "run %d reads a record of partition 1 and emits row %d", r->number, r->state);
		r->off.p1++;
		for (int k = 0; k < SINKS; k++)
			if (r->sink[k].at != KILLED) {
				r->sink[k].rows.sum += r->state;
				r->sink[k].rows.n++;
			}
		r->state = 0;
	} else {
		say(x, "run %d reads a record of partition 0", r->number);
		r->off.p0++;
		r->state++;
	}
	go(x);
}

/* Where the epoch ends, written down exclusively: when it is reached, or (AGREE_REPLAY) before it is begun. */
static void
log_bound(struct step *x, int i, struct offsets to)
{
	struct run *r = &x->to.run[i];

	if ((x->f->agree != AGREE_REPLAY && x->f->agree != AGREE_BOUNDS) || r->waits || x->to.bound[r->id].there || here(r->cut, to))
		return;
	if (x->f->agree == AGREE_BOUNDS ? !here(r->off, to) : (!here(r->off, r->cut) || to.p0 < r->off.p0 || to.p1 < r->off.p1))
		return;
	x->to.bound[r->id].there = 1;
	x->to.bound[r->id].off = to;
	say(x, "run %d logs that epoch %d ends at %d %d", r->number, r->id, to.p0, to.p1);
	go(x);
}

static void
cut(struct step *x, int i)
{
	struct state *st = &x->to;
	struct run *r = &st->run[i];
	int logged = x->f->agree == AGREE_REPLAY || x->f->agree == AGREE_BOUNDS;

	if (r->waits || here(r->off, r->cut) || (logged && (!st->bound[r->id].there || !here(st->bound[r->id].off, r->off))))
		return;
	st->snapshot[r->number][r->id] = r->state + 1;
	r->waits = 1;
	for (int k = 0; k < SINKS; k++)
		if (r->sink[k].at == TAKES_ROWS)
			r->sink[k].at = HAS_BAR;
	say(x, "run %d: state %d is in snapshot %d/%d; barrier %d at %d %d", r->number, r->state, r->number, r->id, r->id, r->off.p0, r->off.p1);
	go(x);
}

/* ---------------------------------------------------------------- sinks */

static void
sink_done(struct run *r, int k, struct token t)
{
	struct sink *s = &r->sink[k];
	int all = 1;

	s->token = t;
	s->at = TAKES_ROWS;
	memset(&s->rows, 0, sizeof s->rows);
	for (int j = 0; j < SINKS; j++)
		all &= r->sink[j].at == TAKES_ROWS;
	if (all) {
		r->waits = 0;
		r->id++;
		r->cut = r->off;
	}
}

static void
fenced(struct step *x, struct run *r)
{
	say(x, "run %d ends (77)", r->number);
	gone(r);
}

/* Sinks that commit alone: by compare with their own predecessor; one that is ahead skips. */
static void
commit_alone(struct step *x, int i, int k)
{
	struct run *r = &x->to.run[i];
	struct store *e = &x->to.store[k];
	struct token t = { r->number, r->id };
	const struct manifest m = { 1, r->sink[k].rows, r->off, r->state };

	if (x->f->agree == AGREE_DECIDE || r->sink[k].at != HAS_BAR)
		return;
	if (r->sink[k].token.id >= r->id) {
		say(x, "sink %d of run %d skips epoch %d", k, r->number, r->id);
		sink_done(r, k, r->sink[k].token);
	} else if (same(e->token, r->sink[k].token)) {
		say(x, "sink %d of run %d commits %d/%d", k, r->number, t.run, t.id);
		if (take(x, k, t, &m) < 0)
			return;
		sink_done(r, k, t);
	} else {
		fenced(x, r);
	}
	go(x);
}

static void
prepare(struct step *x, int i, int k)
{
	struct run *r = &x->to.run[i];

	if (x->f->agree != AGREE_DECIDE || r->sink[k].at != HAS_BAR)
		return;
	*prep(x->f, &x->to, r->number, r->id, k) = (struct manifest){ 1, r->sink[k].rows, r->off, r->state };
	r->sink[k].at = HAS_PREPARED;
	say(x, "sink %d of run %d has prepared %d/%d", k, r->number, r->number, r->id);
	go(x);
}

static void
decide(struct step *x, int i)
{
	struct state *st = &x->to;
	struct run *r = &st->run[i];
	int alive = 0;

	for (int k = 0; k < SINKS; k++) {
		if (!prep(x->f, st, r->number, r->id, k)->there)
			return;
		alive |= r->sink[k].at == HAS_PREPARED;
	}
	if (x->f->agree != AGREE_DECIDE || !r->waits || !alive || st->decision[r->id] == r->number)
		return;
	if (st->decision[r->id] && !x->f->decides_anew) {
		fenced(x, r);
	} else {
		st->decision[r->id] = r->number;
		say(x, "run %d decides epoch %d", r->number, r->id);
	}
	go(x);
}

static void
apply(struct step *x, int i, int k)
{
	struct state *st = &x->to;
	struct run *r = &st->run[i];
	struct token t = { r->number, r->id };

	if (r->sink[k].at != HAS_PREPARED || st->decision[r->id] != r->number)
		return;
	if (same(st->store[k].token, t)) {
		say(x, "sink %d of run %d finds %d/%d applied", k, r->number, t.run, t.id);
		sink_done(r, k, t);
	} else if (same(st->store[k].token, r->sink[k].token)) {
		say(x, "sink %d of run %d applies %d/%d", k, r->number, t.run, t.id);
		if (take(x, k, t, prep(x->f, st, t.run, t.id, k)) < 0)
			return;
		sink_done(r, k, t);
	} else {
		fenced(x, r);
	}
	go(x);
}

static void
killed(struct step *x, int i, int k)
{
	struct run *r = &x->to.run[i];

	if (k < SINKS && (r->sink[k].at == KILLED || r->sink[!k].at == KILLED || !r->waits))
		return;		/* the death of one shows at the next barrier; that of both is the run's */
	say(x, "%s%d%s", k < SINKS ? "sink " : "run ", k < SINKS ? k : r->number, " is killed");
	if (k < SINKS)
		r->sink[k] = (struct sink){ .at = KILLED };
	else
		gone(r);
	go(x);
}

/* ---------------------------------------------------------------- */

static void
next(struct search *s, const void *variant, const void *state)
{
	const struct fan *f = variant;
	const struct state *from = state;
	struct step x;

	start(step_from(&x, s, f, from));
	for (int i = 0; i < ALIVE; i++) {
		if (!from->run[i].number)
			continue;
		for (int k = 0; k <= SINKS; k++)
			killed(step_from(&x, s, f, from), i, k);
		for (int p0 = 0; p0 <= RECORDS_0; p0++)
			for (int p1 = 0; p1 <= RECORDS_1; p1++)
				log_bound(step_from(&x, s, f, from), i, (struct offsets){ (uint8_t)p0, (uint8_t)p1 });
		for (int k = 0; k < SINKS; k++) {
			read_record(step_from(&x, s, f, from), i, k);	/* k as a partition */
			commit_alone(step_from(&x, s, f, from), i, k);
			prepare(step_from(&x, s, f, from), i, k);
			apply(step_from(&x, s, f, from), i, k);
		}
		cut(step_from(&x, s, f, from), i);
		decide(step_from(&x, s, f, from), i);
	}
}

static void
first(const void *variant, void *state)
{
	(void)variant;
	(void)state;		/* all zero: empty stores, and nobody there */
}

const struct search_model fan_model = { sizeof(struct state), first, next };
