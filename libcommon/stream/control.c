#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "emit.h"
#include "opt.h"
#include "scan.h"
#include "value.h"

json_t *
control_parse(const char *p, size_t n)
{
	json_t *line, *c = NULL;

	if (n > CONTROL_MAX || !(line = json_loadb(p, n, JSON_REJECT_DUPLICATES, NULL)))
		return NULL;
	if (json_object_size(line) == 1 && json_is_object(json_object_get(line, CONTROL_KEY)))
		c = json_incref(json_object_get(line, CONTROL_KEY));
	json_decref(line);
	return c;
}

const char *
control_text(const json_t *c, const char *key)
{
	const char *t = json_string_value(json_object_get(c, key));

	return t ? t : "";
}

int
control_count(const json_t *c, const char *key, uint64_t *n)
{
	return opt_count(control_text(c, key), n);
}

char *
control_object(const json_t *c, const char *key)
{
	const json_t *o = json_object_get(c, key);

	return json_is_object(o) ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII) : strdup("{}");
}

int
control_format(const json_t *c, struct buf *b, struct fail *f)
{
	char *text = json_dumps(c, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	int e = !text || buf_puts(b, "{\"" CONTROL_KEY "\":") < 0 || buf_puts(b, text) < 0 || buf_puts(b, "}\n") < 0;

	free(text);
	if (e)
		return fail(f, WEIR_EAGAIN, "no memory for a control line");
	return b->n > CONTROL_MAX ? fail(f, WEIR_ECONFIG, "a control line of %zu bytes: too many partitions for one stream, use --shard", b->n) : 0;
}

int
control_limits(const char *text, uint64_t *max_line, uint32_t *max_depth, int *last_wins)
{
	char dup[8];
	uint64_t line;
	uint32_t depth;

	if (sscanf(text, "depth=%" SCNu32 " dup=%7s line=%" SCNu64, &depth, dup, &line) != 3 || !depth || depth > SCAN_MAX_DEPTH || !line ||
	    line > UINT32_MAX / 4)
		return -1;
	*max_line = line;
	*max_depth = depth;
	*last_wins = !strcmp(dup, "last");
	return 0;
}

/* The ASCII character at *p of a key's text, escaped or not, and step over it; -1 when it is another. */
static int
ascii(const char **p, const char *e)
{
	int c = 0;

	if (*p == e)
		return -1;
	if (**p != '\\')
		return (unsigned char)*(*p)++;
	if (e - *p < 6 || memcmp(*p, "\\u00", 4))
		return -1;
	for (int i = 4; i < 6; i++) {
		int d = (*p)[i];

		c = c * 16 + (d <= '9' ? d - '0' : (d | 0x20) - 'a' + 10);
	}
	*p += 6;
	return c;
}

/* The number of '@' of a key that matches ^@+weir$, else 0.  Of any length: what was escaped must be found again. */
static size_t
ats(const struct weir_value *key)
{
	const char *p = key->p + 1, *e = key->p + key->n - 1;
	size_t k = 0;
	int c;

	while ((c = ascii(&p, e)) == '@')
		k++;
	for (const char *want = "weir"; *want; want++, c = ascii(&p, e))
		if (c != *want)
			return 0;
	return c < 0 && p == e ? k : 0;
}

int
control_escape(const char *p, size_t n, int by, struct buf *b)
{
	struct weir_value key, value;
	const char *from = p, *start = p;
	size_t at = 0;

	while (*start != '{')
		start++;
	while (scan_next(start, n - (size_t)(start - p), &at, &key, &value)) {
		size_t k = ats(&key);

		if (!k || (by < 0 && k == 1))
			continue;
		if (buf_put(b, from, (size_t)(key.p - from)) < 0 || buf_putc(b, '"') < 0)
			return -1;
		for (size_t i = 0; i < k + (size_t)by; i++)
			if (buf_putc(b, '@') < 0)
				return -1;
		if (buf_puts(b, "weir\"") < 0)
			return -1;
		from = key.p + key.n;
	}
	return buf_put(b, from, (size_t)(p + n - from));
}
