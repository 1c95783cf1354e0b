#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "infer.h"
#include "iso.h"
#include "jsonschema.h"
#include "scan.h"
#include "value.h"

enum {
	SAW_BOOLEAN = 1, SAW_LONG = 2, SAW_DOUBLE = 4, SAW_TIME = 8, SAW_DATE = 16, SAW_TEXT = 32, SAW_OBJECT = 64,
	SAW_ARRAY = 128, SAW_DEEP = 256
};
#define SAW_STRINGS	(SAW_TIME | SAW_DATE | SAW_TEXT)

struct node {
	char		*name;		/* NULL: a list's element, or the root */
	unsigned	 saw;
	size_t		 n, cap, hint;
	struct node	*child;
};

struct infer {
	struct node	 root;
	size_t		 n_nodes;
	const char	*ignore;
};

struct infer *
infer_new(const char *ignore)
{
	struct infer *r = calloc(1, sizeof *r);

	if (r)
		r->ignore = ignore;
	return r;
}

static void
clear(struct node *k)
{
	while (k->n)
		clear(&k->child[--k->n]);
	free(k->child);
	free(k->name);
}

void
infer_free(struct infer *r)
{
	if (!r)
		return;
	clear(&r->root);
	free(r);
}

/* The child of that name (n 0 and name NULL: the element).  Members come in the same order in most events: the hint. */
static struct node *
child_of(struct infer *r, struct node *k, const char *name, size_t n, struct fail *f)
{
	struct node *more;

	for (size_t i = 0, at = k->hint; i < k->n; i++, at++) {
		struct node *c = &k->child[at %= k->n];

		if (!name || (strlen(c->name) == n && memcmp(c->name, name, n) == 0)) {
			k->hint = at + 1;
			return c;
		}
	}
	if (r->n_nodes == INFER_MAX_NODES) {
		fail(f, WEIR_ECONFIG, "the events have more than %d different members: give the table a --schema", INFER_MAX_NODES);
		return NULL;
	}
	if (k->n == k->cap) {
		k->cap = k->cap ? k->cap * 2 : 8;
		if (!(more = realloc(k->child, k->cap * sizeof *more)))
			goto memory;
		k->child = more;
	}
	memset(&k->child[k->n], 0, sizeof *k->child);
	if (name && !(k->child[k->n].name = strndup(name, n)))
		goto memory;
	r->n_nodes++;
	return &k->child[k->n++];
memory:
	fail(f, WEIR_EAGAIN, "no memory to look at the events' members");
	return NULL;
}

static unsigned
see_string(const struct weir_value *v)
{
	const char *p = v->p + 1;
	size_t n = v->n - 2;
	int64_t us;
	int32_t days;

	if (v->flags & WEIR_ESCAPED)		/* a string column takes no U+0000 */
		return memmem(p, n, "\\u0000", 6) ? SAW_TEXT | SAW_DEEP : SAW_TEXT;
	if (n == 10 && iso_parse_date(p, n, &days) == 0)
		return SAW_DATE;
	if (n >= 20 && n <= 40 && p[10] == 'T' && iso_parse(p, n, &us) == 0)
		return SAW_TIME;
	return SAW_TEXT;
}

static int see(struct infer *, struct node *, const struct weir_value *, int depth, struct fail *);

static int
see_members(struct infer *r, struct node *k, const struct weir_value *v, int depth, struct fail *f)
{
	struct weir_value key, value;
	size_t at = 0, n;
	char room[1024], *name;
	const char *p;
	struct node *c;
	int e, ignored;

	while (scan_next(v->p, v->n, &at, &key, &value)) {
		if (v->kind == WEIR_ARRAY) {
			if (!(c = child_of(r, k, NULL, 0, f)))
				return f->code;
		} else {
			name = key.n > sizeof room ? malloc(key.n) : room;
			if (!name)
				return fail(f, WEIR_EAGAIN, "no memory to look at the events' members");
			n = value_text_of(&key, name, &p);
			ignored = k == &r->root && r->ignore && n == strlen(r->ignore) && !memcmp(p, r->ignore, n);
			c = ignored ? NULL : child_of(r, k, p, n, f);
			if (name != room)
				free(name);
			if (ignored)
				continue;
			if (!c)
				return f->code;
		}
		if ((e = see(r, c, &value, depth + 1, f)) < 0)
			return e;
	}
	return 0;
}

static int
see(struct infer *r, struct node *k, const struct weir_value *v, int depth, struct fail *f)
{
	int64_t i;
	double d;

	switch (v->kind) {
	case WEIR_TRUE:
	case WEIR_FALSE:
		k->saw |= SAW_BOOLEAN;
		return 0;
	case WEIR_NUMBER:
		if (v->flags & WEIR_INTEGER)	/* beyond a long: as text, for a double would lose digits */
			k->saw |= value_int64(v, &i) == 0 ? SAW_LONG : SAW_DEEP;
		else
			k->saw |= value_double(v, &d) == 0 ? SAW_DOUBLE : SAW_DEEP;
		return 0;
	case WEIR_STRING:
		k->saw |= see_string(v);
		return 0;
	case WEIR_OBJECT:
	case WEIR_ARRAY:
		k->saw |= v->kind == WEIR_OBJECT ? SAW_OBJECT : SAW_ARRAY;
		if (depth < INFER_DEPTH && (k->saw & (SAW_OBJECT | SAW_ARRAY)) != (SAW_OBJECT | SAW_ARRAY))
			return see_members(r, k, v, depth, f);
		k->saw |= SAW_DEEP;
		return 0;
	default:
		return 0;
	}
}

int
infer_add(struct infer *r, const char *p, size_t n, struct fail *f)
{
	struct weir_value v = { p, (uint32_t)n, WEIR_OBJECT, 0 };

	return see(r, &r->root, &v, 0, f);
}

/* ---------------------------------------------------------------- columns */

/* 0 no column (always null), 1 filled in, -1 no memory. */
static int
decide(const struct node *k, struct schema_field *f)
{
	int r;

	if (!k->saw)
		return 0;
	if (k->saw == SAW_OBJECT || k->saw == SAW_ARRAY) {
		f->kind = k->saw == SAW_OBJECT ? SCHEMA_STRUCT : SCHEMA_LIST;
		for (size_t i = 0; i < k->n; i++) {
			struct schema_field *c = schema_add(f, k->child[i].name ? k->child[i].name : "element", SCHEMA_STRING, 0);

			if (!c || (r = decide(&k->child[i], c)) < 0)
				return -1;
			if (!r) {
				free(c->name);
				f->n--;
			}
		}
		if (f->n)
			return 1;
		free(f->field);
		f->field = NULL;
	} else if (!(k->saw & ~(unsigned)(SAW_LONG | SAW_DOUBLE))) {
		f->kind = k->saw & SAW_DOUBLE ? SCHEMA_DOUBLE : SCHEMA_LONG;
		return 1;
	} else if (!(k->saw & ~(unsigned)SAW_STRINGS)) {
		f->kind = k->saw == SAW_TIME ? SCHEMA_TIMESTAMPTZ : k->saw == SAW_DATE ? SCHEMA_DATE : SCHEMA_STRING;
		return 1;
	} else if (k->saw == SAW_BOOLEAN) {
		f->kind = SCHEMA_BOOLEAN;
		return 1;
	}
	f->kind = SCHEMA_STRING;
	return (f->doc = strdup(JSONSCHEMA_ANY)) ? 1 : -1;
}

struct schema *
infer_schema(const struct infer *r, struct fail *f)
{
	struct schema *s = schema_new();

	if (!s || decide(&r->root, &s->root) < 0) {
		schema_free(s);
		fail(f, WEIR_EAGAIN, "no memory for a schema");
		return NULL;
	}
	if (s->root.kind != SCHEMA_STRUCT || !s->root.n) {
		schema_free(s);
		fail(f, WEIR_ECONFIG, "no column can be inferred: there is no event with a value that is not null");
		return NULL;
	}
	return s;
}

static int
tell(const struct schema_field *f, struct buf *out)
{
	char type[SCHEMA_TYPE_SIZE];
	int e = 0;

	if (f->kind == SCHEMA_LIST)
		return buf_puts(out, "list<") | tell(f->field, out) | buf_putc(out, '>');
	if (f->kind == SCHEMA_MAP)
		return buf_puts(out, "map<string, ") | tell(&f->field[1], out) | buf_putc(out, '>');
	if (f->kind != SCHEMA_STRUCT)
		return buf_puts(out, schema_type_text(f, type)) | (f->doc && strcmp(f->doc, JSONSCHEMA_ANY) == 0 ? buf_puts(out, " (JSON text)") : 0);
	e |= buf_puts(out, "struct<");
	for (size_t i = 0; i < f->n; i++)
		e |= buf_printf(out, "%s%s ", i ? ", " : "", f->field[i].name) | tell(&f->field[i], out);
	return e | buf_putc(out, '>');
}

int
infer_tell(const struct schema *s, struct buf *out)
{
	int e = 0;

	for (size_t i = 0; i < s->root.n; i++)
		e |= buf_printf(out, "%s%s ", i ? ", " : "", s->root.field[i].name) | tell(&s->root.field[i], out);
	return e;
}
