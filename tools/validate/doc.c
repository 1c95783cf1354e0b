/*
 * doc - a flat tape over one JSON text; see doc.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "doc.h"
#include "dec.h"

#define NODES_FIRST	64

static inline int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The first quote or backslash at or after p; the text is valid, so there is one. */
static inline const char *
string_stop(const char *p)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');

	for (;; p += 16) {
		const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		const unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)));

		if (hit)
			return p + __builtin_ctz(hit);
	}
#else
	while (*p != '"' && *p != '\\')
		p++;
	return p;
#endif
}

/* p is behind the opening quote.  Returns the closing one. */
static inline const char *
string_end(const char *p, int *escaped)
{
	*escaped = 0;
	while (*(p = string_stop(p)) == '\\') {
		*escaped = 1;
		p += 2;
	}
	return p;
}

static unsigned
hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		const unsigned char c = (unsigned char)p[i];

		v = v << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

static char *
put_utf8(char *o, unsigned c)
{
	if (c < 0x80) {
		*o++ = (char)c;
	} else if (c < 0x800) {
		*o++ = (char)(0xc0 | c >> 6);
		*o++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*o++ = (char)(0xe0 | c >> 12);
		*o++ = (char)(0x80 | (c >> 6 & 0x3f));
		*o++ = (char)(0x80 | (c & 0x3f));
	} else {
		*o++ = (char)(0xf0 | c >> 18);
		*o++ = (char)(0x80 | (c >> 12 & 0x3f));
		*o++ = (char)(0x80 | (c >> 6 & 0x3f));
		*o++ = (char)(0x80 | (c & 0x3f));
	}
	return o;
}

/* Content p[0..n) with its escapes undone, appended to d->text, which has room for a whole text. */
static const char *
decode(struct doc *d, const char *p, uint32_t n, uint32_t *n_out)
{
	const char *const end = p + n;
	char *const start = d->text + d->text_n;
	char *o = start;

	while (p < end) {
		unsigned c;

		if (*p != '\\') {
			*o++ = *p++;
			continue;
		}
		p += 2;
		switch (p[-1]) {
		case 'b': *o++ = '\b'; break;
		case 'f': *o++ = '\f'; break;
		case 'n': *o++ = '\n'; break;
		case 'r': *o++ = '\r'; break;
		case 't': *o++ = '\t'; break;
		case 'u':
			c = hex4(p);
			p += 4;
			if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' && hex4(p + 2) - 0xdc00u < 0x400) {
				c = 0x10000 + ((c - 0xd800) << 10) + (hex4(p + 2) - 0xdc00);
				p += 6;
			}
			o = put_utf8(o, c - 0xd800u < 0x800 ? 0xfffd : c);
			break;
		default: *o++ = p[-1]; break;
		}
	}
	*n_out = (uint32_t)(o - start);
	d->text_n += *n_out;
	return start;
}

static int
grow(struct doc *d)
{
	const uint32_t cap = d->cap ? d->cap * 2 : NODES_FIRST;
	struct doc_node *node = realloc(d->node, (size_t)cap * sizeof *node);

	if (!node)
		return -1;
	d->node = node;
	d->cap = cap;
	return 0;
}

/* Every string of the text is decoded at most once, so the text's own length is room enough. */
static int
text_room(struct doc *d, size_t n)
{
	char *text;

	if (d->text_cap >= n && d->text)
		return 0;
	if (!(text = realloc(d->text, n + n / 2 + DOC_PAD)))
		return -1;
	memset(text, 0, n + n / 2 + DOC_PAD);
	d->text = text;
	d->text_cap = n + n / 2;
	return 0;
}

int
doc_build(struct doc *d, const char *p, size_t n)
{
	const char *const end = p + n;
	uint32_t open[DOC_MAX_DEPTH + 1], last[DOC_MAX_DEPTH + 1];	/* per level: the container, its last child */
	uint32_t depth = 0;

	d->n = 0;
	d->text_n = 0;
	if (n > DOC_MAX_BYTES || text_room(d, n) < 0)
		return -1;
	for (;;) {
		struct doc_node *v;
		uint32_t key_n = 0;
		const char *key = NULL, *q;
		int escaped;

		while (p < end && (is_blank(*p) || *p == ','))
			p++;
		if (p >= end)
			return 0;
		if (*p == '}' || *p == ']') {
			v = &d->node[open[depth]];
			v->n = (uint32_t)(++p - v->p);
			if (!--depth)
				return 0;
			continue;
		}
		if (depth && d->node[open[depth]].kind == DOC_OBJECT) {
			q = string_end(p + 1, &escaped);
			key = p + 1;
			key_n = (uint32_t)(q - key);
			if (escaped)
				key = decode(d, key, key_n, &key_n);
			for (p = q + 1; *p != ':'; p++)
				;
			for (p++; is_blank(*p); p++)
				;
		}
		if (d->n == d->cap && grow(d) < 0)
			return -1;
		v = &d->node[d->n];
		v->p = p;
		v->key = key;
		v->key_n = key_n;
		v->count = v->next = 0;
		v->flags = 0;
		if (depth) {
			if (d->node[open[depth]].count++)
				d->node[last[depth]].next = d->n;
			last[depth] = d->n;
		}
		switch (*p) {
		case '"':
			v->kind = DOC_STRING;
			v->p = ++p;
			p = string_end(p, &escaped);
			v->n = (uint32_t)(p++ - v->p);
			v->flags = escaped ? DOC_ESCAPED : 0;
			break;
		case '{':
		case '[':
			if (depth == DOC_MAX_DEPTH)
				return -1;
			v->kind = *p++ == '{' ? DOC_OBJECT : DOC_ARRAY;
			open[++depth] = d->n++;
			continue;
		case 't':
			v->kind = DOC_TRUE;
			p += v->n = 4;
			break;
		case 'f':
			v->kind = DOC_FALSE;
			p += v->n = 5;
			break;
		case 'n':
			v->kind = DOC_NULL;
			p += v->n = 4;
			break;
		default:
			v->kind = DOC_NUMBER;
			for (; p < end && *p != ',' && *p != '}' && *p != ']' && !is_blank(*p); p++)
				;
			v->n = (uint32_t)(p - v->p);
		}
		d->n++;
		if (!depth)
			return 0;
	}
}

int
doc_single(struct doc *d, unsigned kind, const char *p, uint32_t n, int escaped)
{
	if ((escaped && text_room(d, n) < 0) || (!d->cap && grow(d) < 0))
		return -1;
	d->node[0] = (struct doc_node){ .p = p, .n = n, .kind = (uint8_t)kind, .flags = escaped ? DOC_ESCAPED : 0 };
	d->n = 1;
	d->text_n = 0;
	return 0;
}

void
doc_free(struct doc *d)
{
	free(d->node);
	free(d->text);
	*d = (struct doc){ 0 };
}

const char *
doc_text(struct doc *d, uint32_t node, size_t *n)
{
	struct doc_node *v = &d->node[node];

	if (v->flags & DOC_ESCAPED) {
		v->p = decode(d, v->p, v->n, &v->n);
		v->flags = 0;
	}
	*n = v->n;
	return v->p;
}

uint32_t
doc_member_n(const struct doc *d, uint32_t node, const char *name, size_t n)
{
	uint32_t found = 0;

	if (d->node[node].kind != DOC_OBJECT || !d->node[node].count)
		return 0;
	for (uint32_t c = node + 1; c; c = d->node[c].next)
		if (d->node[c].key_n == n && !memcmp(d->node[c].key, name, n))
			found = c;			/* the last one counts, as everywhere */
	return found;
}

uint32_t
doc_member(const struct doc *d, uint32_t node, const char *name)
{
	return doc_member_n(d, node, name, strlen(name));
}

int
doc_equal(struct doc *a, uint32_t i, struct doc *b, uint32_t j)
{
	const struct doc_node *x = &a->node[i], *y = &b->node[j];
	const char *p, *q;
	size_t n, m;

	if (x->kind != y->kind)
		return 0;
	switch (x->kind) {
	case DOC_NUMBER:
		return dec_cmp(x->p, x->n, y->p, y->n) == 0;
	case DOC_STRING:
		p = doc_text(a, i, &n);
		q = doc_text(b, j, &m);
		return n == m && !memcmp(p, q, n);
	case DOC_ARRAY:
		if (x->count != y->count)
			return 0;
		for (i = x->count ? i + 1 : 0, j++; i; i = a->node[i].next, j = b->node[j].next)
			if (!doc_equal(a, i, b, j))
				return 0;
		return 1;
	case DOC_OBJECT:
		if (x->count != y->count)
			return 0;
		if (x->count > 16 && doc_hash(a, i, 0) != doc_hash(b, j, 0))
			return 0;	/* before a search that is quadratic */
		for (uint32_t c = x->count ? i + 1 : 0, k = j + 1; c; c = a->node[c].next, k = b->node[k].next) {
			const struct doc_node *m1 = &a->node[c];
			uint32_t o = k;		/* nearly always in the same order */

			if (m1->key_n != b->node[k].key_n || memcmp(m1->key, b->node[k].key, m1->key_n))
				o = doc_member_n(b, j, m1->key, m1->key_n);
			if (!o || !doc_equal(a, c, b, o))
				return 0;
		}
		return 1;
	default:
		return 1;
	}
}

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static uint64_t
hash_bytes(const char *p, size_t n, uint64_t h)
{
	uint64_t w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = mix(h ^ w);
	}
	w = 0;
	memcpy(&w, p, n);
	return mix(h ^ w ^ (uint64_t)n << 56);
}

uint64_t
doc_hash(struct doc *d, uint32_t i, uint64_t seed)
{
	const struct doc_node *v = &d->node[i];
	uint64_t h = mix(seed ^ v->kind);
	const char *p;
	size_t n;

	switch (v->kind) {
	case DOC_NUMBER:
		return h ^ dec_hash(v->p, v->n, seed);
	case DOC_STRING:
		p = doc_text(d, i, &n);
		return hash_bytes(p, n, h);
	case DOC_ARRAY:
		for (uint32_t c = v->count ? i + 1 : 0; c; c = d->node[c].next)
			h = mix(h * 31 + doc_hash(d, c, seed));
		return h;
	case DOC_OBJECT:
		for (uint32_t c = v->count ? i + 1 : 0; c; c = d->node[c].next)
			h += mix(hash_bytes(d->node[c].key, d->node[c].key_n, seed) ^ doc_hash(d, c, ~seed));
		return h;
	default:
		return h;
	}
}
