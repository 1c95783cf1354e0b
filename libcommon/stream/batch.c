#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "buf.h"
#include "emit.h"
#include "value.h"

#define FIRST_EVENTS	1024

void *
batch_alloc(struct batch *b, size_t n)
{
	static const char text[] = "weir: no memory for a batch\n";
	void *p = arena_alloc(&b->arena, n);

	if (!p) {
		if (write(2, text, sizeof text - 1) < 0)
			_exit(-WEIR_EIO);
		_exit(-WEIR_EAGAIN);
	}
	return p;
}

static int
grow(struct batch *b, uint32_t cap, struct fail *f)
{
	uint32_t *line = realloc(b->line, ((size_t)cap + 1) * sizeof *line);
	uint8_t *verdict;
	uint8_t *rest;
	struct edit **edit;

	if (line) {
		b->line = line;
		if ((verdict = realloc(b->pub.verdict, cap)))
			b->pub.verdict = verdict;
		if ((rest = realloc(b->rest, cap)))
			b->rest = rest;
		if ((edit = realloc(b->edit, cap * sizeof *edit)))
			b->edit = edit;
		for (size_t c = 0; line && c < b->n_cols; c++) {
			struct weir_value *v = realloc(b->col[c], cap * sizeof *v);

			if (v)
				b->col[c] = v;
			else
				line = NULL;
		}
		if (line && verdict && rest && edit) {
			b->cap = cap;
			b->pub.line = b->line;
			b->pub.col = b->col;
			return 0;
		}
	}
	return fail(f, WEIR_EAGAIN, "no memory for a batch of %u events", cap);
}

int
batch_open(struct batch *b, struct scan *scan, size_t own_cap, struct fail *f)
{
	*b = (struct batch){ .scan = scan, .n_cols = scan_n_cols(scan), .own_cap = own_cap };
	if (!(b->col = calloc(b->n_cols + 1, sizeof *b->col)) || (own_cap && !(b->own = calloc(1, own_cap + SCAN_PAD))))
		return fail(f, WEIR_EAGAIN, "no memory");
	return grow(b, FIRST_EVENTS, f);
}

void
batch_close(struct batch *b)
{
	for (size_t c = 0; b->col && c < b->n_cols; c++)
		free(b->col[c]);
	free(b->col);
	free(b->line);
	free(b->pub.verdict);
	free(b->rest);
	free(b->edit);
	free(b->own);
	arena_free(&b->arena);
	*b = (struct batch){ 0 };
}

void
batch_reset(struct batch *b, const char *bytes)
{
	b->pub.n = 0;
	b->pub.bytes = bytes ? bytes : b->own;
	b->own_n = 0;
	b->n_edits = b->n_marked = 0;
	memset(b->count, 0, sizeof b->count);
	arena_reset(&b->arena);
}

int
batch_add(struct batch *b, const char *p, size_t n, int keep, unsigned *marks, struct scan_fault *fault, struct fail *f)
{
	uint32_t i = b->pub.n;
	int e;

	if (i == b->cap && (e = grow(b, b->cap * 2, f)))
		return e;
	e = scan_event(b->scan, p, n, b->col, i, marks, fault);
	if (e && !keep)
		return 0;
	b->line[i] = (uint32_t)(p - b->pub.bytes);
	b->line[i + 1] = (uint32_t)(p + n + 1 - b->pub.bytes);
	b->pub.verdict[i] = e ? WEIR_REJECTED : WEIR_PASSED;
	b->count[b->pub.verdict[i]]++;
	b->rest[i] = scan_unmatched(b->scan) != 0;
	b->edit[i] = NULL;
	b->pub.n++;
	b->n_marked += *marks != 0;
	return !e;
}

const char *
batch_copy(struct batch *b, const char *p, size_t n, struct fail *f)
{
	char *to;

	if (b->own_cap - b->own_n < n + 1) {
		if (b->pub.n) {
			f->code = 0;
			return NULL;
		}
		if (!(to = realloc(b->own, n + 1 + SCAN_PAD))) {
			fail(f, WEIR_EAGAIN, "no memory for an event of %zu bytes", n);
			return NULL;
		}
		memset(to + n + 1, 0, SCAN_PAD);
		b->own = to;
		b->own_cap = n + 1;
		b->own_n = 0;
		b->pub.bytes = to;
	}
	to = b->own + b->own_n;
	memcpy(to, p, n);
	to[n] = '\n';
	b->own_n += n + 1;
	return to;
}

/* The bytes an event has without its splices. */
static const char *
base(const struct batch *b, uint32_t i, size_t *n)
{
	const struct edit *e = b->edit[i];

	if (e && e->p) {
		*n = e->n;
		return e->p;
	}
	*n = b->line[i + 1] - b->line[i] - 1;
	return b->pub.bytes + b->line[i];
}

/* Up to the closing brace, and whether members stand before it. */
static size_t
open_end(const char *p, size_t n, int *empty)
{
	size_t k = n, first = 0;

	while (p[--k] != '}')
		;
	n = k;
	while (p[first] != '{')
		first++;
	while (p[k - 1] == ' ' || p[k - 1] == '\t' || p[k - 1] == '\r' || p[k - 1] == '\n')
		k--;
	*empty = k == first + 1;
	return n;
}

static size_t
key_length(const struct batch *b, int column)
{
	size_t n;

	scan_col_key(b->scan, column, &n);
	return n;
}

size_t
batch_room(const struct batch *b, uint32_t i)
{
	const struct edit *e = b->edit[i];
	size_t n;

	base(b, i, &n);
	/* A key's text may need escapes: six bytes for each of its own at most. */
	for (const struct splice *s = e ? e->first : NULL; s; s = s->next)
		n += 2 + 2 + 6 * key_length(b, s->column) + s->n;
	return n + 1;
}

static char *
put_key(char *to, const char *key, size_t n)
{
	struct buf text = { 0 };

	*to++ = '"';
	for (size_t i = 0; i < n; i++)
		if (key[i] == '"' || key[i] == '\\' || (unsigned char)key[i] < 0x20) {	/* rare enough for a buffer of its own */
			if (emit_string(&text, key, n) < 0)
				abort();
			memcpy(to, text.p + 1, text.n - 1);
			to += text.n - 1;
			buf_free(&text);
			return to;
		}
	memcpy(to, key, n);
	to[n] = '"';
	return to + n + 1;
}

static size_t
write_event(const struct batch *b, uint32_t i, char *p)
{
	const struct edit *e = b->edit[i];
	const char *from, *tail;
	int empty = 0;
	size_t n, k;
	char *to;

	from = base(b, i, &n);
	if (!e || !e->first) {
		memcpy(p, from, n);
		return n;
	}
	k = open_end(from, n, &empty);
	tail = from + k;
	memcpy(p, from, k);
	to = p + k;
	for (const struct splice *s = e->first; s; s = s->next) {
		size_t key_n;
		const char *key = scan_col_key(b->scan, s->column, &key_n);

		if (!empty)
			*to++ = ',';
		empty = 0;
		to = put_key(to, key, key_n);
		*to++ = ':';
		memcpy(to, s->p, s->n);
		to += s->n;
	}
	memcpy(to, tail, n - k);
	return (size_t)(to - p) + n - k;
}

size_t
batch_write(const struct batch *b, uint32_t i, char *p)
{
	size_t n = write_event(b, i, p);

	p[n] = '\n';
	return n + 1;
}

static struct edit *
edit_of(struct batch *b, uint32_t i)
{
	if (!b->edit[i]) {
		b->edit[i] = batch_alloc(b, sizeof **b->edit);
		*b->edit[i] = (struct edit){ 0 };
		b->n_edits++;
	}
	return b->edit[i];
}

const char *
batch_event(struct batch *b, uint32_t i, size_t *n)
{
	struct edit *e = b->edit[i];

	if (e && e->first) {
		char *whole = batch_alloc(b, batch_room(b, i) + SCAN_PAD);

		e->n = write_event(b, i, whole);
		e->p = whole;
		e->first = e->last = NULL;
	}
	return base(b, i, n);
}

/* The event without its member `key`, as other bytes of it. */
static void
remove_member(struct batch *b, uint32_t i, const char *key, size_t key_n)
{
	struct weir_value name, value;
	struct edit *e = edit_of(b, i);
	size_t n, at = 0, text_n;
	const char *p = batch_event(b, i, &n), *start = p;
	char *to = batch_alloc(b, n + SCAN_PAD), *o = to, *text = batch_alloc(b, n);

	while (*start != '{')
		start++;
	*o++ = '{';
	while (scan_next(start, n - (size_t)(start - p), &at, &name, &value)) {
		text_n = value_text(&name, text);
		if (text_n == key_n && !memcmp(text, key, key_n))
			continue;
		if (o > to + 1)
			*o++ = ',';
		memcpy(o, name.p, name.n);
		o += name.n;
		*o++ = ':';
		memcpy(o, value.p, value.n);
		o += value.n;
	}
	*o++ = '}';
	e->p = to;
	e->n = (size_t)(o - to);
}

/* Valid JSON has newlines between tokens only; an event is one line. */
static void
one_line(char *p, size_t n)
{
	for (char *e = p + n; (p = memchr(p, '\n', (size_t)(e - p))); )
		*p++ = ' ';
}

int
batch_set(struct batch *b, uint32_t i, int column, const char *json, size_t n, struct fail *f)
{
	size_t key_n;
	const char *key = scan_col_key(b->scan, column, &key_n);
	struct splice *s = NULL;
	struct edit *e;
	char *copy;

	if (!key)
		return fail(f, WEIR_ECONFIG, "only members at the top of an event can be set");
	e = edit_of(b, i);
	if (b->col[column][i].kind != WEIR_ABSENT) {
		for (s = e->first; s && s->column != column; s = s->next)
			;
		if (!s)
			remove_member(b, i, key, key_n);
	}
	copy = batch_alloc(b, n);
	memcpy(copy, json, n);
	one_line(copy, n);
	if (!s) {
		s = batch_alloc(b, sizeof *s);
		*s = (struct splice){ .column = column };
		if (e->last)
			e->last->next = s;
		else
			e->first = s;
		e->last = s;
	}
	s->p = copy;
	s->n = (uint32_t)n;
	if (scan_member(b->scan, column, copy, n, b->col, i) < 0)
		return fail(f, WEIR_EBUG, "a stage set a member to something that is no JSON");
	b->rest[i] |= scan_unmatched(b->scan) != 0;
	return 0;
}

int
batch_replace(struct batch *b, uint32_t i, const char *json, size_t n, struct fail *f)
{
	struct edit *e = edit_of(b, i);
	struct scan_fault fault;
	unsigned marks;
	char *copy = batch_alloc(b, n + SCAN_PAD);

	memcpy(copy, json, n);
	if (scan_event(b->scan, copy, n, b->col, i, &marks, &fault) < 0)
		return fail(f, WEIR_EDATA, "not a JSON object: %s", fault.message);
	one_line(copy, n);
	b->n_marked += marks != 0;
	b->rest[i] = scan_unmatched(b->scan) != 0;
	e->p = copy;
	e->n = n;
	e->first = e->last = NULL;
	return 0;
}
