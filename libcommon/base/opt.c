#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "opt.h"

#define LIST_MAX	1024	/* items of one option */
#define WORD_MAX	64	/* of what opt_nearest() looks at */
#define HELP_COLUMN	34
#define SYNOPSIS_WIDTH	100

int
opt_count(const char *text, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	return errno || *end || !isdigit((unsigned char)*text) ? -1 : 0;
}

/* Digits and a unit from the list; no unit: the first factor. */
static int
scaled(const char *text, const char *const *unit, const uint64_t *factor, size_t n_units, uint64_t *out)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || !isdigit((unsigned char)*text))	/* strtoull() would take blanks and signs */
		return -1;
	for (size_t i = 0; i < n_units; i++)
		if (!strcmp(end, unit[i]))
			return __builtin_mul_overflow(v, factor[i], out) || *out > INT64_MAX ? -1 : 0;
	return -1;
}

int
opt_size(const char *text, uint64_t *bytes)
{
	static const char *const unit[] = { "", "K", "M", "G", "T" };
	static const uint64_t factor[] = { 1, 1 << 10, 1 << 20, 1 << 30, UINT64_C(1) << 40 };

	return scaled(text, unit, factor, 5, bytes);
}

int
opt_duration(const char *text, int64_t *us)
{
	static const char *const unit[] = { "us", "ms", "s", "m", "h", "d" };
	static const uint64_t factor[] = { 1, 1000, 1000000, 60000000, UINT64_C(3600000000), UINT64_C(86400000000) };
	uint64_t v;

	if (!strcmp(text, "0")) {
		*us = 0;
		return 0;
	}
	if (scaled(text, unit, factor, 6, &v) < 0)
		return -1;
	*us = (int64_t)v;
	return 0;
}

int
opt_time(const char *text, struct weir_time *t)
{
	static const char *const unit[] = { ":iso", ":s", ":ms", ":us", ":ns" };
	size_t n = strlen(text);
	char *path;

	t->unit = WEIR_UNIT_ISO;
	for (int u = 0; u < 5; u++) {
		size_t k = strlen(unit[u]);

		if (n > k && !strcmp(text + n - k, unit[u])) {
			t->unit = u;
			n -= k;
			break;
		}
	}
	if (!n)
		return -1;
	if (!(path = strndup(text, n)))
		fail_no_memory();
	t->path = path;
	return 0;
}

static int
list_add(struct weir_list **list, const char *item)
{
	size_t n = *list ? (*list)->n : 0;
	struct weir_list *l = realloc(*list, sizeof *l + (n + 1) * sizeof *l->item);

	if (!l)
		fail_no_memory();
	l->item[n] = item;
	l->n = n + 1;
	*list = l;
	return n == LIST_MAX ? -1 : 0;
}

/* The items of a list of paths are copies: they stand between commas.  A comma within quotes belongs to the key. */
static int
paths_add(struct weir_list **list, const char *text)
{
	while (*text) {
		const char *e = text;
		char *item;

		for (int quoted = 0; *e && (quoted || *e != ','); e++) {
			if (*e == '\\' && quoted && e[1])
				e++;
			else if (*e == '"')
				quoted = !quoted;
		}
		if (e == text || (*e && !e[1]))
			return -1;
		if (!(item = strndup(text, (size_t)(e - text))))
			fail_no_memory();
		if (list_add(list, item) < 0)
			return -1;
		text = *e ? e + 1 : e;
	}
	return *list ? 0 : -1;
}

static int
choice(const char *arg, const char *text, int *index)
{
	size_t n = strlen(text);

	for (*index = 0; *arg; ++*index) {
		size_t k = strcspn(arg, "|");

		if (k == n && !memcmp(arg, text, n))
			return 0;
		arg += k + (arg[k] == '|');
	}
	return -1;
}

static void
release(const struct weir_opt *o, void *base)
{
	void *at = (char *)base + o->offset;
	struct weir_list **list = at;
	struct weir_time *t = at;

	switch (o->type) {
	case WEIR_PATHS:
		for (size_t i = 0; *list && i < (*list)->n; i++)
			free((void *)(uintptr_t)(*list)->item[i]);
		/* FALLTHROUGH */
	case WEIR_TEXTS:
		free(*list);
		*list = NULL;
		break;
	case WEIR_TIME:
		free((void *)(uintptr_t)t->path);
		t->path = NULL;
		break;
	}
}

void
opt_release(const struct opt_set *set, size_t n_sets)
{
	for (size_t s = 0; s < n_sets; s++)
		for (const struct weir_opt *o = set[s].opts; o && o->name; o++)
			release(o, set[s].base);
}

static int
store(const struct weir_opt *o, void *base, const char *text, struct fail *f)
{
	static const char *const what[] = {
		[WEIR_COUNT] = "a number", [WEIR_SIZE] = "a size such as 64K, 16M or 1G", [WEIR_DURATION] = "a duration such as 10s, 5m, 2h or 1d",
		[WEIR_TIME] = "PATH[:iso|s|ms|us|ns]", [WEIR_PATHS] = "paths such as user.id,items[0].sku", [WEIR_TEXTS] = "fewer of them",
	};
	void *at = (char *)base + o->offset;
	int e = 0;

	switch (o->type) {
	case WEIR_FLAG:
		*(int *)at = 1;
		break;
	case WEIR_TEXT:
		*(const char **)at = text;
		break;
	case WEIR_COUNT:
		e = opt_count(text, at);
		break;
	case WEIR_SIZE:
		e = opt_size(text, at);
		break;
	case WEIR_DURATION:
		e = opt_duration(text, at);
		break;
	case WEIR_TIME:
		release(o, base);
		e = opt_time(text, at);
		break;
	case WEIR_PATHS:
		release(o, base);
		e = paths_add(at, text);
		break;
	case WEIR_TEXTS:
		e = list_add(at, text);
		break;
	case WEIR_CHOICE:
		if (choice(o->arg, text, at) < 0)
			return fail(f, WEIR_EUSAGE, "--%s takes one of %s, not '%s'", o->name, o->arg, text);
		break;
	}
	return e ? fail(f, WEIR_EUSAGE, "--%s takes %s, not '%s'", o->name, what[o->type], text) : 0;
}

const char *
opt_nearest(const char *word, const char *const *names, size_t n)
{
	size_t len = strlen(word), best = len / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < n && len < WORD_MAX; i++) {
		size_t k = strlen(names[i]), row[WORD_MAX + 1];

		if (k > WORD_MAX)
			continue;
		for (size_t x = 0; x <= k; x++)
			row[x] = x;
		for (size_t y = 1; y <= len; y++) {
			size_t diagonal = row[0];

			row[0] = y;
			for (size_t x = 1; x <= k; x++) {
				size_t v = diagonal + (word[y - 1] != names[i][x - 1]);

				diagonal = row[x];
				if (row[x] + 1 < v)
					v = row[x] + 1;
				if (row[x - 1] + 1 < v)
					v = row[x - 1] + 1;
				row[x] = v;
			}
		}
		if (row[k] <= best) {
			best = row[k] ? row[k] - 1 : 0;
			found = names[i];
		}
	}
	return found;
}

static const struct weir_opt *
find(const struct opt_set *set, size_t n_sets, char letter, const char *name, size_t n, void **base)
{
	for (size_t s = 0; s < n_sets; s++)
		for (const struct weir_opt *o = set[s].opts; o && o->name; o++)
			if (letter ? o->letter == letter : strlen(o->name) == n && !memcmp(o->name, name, n)) {
				*base = set[s].base;
				return o;
			}
	return NULL;
}

static int
unknown(const struct opt_set *set, size_t n_sets, const char *arg, struct fail *f)
{
	const char *names[256], *near;
	size_t n = 0, len = strcspn(arg + 2, "=");
	char word[WORD_MAX] = "";

	for (size_t s = 0; s < n_sets; s++)
		for (const struct weir_opt *o = set[s].opts; o && o->name && n < 256; o++)
			names[n++] = o->name;
	if (len < sizeof word)
		memcpy(word, arg + 2, len);
	near = opt_nearest(word, names, n);
	return near ? fail(f, WEIR_EUSAGE, "unknown option '%.*s'; is it --%s?", (int)len + 2, arg, near) :
	    fail(f, WEIR_EUSAGE, "unknown option '%.*s'; --help lists them", (int)len + 2, arg);
}

static int
takes_value(const struct weir_opt *o)
{
	return o->type != WEIR_FLAG;
}

/* An argument in brackets may be left out; given, it stands behind an equals sign. */
static int
may_omit(const struct weir_opt *o)
{
	return o->arg && *o->arg == '[';
}

struct parse {
	const struct opt_set	*set;
	size_t			 n_sets;
	uint64_t		 required;	/* a bit for each WEIR_REQUIRED option that was given, in table order */
	struct fail		*fail;
};

/* The bit of a required option. */
static uint64_t
required_bit(const struct parse *p, const struct weir_opt *want)
{
	uint64_t bit = 1;

	for (size_t s = 0; s < p->n_sets; s++)
		for (const struct weir_opt *o = p->set[s].opts; o && o->name; o++)
			if (o->flags & WEIR_REQUIRED) {
				if (o == want)
					return bit;
				bit <<= 1;
			}
	return 0;
}

static int
take(struct parse *p, const struct weir_opt *o, void *base, const char *value)
{
	p->required |= required_bit(p, o);
	return store(o, base, value, p->fail);
}

/* One argument of argv, and the next one when it is its value.  Returns how many were used, or an error. */
static int
one(struct parse *p, const char *arg, const char *next)
{
	const struct weir_opt *o;
	void *base;
	int e;

	if (arg[1] == '-') {
		size_t n = strcspn(arg + 2, "=");
		const char *value = arg[2 + n] ? arg + 3 + n : NULL;

		if (!(o = find(p->set, p->n_sets, 0, arg + 2, n, &base)))
			return unknown(p->set, p->n_sets, arg, p->fail);
		if (!takes_value(o) && value)
			return fail(p->fail, WEIR_EUSAGE, "--%s takes no value", o->name);
		if (!takes_value(o) || value || may_omit(o))
			return (e = take(p, o, base, value ? value : "")) ? e : 1;
		if (!next)
			return fail(p->fail, WEIR_EUSAGE, "--%s needs a value: %s", o->name, o->arg);
		return (e = take(p, o, base, next)) ? e : 2;
	}
	for (const char *c = arg + 1; *c; c++) {
		if (!(o = find(p->set, p->n_sets, *c, NULL, 0, &base)))
			return fail(p->fail, WEIR_EUSAGE, "unknown option '-%c'; --help lists them", *c);
		if (!takes_value(o) || may_omit(o)) {
			if ((e = take(p, o, base, "")))
				return e;
			continue;
		}
		if (c[1])
			return (e = take(p, o, base, c + 1)) ? e : 1;
		if (!next)
			return fail(p->fail, WEIR_EUSAGE, "-%c needs a value: %s", *c, o->arg);
		return (e = take(p, o, base, next)) ? e : 2;
	}
	return 1;
}

int
opt_parse(const struct opt_set *set, size_t n_sets, int argc, char *const *argv, const char **operand, struct fail *f)
{
	struct parse p = { .set = set, .n_sets = n_sets, .fail = f };
	size_t n = 0;
	int e;

	for (size_t s = 0; s < n_sets; s++)
		for (const struct weir_opt *o = set[s].opts; o && o->name; o++)
			if (o->preset && (e = store(o, set[s].base, o->preset, f)))
				return e;
	for (int i = 1; i < argc; i += e) {
		e = 1;
		if (!strcmp(argv[i], "--")) {
			while (++i < argc)
				operand[n++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1])
			operand[n++] = argv[i];
		else if ((e = one(&p, argv[i], i + 1 < argc ? argv[i + 1] : NULL)) < 0)
			return e;
	}
	operand[n] = NULL;
	for (size_t s = 0; s < n_sets; s++)
		for (const struct weir_opt *o = set[s].opts; o && o->name; o++)
			if ((o->flags & WEIR_REQUIRED) && !(p.required & required_bit(&p, o)))
				return o->letter ? fail(f, WEIR_EUSAGE, "-%c (--%s) %s is needed: %s", o->letter, o->name, o->arg, o->help) :
				    fail(f, WEIR_EUSAGE, "--%s %s is needed: %s", o->name, o->arg, o->help);
	return 0;
}

void
opt_synopsis(FILE *out, const char *name, const struct opt_set *set, size_t n_sets)
{
	int indent = (int)strlen(name) + 8, column = fprintf(out, "usage: %s", name);

	for (size_t s = 0; s < n_sets; s++)
		for (const struct weir_opt *o = set[s].opts; o && o->name; o++) {
			char text[256];
			int n, need = o->flags & WEIR_REQUIRED;

			n = o->letter ? snprintf(text, sizeof text, "%s-%c", need ? "" : "[", o->letter) :
			    snprintf(text, sizeof text, "%s--%s", need ? "" : "[", o->name);
			n += snprintf(text + n, sizeof text - (size_t)n, "%s%s%s", takes_value(o) && !may_omit(o) ? " " : "",
			    takes_value(o) ? o->arg : "", need ? "" : "]");
			if (column + 1 + n > SYNOPSIS_WIDTH)
				column = fprintf(out, "\n%*s", indent - 1, "") - 1;
			column += fprintf(out, " %s", text);
		}
	fputc('\n', out);
}

void
opt_help(FILE *out, const struct opt_set *set, size_t n_sets)
{
	for (size_t s = 0; s < n_sets; s++)
		for (const struct weir_opt *o = set[s].opts; o && o->name; o++) {
			int n = o->letter ? fprintf(out, "  -%c, --%s", o->letter, o->name) : fprintf(out, "      --%s", o->name);

			if (takes_value(o))
				n += fprintf(out, "%s%s", may_omit(o) ? "" : " ", o->arg);
			fprintf(out, "%*s%s", n < HELP_COLUMN ? HELP_COLUMN - n : 2, "", o->help);
			if (o->preset && *o->preset)
				fprintf(out, " (%s)", o->preset);
			fputc('\n', out);
		}
}

static int
put_duration(struct buf *b, int64_t us)
{
	return us % 1000000 ? buf_printf(b, "%" PRId64 "us", us) : buf_printf(b, "%" PRId64 "s", us / 1000000);
}

/* The value of an option as it would be typed; of a list, all of it in one. */
static int
put_value(struct buf *b, const struct weir_opt *o, const void *at)
{
	static const char *const unit[] = { "", ":s", ":ms", ":us", ":ns" };
	const struct weir_time *t = at;
	int e = 0;

	switch (o->type) {
	case WEIR_CHOICE: {
		const char *p = o->arg;

		for (int n = *(const int *)at; n; n--)
			p += strcspn(p, "|") + 1;
		return buf_printf(b, "%.*s", (int)strcspn(p, "|"), p);
	}
	case WEIR_TEXT:
		return buf_puts(b, *(const char *const *)at);
	case WEIR_COUNT:
	case WEIR_SIZE:
		return buf_printf(b, "%" PRIu64, *(const uint64_t *)at);
	case WEIR_DURATION:
		return put_duration(b, *(const int64_t *)at);
	case WEIR_TIME:
		return buf_printf(b, "%s%s", t->path, unit[t->unit]);
	case WEIR_PATHS:
	case WEIR_TEXTS: {
		const struct weir_list *list = *(struct weir_list *const *)at;

		for (size_t i = 0; i < list->n; i++)
			e |= buf_printf(b, "%s%s", i ? "," : "", list->item[i]);
		return e;
	}
	}
	return 0;
}

/* Whether the option says something about the meaning of the state. */
static int
has_meaning(const struct weir_opt *o, const void *at)
{
	if (!(o->flags & WEIR_MEANING))
		return 0;
	switch (o->type) {
	case WEIR_TEXT:
		return *(const char *const *)at != NULL;
	case WEIR_TIME:
		return ((const struct weir_time *)at)->path != NULL;
	case WEIR_FLAG:
		return *(const int *)at != 0;
	case WEIR_PATHS:
	case WEIR_TEXTS:
		return *(struct weir_list *const *)at != NULL;
	default:
		return 1;
	}
}

int
opt_meaning(const struct opt_set *set, struct buf *b)
{
	int e = 0;

	for (const struct weir_opt *o = set->opts; o && o->name; o++) {
		const void *at = (const char *)set->base + o->offset;

		if (!has_meaning(o, at))
			continue;
		e |= buf_printf(b, "%s--%s%s", b->n ? " " : "", o->name, o->type == WEIR_FLAG ? "" : " ");
		e |= put_value(b, o, at);
	}
	return e ? -1 : 0;
}

int
opt_words(const struct opt_set *set, struct buf *b)
{
	int e = 0;

	for (const struct weir_opt *o = set->opts; o && o->name; o++) {
		const void *at = (const char *)set->base + o->offset;
		const struct weir_list *list;

		if (!has_meaning(o, at))
			continue;
		if (o->type != WEIR_TEXTS) {
			e |= buf_printf(b, "--%s%s", o->name, o->type == WEIR_FLAG ? "" : "=") | put_value(b, o, at) | buf_putc(b, '\0');
			continue;
		}
		list = *(struct weir_list *const *)at;
		for (size_t i = 0; i < list->n; i++)
			e |= buf_printf(b, "--%s=%s", o->name, list->item[i]) | buf_putc(b, '\0');
	}
	return e ? -1 : 0;
}
