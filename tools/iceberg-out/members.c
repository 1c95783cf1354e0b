#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "members.h"
#include "scan.h"
#include "value.h"

#define KEY_ROOM	4096	/* longer keys are no column's */

struct node {
	struct node	*child, *next;
	char		*key;
	size_t		 n;
	size_t		 json_n;	/* bytes of its shortest spelling, with quotes and colon */
	int		 whole;		/* a column takes all below */
	int		 flat;		/* every child is whole */
	int		 col;		/* -1: not known */
};

struct members {
	struct node	 root;
	struct buf	 path;
	char		 room[KEY_ROOM];
};

static void
free_below(struct node *n)
{
	struct node *c, *next;

	for (c = n->child; c; c = next) {
		next = c->next;
		free_below(c);
		free(c->key);
		free(c);
	}
}

struct members *
members_new(void)
{
	return calloc(1, sizeof(struct members));
}

void
members_free(struct members *m)
{
	if (!m)
		return;
	free_below(&m->root);
	buf_free(&m->path);
	free(m);
}

/* JSON must escape these, and has two bytes for some and six for the others. */
static size_t
shortest(const char *p, size_t n)
{
	size_t bytes = 3;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		bytes += c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v') ? 2 : c < 0x20 ? 6 : 1;
	}
	return bytes;
}

int
members_append(struct buf *path, const char *key, size_t n)
{
	int plain = n > 0;

	for (size_t i = 0; i < n; i++)
		plain &= (unsigned char)key[i] >= 0x80 || (key[i] >= 'a' && key[i] <= 'z') || (key[i] >= 'A' && key[i] <= 'Z') ||
		    (key[i] >= '0' && key[i] <= '9') || key[i] == '_' || key[i] == '-';
	if (path->n && buf_putc(path, '.') < 0)
		return -1;
	return plain ? buf_put(path, key, n) : emit_string(path, key, n);
}

int
members_add(struct members *m, const char *text, int whole, struct fail *f)
{
	struct node *at = &m->root;
	struct path path;

	if (path_parse(text, &path) < 0)
		return fail(f, WEIR_ECONFIG, "\"%s\" is no path into an event: write user.id, items[0].sku or .\"odd key\"", text);
	for (size_t k = 0; k < path.n; k++) {
		const struct path_seg *seg = &path.seg[k];
		struct node *c;

		if (!seg->key) {		/* one element of an array: the whole array counts as taken */
			at->whole = 1;
			return 0;
		}
		for (c = at->child; c; c = c->next)
			if (c->n == seg->n && !memcmp(c->key, seg->key, seg->n))
				break;
		if (!c) {
			if (!(c = calloc(1, sizeof *c)) || !(c->key = malloc(seg->n + 1))) {
				free(c);
				return fail(f, WEIR_EAGAIN, "no memory for the columns");
			}
			memcpy(c->key, seg->key, seg->n);
			c->n = seg->n;
			c->json_n = shortest(seg->key, seg->n);
			c->col = -1;
			c->next = at->child;
			at->child = c;
		}
		at = c;
	}
	at->whole |= whole;
	return 0;
}

static int
bind(struct node *at, struct buf *path, int (*want)(void *, const char *), void *arg, struct fail *f)
{
	size_t n = path->n;
	int rc;

	at->flat = 1;
	for (struct node *c = at->child; c; c = c->next) {
		at->flat &= c->whole;
		path->n = n;
		if (members_append(path, c->key, c->n) < 0 || buf_putc(path, '\0') < 0)
			return fail(f, WEIR_EAGAIN, "no memory for the columns");
		path->n--;
		c->col = want(arg, path->p);
		if (!c->whole && (rc = bind(c, path, want, arg, f)) < 0)
			return rc;
	}
	path->n = n;
	return 0;
}

int
members_bind(struct members *m, int (*want)(void *, const char *path), void *arg, struct fail *f)
{
	m->path.n = 0;
	return bind(&m->root, &m->path, want, arg, f);
}

/* 1: p[0..n) has nothing but known members, at this level. */
static inline int
only_known(const struct node *at, size_t n, struct weir_value *const *col, uint32_t i)
{
	size_t sum = 1, any = 0;	/* braces, and a comma less than members */

	for (const struct node *c = at->child; c; c = c->next) {
		const struct weir_value *v;

		if (c->col < 0)
			return 0;
		v = &col[c->col][i];
		if (v->kind != WEIR_ABSENT) {
			sum += c->json_n + v->n + 1;
			any = 1;
		}
	}
	return sum + !any == n;
}

static int
unknown(struct members *m, const struct node *at, const char *p, size_t n, struct weir_value *const *col, uint32_t i,
    int (*fn)(void *, const char *, size_t, const struct weir_value *), void *arg);

/* A member that is known, or is not. */
static int
member(struct members *m, const struct node *at, const struct weir_value *key, const struct weir_value *v,
    struct weir_value *const *col, uint32_t i, int (*fn)(void *, const char *, size_t, const struct weir_value *), void *arg)
{
	const struct node *c = NULL;
	struct buf whole = { 0 };
	const char *text;
	size_t had = m->path.n, n;
	char *room = m->room;
	int rc = 0;

	if (key->n > KEY_ROOM) {
		if (buf_reserve(&whole, key->n) < 0)
			return WEIR_EIO;
		room = whole.p;
	}
	n = value_text_of(key, room, &text);
	for (c = at->child; c; c = c->next)
		if (c->n == n && !memcmp(c->key, text, n))
			break;
	if (!c || !c->whole)
		rc = members_append(&m->path, text, n) < 0 ? WEIR_EIO : 0;
	buf_free(&whole);
	if (rc == 0 && !c)
		rc = fn(arg, m->path.p, m->path.n, v);
	else if (rc == 0 && !c->whole)
		rc = v->kind == WEIR_OBJECT ? unknown(m, c, v->p, v->n, col, i, fn, arg) :
		    v->kind == WEIR_NULL ? 0 : fn(arg, m->path.p, m->path.n, v);
	m->path.n = had;
	return rc;
}

static int
unknown(struct members *m, const struct node *at, const char *p, size_t n, struct weir_value *const *col, uint32_t i,
    int (*fn)(void *, const char *, size_t, const struct weir_value *), void *arg)
{
	struct weir_value key, v;
	size_t pos = 0;
	int rc;

	if (!only_known(at, n, col, i)) {
		while (scan_next(p, n, &pos, &key, &v))
			if ((rc = member(m, at, &key, &v, col, i, fn, arg)))
				return rc;
		return 0;
	}
	for (const struct node *c = at->child; c; c = c->next) {
		const struct weir_value *w = &col[c->col][i];

		if (c->whole || w->kind <= WEIR_NULL)
			continue;
		if (w->kind == WEIR_OBJECT && c->flat && only_known(c, w->n, col, i))
			continue;	/* nothing else in it: no path to put together */
		pos = m->path.n;
		if (members_append(&m->path, c->key, c->n) < 0)
			return WEIR_EIO;
		rc = w->kind == WEIR_OBJECT ? unknown(m, c, w->p, w->n, col, i, fn, arg) : fn(arg, m->path.p, m->path.n, w);
		m->path.n = pos;
		if (rc)
			return rc;
	}
	return 0;
}

int
members_unknown(struct members *m, const char *p, size_t n, struct weir_value *const *col, uint32_t i,
    int (*fn)(void *, const char *path, size_t path_n, const struct weir_value *), void *arg)
{
	m->path.n = 0;
	return unknown(m, &m->root, p, n, col, i, fn, arg);
}
