#include "config.h"

#include <stdio.h>
#include <string.h>

#include "path.h"
#include "spec.h"
#include "weir.h"

#define NAME_CHARS	"abcdefghijklmnopqrstuvwxyz0123456789_"

/* `at` points into the option's text. */
static int
bad(struct fail *f, const char *text, const char *at, const char *want)
{
	return fail(f, WEIR_EUSAGE, "--agg '%s': column %d: %s; write it like 'amount=sum(order.amount)'", text, (int)(at - text) + 1, want);
}

int
spec_parse(const char *text, struct spec *s, struct fail *f)
{
	const char *equals = strchr(text, '='), *name, *open, *end = text + strlen(text);
	size_t n;

	if (!equals || equals == text)
		return bad(f, text, equals ? equals : end, equals ? "a name is missing before '='" : "'=' is missing");
	if ((size_t)(equals - text) > SPEC_NAME)
		return bad(f, text, text + SPEC_NAME, "the name is longer than 256 bytes");
	memcpy(s->name, text, (size_t)(equals - text));
	s->name[equals - text] = '\0';
	for (const char *p = text; p < equals; p++)
		if ((unsigned char)*p < 0x20 || *p == '(' || *p == ')')
			return bad(f, text, p, "no such character can be in a name");
	name = equals + 1;
	n = strspn(name, NAME_CHARS);
	open = name + n;
	if (!n)
		return bad(f, text, name, "the name of a function is missing");
	if (*open != '(')
		return bad(f, text, open, "'(' expected");
	if (end[-1] != ')')
		return bad(f, text, end, "')' expected");
	if (!(s->agg = aggregate_find(name, n)))
		return fail(f, WEIR_ECONFIG, "--agg '%s': column %d: there is no function '%.*s'; there are %s", text, (int)(name - text) + 1,
		    (int)n, name, aggregate_names());
	n = (size_t)(end - 1 - (open + 1));
	if (!n && s->agg->path)
		return bad(f, text, open + 1, "this function takes a path");
	if (n > SPEC_PATH)
		return bad(f, text, open + 1, "the path is longer than 1024 bytes");
	memcpy(s->path, open + 1, n);
	s->path[n] = '\0';
	if (n) {
		struct path p;

		if (path_parse(s->path, &p) < 0)
			return bad(f, text, open + 1, "this is no path");
	}
	return 0;
}

int
spec_by_name(const char *path, int whole, char out[SPEC_NAME + 1])
{
	struct path p;
	size_t from = 0, n = 0;

	if (path_parse(path, &p) < 0)
		return -1;
	for (size_t i = 0; !whole && i < p.n; i++)
		if (p.seg[i].key)
			from = i;
	for (size_t i = from; i < p.n; i++) {
		char index[16];
		const char *text = p.seg[i].key;
		size_t k = p.seg[i].n;

		if (!text) {
			k = (size_t)snprintf(index, sizeof index, "%u", p.seg[i].index);
			text = index;
		}
		if (n + k + 1 > SPEC_NAME)
			return -1;
		if (i > from)
			out[n++] = '_';
		memcpy(out + n, text, k);
		n += k;
	}
	out[n] = '\0';
	return strlen(out) == n ? 0 : -1;	/* a zero byte in a key: no name of ours */
}
