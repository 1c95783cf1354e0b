/*
 * enrich - add members to events, by lookup, constant or expression.
 *
 * Tables are held in memory as ready-made JSON literals, so the hot path is a
 * hash and a copy.  They are read anew when their file changes; a table that
 * cannot be read leaves the old one in place.  Members appear at the end of
 * an event in the order: --set, lookups without --set, --const; then --jq may
 * make another event of it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "emit.h"
#include "expr.h"
#include "lookup.h"
#include "path.h"
#include "scan.h"
#include "value.h"
#include "weir.h"

#define LOOKUPS_MAX	16
#define MEMBERS_MAX	256		/* --set and --const together */
#define LANES		32	/* events whose rows are asked for at once */
#define KEY_BYTES	4096		/* of an escaped key; longer ones match nothing */
#define JQ_OUT_MAX	(16 << 20)	/* what --jq may make of one event */

enum missing { MISSING_NULL, MISSING_REJECT, MISSING_PASS };

/* One member that is added: from a lookup, or a constant. */
struct member {
	struct lookup_of	*from;	/* NULL: a constant */
	int			 column, value;	/* of the batch; in the lookup's answer */
	struct buf		 text;
};

/* A lookup as this stage uses it. */
struct lookup_of {
	struct lookup		 lookup;
	const char		*on;
	int			 on_column;
	int			 has_set;
	/* for the event at hand */
	int			 asked, found;
	struct rows_value	*answer;
};

struct enrich {
	/* options */
	struct weir_list	*lookup_text, *on, *set, *constant;
	struct weir_time	 as_of;
	uint64_t		 memory_bytes;
	const char		*jq;
	int			 missing;	/* enum missing */
	int			 overwrite;
	/* state */
	struct lookup_of	*lookup;
	struct member		*member;
	size_t			 n_lookup, n_member;
	struct expr		*expr;
	struct buf		 out;		/* of --jq */
	int			 as_of_column;
};

static const struct weir_opt opts[] = {
	{ 0, "lookup", "NAME=KIND:WHERE[,key=COLUMN][,refresh=60s]", "a table: csv, ndjson or sqlite", WEIR_TEXTS, 0, offsetof(struct enrich, lookup_text), NULL },
	{ 0, "on", "PATH", "the event's key for the lookups; NAME=PATH: for one of them", WEIR_TEXTS, 0, offsetof(struct enrich, on), NULL },
	{ 0, "set", "MEMBER=NAME[.COLUMN[:TYPE]]", "add a column of a lookup, or its whole row", WEIR_TEXTS, 0, offsetof(struct enrich, set), NULL },
	{ 0, "missing", "null|reject|pass", "what to do when a lookup has no such key", WEIR_CHOICE, 0, offsetof(struct enrich, missing), "null" },
	{ 0, "as-of", "PATH[:UNIT]", "take the row that was valid at this time", WEIR_TIME, 0, offsetof(struct enrich, as_of), NULL },
	{ 0, "overwrite", NULL, "replace members that are there already", WEIR_FLAG, 0, offsetof(struct enrich, overwrite), NULL },
	{ 0, "const", "MEMBER=VALUE", "add a constant: JSON, or else a string", WEIR_TEXTS, 0, offsetof(struct enrich, constant), NULL },
	{ 0, "jq", "PROGRAM", "make each event anew by a jq program", WEIR_TEXT, 0, offsetof(struct enrich, jq), NULL },
	{ 0, "memory", "SIZE", "ceiling of each table", WEIR_SIZE, 0, offsetof(struct enrich, memory_bytes), "512M" },
	{ 0 }
};

static size_t
list_n(const struct weir_list *list)
{
	return list ? list->n : 0;
}

static int
say(struct weir_ctx *ctx, const struct fail *f)
{
	return weir_error(ctx, f->code, "%s", f->text);
}

static struct lookup_of *
enrich_lookup(struct enrich *s, const char *name, size_t n)
{
	for (size_t i = 0; i < s->n_lookup; i++)
		if (strlen(s->lookup[i].lookup.name) == n && !memcmp(s->lookup[i].lookup.name, name, n))
			return &s->lookup[i];
	return NULL;
}

/* --- open --- */

static int
enrich_parse_lookups(struct weir_ctx *ctx, struct enrich *s)
{
	struct fail f;

	if (list_n(s->lookup_text) > LOOKUPS_MAX)
		return weir_error(ctx, WEIR_EUSAGE, "--lookup at most %d times", LOOKUPS_MAX);
	for (size_t i = 0; i < list_n(s->lookup_text); i++) {
		struct lookup_of *l = &s->lookup[i];

		s->n_lookup = i + 1;	/* close() frees it also when parsing fails */
		if (lookup_parse(&l->lookup, s->lookup_text->item[i], &f) < 0)
			return say(ctx, &f);
		if (enrich_lookup(s, l->lookup.name, strlen(l->lookup.name)) != l)
			return weir_error(ctx, WEIR_EUSAGE, "--lookup %s stands twice: give each a name of its own", l->lookup.name);
		l->lookup.seed = weir_seed(ctx)[0];
		l->lookup.max_bytes = s->memory_bytes;
		l->lookup.versioned = s->as_of.path != NULL;
	}
	return 0;
}

/* "[NAME=]PATH", where NAME is a lookup's: a path may hold = too. */
static int
enrich_parse_on(struct weir_ctx *ctx, struct enrich *s)
{
	const char *all = NULL;

	for (size_t i = 0; i < list_n(s->on); i++) {
		const char *text = s->on->item[i], *eq = strchr(text, '=');
		struct lookup_of *l = eq ? enrich_lookup(s, text, (size_t)(eq - text)) : NULL;

		if (l ? l->on != NULL : all != NULL)
			return weir_error(ctx, WEIR_EUSAGE, "--on %s: %s has a path already; for one lookup of several say --on NAME=PATH", text,
			    l ? l->lookup.name : "every lookup");
		if (l)
			l->on = eq + 1;
		else
			all = text;
	}
	for (size_t i = 0; i < s->n_lookup; i++) {
		struct lookup_of *l = &s->lookup[i];

		if (!l->on)
			l->on = all;
		if (!l->on)
			return weir_error(ctx, WEIR_EUSAGE, "--lookup %s needs the event's key: say --on PATH, or --on %s=PATH", l->lookup.name, l->lookup.name);
		if ((l->on_column = weir_want(ctx, l->on)) < 0)
			return l->on_column;
	}
	if (list_n(s->on) && !s->n_lookup)
		return weir_error(ctx, WEIR_EUSAGE, "--on without --lookup");
	return 0;
}

/* The member named text[0..n): a new entry whose column is wanted. */
static int
enrich_member(struct weir_ctx *ctx, struct enrich *s, const char *option, const char *text, size_t n, struct member **out)
{
	struct member *m = &s->member[s->n_member];
	struct path path;
	char name[PATH_BYTES];

	if (s->n_member == MEMBERS_MAX)
		return weir_error(ctx, WEIR_EUSAGE, "at most %d members can be added", MEMBERS_MAX);
	if (n >= sizeof name)
		return weir_error(ctx, WEIR_EUSAGE, "--%s: the member's name is too long", option);
	memcpy(name, text, n);
	name[n] = 0;
	if (path_parse(name, &path) < 0 || path.n != 1 || !path.seg[0].key)
		return weir_error(ctx, WEIR_EUSAGE, "--%s %s: '%s' is no top-level member; write an odd name as .\"odd name\"", option, text, name);
	if ((m->column = weir_want(ctx, name)) < 0)
		return m->column;
	s->n_member++;
	*out = m;
	return 0;
}

static int
enrich_parse_set(struct weir_ctx *ctx, struct enrich *s, const char *text)
{
	const char *eq = strchr(text, '='), *dot;
	struct lookup_of *l;
	struct member *m;
	struct fail f;
	int e;

	if (!eq || eq == text || !eq[1])
		return weir_error(ctx, WEIR_EUSAGE, "--set %s: the form is MEMBER=NAME.COLUMN, or MEMBER=NAME for the whole row", text);
	dot = strchr(eq, '.');
	if (!(l = enrich_lookup(s, eq + 1, dot ? (size_t)(dot - eq - 1) : strlen(eq + 1))))
		return weir_error(ctx, WEIR_EUSAGE, "--set %s: there is no --lookup of that name", text);
	if (dot && !dot[1])
		return weir_error(ctx, WEIR_EUSAGE, "--set %s: the name of the column is missing", text);
	if ((e = enrich_member(ctx, s, "set", text, (size_t)(eq - text), &m)) < 0)
		return e;
	m->from = l;
	l->has_set = 1;
	if ((m->value = lookup_want(&l->lookup, dot ? dot + 1 : NULL, &f)) < 0)
		return say(ctx, &f);
	return 0;
}

static int
enrich_parse_const(struct weir_ctx *ctx, struct enrich *s, const char *text)
{
	static const struct scan_limits limits = { .max_depth = 128 };
	const char *eq = strchr(text, '=');
	struct scan_fault fault;
	struct member *m;
	size_t n;
	int e;

	if (!eq || eq == text)
		return weir_error(ctx, WEIR_EUSAGE, "--const %s: the form is MEMBER=VALUE", text);
	if ((e = enrich_member(ctx, s, "const", text, (size_t)(eq - text), &m)) < 0)
		return e;
	n = strlen(eq + 1);
	if (buf_put(&m->text, eq + 1, n) < 0)		/* the scanner wants its padding */
		return weir_error(ctx, WEIR_EAGAIN, "no memory");
	if (n && scan_document(m->text.p, n, &limits, &fault) == 0 && !strpbrk(eq + 1, "\n\r"))
		return 0;
	m->text.n = 0;
	return emit_string(&m->text, eq + 1, n) < 0 ? weir_error(ctx, WEIR_EAGAIN, "no memory") : 0;
}

static int
enrich_parse_members(struct weir_ctx *ctx, struct enrich *s)
{
	struct member *m;
	struct fail f;
	int e;

	for (size_t i = 0; i < list_n(s->set); i++)
		if ((e = enrich_parse_set(ctx, s, s->set->item[i])) < 0)
			return e;
	for (size_t i = 0; i < s->n_lookup; i++) {
		struct lookup_of *l = &s->lookup[i];

		if (l->has_set)
			continue;
		if ((e = enrich_member(ctx, s, "lookup", l->lookup.name, strlen(l->lookup.name), &m)) < 0)
			return e;
		m->from = l;
		if ((m->value = lookup_want(&l->lookup, NULL, &f)) < 0)
			return say(ctx, &f);
	}
	for (size_t i = 0; i < list_n(s->constant); i++)
		if ((e = enrich_parse_const(ctx, s, s->constant->item[i])) < 0)
			return e;
	return 0;
}

static int
enrich_open_jq(struct weir_ctx *ctx, struct enrich *s)
{
	struct fail f;

	if (!(s->expr = expr_compile(s->jq, &f)))
		return say(ctx, &f);
	s->out.max = JQ_OUT_MAX;
	weir_warn(ctx, "--jq runs each event through libjq: 50 to 100 times slower than --set and --const");
	return 0;
}

static int
enrich_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct enrich *s = self;
	struct fail f;
	int e;

	if (operand[0])
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand, '%s' given: events come on standard input", operand[0]);
	if (!list_n(s->lookup_text) && !list_n(s->constant) && !s->jq)
		return weir_error(ctx, WEIR_EUSAGE, "nothing to add: give --lookup, --const or --jq");
	s->lookup = calloc(LOOKUPS_MAX, sizeof *s->lookup);
	s->member = calloc(MEMBERS_MAX, sizeof *s->member);
	if (!s->lookup || !s->member)
		return weir_error(ctx, WEIR_EAGAIN, "no memory");
	if ((e = enrich_parse_lookups(ctx, s)) < 0 || (e = enrich_parse_on(ctx, s)) < 0 || (e = enrich_parse_members(ctx, s)) < 0)
		return e;
	if (s->as_of.path && !s->n_lookup)
		return weir_error(ctx, WEIR_EUSAGE, "--as-of without --lookup");
	if (s->as_of.path && (s->as_of_column = weir_want(ctx, s->as_of.path)) < 0)
		return s->as_of_column;
	for (size_t i = 0; i < s->n_lookup; i++) {
		struct lookup_of *l = &s->lookup[i];

		if (!(l->answer = calloc(l->lookup.n_want, sizeof *l->answer)))
			return weir_error(ctx, WEIR_EAGAIN, "no memory");
		if (lookup_open(&l->lookup, &f) < 0)
			return say(ctx, &f);
	}
	return s->jq ? enrich_open_jq(ctx, s) : 0;
}

/* --- events --- */

/* Ask the lookup about event i: fills in `found` and `answer`.  0, or an error. */
static int
enrich_ask(struct weir_ctx *ctx, struct enrich *s, struct lookup_of *l, struct weir_batch *b, uint32_t i)
{
	const struct weir_value *v = &b->col[l->on_column][i];
	char text[KEY_BYTES];
	const char *key = v->p;
	int64_t at_us = 0;
	size_t n = v->n;

	l->asked = 1;
	l->found = 0;
	if (s->as_of.path && value_time(&b->col[s->as_of_column][i], s->as_of.unit, &at_us) < 0)
		return weir_reject(ctx, b, i, "bad-time", s->as_of.path, "%s %s", s->as_of.path,
		    b->col[s->as_of_column][i].kind == WEIR_ABSENT ? "is missing" : "is no time of that form");
	if (v->kind == WEIR_STRING && (!(v->flags & WEIR_ESCAPED) || v->n <= sizeof text))
		n = value_text_of(v, text, &key);
	else if (v->kind != WEIR_NUMBER && v->kind != WEIR_TRUE && v->kind != WEIR_FALSE)
		key = NULL;
	l->found = key && lookup_find(&l->lookup, key, n, at_us, l->answer);
	if (l->found || s->missing != MISSING_REJECT)
		return 0;
	if (v->kind == WEIR_ABSENT)
		return weir_reject(ctx, b, i, "no-match", l->on, "%s is missing, lookup %s needs it", l->on, l->lookup.name);
	return weir_reject(ctx, b, i, "no-match", l->on, "lookup %s (%s) has no key %.*s", l->lookup.name, l->lookup.where,
	    v->n < 120 ? (int)v->n : 120, v->p);
}

static int
enrich_members(struct weir_ctx *ctx, struct enrich *s, struct weir_batch *b, uint32_t i)
{
	int e;

	for (size_t k = 0; k < s->n_lookup; k++)
		s->lookup[k].asked = 0;
	for (size_t k = 0; k < s->n_member; k++) {
		const struct member *m = &s->member[k];
		const char *p = m->text.p;
		size_t n = m->text.n;

		if (m->from) {
			/* Asked only now: the key may be a member that was added just before. */
			if (!m->from->asked && (e = enrich_ask(ctx, s, m->from, b, i)) < 0)
				return e;
			if (b->verdict[i] != WEIR_PASSED)
				return 0;
			if (!m->from->found && s->missing == MISSING_PASS)
				continue;
			p = m->from->found ? m->from->answer[m->value].p : "null";
			n = m->from->found ? m->from->answer[m->value].n : 4;
		}
		if (!s->overwrite && b->col[m->column][i].kind != WEIR_ABSENT)
			continue;
		if ((e = weir_set(ctx, b, i, m->column, p, n)) < 0)
			return e;
	}
	return 0;
}

static int
enrich_run_jq(struct weir_ctx *ctx, struct enrich *s, struct weir_batch *b, uint32_t i)
{
	struct fail why;
	const char *p;
	size_t n;

	p = weir_event(ctx, b, i, &n);
	s->out.n = 0;
	switch (expr_run(s->expr, p, n, &s->out, &why)) {
	case EXPR_TRUE:
		return weir_replace(ctx, b, i, s->out.p, s->out.n);
	case EXPR_FALSE:
		b->verdict[i] = WEIR_FILTERED;
		return 0;
	default:
		return weir_reject(ctx, b, i, "jq", NULL, "%s", why.text);
	}
}

static int
enrich_refresh(struct weir_ctx *ctx, struct enrich *s)
{
	for (size_t i = 0; i < s->n_lookup; i++) {
		struct fail f;
		int e = lookup_refresh(&s->lookup[i].lookup, weir_now(ctx), &f);

		if (e < 0)
			weir_warn(ctx, "lookup %s was not read anew, its old rows stay: %s", s->lookup[i].lookup.name, f.text);
		else if (e > 0)
			weir_count(ctx, "reloads", 1);
	}
	return 0;
}

/* A table is larger than the caches: have the rows of the next events on their way before the first is asked for. */
static void
enrich_touch(const struct enrich *s, const struct weir_batch *b, uint32_t from, uint32_t to)
{
	for (int step = 0; step < 2; step++)
		for (size_t k = 0; k < s->n_lookup; k++) {
			const struct weir_value *v = b->col[s->lookup[k].on_column];
			const struct rows *rows = s->lookup[k].lookup.rows;

			for (uint32_t i = from; rows && i < to; i++)
				if (v[i].kind == WEIR_NUMBER)
					rows_touch(rows, v[i].p, v[i].n, step);
				else if (v[i].kind == WEIR_STRING)
					rows_touch(rows, v[i].p + 1, v[i].n - 2, step);
		}
}

static int
enrich_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	struct enrich *s = self;
	int e;

	if ((e = enrich_refresh(ctx, s)) < 0)
		return e;
	for (uint32_t i = 0; i < b->n; i++) {
		if (i % LANES == 0)
			enrich_touch(s, b, i, b->n - i < LANES ? b->n : i + LANES);
		if (b->verdict[i] != WEIR_PASSED)
			continue;
		if ((e = enrich_members(ctx, s, b, i)) < 0)
			return e;
		if (s->expr && b->verdict[i] == WEIR_PASSED && (e = enrich_run_jq(ctx, s, b, i)) < 0)
			return e;
	}
	return 0;
}

static void
enrich_close(struct weir_ctx *ctx, void *self)
{
	struct enrich *s = self;

	(void)ctx;
	for (size_t i = 0; i < s->n_lookup; i++) {
		lookup_close(&s->lookup[i].lookup);
		free(s->lookup[i].answer);
	}
	for (size_t i = 0; i < s->n_member; i++)
		buf_free(&s->member[i].text);
	free(s->lookup);
	free(s->member);
	if (s->expr)
		expr_free(s->expr);
	buf_free(&s->out);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "enrich", .version = "1", .summary = "add members to events by lookup, constant or expression",
	.self_size = sizeof(struct enrich), .opts = opts, .role = WEIR_FILTER,
	.open = enrich_open, .process = enrich_process, .close = enrich_close,
};
