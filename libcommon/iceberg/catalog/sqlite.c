/* A catalog in one SQLite file, in the layout of Java's JdbcCatalog (V1, and V0 without iceberg_type) and PyIceberg's SqlCatalog. */
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dirs.h"
#include "ops.h"
#include "weir.h"

#define BUSY_MS		10000		/* how long another program may hold the lock; ?timeout=MS */
#define NAME		"weir"		/* catalog_name; ?name= */

struct sqlite_catalog {
	struct catalog	 head;
	sqlite3		*db;
	char		*name;
	int		 has_type;	/* layout V1 */
	int		 busy_ms;
	int		 there;		/* or to be made: "no such file" is no answer */
};

/* In one transaction: half a catalog is none. */
static const char layout[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS iceberg_tables ("
    "catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL, "
    "metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5), "
    "PRIMARY KEY (catalog_name, table_namespace, table_name));"
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties ("
    "catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL, "
    "property_value VARCHAR(1000), PRIMARY KEY (catalog_name, namespace, property_key));"
    "COMMIT;";

/* SQLite calls a file that cannot be read damaged; what the system said last about it tells one from the other. */
static int
unreadable(struct sqlite_catalog *c)
{
	int e = 0;

	return sqlite3_file_control(c->db, "main", SQLITE_FCNTL_LAST_ERRNO, &e) == SQLITE_OK && (errno = e) != 0;
}

static int
db_error(struct sqlite_catalog *c, const char *what, struct fail *f)
{
	int rc = sqlite3_errcode(c->db);

	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		if (unreadable(c))
			return fail_errno(f, WEIR_EIO, "the catalog %s: cannot %s", c->head.uri, what);
		return fail(f, WEIR_ECONFIG, "the catalog %s: cannot %s: %s", c->head.uri, what, sqlite3_errmsg(c->db));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fail(f, WEIR_EAGAIN, "the catalog %s is locked by another program (waited %d ms): cannot %s; run it again", c->head.uri, c->busy_ms,
		    what);
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return fail(f, WEIR_EIO, "the catalog %s: cannot %s: %s", c->head.uri, what, sqlite3_errmsg(c->db));
	case SQLITE_CANTOPEN:	/* its text says no more than that */
		errno = sqlite3_system_errno(c->db);
		if (c->there && (!errno || errno == ENOENT))	/* SQLite has tried two ways, and tells of the second one */
			return fail(f, WEIR_EIO, "the catalog %s: cannot %s: the file, or its journal, cannot be opened; run it again", c->head.uri, what);
		if (errno)
			return fail_errno(f, fail_input_code(errno), "the catalog %s: cannot %s", c->head.uri, what);
		return fail(f, WEIR_ECONFIG, "the catalog %s: cannot %s: %s", c->head.uri, what, sqlite3_errmsg(c->db));
	case SQLITE_READONLY:
		if (sqlite3_extended_errcode(c->db) == SQLITE_READONLY_DBMOVED)		/* or the system cannot tell */
			return fail(f, WEIR_EIO, "the catalog %s: cannot %s: the file was moved, or cannot be looked at", c->head.uri, what);
		if (sqlite3_extended_errcode(c->db) != SQLITE_READONLY_DIRECTORY && access(c->head.uri + strlen("sqlite:"), W_OK) == 0)
			return fail(f, WEIR_EIO, "the catalog %s: cannot %s: it could not be opened for writing; run it again", c->head.uri, what);
		return fail(f, WEIR_ECONFIG, "the catalog %s: cannot %s: no permission to write to the file, or to its folder", c->head.uri, what);
	case SQLITE_NOMEM:
		return fail(f, WEIR_EAGAIN, "the catalog %s: cannot %s: no memory", c->head.uri, what);
	default:
		return fail(f, WEIR_ECONFIG, "the catalog %s: cannot %s: %s", c->head.uri, what, sqlite3_errmsg(c->db));
	}
}

static int
prepare(struct sqlite_catalog *c, const char *sql, sqlite3_stmt **st, struct fail *f)
{
	return sqlite3_prepare_v2(c->db, sql, -1, st, NULL) == SQLITE_OK ? 0 : db_error(c, "read its tables", f);
}

/* Bind texts to ?1, ?2, ...; NULL ends. */
static void
bind(sqlite3_stmt *st, const char *const *text, int n)
{
	for (int i = 0; i < n; i++)
		sqlite3_bind_text(st, i + 1, text[i], -1, SQLITE_STATIC);
}

/* "a.b.t" to "a.b" and "t". */
static int
split(const char *table, char *ns, size_t size, const char **name, struct fail *f)
{
	const char *dot = strrchr(table, '.');

	if (!dot || (size_t)(dot - table) >= size)
		return fail(f, WEIR_EUSAGE, "'%s' is no table name: it is namespace.name", table);
	memcpy(ns, table, (size_t)(dot - table));
	ns[dot - table] = '\0';
	*name = dot + 1;
	return 0;
}

static int
sq_load(struct catalog *cat, const char *table, struct buf *location, struct fail *f)
{
	struct sqlite_catalog *c = (struct sqlite_catalog *)cat;
	const char *name;
	char ns[256];
	sqlite3_stmt *st;
	int e, rc;

	if ((e = split(table, ns, sizeof ns, &name, f)) < 0)
		return e;
	if ((e = prepare(c, c->has_type ? "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ?1 AND table_namespace = ?2 AND "
	    "table_name = ?3 AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)" :
	    "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3", &st, f)) < 0)
		return e;
	bind(st, (const char *const[]){ c->name, ns, name }, 3);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && sqlite3_column_text(st, 0))
		e = buf_puts(location, (const char *)sqlite3_column_text(st, 0)) < 0 ? fail(f, WEIR_EAGAIN, "no memory for a path") : 1;
	else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		e = db_error(c, "read its tables", f);
	sqlite3_finalize(st);
	return e;
}

/* NNNNN-uuid.metadata.json: other engines parse the number. */
static int
sq_next(struct catalog *cat, const char *location, const char *old, struct buf *out, struct fail *f)
{
	const char *name = old ? strrchr(old, '/') : NULL;
	char uuid[CATALOG_UUID_SIZE];
	long n = old ? 1 : 0;
	int e;

	(void)cat;
	if (name)
		n = strtol(name + 1 + (name[1] == 'v'), NULL, 10) + 1;
	if ((e = catalog_uuid(uuid, f)) < 0)
		return e;
	return buf_printf(out, "%s/metadata/%05ld-%s.metadata.json", location, n, uuid) < 0 ? fail(f, WEIR_EAGAIN, "no memory for a path") : 0;
}

/* One statement in the open transaction; the number of rows it changed, or an error. */
static int
change(struct sqlite_catalog *c, const char *sql, const char *const *text, int n, struct fail *f)
{
	sqlite3_stmt *st;
	int e;

	if ((e = prepare(c, sql, &st, f)) < 0)
		return e;
	bind(st, text, n);
	e = sqlite3_step(st) == SQLITE_DONE ? sqlite3_changes(c->db) : db_error(c, "change a table's entry", f);
	sqlite3_finalize(st);
	return e;
}

static int
swap_row(struct sqlite_catalog *c, const char *ns, const char *name, const char *old, const char *new, struct fail *f)
{
	int n;

	if (old)
		return change(c, c->has_type ? "UPDATE iceberg_tables SET metadata_location = ?4, previous_metadata_location = ?5 WHERE "
		    "catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3 AND metadata_location = ?5 AND "
		    "(iceberg_type = 'TABLE' OR iceberg_type IS NULL)" :
		    "UPDATE iceberg_tables SET metadata_location = ?4, previous_metadata_location = ?5 WHERE "
		    "catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3 AND metadata_location = ?5",
		    (const char *const[]){ c->name, ns, name, new, old }, 5, f);
	n = change(c, "INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?1, ?2, 'exists', 'true')", (const char *const[]){ c->name, ns }, 2, f);
	if (n < 0)
		return n;
	return change(c, c->has_type ? "INSERT OR IGNORE INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, "
	    "iceberg_type) VALUES (?1, ?2, ?3, ?4, 'TABLE')" :
	    "INSERT OR IGNORE INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) VALUES (?1, ?2, ?3, ?4)",
	    (const char *const[]){ c->name, ns, name, new }, 4, f);
}

/* The row in a transaction of its own: 0, 1 lost, WEIR_EUNKNOWN, or an error after which nothing has changed. */
static int
swap_in(struct sqlite_catalog *c, const char *ns, const char *name, const char *old, const char *new, struct fail *f)
{
	int rows, rc;

	if (sqlite3_exec(c->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return db_error(c, "begin a transaction", f);
	if ((rows = swap_row(c, ns, name, old, new, f)) != 1) {
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
		return rows < 0 ? rows : 1;
	}
	if ((rc = sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL)) == SQLITE_OK)
		return 0;
	db_error(c, "commit", f);
	/* Busy: readers kept it from the file, the transaction is still open.  After another error it may be in the file, or in a
	 * journal that the next reader plays back. */
	if ((rc & 0xff) != SQLITE_BUSY || sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK) {
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
		f->code = WEIR_EUNKNOWN;
	}
	return f->code;
}

static int
sq_swap(struct catalog *cat, const char *table, const char *old, const char *new, const char *text, size_t n, struct fail *f)
{
	struct sqlite_catalog *c = (struct sqlite_catalog *)cat;
	struct fail ignored;
	const char *name;
	char ns[256];
	int e;

	if ((e = split(table, ns, sizeof ns, &name, f)) < 0)
		return e;
	if ((e = cat->store->ops->put_if_absent(cat->store, new, text, n, f)) == 1)
		return fail(f, WEIR_EBUG, "%s exists already, though its name is random", new);
	if (!e)
		e = swap_in(c, ns, name, old, new, f);
	if (!e)
		catalog_hint(cat->store, new);
	else if (e != WEIR_EUNKNOWN)		/* our own file, that nobody will ever read; it may be there also when writing it failed */
		(void)cat->store->ops->remove(cat->store, new, &ignored);
	return e;
}

static int
sq_list(struct catalog *cat, int (*fn)(void *, const char *), void *arg, struct fail *f)
{
	struct sqlite_catalog *c = (struct sqlite_catalog *)cat;
	sqlite3_stmt *st;
	int e, rc = SQLITE_DONE;

	if ((e = prepare(c, "SELECT table_namespace || '.' || table_name FROM iceberg_tables WHERE catalog_name = ?1 ORDER BY 1", &st, f)) < 0)
		return e;
	bind(st, (const char *const[]){ c->name }, 1);
	while (!e && (rc = sqlite3_step(st)) == SQLITE_ROW)
		e = fn(arg, (const char *)sqlite3_column_text(st, 0));
	if (!e && rc != SQLITE_DONE)
		e = db_error(c, "list its tables", f);
	sqlite3_finalize(st);
	return e;
}

static void
sq_close(struct catalog *cat)
{
	struct sqlite_catalog *c = (struct sqlite_catalog *)cat;

	sqlite3_close(c->db);
	free(c->name);
	free(c);
}

/* A commit is the removal of the journal. */
static int
sq_settle(struct catalog *cat, const char *location, struct fail *f)
{
	(void)location;
	return dirs_sync_above(cat->uri + strlen("sqlite:"), f);
}

static const struct catalog_ops ops = { "sqlite", 0, sq_load, sq_next, sq_swap, sq_settle, sq_list, sq_close };

/* "name=N&timeout=MS" */
static int
options(struct sqlite_catalog *c, const char *text, struct fail *f)
{
	while (*text) {
		size_t n = strcspn(text, "&");

		if (strncmp(text, "name=", 5) == 0 && n > 5) {
			free(c->name);
			if (!(c->name = strndup(text + 5, n - 5)))
				return fail(f, WEIR_EAGAIN, "no memory for a catalog");
		} else if (strncmp(text, "timeout=", 8) == 0)
			c->busy_ms = atoi(text + 8);
		else
			return fail(f, WEIR_EUSAGE, "the catalog has no option '%.*s'; name=NAME and timeout=MILLISECONDS are known", (int)n, text);
		text += n + (text[n] == '&');
	}
	return 0;
}

/* The folder the database is in. */
static int
make_folder(const char *path, struct fail *f)
{
	char *copy = strdup(path);
	int e = copy ? dirs_make(dirname(copy), 0777, f) : fail(f, WEIR_EAGAIN, "no memory for a path");

	free(copy);
	return e;
}

static int
open_db(struct sqlite_catalog *c, const char *path, int create, struct fail *f)
{
	sqlite3_stmt *st;
	int e, tables = 0;

	if (access(path, F_OK) < 0) {
		if (errno != ENOENT)
			return fail_errno(f, fail_input_code(errno), "cannot open the catalog %s", path);
		if (!create)
			return fail(f, WEIR_ECONFIG, "the catalog %s does not exist: --create makes it, with the table", path);
		if ((e = make_folder(path, f)) < 0)
			return e;
	}
	c->there = create;
	if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), NULL) != SQLITE_OK)
		return c->db ? db_error(c, "open it", f) : fail(f, WEIR_EAGAIN, "no memory for a catalog");
	c->there = 1;
	sqlite3_busy_timeout(c->db, c->busy_ms);
	/* A commit is the removal of the journal: durable when its folder is synced, which is EXTRA.  With FULL, power loss takes it back. */
	if (sqlite3_exec(c->db, "PRAGMA synchronous = EXTRA", NULL, NULL, NULL) != SQLITE_OK)
		return db_error(c, "set it up", f);
	if ((e = prepare(c, "SELECT (SELECT count(*) FROM pragma_table_info('iceberg_tables')), "
	    "(SELECT count(*) FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type')", &st, f)) < 0)
		return e;
	if (sqlite3_step(st) == SQLITE_ROW) {
		tables = sqlite3_column_int(st, 0) > 0;
		c->has_type = sqlite3_column_int(st, 1) > 0;
	} else
		e = db_error(c, "read its tables", f);
	sqlite3_finalize(st);
	if (e || tables)
		return e;
	if (!create)
		return fail(f, WEIR_ECONFIG, "%s is no Iceberg catalog: it has no table iceberg_tables; --create makes one", path);
	if (sqlite3_exec(c->db, layout, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(c, "make its tables", f);
	c->has_type = 1;
	return 0;
}

int
catalog_sqlite(const char *path, int create, struct catalog **out, struct fail *f)
{
	struct sqlite_catalog *c = calloc(1, sizeof *c);
	const char *local = store_local_path(path), *question;
	struct buf uri = { 0 };
	char *file = NULL;
	int e;

	if (!c || !(c->name = strdup(NAME))) {
		e = fail(f, WEIR_EAGAIN, "no memory for a catalog");
		goto out;
	}
	c->head.ops = &ops;
	c->busy_ms = BUSY_MS;
	if (!local) {
		e = fail(f, WEIR_ECONFIG, "'%s' is no local file", path);
		goto out;
	}
	question = strchr(local, '?');
	if (!(file = strndup(local, question ? (size_t)(question - local) : strlen(local)))) {
		e = fail(f, WEIR_EAGAIN, "no memory for a catalog");
		goto out;
	}
	if (!*file) {
		e = fail(f, WEIR_EUSAGE, "--catalog sqlite: needs a file, sqlite:/var/lib/weir/catalog.db");
		goto out;
	}
	if (question && (e = options(c, question + 1, f)) < 0)
		goto out;
	if ((e = store_uri(file, &uri, f)) < 0)
		goto out;
	if (buf_putc(&uri, '\0') < 0 || asprintf(&c->head.uri, "sqlite:%s", uri.p + strlen("file://")) < 0) {
		c->head.uri = NULL;
		e = fail(f, WEIR_EAGAIN, "no memory for a catalog");
		goto out;
	}
	e = open_db(c, file, create, f);
out:
	free(file);
	buf_free(&uri);
	if (e < 0) {
		if (c) {
			free(c->head.uri);
			sq_close(&c->head);
		}
		return e;
	}
	*out = &c->head;
	return 0;
}
