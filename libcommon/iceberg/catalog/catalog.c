#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "ops.h"
#include "weir.h"

#define DEFAULT_FILE	"warehouse/catalog.db"

static int
random_bytes(void *p, size_t n, struct fail *f)
{
	return getrandom(p, n, 0) == (ssize_t)n ? 0 : fail_errno(f, WEIR_EIO, "cannot get random bytes");
}

int
catalog_uuid(char *out, struct fail *f)
{
	unsigned char r[16];
	int e;

	if ((e = random_bytes(r, sizeof r, f)) < 0)
		return e;
	r[6] = (r[6] & 0x0f) | 0x40;
	r[8] = (r[8] & 0x3f) | 0x80;
	snprintf(out, CATALOG_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2], r[3], r[4], r[5],
	    r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
	return 0;
}

int
catalog_snapshot_id(int64_t *id, struct fail *f)
{
	int e;

	do {
		if ((e = random_bytes(id, sizeof *id, f)) < 0)
			return e;
		*id &= INT64_MAX;
	} while (!*id);
	return 0;
}

/* The folder above a catalog file. */
static int
folder_of(const char *path, struct buf *out)
{
	const char *end = path + strcspn(path, "?"), *slash = end;

	while (slash > path && *slash != '/')
		slash--;
	return slash == path && *path != '/' ? buf_puts(out, ".") : slash == path ? buf_putc(out, '/') : buf_put(out, path, (size_t)(slash - path));
}

int
catalog_open(const char *uri, const char *warehouse, int create, struct catalog **out, struct fail *f)
{
	struct buf home = { 0 }, where = { 0 };
	struct catalog *c = NULL;
	int e;

	if (!uri) {
		if (!create && access(DEFAULT_FILE, F_OK) < 0)
			return fail(f, WEIR_ECONFIG, "no catalog: give --catalog sqlite:FILE or file:DIR, or set WEIR_CATALOG (there is no ./%s either)",
			    DEFAULT_FILE);
		uri = "sqlite:" DEFAULT_FILE;
	}
	if (strncmp(uri, "sqlite:", 7) == 0) {
		e = catalog_sqlite(uri + 7, create, &c, f);
		if (!e && folder_of(store_local_path(uri + 7) ? store_local_path(uri + 7) : "", &home) < 0)
			e = fail(f, WEIR_EAGAIN, "no memory for a catalog");
	} else if (strncmp(uri, "file:", 5) == 0) {
		e = catalog_file(uri + 5, create, &c, f);
		if (!e && buf_puts(&home, store_local_path(uri)) < 0)
			e = fail(f, WEIR_EAGAIN, "no memory for a catalog");
	} else
		e = fail(f, WEIR_ECONFIG, "no catalog of the kind '%s': sqlite:FILE and file:DIR are known", uri);
	if (!e && buf_putc(&home, '\0') < 0)
		e = fail(f, WEIR_EAGAIN, "no memory for a catalog");
	if (!e)
		e = store_uri(warehouse ? warehouse : home.p, &where, f);
	if (!e && !(c->warehouse = strndup(where.p, where.n)))
		e = fail(f, WEIR_EAGAIN, "no memory for a catalog");
	if (!e)
		e = store_open(c->warehouse, &c->store, f);
	buf_free(&home);
	buf_free(&where);
	if (e < 0)
		catalog_close(c);
	else
		*out = c;
	return e;
}

void
catalog_close(struct catalog *c)
{
	if (!c)
		return;
	if (c->store)
		c->store->ops->close(c->store);
	free(c->warehouse);
	free(c->uri);
	c->ops->close(c);
}

int
catalog_location(struct catalog *c, const char *table, struct buf *out, struct fail *f)
{
	int e = buf_puts(out, c->warehouse) | buf_putc(out, '/');

	for (; !e && *table; table++)
		e = buf_putc(out, *table == '.' ? '/' : *table);
	return e ? fail(f, WEIR_EAGAIN, "no memory for a path") : 0;
}

void
catalog_hint(struct store *store, const char *metadata)
{
	const char *slash = strrchr(metadata, '/'), *name = slash ? slash + 1 : metadata, *end = strstr(name, ".metadata.json");
	struct buf hint = { 0 };
	struct fail ignored;

	if (!slash || !end)
		return;
	/* DuckDB puts the text into v%s.metadata.json, then into %s.metadata.json; Java takes the number of the first form only */
	if (*name == 'v')
		name++;
	if (buf_put(&hint, metadata, (size_t)(slash - metadata)) == 0 && buf_puts(&hint, "/version-hint.text") == 0 && buf_putc(&hint, '\0') == 0)
		(void)store->ops->put(store, hint.p, name, (size_t)(end - name), &ignored);
	buf_free(&hint);
}
