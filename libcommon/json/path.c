#include "config.h"

#include <string.h>

#include "path.h"
#include "scan.h"
#include "value.h"

/* A quoted key at p: decode it into the path's text.  Returns the byte behind it, or NULL. */
static const char *
quoted(const char *p, struct path *path, size_t *used, struct path_seg *seg)
{
	char padded[PATH_BYTES + SCAN_PAD];
	struct weir_value v = { .p = p, .kind = WEIR_STRING, .flags = WEIR_ESCAPED };
	struct scan_limits limits = { .max_depth = 1 };
	struct scan_fault fault;
	const char *e = p + 1;

	while (*e && *e != '"')
		e += *e == '\\' && e[1] ? 2 : 1;
	v.n = (uint32_t)(e - p + 1);
	if (!*e || v.n > PATH_BYTES - *used)
		return NULL;
	memset(padded, 0, sizeof padded);
	memcpy(padded, p, v.n);
	if (scan_document(padded, v.n, &limits, &fault) < 0)
		return NULL;
	seg->key = path->text + *used;
	seg->n = (uint32_t)value_text(&v, path->text + *used);
	*used += seg->n;
	return e + 1;
}

/* A bare key runs to the next dot, bracket or the end. */
static const char *
bare(const char *p, struct path *path, size_t *used, struct path_seg *seg)
{
	size_t n = strcspn(p, ".[]\"");

	if (!n || n > PATH_BYTES - *used)
		return NULL;
	memcpy(path->text + *used, p, n);
	seg->key = path->text + *used;
	seg->n = (uint32_t)n;
	*used += n;
	return p + n;
}

static const char *
bracket(const char *p, struct path_seg *seg)
{
	uint64_t v = 0;
	const char *q = ++p;

	for (; *p >= '0' && *p <= '9' && v <= UINT32_MAX; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == q || *p != ']' || v > UINT32_MAX)
		return NULL;
	seg->index = (uint32_t)v;
	return p + 1;
}

int
path_parse(const char *text, struct path *path)
{
	const char *p = text;
	size_t used = 0;

	path->n = 0;
	if (*p == '.')
		p++;
	do {
		struct path_seg *seg = &path->seg[path->n];

		if (path->n++ == PATH_DEPTH)
			return -1;
		memset(seg, 0, sizeof *seg);
		if (*p == '[' && path->n > 1)
			p = bracket(p, seg);
		else if (*p == '"')
			p = quoted(p, path, &used, seg);
		else
			p = bare(p, path, &used, seg);
		if (!p)
			return -1;
		if (*p == '.' && !*++p)
			return -1;
	} while (*p);
	return 0;
}
