/*
 * Tables as folders: DIR/ns/name/metadata/vN.metadata.json, the highest N is the table ("hadoop" catalog).  The swap is the
 * creation of v(N+1) if it is absent, which link(2) does for local files.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dirs.h"
#include "ops.h"
#include "weir.h"

#define HINT_MAX	64

struct file_catalog {
	struct catalog	 head;
	char		*dir;		/* URI */
};

/* N of .../vN.metadata.json, also with .gz in either place; -1 for another file. */
static long
version_of(const char *uri)
{
	const char *name = strrchr(uri, '/');
	char *end;
	long n;

	name = name ? name + 1 : uri;
	if (*name != 'v' || !isdigit((unsigned char)name[1]))
		return -1;
	n = strtol(name + 1, &end, 10);
	return strcmp(end, ".metadata.json") == 0 || strcmp(end, ".gz.metadata.json") == 0 || strcmp(end, ".metadata.json.gz") == 0 ? n : -1;
}

struct newest {
	long		 n;
	struct buf	*uri;
	struct fail	*fail;
};

static int
look(void *arg, const struct store_entry *e)
{
	struct newest *best = arg;
	long n = version_of(e->uri);

	if (n <= best->n)
		return 0;
	best->n = n;
	best->uri->n = 0;
	return buf_puts(best->uri, e->uri) < 0 ? fail(best->fail, WEIR_EAGAIN, "no memory for a path") : 0;
}

static int
exists(struct catalog *c, const char *uri, struct fail *f)
{
	struct store_source *s;
	uint64_t bytes;
	int e = c->store->ops->open(c->store, uri, &s, &bytes, f);

	if (e == WEIR_EGONE)
		return 0;
	if (e < 0)
		return e;
	c->store->ops->shut(s);
	return 1;
}

/* From the hint forward while the next one is there.  0: the hint does not help. */
static int
follow_hint(struct catalog *c, const char *base, struct buf *location, struct fail *f)
{
	struct buf text = { .max = HINT_MAX }, path = { 0 };
	struct fail ignored;
	long n = -1;
	int e;

	if (buf_printf(&path, "%s/metadata/version-hint.text", base) < 0 || buf_putc(&path, '\0') < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for a path");
	else if ((e = c->store->ops->get(c->store, path.p, &text, &ignored)) == 0 && text.n && isdigit((unsigned char)*text.p) && !buf_putc(&text, '\0'))
		n = strtol(text.p, NULL, 10);
	for (e = 0; n >= 0; n++) {
		path.n = 0;
		if (buf_printf(&path, "%s/metadata/v%ld.metadata.json", base, n) < 0 || buf_putc(&path, '\0') < 0) {
			e = fail(f, WEIR_EAGAIN, "no memory for a path");
			break;
		}
		if ((e = exists(c, path.p, f)) <= 0)
			break;
		location->n = 0;
		if (buf_puts(location, path.p) < 0) {
			e = fail(f, WEIR_EAGAIN, "no memory for a path");
			break;
		}
	}
	buf_free(&text);
	buf_free(&path);
	return e < 0 ? e : location->n > 0;
}

static int
fi_load(struct catalog *cat, const char *table, struct buf *location, struct fail *f)
{
	struct file_catalog *c = (struct file_catalog *)cat;
	struct buf base = { 0 };
	struct newest best = { -1, location, f };
	int e = buf_puts(&base, c->dir) | buf_putc(&base, '/');

	for (const char *p = table; !e && *p; p++)
		e = buf_putc(&base, *p == '.' ? '/' : *p);
	if (e || buf_putc(&base, '\0') < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for a path");
	else if ((e = follow_hint(cat, base.p, location, f)) == 0) {
		base.n--;
		if (buf_puts(&base, "/metadata") < 0 || buf_putc(&base, '\0') < 0)
			e = fail(f, WEIR_EAGAIN, "no memory for a path");
		else if ((e = cat->store->ops->list(cat->store, base.p, look, &best, f)) == 0)
			e = best.n >= 0;
	}
	buf_free(&base);
	return e;
}

static int
fi_next(struct catalog *cat, const char *location, const char *old, struct buf *out, struct fail *f)
{
	long n = old ? version_of(old) : 0;

	(void)cat;
	if (n < 0)
		return fail(f, WEIR_ECONFIG, "%s is no vN.metadata.json: this table is not one of a file catalog", old);
	return buf_printf(out, "%s/metadata/v%ld.metadata.json", location, n + 1) < 0 ? fail(f, WEIR_EAGAIN, "no memory for a path") : 0;
}

static int
fi_swap(struct catalog *cat, const char *table, const char *old, const char *new, const char *text, size_t n, struct fail *f)
{
	struct fail ignored;
	int e;

	(void)table;
	(void)old;		/* its number is in the new name */
	if ((e = cat->store->ops->put_if_absent(cat->store, new, text, n, f)) == 0)
		catalog_hint(cat->store, new);
	if (e < 0 && exists(cat, new, &ignored) != 0)		/* linked, and then something failed; or nobody can tell */
		e = f->code = WEIR_EUNKNOWN;
	return e;
}

/* A commit is the name of its file. */
static int
fi_settle(struct catalog *cat, const char *location, struct fail *f)
{
	const char *path = store_local_path(location);

	(void)cat;
	return path ? dirs_sync_above(path, f) : 0;	/* other stores give a name when it is durable */
}

struct listing {
	const char	*dir;
	int		(*fn)(void *, const char *);
	void		*arg;
	char		 last[512];
};

static int
list_one(void *arg, const struct store_entry *e)
{
	struct listing *l = arg;
	const char *path = store_local_path(e->uri), *dir = store_local_path(l->dir), *end = strstr(path, "/metadata/");
	char name[sizeof l->last];
	size_t n;

	if (version_of(e->uri) < 0 || !end || strncmp(path, dir, strlen(dir)))
		return 0;
	path += strlen(dir) + 1;
	n = path < end ? (size_t)(end - path) : 0;
	if (!n || n >= sizeof name)
		return 0;
	for (size_t i = 0; i < n; i++)
		name[i] = path[i] == '/' ? '.' : path[i];
	name[n] = '\0';
	if (strcmp(name, l->last) == 0)		/* the versions of one table come together */
		return 0;
	strcpy(l->last, name);
	return l->fn(l->arg, name);
}

static int
fi_list(struct catalog *cat, int (*fn)(void *, const char *), void *arg, struct fail *f)
{
	struct file_catalog *c = (struct file_catalog *)cat;
	struct listing l = { .dir = c->dir, .fn = fn, .arg = arg };

	return cat->store->ops->list(cat->store, c->dir, list_one, &l, f);
}

static void
fi_close(struct catalog *cat)
{
	struct file_catalog *c = (struct file_catalog *)cat;

	free(c->dir);
	free(c);
}

static const struct catalog_ops ops = { "file", 1, fi_load, fi_next, fi_swap, fi_settle, fi_list, fi_close };

int
catalog_file(const char *dir, int create, struct catalog **out, struct fail *f)
{
	struct file_catalog *c = calloc(1, sizeof *c);
	struct buf uri = { 0 };
	int e = 0;

	(void)create;		/* folders come with their first table */
	if (!c)
		return fail(f, WEIR_EAGAIN, "no memory for a catalog");
	c->head.ops = &ops;
	if (!*dir)
		e = fail(f, WEIR_EUSAGE, "--catalog file: needs a folder, file:/var/lib/weir/warehouse");
	else if ((e = store_uri(dir, &uri, f)) == 0 && (buf_putc(&uri, '\0') < 0 || !(c->dir = strdup(uri.p)) || !(c->head.uri = strdup(uri.p))))
		e = fail(f, WEIR_EAGAIN, "no memory for a catalog");
	buf_free(&uri);
	if (e < 0) {
		free(c->head.uri);
		fi_close(&c->head);
		return e;
	}
	*out = &c->head;
	return 0;
}
