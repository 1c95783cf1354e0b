/*
 * uri - URI references; see uri.h.
 */
#include "config.h"

#include <string.h>

#include "uri.h"

struct parts {
	const char	*scheme, *authority, *path, *query;	/* NULL: not there (path: never) */
	size_t		 scheme_n, authority_n, path_n, query_n;
};

static int
is_scheme(char c, int first)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (!first && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
}

/* RFC 3986, appendix B, without the fragment. */
static void
split(const char *s, struct parts *u)
{
	size_t i = 0;

	*u = (struct parts){ 0 };
	while (is_scheme(s[i], i == 0))
		i++;
	if (i && s[i] == ':') {
		u->scheme = s;
		u->scheme_n = i;
		s += i + 1;
	}
	if (s[0] == '/' && s[1] == '/') {
		u->authority = s += 2;
		s += u->authority_n = strcspn(s, "/?#");
	}
	u->path = s;
	s += u->path_n = strcspn(s, "?#");
	if (*s == '?') {
		u->query = ++s;
		u->query_n = strcspn(s, "#");
	}
}

/* RFC 3986, 5.2.4, in place. */
static size_t
remove_dots(char *path, size_t n)
{
	size_t o = 0, i = 0;

	while (i < n) {
		const size_t end = i + 1 + strcspn(path + i + 1, "/");	/* one "/segment"; the text is terminated */
		const size_t seg = end - i;

		if (path[i] == '/' && seg == 2 && path[i + 1] == '.') {
			if (end == n)
				path[o++] = '/';
		} else if (path[i] == '/' && seg == 3 && path[i + 1] == '.' && path[i + 2] == '.') {
			while (o && path[--o] != '/')
				;
			if (end == n)
				path[o++] = '/';
		} else {
			memmove(path + o, path + i, seg);
			o += seg;
		}
		i = end;
	}
	return o;
}

static int
append(char *out, size_t *n, const char *p, size_t len)
{
	if (len >= URI_MAX - *n)
		return -1;
	memcpy(out + *n, p, len);
	*n += len;
	return 0;
}

int
uri_resolve(const char *base, const char *ref, char out[URI_MAX], const char **fragment)
{
	const struct parts *scheme, *authority, *query;
	char path[URI_MAX * 2];
	struct parts b, r;
	size_t n = 0, p = 0;

	if (strlen(base) >= URI_MAX || strlen(ref) >= URI_MAX)
		return -1;
	*fragment = strchr(ref, '#');
	if (*fragment)
		(*fragment)++;
	split(base, &b);
	split(ref, &r);
	scheme = r.scheme ? &r : &b;
	authority = r.scheme || r.authority ? &r : &b;
	query = authority == &r || r.path_n || r.query ? &r : &b;
	if (authority == &r || (r.path_n && *r.path == '/')) {
		memcpy(path, r.path, p = r.path_n);
	} else if (!r.path_n) {
		memcpy(path, b.path, p = b.path_n);
	} else {
		size_t dir = b.path_n;

		while (dir && b.path[dir - 1] != '/')
			dir--;
		memcpy(path, b.path, dir);
		if (!dir && b.authority)
			path[dir++] = '/';
		memcpy(path + dir, r.path, r.path_n);
		p = dir + r.path_n;
	}
	path[p] = '\0';
	if (*path == '/')
		p = remove_dots(path, p);
	if ((scheme->scheme && (append(out, &n, scheme->scheme, scheme->scheme_n) < 0 || append(out, &n, ":", 1) < 0)) ||
	    (authority->authority && (append(out, &n, "//", 2) < 0 || append(out, &n, authority->authority, authority->authority_n) < 0)) ||
	    append(out, &n, path, p) < 0 ||
	    (query->query && (append(out, &n, "?", 1) < 0 || append(out, &n, query->query, query->query_n) < 0)))
		return -1;
	out[n] = '\0';
	return 0;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

int
uri_decode(const char *s, size_t n, char *out)
{
	size_t o = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] != '%') {
			out[o++] = s[i];
			continue;
		}
		if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0 || !(out[o++] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]))))
			return -1;
		i += 2;
	}
	out[o] = '\0';
	return (int)o;
}
