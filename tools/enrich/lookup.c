/* lookup.c - the option --lookup, and what all kinds share; see lookup.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "weir.h"

static const struct lookup_kind *const kinds[] = { &lookup_csv, &lookup_ndjson, &lookup_sqlite };

#define N_KINDS		(sizeof kinds / sizeof *kinds)
#define FORM		"NAME=KIND:WHERE[,key=COLUMN][,refresh=60s]"

static const char *const types[] = { "string", "number", "boolean", "json" };

/* "60s" to microseconds.  0 or -1. */
static int
duration(const char *s, int64_t *us)
{
	char *end;
	long n = strtol(s, &end, 10);
	int64_t unit;

	if (end == s || *s == '-' || *s == '+' || n > 1000000)
		return -1;
	unit = !strcmp(end, "s") ? 1000000 : !strcmp(end, "m") ? 60000000 : !strcmp(end, "h") ? INT64_C(3600000000) :
	    !strcmp(end, "d") ? INT64_C(86400000000) : !*end && !n ? 1 : 0;
	*us = n * unit;
	return unit ? 0 : -1;
}

/* Take the last ",name=value" off `where`, if it is one of ours.  1 taken, 0 none, or WEIR_EUSAGE. */
static int
take_option(struct lookup *l, char *where, struct fail *f)
{
	struct { const char *name; const char **to; } opt[] = {
		{ "key=", &l->key }, { "table=", &l->table }, { "valid_from=", &l->valid_from }, { "refresh=", NULL }
	};
	char *comma = strrchr(where, ',');

	if (!comma)
		return 0;
	for (size_t i = 0; i < sizeof opt / sizeof *opt; i++) {
		size_t n = strlen(opt[i].name);
		const char *value = comma + 1 + n;

		if (strncmp(comma + 1, opt[i].name, n))
			continue;
		if (!*value)
			return fail(f, WEIR_EUSAGE, "--lookup %s: %s without a value", l->name, opt[i].name);
		if (opt[i].to)
			*opt[i].to = value;
		else if (duration(value, &l->refresh_us) < 0)
			return fail(f, WEIR_EUSAGE, "--lookup %s: refresh=%s is no duration: say 60s, 5m, 2h, or 0 for never", l->name, value);
		*comma = 0;
		return 1;
	}
	return 0;
}

int
lookup_parse(struct lookup *l, const char *spec, struct fail *f)
{
	char *p, *kind;
	int e;

	memset(l, 0, sizeof *l);
	l->refresh_us = LOOKUP_REFRESH_US;
	if (!(l->text = strdup(spec)))
		return fail(f, WEIR_EAGAIN, "no memory");
	l->name = l->text;
	p = l->text + strspn(l->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	if (p == l->text || *p != '=')
		return fail(f, WEIR_EUSAGE, "--lookup %s: the form is " FORM, spec);
	*p++ = 0;
	kind = p;
	if (!(p = strchr(p, ':')) || !p[1])
		return fail(f, WEIR_EUSAGE, "--lookup %s: the form is " FORM, spec);
	*p++ = 0;
	for (size_t i = 0; i < N_KINDS; i++)
		if (!strcmp(kind, kinds[i]->name))
			l->kind = kinds[i];
	if (!l->kind)
		return fail(f, WEIR_EUSAGE, "--lookup %s: no kind '%s'; there are csv, ndjson and sqlite", l->name, kind);
	while ((e = take_option(l, p, f)) > 0)
		;
	l->where = p;
	if (!e && !*p)
		return fail(f, WEIR_EUSAGE, "--lookup %s: the form is " FORM, spec);
	if (!e && l->table && l->kind != &lookup_sqlite)
		return fail(f, WEIR_EUSAGE, "--lookup %s: table= is for sqlite", l->name);
	return e;
}

int
lookup_want(struct lookup *l, const char *column, struct fail *f)
{
	struct lookup_want w = { NULL, l->kind->typed ? LOOKUP_OWN : LOOKUP_STRING };
	const char *colon = column ? strrchr(column, ':') : NULL;
	char *copy;

	for (int t = 0; colon && t < (int)(sizeof types / sizeof *types); t++)
		if (!strcmp(colon + 1, types[t])) {
			if (l->kind->typed)
				return fail(f, WEIR_EUSAGE, "%s: the values of %s have types of their own: leave :%s out", column, l->kind->name, types[t]);
			w.type = t;
			break;
		} else if (t == LOOKUP_JSON)
			colon = NULL;
	for (uint32_t i = 0; i < l->n_want; i++) {
		const char *have = l->want[i].column;
		size_t n = colon ? (size_t)(colon - column) : column ? strlen(column) : 0;

		if (l->want[i].type == w.type && (column ? have && strlen(have) == n && !memcmp(have, column, n) : !have))
			return (int)i;
	}
	if (l->n_want == LOOKUP_WANTS_MAX)
		return fail(f, WEIR_EUSAGE, "--set takes at most %d columns of lookup %s", LOOKUP_WANTS_MAX, l->name);
	if (column) {
		if (!(copy = colon ? strndup(column, (size_t)(colon - column)) : strdup(column)))
			return fail(f, WEIR_EAGAIN, "no memory");
		w.column = copy;
	}
	l->want[l->n_want] = w;
	return (int)l->n_want++;
}

int
lookup_open(struct lookup *l, struct fail *f)
{
	if (l->versioned && !l->valid_from)
		return fail(f, WEIR_EUSAGE, "--as-of needs the column of --lookup %s from which on a row is valid: add ,valid_from=COLUMN", l->name);
	if (!l->versioned && l->valid_from)
		return fail(f, WEIR_EUSAGE, "--lookup %s has valid_from=%s: say --as-of PATH, the event's time", l->name, l->valid_from);
	return l->kind->open(l, f);
}

int
lookup_refresh(struct lookup *l, int64_t now_us, struct fail *f)
{
	if (!l->checked_us)
		l->checked_us = now_us;
	if (!l->refresh_us || (now_us - l->checked_us < l->refresh_us && now_us >= l->checked_us))
		return 0;
	l->checked_us = now_us;
	return l->kind->refresh ? l->kind->refresh(l, f) : 0;
}

void
lookup_close(struct lookup *l)
{
	if (l->kind && l->kind->close)
		l->kind->close(l);
	for (uint32_t i = 0; i < l->n_want; i++)
		free((char *)(uintptr_t)l->want[i].column);
	free(l->text);
	memset(l, 0, sizeof *l);
}
