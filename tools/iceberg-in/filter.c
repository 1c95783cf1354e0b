#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "filter.h"
#include "iso.h"

#define TEXT_MAX	4096		/* of the whole filter */

enum op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_NULL, OP_NOT_NULL };

struct term {
	struct show_key		 key;
	const struct schema_field *field;
	struct parquet_column	 column[SCHEMA_MAX_DEPTH];
	int			 n_column;
	int			 op;
	int			 watched;	/* of the file that is open */
	char			 text[TEXT_MAX];	/* what a key of bytes points into */
};

struct filter {
	size_t		 n;
	struct term	*term[FILTER_TERMS];
};

/* ---- the text ---- */

struct words {
	const char	*at;
	char		 word[TEXT_MAX];
	int		 quoted;
};

static const char operators[] = "=!<>";

/* The next word: a quoted text, an operator, or a run of other bytes.  1, 0 at the end, -1: a quote is open. */
static int
next_word(struct words *w)
{
	size_t n = 0;
	char quote;

	while (isspace((unsigned char)*w->at))
		w->at++;
	w->quoted = 0;
	if (!*w->at)
		return 0;
	if (*w->at == '\'') {
		quote = *w->at++;
		w->quoted = 1;
		for (; *w->at; w->at++) {
			if (*w->at == quote && *++w->at != quote) {
				w->word[n] = '\0';
				return 1;
			}
			w->word[n++] = *w->at;
		}
		return -1;
	}
	if (strchr(operators, *w->at))
		while (*w->at && strchr(operators, *w->at))
			w->word[n++] = *w->at++;
	else
		for (int inside = 0; *w->at && (inside || (!isspace((unsigned char)*w->at) && !strchr(operators, *w->at))); ) {
			inside ^= *w->at == '"';		/* ."odd key" */
			w->word[n++] = *w->at++;
		}
	w->word[n] = '\0';
	return 1;
}

static int
parse_op(const char *word)
{
	static const struct {
		const char	*text;
		int		 op;
	} ops[] = { { "=", OP_EQ }, { "==", OP_EQ }, { "!=", OP_NE }, { "<>", OP_NE }, { "<", OP_LT }, { "<=", OP_LE }, { ">", OP_GT }, { ">=", OP_GE } };

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (strcmp(ops[i].text, word) == 0)
			return ops[i].op;
	return -1;
}

static int
parse_clock(const char *p, int64_t *us)
{
	char day[64];
	size_t n = strlen(p);

	if (n > 20)
		return -1;
	memcpy(day, "1970-01-01T", 11);
	memcpy(day + 11, p, n);
	day[11 + n] = 'Z';
	return iso_parse(day, n + 12, us);
}

static int
parse_uuid(const char *p, char *out)
{
	for (int i = 0; i < 16; i++) {
		unsigned v = 0;

		for (int k = 0; k < 2; ) {
			const char *hex = "0123456789abcdef", *at;

			if (*p == '-') {
				p++;
				continue;
			}
			if (!*p || !(at = strchr(hex, tolower((unsigned char)*p++))))
				return -1;
			v = v << 4 | (unsigned)(at - hex);
			k++;
		}
		out[i] = (char)v;
	}
	return *p ? -1 : 0;
}

/* number_parse() wants a literal that somebody has checked. */
static int
is_number(const char *p)
{
	char *end;

	if (!*p || p[strspn(p, "+-.0123456789eE")])
		return 0;
	strtod(p, &end);
	return *end == '\0' && *p != '+' && *p != '.';
}

/* The word as a value of the column's type: 0 or -1. */
static int
literal(struct term *t, const char *word)
{
	struct show_key *k = &t->key;
	int64_t us;
	int32_t days;
	char *end;

	*k = (struct show_key){ .kind = SHOW_KEY_NUMBER };
	switch (t->field->kind) {
	case SCHEMA_BOOLEAN:
		k->number.coef = strcasecmp(word, "true") == 0;
		return k->number.coef || strcasecmp(word, "false") == 0 ? 0 : -1;
	case SCHEMA_INT: case SCHEMA_LONG: case SCHEMA_DECIMAL:
		return is_number(word) ? number_parse(word, strlen(word), &k->number) : -1;
	case SCHEMA_FLOAT: case SCHEMA_DOUBLE:
		k->kind = SHOW_KEY_DOUBLE;
		k->d = strtod(word, &end);
		if (t->field->kind == SCHEMA_FLOAT)	/* 1.1 means the float that is written so */
			k->d = (double)(float)k->d;
		return *word && !*end && !isnan(k->d) ? 0 : -1;
	case SCHEMA_DATE:
		if (iso_parse_date(word, strlen(word), &days) < 0)
			return -1;
		k->number.coef = days;
		return 0;
	case SCHEMA_TIME:
		k->number.scale = 6;
		if (parse_clock(word, &us) < 0)
			return -1;
		k->number.coef = us;
		return 0;
	case SCHEMA_TIMESTAMP: case SCHEMA_TIMESTAMPTZ: case SCHEMA_TIMESTAMP_NS: case SCHEMA_TIMESTAMPTZ_NS:
		k->number.scale = 6;
		if (iso_parse_loose(word, strlen(word), &us) < 0)
			return -1;
		k->number.coef = us;
		return 0;
	case SCHEMA_STRING:
		k->kind = SHOW_KEY_BYTES;
		k->bytes.n = strlen(word);
		memcpy(t->text, word, k->bytes.n + 1);
		k->bytes.p = t->text;
		return 0;
	case SCHEMA_UUID:
		k->kind = SHOW_KEY_BYTES;
		k->bytes.n = 16;
		k->bytes.p = t->text;
		return parse_uuid(word, t->text);
	default:
		return -1;
	}
}

static int
parse_column(struct term *t, const char *word, const struct schema *s, struct fail *f)
{
	const struct schema_field *path[SCHEMA_MAX_DEPTH];
	int e;

	if ((t->n_column = columns_path(s, word, path, SCHEMA_MAX_DEPTH, f)) < 0)
		return t->n_column;
	t->field = path[t->n_column - 1];
	if ((e = columns_leaf(t->field, &t->column[t->n_column - 1], f)) < 0)
		return e;
	for (int i = 0; i < t->n_column - 1; i++)
		t->column[i] = (struct parquet_column){ .name = path[i]->name, .field_id = path[i]->id, .kind = COLUMN_STRUCT };
	return 0;
}

static int
grammar(const char *text, struct fail *f)
{
	return fail(f, WEIR_EUSAGE, "--where takes `column op value and ...`, op one of = != < <= > >=, or `column is [not] null`, not '%s'", text);
}

/* One comparison; *more: "and" follows. */
static int
parse_term(struct words *w, struct term *t, const struct schema *s, const char *text, int *more, struct fail *f)
{
	char type[SCHEMA_TYPE_SIZE], name[256];
	int e;

	if (next_word(w) <= 0 || w->quoted)
		return grammar(text, f);
	strncpy(name, w->word, sizeof name - 1);
	name[sizeof name - 1] = '\0';
	if ((e = parse_column(t, w->word, s, f)) < 0)
		return e;
	if (next_word(w) <= 0 || w->quoted)
		return grammar(text, f);
	if (strcasecmp(w->word, "is") == 0) {
		t->op = OP_NULL;
		if (next_word(w) > 0 && strcasecmp(w->word, "not") == 0) {
			t->op = OP_NOT_NULL;
			if (next_word(w) <= 0)
				return grammar(text, f);
		}
		if (strcasecmp(w->word, "null") != 0)
			return grammar(text, f);
	} else {
		if ((t->op = parse_op(w->word)) < 0 || next_word(w) <= 0)
			return grammar(text, f);
		if (!w->quoted && w->word[0] == '"' && strlen(w->word) > 1 && w->word[strlen(w->word) - 1] == '"') {
			w->word[strlen(w->word) - 1] = '\0';
			memmove(w->word, w->word + 1, strlen(w->word));
			w->quoted = 1;
		}
		if (!w->quoted && strcasecmp(w->word, "null") == 0)
			return fail(f, WEIR_EUSAGE, "--where: nothing compares with null; say `%s is null`", name);
		if (t->field->kind == SCHEMA_BINARY || t->field->kind == SCHEMA_FIXED)
			return fail(f, WEIR_ECONFIG, "--where: column %s is %s; only `is null` is known of it", name,
			    schema_type_text(t->field, type));
		if (literal(t, w->word) < 0)
			return fail(f, WEIR_EUSAGE, "--where: '%s' is no %s, the type of column %s", w->word, schema_type_text(t->field, type), name);
	}
	e = next_word(w);
	*more = e > 0;
	return e < 0 || (e > 0 && (w->quoted || strcasecmp(w->word, "and") != 0)) ? grammar(text, f) : 0;
}

int
filter_parse(const char *text, const struct schema *s, struct filter **out, struct fail *f)
{
	struct filter *filter = calloc(1, sizeof *filter);
	struct words w = { .at = text };
	int more = 1, e = 0;

	if (!filter)
		return fail(f, WEIR_EAGAIN, "no memory for --where");
	if (strlen(text) >= TEXT_MAX)
		e = fail(f, WEIR_EUSAGE, "--where is longer than %d bytes", TEXT_MAX);
	while (more && !e) {
		struct term *t;

		if (filter->n == FILTER_TERMS)
			e = fail(f, WEIR_EUSAGE, "--where takes at most %d comparisons", FILTER_TERMS);
		else if (!(t = filter->term[filter->n] = calloc(1, sizeof *t)))
			e = fail(f, WEIR_EAGAIN, "no memory for --where");
		else {
			filter->n++;
			e = parse_term(&w, t, s, text, &more, f);
		}
	}
	if (e < 0) {
		filter_free(filter);
		return e;
	}
	*out = filter;
	return 0;
}

void
filter_free(struct filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->term[i]);
	free(f);
}

/* ---- bounds ---- */

/* May one of the values be a match?  Bits 1 and 2 of `known`: there is a min, a max. */
static int
may_match(const struct term *t, int known, const struct show_key *min, const struct show_key *max, int64_t n_nulls, int64_t n_values)
{
	int low, high;

	if (t->op == OP_NULL)
		return n_nulls != 0;
	if (n_nulls >= 0 && n_values >= 0 && n_nulls == n_values)
		return 0;
	if (t->op == OP_NOT_NULL)
		return 1;
	low = known & 1 ? show_compare(min, &t->key) : 2;	/* 2: not known, excludes nothing */
	high = known & 2 ? show_compare(max, &t->key) : 2;
	switch (t->op) {
	case OP_EQ: return low != 1 && high != -1;
	case OP_LT: return low != 1 && low != 0;
	case OP_LE: return low != 1;
	case OP_GT: return high != -1 && high != 0;
	case OP_GE: return high != -1;
	default: return 1;
	}
}

static int
bound_key(const struct schema_field *s, const char *p, size_t n, struct show_key *k)
{
	struct datum d = { 0 };

	if (!p || datum_from_binary(s, p, n, &d) < 0)
		return 0;
	*k = (struct show_key){ .kind = SHOW_KEY_NUMBER };
	switch (s->kind) {
	case SCHEMA_FLOAT: case SCHEMA_DOUBLE:
		k->kind = SHOW_KEY_DOUBLE;
		k->d = d.d;
		return !isnan(d.d);
	case SCHEMA_DECIMAL:
		k->number.coef = d.dec;
		k->number.scale = s->scale;
		return 1;
	case SCHEMA_STRING: case SCHEMA_UUID: case SCHEMA_FIXED: case SCHEMA_BINARY:
		k->kind = SHOW_KEY_BYTES;
		k->bytes.p = d.s.p;
		k->bytes.n = d.s.n;
		return 1;
	case SCHEMA_TIME: case SCHEMA_TIMESTAMP: case SCHEMA_TIMESTAMPTZ:
		k->number.coef = d.i;
		k->number.scale = 6;
		return 1;
	case SCHEMA_TIMESTAMP_NS: case SCHEMA_TIMESTAMPTZ_NS:
		k->number.coef = d.i;
		k->number.scale = 9;
		return 1;
	default:
		k->number.coef = d.i;
		return 1;
	}
}

int
filter_file(const struct filter *f, const struct manifest_file *file)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct term *t = f->term[i];

		for (size_t k = 0; k < file->n_metric; k++) {
			const struct manifest_metric *m = &file->metric[k];
			struct show_key min, max;
			int known;

			if (m->id != t->field->id)
				continue;
			known = bound_key(t->field, m->lower, m->n_lower, &min) | bound_key(t->field, m->upper, m->n_upper, &max) << 1;
			if (!may_match(t, known, &min, &max, m->nulls, m->values))
				return 0;
		}
	}
	return 1;
}

int
filter_watch(struct filter *f, struct parquet_read *r, struct fail *why)
{
	for (size_t i = 0; i < f->n; i++) {
		struct term *t = f->term[i];
		const struct parquet_column *path[SCHEMA_MAX_DEPTH];

		for (int k = 0; k < t->n_column; k++)
			path[k] = &t->column[k];
		if ((t->watched = parquet_read_watch(r, path, (size_t)t->n_column, why)) < 0)
			return t->watched;
	}
	return 0;
}

int
filter_group(const struct filter *f, const struct parquet_read *r, uint32_t group)
{
	for (size_t i = 0; i < f->n; i++) {
		struct show_key min, max;
		int64_t n_nulls;
		int known = parquet_read_bounds(r, group, f->term[i]->watched, &min, &max, &n_nulls);

		if (!may_match(f->term[i], known, &min, &max, n_nulls, parquet_read_footer(r)->group[group].n_rows))
			return 0;
	}
	return 1;
}

int
filter_row(const struct filter *f, struct parquet_read *r, struct fail *why)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct term *t = f->term[i];
		struct show_key k;
		int there = parquet_read_peek(r, t->watched, &k, why), c, match;

		if (there < 0)
			return there;
		if (t->op >= OP_NULL) {
			if (there == (t->op == OP_NULL))
				return 0;
			continue;
		}
		if (!there)
			return 0;
		c = show_compare(&k, &t->key);
		match = t->op == OP_EQ ? c == 0 : t->op == OP_NE ? c != 0 : t->op == OP_LT ? c == -1 : t->op == OP_LE ? c == -1 || c == 0 :
		    t->op == OP_GT ? c == 1 : c == 1 || c == 0;
		if (!match)
			return 0;
	}
	return 1;
}
