/*
 * source - schema documents from files; see source.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"
#include "uri.h"

/* The whole file.  0; 1 when it is not there; negative when it cannot be read. */
static int
read_file(const char *path, struct buf *text, struct fail *f)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 1 : fail_errno(f, fail_input_code(errno), "%s cannot be opened", path);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return 1;
	}
	do {
		if (buf_reserve(text, 65536) < 0) {
			close(fd);
			return fail(f, WEIR_ECONFIG, "%s is longer than %zu bytes", path, text->max);
		}
		do
			n = read(fd, text->p + text->n, 65536);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			text->n += (size_t)n;
	} while (n > 0);
	if (n < 0)
		fail_errno(f, fail_input_code(errno), "%s cannot be read", path);
	close(fd);
	return n < 0 ? f->code : 0;
}

/* "file://" and the path, with what a URI does not allow as %xx. */
static int
put_file_uri(struct buf *b, const char *path, size_t n)
{
	int e = buf_puts(b, "file://");

	for (size_t i = 0; i < n && !e; i++) {
		const unsigned char c = (unsigned char)path[i];

		if (c <= ' ' || c >= 0x7f || strchr("%?#[]\"<>\\^`{|}", c))
			e = buf_printf(b, "%%%02X", c);
		else
			e = buf_putc(b, (char)c);
	}
	return e || buf_putc(b, '\0') < 0 ? -1 : 0;
}

static int
check_map(const struct weir_list *map, struct fail *f)
{
	struct stat st;

	for (size_t i = 0; map && i < map->n; i++) {
		const char *eq = strrchr(map->item[i], '=');

		if (!eq || eq == map->item[i] || !eq[1])
			return fail(f, WEIR_EUSAGE, "--schema-map takes URI-PREFIX=DIR, not '%s'", map->item[i]);
		if (stat(eq + 1, &st) < 0)
			return fail_errno(f, fail_input_code(errno), "--schema-map: %s", eq + 1);
		if (!S_ISDIR(st.st_mode))
			return fail(f, WEIR_ECONFIG, "--schema-map: %s is no folder", eq + 1);
	}
	return 0;
}

int
source_open(struct source *s, const char *file, const struct weir_list *map, struct buf *text, struct fail *f)
{
	struct buf uri = { 0 }, folder = { 0 };
	const char *slash;
	char *path;
	int e;

	*s = (struct source){ .map = map };
	if ((e = check_map(map, f)))
		return e;
	if (!(path = realpath(file, NULL)))
		return fail_errno(f, fail_input_code(errno), "--schema %s", file);
	slash = strrchr(path, '/');
	if (put_file_uri(&uri, path, strlen(path)) < 0 || put_file_uri(&folder, path, (size_t)(slash - path) + 1) < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for the schema");
	else if ((e = read_file(path, text, f)) > 0)
		e = fail(f, WEIR_ECONFIG, "--schema %s is no file", file);
	s->uri = uri.p;
	s->folder = folder.p;
	free(path);
	return e;
}

void
source_close(struct source *s)
{
	free(s->uri);
	free(s->folder);
}

/* Is there a ".." step in it? */
static int
climbs(const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
		if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
			return 1;
	return 0;
}

/* DIR/rest, then DIR/rest.json: many schemas are named without it. */
static int
load_below(const char *dir, const char *rest, size_t n, struct buf *text, struct fail *f)
{
	char path[PATH_MAX], name[URI_MAX];
	const size_t len = strlen(dir);
	int e;

	if (n >= sizeof name || uri_decode(rest, n, name) < 0 || climbs(name) || len + strlen(name) + sizeof "/.json" > sizeof path)
		return 1;
	memcpy(path, dir, len);
	path[len] = '/';
	strcpy(path + len + 1, name);
	if ((e = read_file(path, text, f)) <= 0)
		return e;
	strcat(path, ".json");
	return read_file(path, text, f);
}

int
source_load(void *arg, const char *uri, struct buf *text, struct fail *f)
{
	const struct source *s = arg;
	const char *best = NULL, *dir = NULL;
	char path[URI_MAX];
	size_t n = 0;

	for (size_t i = 0; s->map && i < s->map->n; i++) {
		const char *eq = strrchr(s->map->item[i], '=');
		const size_t len = (size_t)(eq - s->map->item[i]);

		if (len > n && !strncmp(uri, s->map->item[i], len)) {	/* the longest prefix */
			best = uri + len;
			dir = eq + 1;
			n = len;
		}
	}
	if (best) {
		best += *best == '/';
		return load_below(dir, best, strcspn(best, "?"), text, f);
	}
	n = strlen(s->folder);
	if (strncmp(uri, s->folder, n) || uri_decode(s->folder + 7, n - 7, path) < 0)
		return 1;
	return load_below(path, uri + n, strcspn(uri + n, "?"), text, f);
}
