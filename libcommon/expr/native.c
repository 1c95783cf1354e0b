/*
 * native - common jq tests as a small tree over columns; see native.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "native.h"
#include "path.h"
#include "value.h"

#define NODES_MAX	256
#define DEPTH_MAX	64	/* brackets inside each other */

enum op { OP_PATH, OP_LITERAL, OP_HAS, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_AND, OP_OR, OP_NOT };

struct node {
	enum op	 op;
	int	 a, b;			/* operands; OP_PATH: a = path; OP_HAS: a = path of the member */
	struct weir_value lit;		/* OP_LITERAL; a string's content is decoded, without quotes */
};

/* A path and its prefixes: where it is absent, the first prefix that is there says whether jq would fail. */
struct steps {
	char	*text[PATH_DEPTH];
	int	 col[PATH_DEPTH];
	uint8_t	 index[PATH_DEPTH];	/* the step is an array index */
	int	 n;
};

struct native {
	struct node	 node[NODES_MAX];
	struct steps	*path[EXPR_PATHS_MAX];
	char		*text;			/* decoded strings */
	size_t		 n_text;
	int		 n_nodes, n_paths, root;
	struct buf	 left, right;		/* decoded columns */
};

struct parser {
	struct native	*x;
	const char	*p;
	int		 depth;
};

static int parse_pipe(struct parser *);

void
native_free(struct native *x)
{
	if (!x)
		return;
	for (int i = 0; i < x->n_paths; i++) {
		for (int k = 0; k < x->path[i]->n; k++)
			free(x->path[i]->text[k]);
		free(x->path[i]);
	}
	free(x->text);
	buf_free(&x->left);
	buf_free(&x->right);
	free(x);
}

static void
blanks(struct parser *s)
{
	while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
		s->p++;
}

static int
is_name(char c, int first)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* The word at p, if it is this one. */
static int
word(struct parser *s, const char *w)
{
	const size_t n = strlen(w);

	blanks(s);
	if (strncmp(s->p, w, n) || is_name(s->p[n], 0) || s->p[n] == ':')
		return 0;
	s->p += n;
	return 1;
}

static int
sign(struct parser *s, const char *w)
{
	blanks(s);
	if (strncmp(s->p, w, strlen(w)))
		return 0;
	s->p += strlen(w);
	return 1;
}

static int
add(struct parser *s, enum op op, int a, int b)
{
	struct native *x = s->x;

	if (a < 0 || b < 0 || x->n_nodes == NODES_MAX)
		return -1;
	x->node[x->n_nodes] = (struct node){ .op = op, .a = a, .b = b };
	return x->n_nodes++;
}

/* A string literal at p: its bytes with quotes, or 0.  Interpolation is libjq's. */
static size_t
string_at(const char *p)
{
	size_t n = 1;

	if (*p != '"')
		return 0;
	for (; p[n] && p[n] != '"'; n++) {
		if ((unsigned char)p[n] < 0x20)
			return 0;
		if (p[n] != '\\')
			continue;
		if (!p[n + 1] || !strchr("\"\\/bfnrt", p[n + 1]))	/* \u too: rare, and pairs of surrogates are work */
			return 0;
		n++;
	}
	return p[n] == '"' ? n + 1 : 0;
}

/* The path's next step is in `key` (with quotes or a bare name) or `index`: the text of the longer path. */
static int
add_step(struct steps *t, const char *key, size_t n, long index)
{
	struct buf b = { .max = PATH_BYTES };
	const char *before = t->n ? t->text[t->n - 1] : "";
	struct path *parsed;
	int bad;

	if (t->n == PATH_DEPTH)
		return -1;
	if (key)
		bad = buf_puts(&b, before) < 0 || buf_putc(&b, '.') < 0 || (*key == '"' ? buf_put(&b, key, n) :
		    buf_putc(&b, '"') < 0 || buf_put(&b, key, n) < 0 || buf_putc(&b, '"')) < 0;
	else
		bad = buf_printf(&b, "%s[%ld]", before, index) < 0;
	if (bad || buf_putc(&b, '\0') < 0 || !(parsed = malloc(sizeof *parsed))) {
		buf_free(&b);
		return -1;
	}
	bad = path_parse(b.p, parsed) < 0;
	free(parsed);
	if (bad) {
		buf_free(&b);
		return -1;
	}
	t->index[t->n] = !key;
	t->text[t->n++] = b.p;
	return 0;
}

static int
parse_steps(struct parser *s, struct steps *t)
{
	for (;;) {
		size_t n = 0;
		char *end;
		long k;

		if (*s->p == '.' && is_name(s->p[1], 1)) {
			s->p++;
			while (is_name(s->p[n], 0))
				n++;
			if (add_step(t, s->p, n, 0) < 0)
				return -1;
			s->p += n;
		} else if (*s->p == '.' && (n = string_at(s->p + 1))) {
			if (add_step(t, s->p + 1, n, 0) < 0)
				return -1;
			s->p += n + 1;
		} else if (*s->p == '[' || (*s->p == '.' && s->p[1] == '[')) {
			s->p += *s->p == '.' ? 2 : 1;
			if ((n = string_at(s->p))) {
				if (add_step(t, s->p, n, 0) < 0)
					return -1;
				s->p += n;
			} else {
				if (*s->p < '0' || *s->p > '9' || !t->n)	/* the event itself is an object */
					return -1;
				k = strtol(s->p, &end, 10);
				if (end - s->p > 9 || add_step(t, NULL, 0, k) < 0)
					return -1;
				s->p = end;
			}
			if (*s->p++ != ']')
				return -1;
		} else {
			break;
		}
	}
	/* .a? and .a.. are not for us; nor is the event itself */
	return t->n && *s->p != '?' && *s->p != '.' ? 0 : -1;
}

/* `from`: a path to go on from, or -1. */
static struct steps *
new_path(struct parser *s, int from)
{
	struct native *x = s->x;
	struct steps *t;

	if (x->n_paths == EXPR_PATHS_MAX || !(t = calloc(1, sizeof *t)))
		return NULL;
	x->path[x->n_paths++] = t;
	for (int k = 0; from >= 0 && k < x->path[from]->n; k++) {
		if (!(t->text[k] = strdup(x->path[from]->text[k])))
			return NULL;
		t->index[k] = x->path[from]->index[k];
		t->n++;
	}
	return t;
}

/* has("key"), behind the word. */
static int
parse_has(struct parser *s, int from)
{
	struct steps *t;
	size_t n;

	if (!sign(s, "("))
		return -1;
	blanks(s);
	if (!(n = string_at(s->p)) || !(t = new_path(s, from)) || add_step(t, s->p, n, 0) < 0)
		return -1;
	s->p += n;
	return sign(s, ")") ? add(s, OP_HAS, s->x->n_paths - 1, 0) : -1;
}

static int
parse_number(struct parser *s)
{
	const char *p = s->p;
	struct weir_value v;
	int i;

	if (*p == '-')
		p++;
	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return -1;
	while (*p >= '0' && *p <= '9')
		p++;
	if (*p == '.') {
		if (*++p < '0' || *p > '9')
			return -1;
		while (*p >= '0' && *p <= '9')
			p++;
	}
	if ((*p | 0x20) == 'e') {
		p++;
		p += *p == '+' || *p == '-';
		if (*p < '0' || *p > '9')
			return -1;
		while (*p >= '0' && *p <= '9')
			p++;
	}
	if (is_name(*p, 1) || *p == '.' || (i = add(s, OP_LITERAL, 0, 0)) < 0)
		return -1;
	v = value_of(s->p, (size_t)(p - s->p));
	s->x->node[i].lit = v;
	s->p = p;
	return i;
}

static int
parse_literal(struct parser *s)
{
	struct native *x = s->x;
	struct weir_value v = { 0 };
	size_t n;
	int i;

	blanks(s);
	if (*s->p == '-' || (*s->p >= '0' && *s->p <= '9'))
		return parse_number(s);
	if ((n = string_at(s->p))) {
		v = value_of(s->p, n);
		s->p += n;
		v.n = (uint32_t)value_text(&v, x->text + x->n_text);	/* never longer than the program */
		v.p = x->text + x->n_text;
		x->n_text += v.n;
	} else if (word(s, "true")) {
		v.kind = WEIR_TRUE;
	} else if (word(s, "false")) {
		v.kind = WEIR_FALSE;
	} else if (word(s, "null")) {
		v.kind = WEIR_NULL;
	} else {
		return -1;
	}
	if ((i = add(s, OP_LITERAL, 0, 0)) >= 0)
		x->node[i].lit = v;
	return i;
}

static int
parse_operand(struct parser *s)
{
	struct steps *t;

	blanks(s);
	if (*s->p != '.')
		return parse_literal(s);
	if (!(t = new_path(s, -1)) || parse_steps(s, t) < 0)
		return -1;
	return add(s, OP_PATH, s->x->n_paths - 1, 0);
}

static int
parse_term(struct parser *s)
{
	static const struct {
		const char	*sign;
		enum op		 op;
	} cmp[] = { { "==", OP_EQ }, { "!=", OP_NE }, { "<=", OP_LE }, { ">=", OP_GE }, { "<", OP_LT }, { ">", OP_GT } };
	int a;

	blanks(s);
	if (*s->p == '(') {
		s->p++;
		if (++s->depth > DEPTH_MAX)
			return -1;
		a = parse_pipe(s);
		s->depth--;
		return sign(s, ")") ? a : -1;
	}
	if (word(s, "has"))
		return parse_has(s, -1);
	if ((a = parse_operand(s)) < 0)
		return -1;
	for (size_t i = 0; i < sizeof cmp / sizeof *cmp; i++)
		if (sign(s, cmp[i].sign))
			return add(s, cmp[i].op, a, parse_operand(s));
	return a;
}

static int
parse_and(struct parser *s)
{
	int a = parse_term(s);

	while (a >= 0 && word(s, "and"))
		a = add(s, OP_AND, a, parse_term(s));
	return a;
}

static int
parse_or(struct parser *s)
{
	int a = parse_and(s);

	while (a >= 0 && word(s, "or"))
		a = add(s, OP_OR, a, parse_and(s));
	return a;
}

static int
parse_pipe(struct parser *s)
{
	int a = parse_or(s);

	while (a >= 0 && sign(s, "|")) {
		if (word(s, "not"))
			a = add(s, OP_NOT, a, 0);
		else if (s->x->node[a].op == OP_PATH && word(s, "has"))
			a = parse_has(s, s->x->node[a].a);
		else
			return -1;
	}
	return a;
}

/* select(A) | select(B) | C: of an object, which is true itself, so all of them must hold. */
static int
parse_program(struct parser *s)
{
	int a = -1, b;

	for (;;) {
		const char *at = s->p;

		if (!word(s, "select") || !sign(s, "(")) {
			s->p = at;
			b = parse_pipe(s);
			a = a < 0 ? b : add(s, OP_AND, a, b);
			break;
		}
		if ((b = parse_pipe(s)) < 0 || !sign(s, ")"))
			return -1;
		if ((a = a < 0 ? b : add(s, OP_AND, a, b)) < 0 || !sign(s, "|"))
			break;
	}
	blanks(s);
	return *s->p ? -1 : a;
}

struct native *
native_compile(const char *text)
{
	struct parser s = { .p = text };

	if (!(s.x = calloc(1, sizeof *s.x)))
		return NULL;
	if (!(s.x->text = malloc(strlen(text) * 2 + BUF_PAD))) {
		native_free(s.x);
		return NULL;
	}
	/* literals point into the text, so it is kept behind the decoded strings */
	memset(s.x->text, 0, strlen(text) * 2 + BUF_PAD);
	memcpy(s.x->text + strlen(text), text, strlen(text) + 1);
	s.p = s.x->text + strlen(text);
	if ((s.x->root = parse_program(&s)) < 0) {
		native_free(s.x);
		return NULL;
	}
	return s.x;
}

int
native_want(struct native *x, int (*want)(void *arg, const char *path), void *arg)
{
	for (int i = 0; i < x->n_paths; i++)
		for (int k = 0; k < x->path[i]->n; k++)
			if ((x->path[i]->col[k] = want(arg, x->path[i]->text[k])) < 0)
				return x->path[i]->col[k];
	return 0;
}

/* jq's order: null, false, true, numbers, strings, arrays, objects. */
static int
rank(unsigned kind)
{
	static const int order[] = { [WEIR_ABSENT] = 0, [WEIR_NULL] = 0, [WEIR_FALSE] = 1, [WEIR_TRUE] = 2, [WEIR_NUMBER] = 3, [WEIR_STRING] = 4,
		[WEIR_ARRAY] = 5, [WEIR_OBJECT] = 6 };

	return order[kind];
}

static const char *
kind_name(unsigned kind)
{
	static const char *const name[] = { "null", "null", "boolean", "boolean", "number", "string", "object", "array" };

	return name[kind];
}

/* The value at a path; an absent one is null.  1, or EXPR_ERROR where jq fails.  `last` steps are followed. */
static int
load(struct native *x, int path, int last, struct weir_value *const *col, uint32_t i, struct weir_value *v, struct fail *why)
{
	const struct steps *t = x->path[path];

	*v = col[t->col[last - 1]][i];
	if (v->kind != WEIR_ABSENT)
		return 1;
	for (int k = 0; k + 1 < last; k++) {
		const struct weir_value *p = &col[t->col[k]][i];

		if (p->kind == WEIR_ABSENT || p->kind == WEIR_NULL)
			break;
		if (p->kind != (t->index[k + 1] ? WEIR_ARRAY : WEIR_OBJECT))
			return fail(why, WEIR_EDATA, "%s: cannot index %s", t->text[k + 1], kind_name(p->kind)), EXPR_ERROR;
	}
	v->kind = WEIR_NULL;
	return 1;
}

static int
compare_numbers(const struct weir_value *a, const struct weir_value *b)
{
	int64_t m, n;
	double x, y;

	if (a->flags & b->flags & WEIR_INTEGER && value_int64(a, &m) == 0 && value_int64(b, &n) == 0)
		return m < n ? -1 : m > n;
	if (value_double(a, &x) < 0 || value_double(b, &y) < 0)
		return NATIVE_ASK;
	return x < y ? -1 : x > y;
}

static int
text_of(const struct weir_value *v, int literal, struct buf *scratch, const char **p, size_t *n)
{
	if (literal) {
		*p = v->p;
		*n = v->n;
		return 0;
	}
	if (v->flags & WEIR_ESCAPED && buf_reserve(scratch, v->n) < 0)
		return -1;
	*n = value_text_of(v, scratch->p, p);
	return 0;
}

/* -1, 0, 1, or NATIVE_ASK. */
static int
compare(struct native *x, const struct node *a, const struct weir_value *v, const struct node *b, const struct weir_value *w)
{
	const int r = rank(v->kind), s = rank(w->kind);
	const char *p, *q;
	size_t n, m;
	int c;

	if (r != s)
		return r < s ? -1 : 1;
	switch (v->kind) {
	case WEIR_NUMBER:
		return compare_numbers(v, w);
	case WEIR_STRING:
		if (text_of(v, a->op == OP_LITERAL, &x->left, &p, &n) < 0 || text_of(w, b->op == OP_LITERAL, &x->right, &q, &m) < 0)
			return NATIVE_ASK;
		c = memcmp(p, q, n < m ? n : m);
		return c ? c < 0 ? -1 : 1 : n < m ? -1 : n > m;
	case WEIR_ARRAY:
	case WEIR_OBJECT:
		return NATIVE_ASK;
	default:
		return 0;
	}
}

static int
operand(struct native *x, const struct node *k, struct weir_value *const *col, uint32_t i, struct weir_value *v, struct fail *why)
{
	if (k->op == OP_PATH)
		return load(x, k->a, x->path[k->a]->n, col, i, v, why);
	*v = k->lit;
	return 1;
}

static int
test_compare(struct native *x, const struct node *k, struct weir_value *const *col, uint32_t i, struct fail *why)
{
	const struct node *a = &x->node[k->a], *b = &x->node[k->b];
	struct weir_value v, w;
	int c;

	if (operand(x, a, col, i, &v, why) < 0 || operand(x, b, col, i, &w, why) < 0)
		return EXPR_ERROR;
	if ((c = compare(x, a, &v, b, &w)) == NATIVE_ASK)
		return NATIVE_ASK;
	switch (k->op) {
	case OP_EQ: return c == 0;
	case OP_NE: return c != 0;
	case OP_LT: return c < 0;
	case OP_LE: return c <= 0;
	case OP_GT: return c > 0;
	default: return c >= 0;
	}
}

static int
test_has(struct native *x, const struct node *k, struct weir_value *const *col, uint32_t i, struct fail *why)
{
	const struct steps *t = x->path[k->a];
	struct weir_value v;

	if (col[t->col[t->n - 1]][i].kind != WEIR_ABSENT)
		return EXPR_TRUE;
	if (t->n == 1)
		return EXPR_FALSE;
	if (load(x, k->a, t->n - 1, col, i, &v, why) < 0)
		return EXPR_ERROR;
	if (v.kind != WEIR_OBJECT && v.kind != WEIR_NULL)
		return fail(why, WEIR_EDATA, "%s: cannot check whether %s has a key", t->text[t->n - 1], kind_name(v.kind)), EXPR_ERROR;
	return EXPR_FALSE;
}

static int
test(struct native *x, int at, struct weir_value *const *col, uint32_t i, struct fail *why)
{
	const struct node *k = &x->node[at];
	struct weir_value v;
	int r;

	switch (k->op) {
	case OP_PATH:
	case OP_LITERAL:
		if (operand(x, k, col, i, &v, why) < 0)
			return EXPR_ERROR;
		return rank(v.kind) > 1;
	case OP_HAS:
		return test_has(x, k, col, i, why);
	case OP_NOT:
		r = test(x, k->a, col, i, why);
		return r == EXPR_TRUE ? EXPR_FALSE : r == EXPR_FALSE ? EXPR_TRUE : r;
	case OP_AND:
		return (r = test(x, k->a, col, i, why)) == EXPR_TRUE ? test(x, k->b, col, i, why) : r;
	case OP_OR:
		return (r = test(x, k->a, col, i, why)) == EXPR_FALSE ? test(x, k->b, col, i, why) : r;
	default:
		return test_compare(x, k, col, i, why);
	}
}

int
native_test(struct native *x, struct weir_value *const *col, uint32_t i, struct fail *why)
{
	return test(x, x->root, col, i, why);
}
