/*
 * options - what kcat's letters mean.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iso.h"
#include "options.h"
#include "weir.h"

#define SIMILAR_MAX	3	/* names in a hint */
#define NAME_MAX_LEN	249	/* of a topic, by Kafka's rules */

static int
whole_number(const char *s, int64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return -1;
	errno = 0;
	*v = strtoll(s, &end, 10);
	return errno || *end ? -1 : 0;
}

static int
time_ms(const char *option, const char *s, int64_t *ms, struct fail *f)
{
	int64_t us;

	if (whole_number(s, ms) == 0)
		return 0;
	if (iso_parse_loose(s, strlen(s), &us) < 0)
		return fail(f, WEIR_EUSAGE, "-o %s: '%s' is no time; say 2026-01-31T12:00:00Z or milliseconds since 1970", option, s);
	*ms = us / 1000 - (us % 1000 < 0);
	return 0;
}

int
options_offset(const char *text, struct offsets *o, struct fail *f)
{
	if (strncmp(text, "e@", 2) == 0) {
		if (o->stops)
			return fail(f, WEIR_EUSAGE, "-o e@TIME is given twice");
		o->stops = 1;
		return time_ms("e@TIME", text + 2, &o->stop_ms, f);
	}
	if (o->given)
		return fail(f, WEIR_EUSAGE, "-o names two places to start at, the second is '%s'", text);
	o->given = 1;
	if (strncmp(text, "s@", 2) == 0) {
		o->start = START_TIME;
		return time_ms("s@TIME", text + 2, &o->at, f);
	}
	if (strcmp(text, "beginning") == 0 || strcmp(text, "earliest") == 0)
		o->start = START_BEGINNING;
	else if (strcmp(text, "end") == 0 || strcmp(text, "latest") == 0)
		o->start = START_END;
	else if (strcmp(text, "stored") == 0)
		o->start = START_STORED;
	else if (whole_number(text, &o->at) == 0)
		o->start = START_AT;
	else if (*text == '-' && whole_number(text + 1, &o->at) == 0)
		o->start = START_TAIL;
	else
		return fail(f, WEIR_EUSAGE, "-o takes beginning, end, stored, N, -N, s@TIME or e@TIME, not '%s'", text);
	return 0;
}

int
options_partitions(const char *text, struct partitions *ps, struct fail *f)
{
	const char *s = text;

	if (strcmp(text, "-1") == 0)
		return 0;
	for (;;) {
		unsigned long first, last;
		char *end;

		first = strtoul(s, &end, 10);
		if (end == s || !isdigit((unsigned char)*s))
			break;
		last = first;
		if (*end == '-') {
			s = end + 1;
			last = strtoul(s, &end, 10);
			if (end == s || !isdigit((unsigned char)*s))
				break;
		}
		if (first > last || last > OPTIONS_MAX_PARTITION)
			break;
		if (ps->n == sizeof ps->range / sizeof *ps->range)
			return fail(f, WEIR_EUSAGE, "-p lists more than %zu ranges; write neighbours as FIRST-LAST", ps->n);
		ps->range[ps->n++] = (struct range){ (int32_t)first, (int32_t)last };
		if (!*end)
			return 0;
		if (*end != ',')
			break;
		s = end + 1;
	}
	return fail(f, WEIR_EUSAGE, "-p takes partitions such as 3 or 0,2,5-7, not '%s'", text);
}

int
options_shard(const char *text, struct partitions *ps, struct fail *f)
{
	unsigned i, n;
	char same[32];

	/* One way to write it: it names the feed. */
	if (sscanf(text, "%7u/%7u", &i, &n) != 2 || i >= n || snprintf(same, sizeof same, "%u/%u", i, n) < 0 || strcmp(same, text))
		return fail(f, WEIR_EUSAGE, "--shard takes i/N with i from 0 to N-1, not '%s'", text);
	ps->shard = (int32_t)i;
	ps->n_shards = (int32_t)n;
	return 0;
}

int
partitions_have(const struct partitions *ps, int32_t p)
{
	size_t i = 0;

	if (ps->n_shards && p % ps->n_shards != ps->shard)
		return 0;
	while (i < ps->n && (p < ps->range[i].first || p > ps->range[i].last))
		i++;
	return !ps->n || i < ps->n;
}

static int
name_keep(struct names *ns, const char *s, size_t n, struct fail *f)
{
	char **item;

	if (!n || (*s != '^' && n > NAME_MAX_LEN))
		return fail(f, WEIR_EUSAGE, n ? "-t: a topic's name has at most %d characters" : "-t: a topic's name is empty", NAME_MAX_LEN);
	for (size_t i = 0; i < ns->n; i++)
		if (strlen(ns->item[i]) == n && memcmp(ns->item[i], s, n) == 0)
			return 0;
	if (ns->n == OPTIONS_MAX_TOPICS)
		return fail(f, WEIR_EUSAGE, "-t names more than %d topics; use a ^regex", OPTIONS_MAX_TOPICS);
	if (!(item = realloc(ns->item, (ns->n + 1) * sizeof *item)))
		return fail(f, WEIR_EAGAIN, "no memory for the names of topics");
	ns->item = item;
	if (!(item[ns->n] = strndup(s, n)))
		return fail(f, WEIR_EAGAIN, "no memory for the names of topics");
	ns->n++;
	return 0;
}

int
names_add(struct names *ns, const char *text, struct fail *f)
{
	size_t n;
	int e;

	if (*text == '^')
		return name_keep(ns, text, strlen(text), f);
	for (;; text += n + 1) {
		n = strcspn(text, ",");
		if ((e = name_keep(ns, text, n, f)) || !text[n])
			return e;
	}
}

void
names_free(struct names *ns)
{
	for (size_t i = 0; i < ns->n; i++)
		free(ns->item[i]);
	free(ns->item);
	ns->item = NULL;
	ns->n = 0;
}

int
names_has_regex(const struct names *ns)
{
	for (size_t i = 0; i < ns->n; i++)
		if (*ns->item[i] == '^')
			return 1;
	return 0;
}

/* Levenshtein's distance, case ignored; names longer than a topic's can be are far from all. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LEN + 2];
	size_t n = strlen(b);

	if (n > NAME_MAX_LEN || strlen(a) > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned old = row[j], best = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));

			if (old + 1 < best)
				best = old + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = old;
		}
	}
	return row[n];
}

/* How unlike: a name that holds the other one whole counts as close. */
static unsigned
unlike(const char *name, const char *other)
{
	unsigned d = distance(name, other);

	if (*name && *other && (strstr(other, name) || strstr(name, other)))
		return d < 2 ? d : 2;
	return d;
}

void
names_similar(const char *name, const char *const *all, size_t n_all, char *text, size_t size)
{
	unsigned limit = (unsigned)strlen(name) / 3 + 1, d;
	const char *best[SIMILAR_MAX];
	size_t n = 0, used = 0;

	*text = 0;
	for (unsigned want = 0; want <= limit; want++)		/* the closest first, in the order of the broker */
		for (size_t i = 0; i < n_all && n < SIMILAR_MAX; i++)
			if ((d = unlike(name, all[i])) == want)
				best[n++] = all[i];
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "; similar: ", best[i]);
}
