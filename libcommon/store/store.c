#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"
#include "weir.h"

/* The scheme of a URI, or 0 for a plain path. */
static size_t
scheme(const char *uri)
{
	size_t n = strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

	return n > 1 && uri[n] == ':' ? n : 0;
}

const char *
store_local_path(const char *uri)
{
	size_t n = scheme(uri);

	if (!n)
		return uri;
	if (n != 4 || strncmp(uri, "file", 4))
		return NULL;
	uri += 5;
	if (strncmp(uri, "//", 2) == 0) {
		uri += 2;
		if (strncmp(uri, "localhost/", 10) == 0)
			uri += 9;
		return *uri == '/' ? uri : NULL;	/* file://host/... is another machine */
	}
	return uri;
}

int
store_open(const char *uri, struct store **out, struct fail *f)
{
	if (!store_local_path(uri))
		return fail(f, WEIR_ECONFIG, "no store for '%s': only local files, file:///dir or a path, are known", uri);
	return local_open(out, f);
}

int
store_uri(const char *uri, struct buf *out, struct fail *f)
{
	const char *path = store_local_path(uri);
	size_t start = out->n, n;
	char *cwd = NULL;
	int e = 0;

	if (!path)
		e = buf_puts(out, uri);
	else {
		if (*path != '/' && !(cwd = getcwd(NULL, 0)))
			return fail_errno(f, WEIR_EIO, "cannot tell the current folder");
		e = buf_puts(out, "file://") | (cwd ? buf_puts(out, cwd) | buf_putc(out, '/') : 0);
		free(cwd);
		while (*path && !e) {		/* no "//", no "/./": engines compare paths as texts */
			if (*path == '/' && out->n && out->p[out->n - 1] == '/' && out->n - start > 7) {
				path++;
				continue;
			}
			if (path[0] == '.' && (path[1] == '/' || !path[1]) && out->p[out->n - 1] == '/') {
				path += path[1] ? 2 : 1;
				continue;
			}
			e = buf_putc(out, *path++);
		}
	}
	for (n = out->n - start; !e && n > 8 && out->p[start + n - 1] == '/'; n--)
		out->n--;
	return e ? fail(f, WEIR_EAGAIN, "no memory for a path") : 0;
}

int
store_same(const char *a, const char *b)
{
	const char *pa = store_local_path(a), *pb = store_local_path(b);

	return strcmp(pa ? pa : a, pb ? pb : b) == 0;
}
