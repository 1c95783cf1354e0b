/*
 * The members of an object or array that was scanned before: nothing is checked
 * again.
 */
#include "config.h"

#include "lexeme.h"
#include "scan.h"

/* The byte behind the valid string at p. */
static inline const char *
past_string(const char *p, const char *e, uint8_t *flags)
{
	unsigned high = 0;

	for (p++;;) {
		p = string_special(p, e, &high);
		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			*flags = WEIR_ESCAPED;
			p++;
		}
		p++;
	}
}

/* The byte behind the valid object or array at p. */
static const char *
past_container(const char *p, const char *e)
{
	unsigned depth = 0;
	uint8_t flags;

	do {
		switch (*p) {
		case '"':
			p = past_string(p, e, &flags);
			break;
		case '{': case '[':
			depth++;
			p++;
			break;
		case '}': case ']':
			depth--;
			p++;
			break;
		default:
			p++;	/* between them, a byte of a number or word */
		}
	} while (depth && p < e);
	return p;
}

int
scan_key(const char *p, size_t n, size_t *at, struct weir_value *key)
{
	const char *e = p + n, *q = blanks(p + (*at ? *at : 1), e), *v;

	if (*q == ',')
		q = blanks(q + 1, e);
	if (*q == '}' || *q == ']')
		return 0;
	*key = (struct weir_value){ 0 };
	if (*p == '{') {
		v = past_string(q, e, &key->flags);
		key->p = q;
		key->n = (uint32_t)(v - q);
		key->kind = WEIR_STRING;
		q = blanks(blanks(v, e) + 1, e);
	}
	*at = (size_t)(q - p);
	return 1;
}

void
scan_value(const char *p, size_t n, size_t *at, struct weir_value *value)
{
	const char *e = p + n, *q = p + *at, *v;
	uint8_t flags = 0, kind;

	switch (*q) {
	case '"':
		kind = WEIR_STRING;
		v = past_string(q, e, &flags);
		break;
	case '{': case '[':
		kind = *q == '{' ? WEIR_OBJECT : WEIR_ARRAY;
		v = past_container(q, e);
		break;
	case 't': case 'n':
		kind = *q == 't' ? WEIR_TRUE : WEIR_NULL;
		v = q + 4;
		break;
	case 'f':
		kind = WEIR_FALSE;
		v = q + 5;
		break;
	default:
		kind = WEIR_NUMBER;
		v = number(q, e, &flags);
	}
	*value = (struct weir_value){ .p = q, .n = (uint32_t)(v - q), .kind = kind, .flags = flags };
	*at = (size_t)(v - p);
}

int
scan_next(const char *p, size_t n, size_t *at, struct weir_value *key, struct weir_value *value)
{
	if (!scan_key(p, n, at, key))
		return 0;
	scan_value(p, n, at, value);
	return 1;
}
