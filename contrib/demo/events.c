/*
 * events - generated subscription events, and what a correct pipeline finds in them.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "iso.h"

#define N(a)		(sizeof(a) / sizeof *(a))
#define START_US	INT64_C(1767225600000000)	/* 2026-01-01T00:00:00Z */
#define STEP_US		1000				/* one event a millisecond */
#define JITTER_US	800000				/* every event is up to this much early */
#define LATE_MIN_US	INT64_C(60000000)
#define LATE_MAX_US	INT64_C(900000000)
#define MINUTE_US	INT64_C(60000000)
#define BACK		100000				/* how many valid events back a duplicate reaches */

static const char *const types[] = {
	"signup.started", "signup.completed", "trial.started", "subscription.created", "subscription.renewed",
	"subscription.canceled", "plan.upgraded", "payment.failed"
};
static const char *const regions[] = { "us-east-1", "us-west-2", "sa-east-1", "eu-west-1", "eu-central-1", "ap-south-1", "ap-northeast-1" };
static const char *const channels[] = { "organic", "ads", "referral", "email", "partner", "social" };
static const char *const plans[] = { "free", "basic", "pro", "team", "enterprise" };
static const char *const currencies[] = { "EUR", "USD", "GBP", "JPY", "BRL" };
static const char *const people[] = {
	"ada", "bj\xc3\xb6rn", "chen", "dolores", "emre", "f\xc3\xa1tima", "grace", "hiro", "in\xc3\xa9s", "jan", "kofi", "lucia"
};
static const char *const hosts[] = { "example.com", "example.net", "mail.example", "post.example", "corp.example" };
/* Escapes on purpose: a pipeline must carry them through byte for byte. */
static const char *const campaigns[] = { "none", "spring", "win-back", "\\u00fcbersee", "a\\/b \\\"beta\\\"", "partner_day" };
static const char *const countries[] = { "DE", "US", "BR", "IN", "JP", "FR", "GB", "NG", "ES", "TR" };
static const char *const tiers[] = { "bronze", "silver", "gold" };
static const char *const segments[] = { "private", "startup", "\"small, local\"", "public", "enterprise" };

enum bad { BAD_CUT, BAD_MISSING, BAD_TYPE, BAD_ENUM, N_BAD };
static const char *const bad_names[N_BAD] = { "not_json", "missing_event_id", "amount_no_number", "unknown_region" };

/* One draw per use, so that a new field never changes the others. */
enum use { USE_KIND, USE_BACK, USE_ID_A, USE_ID_B, USE_TIME, USE_LATE, USE_LATENESS, USE_USER, USE_PICK, USE_AMOUNT, USE_SEATS, USE_ROW };

struct event {
	uint64_t	id[2], user, cents;
	int64_t		time_us;
	unsigned	type, region, channel, plan, currency, person, host, campaign, seats;
	int		trial, late;
};

struct cell {
	uint64_t	n, cents;
};

struct events {
	struct events_options	 o;
	struct cell		*cell;		/* n_minutes x regions x channels */
	int64_t			 first_minute;
	size_t			 n_minutes;
	uint64_t		 line, valid, duplicates, unique, late, cents, bad[N_BAD];
};

/* A hash of (seed, index, use) that passes for random: two rounds of multiply and fold. */
static uint64_t
draw(uint64_t seed, uint64_t index, enum use use)
{
	uint64_t x = seed * UINT64_C(0xd6e8feb86659fd93) + index;

	for (int round = 0; round < 3; round++) {
		x ^= x >> 32;
		x = (x + (uint64_t)use + 1) * UINT64_C(0xd6e8feb86659fd93);
	}
	return x ^ x >> 32;
}

static int
chance(uint64_t random, double share)
{
	return (double)(random >> 11) * 0x1p-53 < share;
}

static size_t
cell_of(const struct events *g, const struct event *e)
{
	return ((size_t)(e->time_us / MINUTE_US - g->first_minute) * N(regions) + e->region) * N(channels) + e->channel;
}

struct events *
events_new(const struct events_options *o)
{
	struct events *g = calloc(1, sizeof *g);
	int64_t last = START_US + (int64_t)o->events * STEP_US;

	if (!g)
		return NULL;
	g->o = *o;
	g->first_minute = (START_US - JITTER_US - LATE_MAX_US) / MINUTE_US;
	g->n_minutes = (size_t)(last / MINUTE_US - g->first_minute + 1);
	if (!(g->cell = calloc(g->n_minutes * N(regions) * N(channels), sizeof *g->cell))) {
		free(g);
		return NULL;
	}
	return g;
}

void
events_free(struct events *g)
{
	if (g)
		free(g->cell);
	free(g);
}

static void
make(const struct events_options *o, uint64_t index, struct event *e)
{
	uint64_t pick = draw(o->seed, index, USE_PICK);

	e->id[0] = (draw(o->seed, index, USE_ID_A) & ~UINT64_C(0xf000)) | 0x4000;			/* UUID version 4 */
	e->id[1] = (draw(o->seed, index, USE_ID_B) & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
	/* Bad lines have indexes of their own, above 2^62: their clock is the rest. */
	e->time_us = START_US + (int64_t)(index & (UINT64_MAX >> 2)) * STEP_US - (int64_t)(draw(o->seed, index, USE_TIME) % JITTER_US);
	e->late = chance(draw(o->seed, index, USE_LATE), o->late);
	if (e->late)
		e->time_us -= LATE_MIN_US + (int64_t)(draw(o->seed, index, USE_LATENESS) % (LATE_MAX_US - LATE_MIN_US));
	e->time_us -= e->time_us % 1000;
	e->user = draw(o->seed, index, USE_USER) % o->users + 1;
	e->cents = draw(o->seed, index, USE_AMOUNT) % 30000;
	e->type = pick % N(types);
	e->region = (pick >> 8) % N(regions);
	e->channel = (pick >> 16) % N(channels);
	e->plan = (pick >> 24) % N(plans);
	e->currency = (pick >> 32) % N(currencies);
	e->campaign = (pick >> 40) % N(campaigns);
	e->trial = pick >> 48 & 1;
	e->person = e->user % N(people);
	e->host = e->user / N(people) % N(hosts);
	e->seats = (unsigned)(draw(o->seed, index, USE_SEATS) % 50) + 1;
}

static size_t
print(const struct event *e, int bad, char *line)
{
	char time[ISO_SIZE], id[64], amount[32];
	int n;

	iso_format(e->time_us, time);
	if (!strchr(time, '.'))		/* always three digits: lines of one shape */
		memcpy(time + strlen(time) - 1, ".000Z", 6);
	snprintf(id, sizeof id, "\"event_id\":\"%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64 "\",", e->id[0] >> 32,
	    e->id[0] >> 16 & 0xffff, e->id[0] & 0xffff, e->id[1] >> 48, e->id[1] & UINT64_C(0xffffffffffff));
	if (bad == BAD_TYPE)
		snprintf(amount, sizeof amount, "\"n/a\"");
	else
		snprintf(amount, sizeof amount, "%" PRIu64 ".%02" PRIu64, e->cents / 100, e->cents % 100);
	n = snprintf(line, EVENTS_LINE,
	    "{%s\"event_time\":\"%s\",\"event_type\":\"%s\",\"user\":{\"id\":%" PRIu64 ",\"email\":\"%s.%" PRIu64 "@%s\"},\"region\":\"%s\","
	    "\"channel\":\"%s\",\"plan\":\"%s\",\"amount\":%s,\"currency\":\"%s\",\"props\":{\"campaign\":\"%s\",\"trial\":%s,\"seats\":%u}}",
	    bad == BAD_MISSING ? "" : id, time, types[e->type], e->user, people[e->person], e->user, hosts[e->host],
	    bad == BAD_ENUM ? "mars-north-1" : regions[e->region], channels[e->channel], plans[e->plan], amount, currencies[e->currency],
	    campaigns[e->campaign], e->trial ? "true" : "false", e->seats);
	return bad == BAD_CUT ? (size_t)n * 3 / 5 : (size_t)n;
}

size_t
events_next(struct events *g, char *line, uint64_t *user)
{
	struct event e;
	uint64_t kind;
	struct cell *c;
	int bad = -1;

	if (g->line == g->o.events)
		return 0;
	kind = draw(g->o.seed, g->line, USE_KIND);
	if (chance(kind, g->o.bad)) {
		bad = (int)(kind % N_BAD);
		g->bad[bad]++;
		make(&g->o, UINT64_C(1) << 62 | g->line, &e);		/* indexes no valid event has */
		e.time_us = START_US + (int64_t)g->line * STEP_US;
	} else if (g->unique && chance(draw(g->o.seed, g->line, USE_BACK), g->o.duplicates / (1 - g->o.bad))) {
		make(&g->o, g->unique - 1 - draw(g->o.seed, g->line, USE_ROW) % (g->unique < BACK ? g->unique : BACK), &e);
		g->valid++;
		g->duplicates++;
	} else {
		make(&g->o, g->unique++, &e);
		c = &g->cell[cell_of(g, &e)];
		c->n++;
		c->cents += e.cents;
		g->cents += e.cents;
		g->valid++;
		g->late += (uint64_t)e.late;
	}
	g->line++;
	*user = e.user;
	return print(&e, bad, line);
}

static void
truth_windows(const struct events *g, FILE *f)
{
	const char *comma = "";

	for (size_t i = 0; i < g->n_minutes * N(regions) * N(channels); i++) {
		const struct cell *c = &g->cell[i];
		char minute[ISO_SIZE];

		if (!c->n)
			continue;
		iso_format((g->first_minute + (int64_t)(i / N(channels) / N(regions))) * MINUTE_US, minute);
		fprintf(f, "%s\n{\"minute\":\"%s\",\"region\":\"%s\",\"channel\":\"%s\",\"count\":%" PRIu64 ",\"amount\":\"%" PRIu64 ".%02" PRIu64 "\"}",
		    comma, minute, regions[i / N(channels) % N(regions)], channels[i % N(channels)], c->n, c->cents / 100, c->cents % 100);
		comma = ",";
	}
}

int
events_truth(const struct events *g, FILE *f)
{
	uint64_t bad = 0;

	for (int k = 0; k < N_BAD; k++)
		bad += g->bad[k];
	fprintf(f, "{\"lines\":%" PRIu64 ",\"valid\":%" PRIu64 ",\"bad\":%" PRIu64 ",\"dup\":%" PRIu64 ",\"unique\":%" PRIu64 ",\"late\":%" PRIu64
	    ",\"amount\":\"%" PRIu64 ".%02" PRIu64 "\",\"bad_by_kind\":{", g->line, g->valid, bad, g->duplicates, g->unique, g->late, g->cents / 100,
	    g->cents % 100);
	for (int k = 0; k < N_BAD; k++)
		fprintf(f, "%s\"%s\":%" PRIu64, k ? "," : "", bad_names[k], g->bad[k]);
	fputs("},\"windows\":[", f);
	truth_windows(g, f);
	fputs("]}\n", f);
	return fflush(f) == EOF || ferror(f) ? -1 : 0;
}

int
events_users(const struct events_options *o, FILE *f)
{
	fputs("id,country,tier,segment,since\n", f);
	for (uint64_t id = 1; id <= o->users; id++) {
		uint64_t row = draw(o->seed, UINT64_C(1) << 63 | id, USE_ROW);

		fprintf(f, "%" PRIu64 ",%s,%s,%s,20%02u-%02u-%02u\n", id, countries[row % N(countries)], tiers[(row >> 8) % N(tiers)],
		    segments[(row >> 16) % N(segments)], (unsigned)(row >> 24) % 6 + 20, (unsigned)(row >> 32) % 12 + 1, (unsigned)(row >> 40) % 28 + 1);
	}
	return fflush(f) == EOF || ferror(f) ? -1 : 0;
}
