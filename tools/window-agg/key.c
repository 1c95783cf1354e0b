#include "config.h"

#include <string.h>

#include "emit.h"
#include "key.h"
#include "value.h"

/* A value is its rank, its text, and STOP NEXT; a zero byte in the text is STOP ZERO.  STOP is the smallest byte, so a string
 * stands before those it begins, and NEXT is smaller than ZERO, so that holds for "a" and "a\0" too. */
enum { RANK_NULL = 1, RANK_FALSE, RANK_TRUE, RANK_NUMBER, RANK_STRING };
enum { STOP = 0, NEXT = 1, ZERO = 0xff };

/* Move p[0..n) apart so that each zero byte becomes STOP ZERO; returns the new length, or 0 when there is no room. */
static size_t
spread(char *p, size_t n, size_t room)
{
	size_t zeros = 0, to;

	for (size_t i = 0; i < n; i++)
		zeros += !p[i];
	to = n + zeros;
	if (to > room)
		return 0;
	for (size_t from = n; from < to; ) {		/* from the end, until no zero is left to make room for */
		if (!p[--from])
			p[--to] = (char)ZERO;
		p[--to] = p[from];
	}
	return n + zeros;
}

size_t
key_put(char *out, size_t n, const struct weir_value *v)
{
	static const char rank[] = { [WEIR_ABSENT] = RANK_NULL, [WEIR_NULL] = RANK_NULL, [WEIR_FALSE] = RANK_FALSE, [WEIR_TRUE] = RANK_TRUE,
	    [WEIR_NUMBER] = RANK_NUMBER, [WEIR_STRING] = RANK_STRING };
	size_t text = 0;

	if (v->kind > WEIR_STRING || KEY_BYTES - n < 3 || (v->kind >= WEIR_NUMBER && v->n > KEY_BYTES - n - 3))
		return 0;
	out[n++] = rank[v->kind];
	if (v->kind == WEIR_NUMBER) {
		memcpy(out + n, v->p, text = v->n);
	} else if (v->kind == WEIR_STRING) {
		text = value_text(v, out + n);
		/* Only an escape can write a zero byte. */
		if ((v->flags & WEIR_ESCAPED) && text && !(text = spread(out + n, text, KEY_BYTES - n - 2)))
			return 0;
	}
	n += text;
	out[n++] = STOP;
	out[n++] = NEXT;
	return n;
}

/* The end of the text at p: its STOP NEXT, or NULL. */
static const char *
text_end(const char *p, const char *end, int *zeros)
{
	*zeros = 0;
	while ((p = memchr(p, STOP, (size_t)(end - p)))) {
		if (end - p < 2)
			return NULL;
		if (p[1] == NEXT)
			return p;
		*zeros = 1;
		p += 2;
	}
	return NULL;
}

int
key_emit(const char **p, const char *end, struct buf *out)
{
	static const char *const word[] = { [RANK_NULL] = "null", [RANK_FALSE] = "false", [RANK_TRUE] = "true" };
	char flat[KEY_BYTES];
	const char *text, *stop;
	size_t n = 0;
	int zeros, rank;

	if (*p >= end)
		return -1;
	rank = **p;
	text = *p + 1;
	if (rank < RANK_NULL || rank > RANK_STRING || !(stop = text_end(text, end, &zeros)) || stop - text > KEY_BYTES)
		return -1;
	*p = stop + 2;
	if (rank == RANK_NUMBER)
		return buf_put(out, text, (size_t)(stop - text));
	if (rank < RANK_NUMBER)
		return buf_puts(out, word[rank]);
	if (!zeros)
		return emit_string(out, text, (size_t)(stop - text));
	for (const char *q = text; q < stop; q++) {
		flat[n++] = *q;
		q += *q == STOP;
	}
	return emit_string(out, flat, n);
}

int
key_valid(const char *p, size_t n, size_t members)
{
	const char *end = p + n;
	int zeros;

	for (; members; members--) {
		if (p >= end || *p < RANK_NULL || *p > RANK_STRING || !(p = text_end(p + 1, end, &zeros)))
			return 0;
		p += 2;
	}
	return p == end;
}
