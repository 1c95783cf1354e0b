/*
 * A pushdown automaton with its stack in memory.  Wanted paths are a tree of
 * nodes; each open container knows its node, so a member costs one comparison
 * for each wanted sibling, and a container nobody wants costs none.
 *
 * Duplicate keys: an object keeps its keys.  The first DUP_LINEAR are compared
 * by hash, one after the other, after a 64-bit filter that says "surely new"
 * for most; beyond that they go into a table shared by all objects of the
 * event, so that a hostile object costs linear time.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "buf.h"
#include "fail.h"
#include "lexeme.h"
#include "path.h"
#include "scan.h"
#include "value.h"

#define DUP_LINEAR	32
#define NODE_MAX	4096	/* wanted paths and their prefixes */

/* A wanted path or a prefix of one. */
struct node {
	char		*key;		/* owned; NULL: an array element, or the root */
	uint32_t	 key_n, index;
	int		 col;		/* -1: only a prefix */
	int		 child, next;	/* -1: none */
	int		 then;		/* the sibling that came after it last time; events of one kind have their keys in one order */
};

struct key {
	const char	*p;
	uint32_t	 n, hash;
};

struct slot {			/* of the table for large objects */
	const char	*p;
	uint32_t	 n, stamp, serial;	/* key, event, object */
};

struct frame {
	const char	*start;
	int		 node;		/* -1: nobody wants anything here */
	uint8_t		 array;
	int		 last;		/* the wanted member matched last, -1: none yet */
	uint32_t	 index;		/* of the next array element */
	uint32_t	 first_key, serial;
	uint64_t	 filter;
};

struct scan {
	struct scan_limits	 limits;
	struct node		*node;
	int			 n_nodes, n_cols;
	int			*col_node;
	struct frame		*stack;		/* SCAN_MAX_DEPTH */
	struct key		*keys;
	size_t			 n_keys, cap_keys;
	struct slot		*table;		/* power of two */
	size_t			 cap_table, n_table;
	uint32_t		 stamp, serial;
	uint64_t		 seed;
	uint32_t		 unmatched;	/* keys of this event that nobody wants, in objects of which members are wanted */
	struct buf		 text;		/* decoded keys of this event */
};

static int
node_new(struct scan *s, const struct path_seg *seg)
{
	struct node *v = realloc(s->node, ((size_t)s->n_nodes + 1) * sizeof *v);

	if (!v || s->n_nodes == NODE_MAX)
		return -1;
	s->node = v;
	v += s->n_nodes;
	*v = (struct node){ .col = -1, .child = -1, .next = -1, .then = -1 };
	if (seg && seg->key) {
		if (!(v->key = calloc(1, seg->n + 8)))		/* compared eight bytes at a time */
			return -1;
		memcpy(v->key, seg->key, seg->n);
		v->key_n = seg->n;
	} else if (seg) {
		v->index = seg->index;
	}
	return s->n_nodes++;
}

struct scan *
scan_new(const struct scan_limits *limits)
{
	struct scan *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->limits = *limits;
	if (!(s->stack = malloc(SCAN_MAX_DEPTH * sizeof *s->stack)) || node_new(s, NULL) < 0)
		goto fail;
	if (getrandom(&s->seed, sizeof s->seed, GRND_NONBLOCK) != (ssize_t)sizeof s->seed)
		s->seed = (uint64_t)(uintptr_t)s;	/* only hostile objects care */
	return s;
fail:
	scan_free(s);
	return NULL;
}

void
scan_free(struct scan *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->n_nodes; i++)
		free(s->node[i].key);
	free(s->node);
	free(s->col_node);
	free(s->stack);
	free(s->keys);
	free(s->table);
	buf_free(&s->text);
	free(s);
}

void
scan_set_limits(struct scan *s, const struct scan_limits *limits)
{
	s->limits = *limits;
}

int
scan_want(struct scan *s, const char *text)
{
	struct path path;
	int at = 0, *cols;

	if (path_parse(text, &path) < 0)
		return -1;
	for (size_t k = 0; k < path.n; k++) {
		const struct path_seg *seg = &path.seg[k];
		int c;

		for (c = s->node[at].child; c >= 0; c = s->node[c].next) {
			const struct node *v = &s->node[c];

			if (seg->key ? v->key && v->key_n == seg->n && !memcmp(v->key, seg->key, seg->n)
			    : !v->key && v->index == seg->index)
				break;
		}
		if (c < 0) {
			if ((c = node_new(s, seg)) < 0)
				return -2;
			s->node[c].next = s->node[at].child;
			s->node[at].child = c;
		}
		at = c;
	}
	if (s->node[at].col < 0) {
		if (!(cols = realloc(s->col_node, ((size_t)s->n_cols + 1) * sizeof *cols)))
			return -2;
		s->col_node = cols;
		cols[s->n_cols] = at;
		s->node[at].col = s->n_cols++;
	}
	return s->node[at].col;
}

size_t
scan_n_cols(const struct scan *s)
{
	return (size_t)s->n_cols;
}

const char *
scan_col_key(const struct scan *s, int c, size_t *n)
{
	for (int i = s->node[0].child; i >= 0; i = s->node[i].next)
		if (i == s->col_node[c]) {
			*n = s->node[i].key_n;
			return s->node[i].key;
		}
	return NULL;
}

static void
clear_below(const struct scan *s, int node, struct weir_value *const *col, uint32_t i)
{
	for (int c = s->node[node].child; c >= 0; c = s->node[c].next) {
		if (s->node[c].col >= 0)
			col[s->node[c].col][i] = (struct weir_value){ 0 };
		clear_below(s, c, col, i);
	}
}

static inline uint64_t
mask8(uint64_t w, uint32_t n)
{
	return n >= 8 ? w : w & (((uint64_t)1 << (8 * n)) - 1);
}

/* Little effort, enough to tell the few keys of an ordinary object apart. */
static inline uint32_t
key_hash(const char *p, uint32_t n)
{
	uint64_t h = mask8(load8(p), n) * UINT64_C(0x9e3779b97f4a7c15);

	if (n > 8)
		h ^= load8(p + n - 8) * UINT64_C(0xc2b2ae3d27d4eb4f);
	h += n * UINT64_C(0x165667b19e3779f9);
	return (uint32_t)((h ^ h >> 29) >> 16);
}

static int
table_grow(struct scan *s)
{
	size_t cap = s->cap_table ? s->cap_table * 2 : 1024;
	struct slot *t = calloc(cap, sizeof *t), *old = s->table;

	if (!t)
		return -1;
	for (size_t i = 0; i < s->cap_table; i++) {
		const struct slot *o = &old[i];
		size_t at;

		if (o->stamp != s->stamp)
			continue;
		at = XXH3_64bits_withSeed(o->p, o->n, s->seed + o->serial) & (cap - 1);
		while (t[at].stamp)
			at = (at + 1) & (cap - 1);
		t[at] = *o;
	}
	free(old);
	s->table = t;
	s->cap_table = cap;
	return 0;
}

/* 1: the key was there; 0: it was not, and is now; -1: no memory. */
static int
table_add(struct scan *s, const struct frame *f, const struct key *k)
{
	size_t at;

	if (s->n_table * 2 >= s->cap_table && table_grow(s) < 0)
		return -1;
	at = XXH3_64bits_withSeed(k->p, k->n, s->seed + f->serial) & (s->cap_table - 1);
	for (; s->table[at].stamp == s->stamp; at = (at + 1) & (s->cap_table - 1))
		if (s->table[at].serial == f->serial && s->table[at].n == k->n && !memcmp(s->table[at].p, k->p, k->n))
			return 1;
	s->table[at] = (struct slot){ .p = k->p, .n = k->n, .stamp = s->stamp, .serial = f->serial };
	s->n_table++;
	return 0;
}

/* 1: this object has the key already; 0: now it has; -1: no memory.  A nested object puts its keys behind those of
 * the object around it and takes them away when it closes. */
static int
key_add(struct scan *s, struct frame *f, const char *p, uint32_t n)
{
	uint32_t hash = key_hash(p, n);
	uint64_t bit = (uint64_t)1 << (hash & 63);
	size_t have = s->n_keys - f->first_key;

	if (s->n_keys == s->cap_keys) {
		size_t cap = s->cap_keys ? s->cap_keys * 2 : 256;
		struct key *k = realloc(s->keys, cap * sizeof *k);

		if (!k)
			return -1;
		s->keys = k;
		s->cap_keys = cap;
	}
	s->keys[s->n_keys++] = (struct key){ .p = p, .n = n, .hash = hash };
	if (have >= DUP_LINEAR) {
		int e = 0;

		if (have == DUP_LINEAR) {
			f->serial = ++s->serial;
			for (size_t k = 0; !e && k < have; k++)
				e = table_add(s, f, &s->keys[f->first_key + k]);
		}
		return e ? e : table_add(s, f, &s->keys[s->n_keys - 1]);
	}
	if (f->filter & bit)
		for (const struct key *k = s->keys + f->first_key, *e = k + have; k < e; k++)
			if (k->hash == hash && k->n == n && !memcmp(k->p, p, n))
				return 1;
	f->filter |= bit;
	return 0;
}

static inline int
has_key(const struct node *v, uint64_t w, const char *p, uint32_t n)
{
	if (v->key_n != n || !v->key || load8(v->key) != w)
		return 0;
	if (n <= 16)		/* the second word may overlap the first */
		return n <= 8 || load8(v->key + n - 8) == load8(p + n - 8);
	return !memcmp(v->key + 8, p + 8, n - 8);
}

/* The child of the wanted object f->node that has this key, or -1. */
static inline int
child_by_key(struct scan *s, struct frame *f, const char *p, uint32_t n)
{
	uint64_t w = mask8(load8(p), n);
	int guess = f->last < 0 ? s->node[f->node].child : s->node[f->last].then, c = guess;

	if (c < 0 || !has_key(&s->node[c], w, p, n)) {
		for (c = s->node[f->node].child; c >= 0 && !has_key(&s->node[c], w, p, n); c = s->node[c].next)
			;
		if (c < 0)
			return -1;
		if (f->last >= 0)
			s->node[f->last].then = c;
	}
	f->last = c;
	return c;
}

static inline int
child_by_index(const struct scan *s, int node, uint32_t index)
{
	for (int c = s->node[node].child; c >= 0; c = s->node[c].next)
		if (!s->node[c].key && s->node[c].index == index)
			return c;
	return -1;
}

/*
 * One value, p[0..e), blanks around it allowed; `node` is the wanted node of
 * this value, or -1.  Columns below and of the node are filled in.
 */
static int
walk(struct scan *s, const char *p, const char *e, int node, struct weir_value *const *col, uint32_t i, unsigned *marks, struct scan_fault *f)
{
	const char *start = p, *q, *key;
	struct frame *top = s->stack - 1, *const floor = top;
	uint32_t key_n;
	uint8_t kind, flags;
	int c;

	s->n_keys = 0;
	s->text.n = 0;
	s->serial = 0;
	s->n_table = 0;
	s->unmatched = 0;
	if (!++s->stamp) {		/* after 2^32 events the table's stamps would lie */
		if (s->cap_table)
			memset(s->table, 0, s->cap_table * sizeof *s->table);
		s->stamp = 1;
	}
	p = blanks(p, e);
	if (p == e)
		return fault(f, "not-json", start, p, "an empty line");
value:
	q = p;
	flags = 0;
	if (p >= e)
		return fault(f, "not-json", start, e, "the text ends in the middle");
	switch (*p) {
	case '"':
		kind = WEIR_STRING;
		if (!(p = string(start, p, e, &flags, f)))
			return -1;
		break;
	case '{':
	case '[':
		if (top - floor >= (ptrdiff_t)s->limits.max_depth || top - floor >= SCAN_MAX_DEPTH) {
			snprintf(f->message, sizeof f->message, "nested deeper than %u levels; --max-depth sets the limit", s->limits.max_depth);
			f->code = "depth";
			f->at = (size_t)(p - start);
			return -1;
		}
		*++top = (struct frame){ .start = p, .node = node, .array = *p == '[', .last = -1, .first_key = (uint32_t)s->n_keys };
		if (node >= 0 && s->limits.last_wins)
			clear_below(s, node, col, i);
		p = blanks(p + 1, e);
		if (p < e && *p == (top->array ? ']' : '}'))
			goto close;
		if (top->array)
			goto element;
		goto member;
	case 't':
		kind = WEIR_TRUE;
		p = !memcmp(p, "true", 4) ? p + 4 : NULL;
		break;
	case 'f':
		kind = WEIR_FALSE;
		p = !memcmp(p, "false", 5) ? p + 5 : NULL;
		break;
	case 'n':
		kind = WEIR_NULL;
		p = !memcmp(p, "null", 4) ? p + 4 : NULL;
		break;
	case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		kind = WEIR_NUMBER;
		p = number(p, e, &flags);
		break;
	default:
		return fault(f, "not-json", start, p, "no value of JSON begins like this");
	}
	if (!p || p > e)
		return fault(f, "not-json", start, q, "not a number, true, false or null as JSON writes them");
	if (node >= 0) {
		if (s->limits.last_wins)
			clear_below(s, node, col, i);
		if ((c = s->node[node].col) >= 0)
			col[c][i] = (struct weir_value){ .p = q, .n = (uint32_t)(p - q), .kind = kind, .flags = flags };
	}
done:
	if (top == floor) {
		p = blanks(p, e);
		return p == e ? 0 : fault(f, "not-json", start, p, "something stands behind the end of the value");
	}
	if (*p != ',')
		p = blanks(p, e);
	if (p >= e)
		return fault(f, "not-json", start, e, "the text ends in the middle");
	if (*p == ',') {
		p = blanks(p + 1, e);
		if (top->array)
			goto element;
		goto member;
	}
	if (*p == (top->array ? ']' : '}'))
		goto close;
	return fault(f, "not-json", start, p, top->array ? "expected ',' or ']'" : "expected ',' or '}'");
member:
	if (p >= e || *p != '"')
		return fault(f, "not-json", start, p < e ? p : e, "expected a key in quotes");
	q = p;
	if (!(p = string(start, p, e, &flags, f)))
		return -1;
	key = q + 1;
	key_n = (uint32_t)(p - q - 2);
	if (flags) {		/* keys are compared as values: "\u0061" is "a" */
		struct weir_value v = { .p = q, .n = (uint32_t)(p - q), .kind = WEIR_STRING, .flags = flags };

		if (buf_reserve(&s->text, s->text.n ? 0 : (size_t)(e - start)) < 0)
			fail_no_memory();
		key = s->text.p + s->text.n;		/* the decoded keys of one event are shorter than the event */
		key_n = (uint32_t)value_text(&v, s->text.p + s->text.n);
		s->text.n += key_n;
	}
	if (!s->limits.last_wins && (c = key_add(s, top, key, key_n))) {
		if (c < 0)
			fail_no_memory();
		snprintf(f->message, sizeof f->message, "the key \"%.*s\" stands twice in one object; --duplicate-keys last takes the last one",
		    key_n > 64 ? 64 : (int)key_n, key);
		f->code = "duplicate-key";
		f->at = (size_t)(q - start);
		return -1;
	}
	if (top == floor + 1 && key_n && *key == '@')
		++*marks;
	node = -1;
	if (top->node >= 0 && s->node[top->node].child >= 0 && (node = child_by_key(s, top, key, key_n)) < 0)
		s->unmatched++;
	if (p >= e || *p != ':') {
		p = blanks(p, e);
		if (p >= e || *p != ':')
			return fault(f, "not-json", start, p, "expected ':' after a key");
	}
	p = blanks(p + 1, e);
	goto value;
element:
	node = top->node >= 0 ? child_by_index(s, top->node, top->index) : -1;
	top->index++;
	goto value;
close:
	p++;
	if (top->node >= 0 && (c = s->node[top->node].col) >= 0)
		col[c][i] = (struct weir_value){ .p = top->start, .n = (uint32_t)(p - top->start), .kind = top->array ? WEIR_ARRAY : WEIR_OBJECT };
	s->n_keys = top->first_key;
	top--;
	goto done;
}

int
scan_event(struct scan *s, const char *p, size_t n, struct weir_value *const *col, uint32_t i, unsigned *marks, struct scan_fault *f)
{
	const char *q = blanks(p, p + n);

	for (int c = 0; c < s->n_cols; c++)
		col[c][i] = (struct weir_value){ 0 };
	*marks = 0;
	if (q < p + n && *q != '{') {
		int e = walk(s, p, p + n, -1, NULL, 0, marks, f);

		return e < 0 ? e : fault(f, "not-object", p, q, "valid JSON, but no object");
	}
	return walk(s, p, p + n, 0, col, i, marks, f);
}

uint32_t
scan_unmatched(const struct scan *s)
{
	return s->unmatched;
}

int
scan_member(struct scan *s, int c, const char *p, size_t n, struct weir_value *const *col, uint32_t i)
{
	struct scan_fault f;
	unsigned marks = 0;
	int node = s->col_node[c];

	clear_below(s, node, col, i);
	return walk(s, p, p + n, node, col, i, &marks, &f);
}

int
scan_document(const char *p, size_t n, const struct scan_limits *limits, struct scan_fault *f)
{
	struct scan *s = scan_new(limits);
	unsigned marks = 0;
	int e;

	if (!s)
		fail_no_memory();
	e = walk(s, p, p + n, -1, NULL, 0, &marks, f);
	scan_free(s);
	return e;
}
