/*
 * gen-events: deterministic subscription events as NDJSON, with the exact
 * answers a correct pipeline must give.  rigs/data/README.md has the fields.
 *
 * Every event is a pure function of (seed, index), so a duplicate is made
 * again from its index and no history is kept.  Valid events have indexes
 * 0, 1, 2, ...; bad lines draw from an index space of their own.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEN(a) (sizeof(a) / sizeof *(a))
#define BAD_SPACE (UINT64_C(1) << 62)

enum { LINE_MAX_BYTES = 1024 };		/* no event is longer; the longest is near 400 */

static const char *const types[] = {
	"subscription.created", "subscription.renewed", "subscription.canceled", "signup.completed",
	"signup.started", "trial.started", "payment.failed", "plan.upgraded",
};
static const char *const regions[] = {
	"us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "ap-northeast-1", "sa-east-1",
};
static const char *const channels[] = { "organic", "ads", "referral", "email", "partner", "social" };
static const char *const plans[] = { "free", "basic", "pro", "team", "enterprise" };
static const char *const currencies[] = { "EUR", "USD", "GBP", "JPY", "BRL" };
static const char *const names[] = {
	"anna", "bob", "carla", "dmitri", "eve", "fran\xc3\xa7ois", "gus", "h.lopez",
	"ivan", "j\xc3\xbcrgen", "kim", "li.wei", "maria", "noor", "olga", "paul",
};
static const char *const domains[] = { "example.com", "mail.test", "corp.example", "post.test", "inbox.example" };
static const char *const campaigns[] = {	/* JSON escapes on purpose */
	"spring_sale", "q3-brand", "retarget-7d", "\\u00fcber_promo", "none", "a\\/b test \\\"B\\\"",
};

enum { BAD_JSON, BAD_MISSING, BAD_TYPE, BAD_ENUM, BAD_KINDS };
static const char *const bad_names[] = { "invalid_json", "missing_field", "wrong_type", "unknown_enum" };

struct options {
	uint64_t	 seed, count, users, dim_users, dup_window, rate;
	double		 dup, late, bad;
	int64_t		 start_ms, late_max_ms;
	const char	*truth;
};

struct event {
	uint64_t	 id_hi, id_lo, user;
	int64_t		 time_ms;
	unsigned	 type, region, channel, plan, currency, name, domain, campaign, cents, seats;
	int		 trial, late;
};

/* What was written, counted while writing. */
struct written {
	uint64_t	 fresh, dups, bads, bad[BAD_KINDS], bytes;
};

struct cell {
	uint64_t	 count, cents;
};

/* splitmix64, the well known finalizer: one good 64-bit value per call. */
static uint64_t
next(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
stream(uint64_t seed, uint64_t index, uint64_t use)
{
	uint64_t s = seed ^ (use << 56), a = next(&s);

	s = a ^ index;
	return next(&s);
}

static int
chance(uint64_t r, double percent)
{
	return (double)(r >> 11) * 0x1p-53 * 100.0 < percent;
}

/* step, the number of valid events before this one, sets the clock. */
static struct event
make(const struct options *o, uint64_t index, uint64_t step)
{
	uint64_t s = stream(o->seed, index, 1), a = next(&s), b = next(&s), c = next(&s);
	struct event e;

	e.id_hi = (a & ~UINT64_C(0xf000)) | 0x4000;			/* version 4 */
	e.id_lo = (b & (UINT64_MAX >> 2)) | (UINT64_C(1) << 63);	/* variant 1 */
	e.type = c & 7;
	e.name = (c >> 3) & 15;
	e.trial = (c >> 7) & 1;
	e.domain = (c >> 8 & 0xff) % LEN(domains);
	e.region = (c >> 16 & 0xff) % LEN(regions);
	e.channel = (c >> 24 & 0xff) % LEN(channels);
	e.plan = (c >> 32 & 0xff) % LEN(plans);
	e.currency = (c >> 40 & 0xff) % LEN(currencies);
	e.campaign = (c >> 48 & 0xff) % LEN(campaigns);
	e.seats = (c >> 56) % 50 + 1;
	e.cents = next(&s) % 30000;
	e.user = next(&s) % o->users + 1;
	/* Events are slightly out of order; late ones go back much further. */
	e.time_ms = o->start_ms + (int64_t)(step / o->rate * 1000 + step % o->rate * 1000 / o->rate);
	e.time_ms -= (int64_t)(next(&s) % 800);
	e.late = chance(next(&s), o->late);
	if (e.late)
		e.time_ms -= 60000 + (int64_t)(next(&s) % (uint64_t)(o->late_max_ms - 60000 + 1));
	return e;
}

/* Writers: each appends at p and returns the new end. */
static char *
put(char *p, const char *t)
{
	size_t n = strlen(t);

	memcpy(p, t, n);
	return p + n;
}

static char *
put_uint(char *p, uint64_t v, int width)
{
	char d[20];
	int n = 0;

	do
		d[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n < width)
		d[n++] = '0';
	while (n)
		*p++ = d[--n];
	return p;
}

static char *
put_hex(char *p, uint64_t v, int digits)
{
	while (digits--)
		*p++ = "0123456789abcdef"[v >> (4 * digits) & 15];
	return p;
}

/* "2026-01-01T00:00" of a time in minutes since 1970. */
static char *
put_minute(char *p, int64_t minute)
{
	int64_t days = (minute < 0 ? minute - 1439 : minute) / 1440;
	int64_t in_day = minute - days * 1440;
	/* Days to civil date (Howard Hinnant's algorithm). */
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;

	p = put_uint(p, (uint64_t)(yoe + era * 400 + (month <= 2)), 4);
	*p++ = '-';
	p = put_uint(p, (uint64_t)month, 2);
	*p++ = '-';
	p = put_uint(p, (uint64_t)(doy - (153 * mp + 2) / 5 + 1), 2);
	*p++ = 'T';
	p = put_uint(p, (uint64_t)(in_day / 60), 2);
	*p++ = ':';
	return put_uint(p, (uint64_t)(in_day % 60), 2);
}

static int64_t
minute_of(int64_t ms)
{
	return (ms < 0 ? ms - 59999 : ms) / 60000;
}

static char *
put_id(char *p, const struct event *e)
{
	p = put(p, "\"event_id\":\"");
	p = put_hex(p, e->id_hi >> 32, 8);
	*p++ = '-';
	p = put_hex(p, e->id_hi >> 16, 4);
	*p++ = '-';
	p = put_hex(p, e->id_hi, 4);
	*p++ = '-';
	p = put_hex(p, e->id_lo >> 48, 4);
	*p++ = '-';
	p = put_hex(p, e->id_lo, 12);
	return put(p, "\",");
}

/* One line without its newline; bad is -1 or the kind of damage. */
static char *
put_event(char *p, const struct event *e, int bad)
{
	char *start = p;
	int64_t minute = minute_of(e->time_ms), ms = e->time_ms - minute * 60000;

	*p++ = '{';
	if (bad != BAD_MISSING)
		p = put_id(p, e);
	p = put(p, "\"event_time\":\"");
	p = put_minute(p, minute);
	*p++ = ':';
	p = put_uint(p, (uint64_t)ms / 1000, 2);
	*p++ = '.';
	p = put_uint(p, (uint64_t)ms % 1000, 3);
	p = put(put(p, "Z\",\"event_type\":\""), types[e->type]);
	p = put_uint(put(p, "\",\"user\":{\"id\":"), e->user, 1);
	p = put(put(p, ",\"email\":\""), names[e->name]);
	p = put_uint(p, e->user, 1);
	*p++ = '@';
	p = put(p, domains[e->domain]);
	p = put(put(p, "\"},\"region\":\""), bad == BAD_ENUM ? "mars-north-1" : regions[e->region]);
	p = put(put(p, "\",\"channel\":\""), channels[e->channel]);
	p = put(put(p, "\",\"plan\":\""), plans[e->plan]);
	p = put(p, "\",\"amount\":");
	if (bad == BAD_TYPE) {
		p = put(p, "\"n/a\"");
	} else {
		p = put_uint(p, e->cents / 100, 1);
		*p++ = '.';
		p = put_uint(p, e->cents % 100, 2);
	}
	p = put(put(p, ",\"currency\":\""), currencies[e->currency]);
	p = put(put(p, "\",\"props\":{\"campaign\":\""), campaigns[e->campaign]);
	p = put(put(p, "\",\"trial\":"), e->trial ? "true" : "false");
	p = put_uint(put(p, ",\"seats\":"), e->seats, 1);
	p = put(p, "}}");
	if (bad == BAD_JSON)
		p = start + (p - start) * 6 / 10;	/* cut short */
	return p;
}

static int
write_events(const struct options *o, struct written *w)
{
	static char out[1 << 18];
	char *p = out;

	for (uint64_t n = 0; n < o->count; n++) {
		uint64_t s = stream(o->seed, n, 2), index;
		char *line = p;
		int kind = -1;

		if (chance(next(&s), o->bad)) {
			kind = (int)(w->bads++ % BAD_KINDS);	/* equal shares, exactly */
			w->bad[kind]++;
			index = BAD_SPACE + n;
		} else if (w->fresh && chance(next(&s), o->dup)) {
			uint64_t window = w->fresh < o->dup_window ? w->fresh : o->dup_window;

			index = w->fresh - 1 - next(&s) % window;
			w->dups++;
		} else {
			index = w->fresh++;
		}

		struct event e = make(o, index, kind < 0 ? index : w->fresh);

		p = put_event(p, &e, kind);
		*p++ = '\n';
		w->bytes += (uint64_t)(p - line);
		if (p > out + sizeof out - LINE_MAX_BYTES) {
			if (fwrite(out, 1, (size_t)(p - out), stdout) != (size_t)(p - out))
				return -1;
			p = out;
		}
	}
	return fwrite(out, 1, (size_t)(p - out), stdout) != (size_t)(p - out) || fflush(stdout) ? -1 : 0;
}

static void
put_cents(FILE *f, uint64_t cents)
{
	fprintf(f, "\"%" PRIu64 ".%02u\"", cents / 100, (unsigned)(cents % 100));
}

static void
write_windows(FILE *f, const struct cell *cells, size_t minutes, int64_t first)
{
	const char *sep = "\n";
	size_t per = LEN(regions) * LEN(channels);

	fputs(",\n\"windows\":[", f);
	for (size_t i = 0; i < minutes * per; i++) {
		char text[32];
		size_t r = i % per;

		if (!cells[i].count)
			continue;
		*put_minute(text, first + (int64_t)(i / per)) = 0;
		fprintf(f, "%s{\"minute\":\"%s:00Z\",\"region\":\"%s\",\"channel\":\"%s\",\"count\":%" PRIu64 ",\"amount\":",
		    sep, text, regions[r / LEN(channels)], channels[r % LEN(channels)], cells[i].count);
		put_cents(f, cells[i].cents);
		putc('}', f);
		sep = ",\n";
	}
	fputs("\n]}\n", f);
}

/* The answers, from the unique valid events. */
static int
write_truth(const struct options *o, const struct written *w)
{
	/* Windows from the earliest possible minute to the latest. */
	int64_t first = minute_of(o->start_ms - o->late_max_ms - 800);
	int64_t last = minute_of(o->start_ms + (int64_t)(o->count / o->rate + 1) * 1000);
	size_t minutes = (size_t)(last - first + 1), per = LEN(regions) * LEN(channels);
	struct cell *cells = calloc(minutes * per, sizeof *cells);
	uint64_t late = 0, miss = 0, cents = 0, id_sum = 0;
	FILE *f;

	if (!cells)
		return -1;
	for (uint64_t k = 0; k < w->fresh; k++) {
		struct event e = make(o, k, k);
		struct cell *cell = cells + (size_t)(minute_of(e.time_ms) - first) * per + e.region * LEN(channels) + e.channel;

		cell->count++;
		cell->cents += e.cents;
		cents += e.cents;
		id_sum += e.id_hi;
		late += (uint64_t)e.late;
		miss += e.user > o->dim_users;
	}
	f = fopen(o->truth, "w");
	if (!f) {
		free(cells);
		return -1;
	}
	fprintf(f, "{\"seed\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\n", o->seed, o->count, w->bytes);
	fprintf(f, "\"valid_lines\":%" PRIu64 ",\"unique_valid\":%" PRIu64 ",\"dup\":%" PRIu64 ",\n",
	    w->fresh + w->dups, w->fresh, w->dups);
	fprintf(f, "\"bad\":%" PRIu64 ",\"bad_by_kind\":{", w->bads);
	for (int i = 0; i < BAD_KINDS; i++)
		fprintf(f, "%s\"%s\":%" PRIu64, i ? "," : "", bad_names[i], w->bad[i]);
	fprintf(f, "},\n\"late\":%" PRIu64 ",\"dim_miss\":%" PRIu64 ",\n", late, miss);
	fprintf(f, "\"id_sum64\":\"%016" PRIx64 "\",\"amount\":", id_sum);
	put_cents(f, cents);
	write_windows(f, cells, minutes, first);
	free(cells);
	return fclose(f) ? -1 : 0;
}

static uint64_t
number(const char *text)
{
	char *end;
	uint64_t v = strtoull(text, &end, 10);

	if (end == text || *end || *text == '-') {
		fprintf(stderr, "gen-events: not a number: %s\n", text);
		exit(2);
	}
	return v;
}

static double
percent(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= 0 && v <= 100)) {
		fprintf(stderr, "gen-events: not a percentage: %s\n", text);
		exit(2);
	}
	return v;
}

static const char usage[] =
"usage: gen-events [--seed N] [--count N] [--users N] [--rate N]\n"
"                  [--dup-percent P] [--dup-window N] [--late-percent P]\n"
"                  [--late-max-seconds N] [--bad-percent P]\n"
"                  [--start-ms N] [--dim-users N] [--truth FILE]\n";

static void
parse(struct options *o, int argc, char **argv)
{
	enum { SEED, COUNT, USERS, RATE, DUP, DUPWIN, LATE, LATEMAX, BAD, START, DIM, TRUTH };
	static const struct option longs[] = {
		{"seed", 1, 0, SEED}, {"count", 1, 0, COUNT}, {"users", 1, 0, USERS},
		{"rate", 1, 0, RATE}, {"dup-percent", 1, 0, DUP}, {"dup-window", 1, 0, DUPWIN},
		{"late-percent", 1, 0, LATE}, {"late-max-seconds", 1, 0, LATEMAX},
		{"bad-percent", 1, 0, BAD}, {"start-ms", 1, 0, START}, {"dim-users", 1, 0, DIM},
		{"truth", 1, 0, TRUTH}, {0, 0, 0, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, 0)) != -1) {
		switch (c) {
		case SEED: o->seed = number(optarg); break;
		case COUNT: o->count = number(optarg); break;
		case USERS: o->users = number(optarg); break;
		case RATE: o->rate = number(optarg); break;
		case DUP: o->dup = percent(optarg); break;
		case DUPWIN: o->dup_window = number(optarg); break;
		case LATE: o->late = percent(optarg); break;
		case LATEMAX: o->late_max_ms = (int64_t)number(optarg) * 1000; break;
		case BAD: o->bad = percent(optarg); break;
		case START: o->start_ms = (int64_t)number(optarg); break;
		case DIM: o->dim_users = number(optarg); break;
		case TRUTH: o->truth = optarg; break;
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (optind != argc || !o->users || !o->rate || !o->dup_window || o->late_max_ms < 60000) {
		fputs(usage, stderr);
		exit(2);
	}
	if (!o->dim_users)
		o->dim_users = o->users;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.seed = 1, .count = 1000, .users = 100000, .dup_window = 100000, .rate = 1000,
		.start_ms = INT64_C(1767225600000),	/* 2026-01-01T00:00:00Z */
		.late_max_ms = 900000,
	};
	struct written w = {0};

	parse(&o, argc, argv);
	if (write_events(&o, &w)) {
		fprintf(stderr, "gen-events: standard output: %s\n", strerror(errno));
		return 1;
	}
	if (o.truth && write_truth(&o, &w)) {
		fprintf(stderr, "gen-events: %s: %s\n", o.truth, strerror(errno));
		return 1;
	}
	return 0;
}
