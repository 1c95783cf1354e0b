/* What weir doctor is told: the catalog, where the table's feeds are, room in the store. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "iceberg-out.h"

#define DAY_MS		INT64_C(86400000)
#define GB		1e9

static void
check_catalog(struct iceberg_out *s)
{
	struct target *t = &s->target;
	struct buf feeds = { 0 };
	int64_t head;

	if (!t->table) {
		weir_finding(s->ctx, "catalog", WEIR_OK, "%s; table %s will be made", t->catalog->uri, t->o.table);
		return;
	}
	if (commit_branch(t->table, s->feed.ref, &head, &s->fail) < 0 || feed_tell(t->table->meta, t->o.table, s->feed.ref, s->feed.rollback, &feeds, &s->fail) < 0 ||
	    buf_putc(&feeds, '\0') < 0)
		weir_finding(s->ctx, "catalog", WEIR_FAIL, "%s: %s", t->catalog->uri, s->fail.text);
	else if (head == -1)
		weir_finding(s->ctx, "catalog", WEIR_OK, "%s; table %s, no snapshot yet", t->catalog->uri, t->o.table);
	else
		weir_finding(s->ctx, "catalog", WEIR_OK, "%s; table %s, snapshot %" PRId64 ", %s", t->catalog->uri, t->o.table, head, feeds.p);
	buf_free(&feeds);
}

/* Can something be written there, and does it go again? */
static int
probe(struct iceberg_out *s, const char *where)
{
	struct store *store = s->target.catalog->store;
	struct buf path = { 0 };
	char uuid[CATALOG_UUID_SIZE];
	int e;

	if ((e = catalog_uuid(uuid, &s->fail)) == 0) {
		if (buf_printf(&path, "%s/metadata/.probe-%s", where, uuid) < 0 || buf_putc(&path, '\0') < 0)
			e = fail(&s->fail, WEIR_EAGAIN, "no memory for a path");
		else if ((e = store->ops->put_if_absent(store, path.p, "", 0, &s->fail)) == 0)
			e = store->ops->remove(store, path.p, &s->fail);
	}
	buf_free(&path);
	return e;
}

/* Bytes that all writers added in the last day, by the snapshots that are left. */
static uint64_t
written_today(const struct iceberg_out *s)
{
	const struct metadata *m = s->target.table ? s->target.table->meta : NULL;
	int64_t since = weir_now(s->ctx) / 1000 - DAY_MS;
	const char *added;
	uint64_t sum = 0;

	for (size_t i = 0; m && i < m->n_snapshot; i++)
		if (m->snapshot[i].timestamp_ms >= since && (added = metadata_summary(&m->snapshot[i], "added-files-size")))
			sum += strtoull(added, NULL, 10);
	return sum;
}

static void
check_store(struct iceberg_out *s)
{
	const char *where = s->target.table ? s->target.table->meta->location : s->target.catalog->warehouse, *path = store_local_path(where);
	uint64_t day = written_today(s), room;
	struct statvfs v;

	if (probe(s, where) < 0) {
		weir_finding(s->ctx, "store", WEIR_FAIL, "%s: %s", where, s->fail.text);
		return;
	}
	if (!path || statvfs(path, &v) < 0) {
		weir_finding(s->ctx, "store", WEIR_OK, "%s is writable", where);
		return;
	}
	room = (uint64_t)v.f_bavail * v.f_frsize;
	if (room < day)
		weir_finding(s->ctx, "store", WEIR_FAIL, "%s: %.1f GB free, the last 24 h wrote %.1f GB: free space, or expire old snapshots", where,
		    (double)room / GB, (double)day / GB);
	else if (room < s->ingest.file_bytes)
		weir_finding(s->ctx, "store", WEIR_FAIL, "%s: %.1f GB free, less than one data file of --file-size may take: free space", where, (double)room / GB);
	else
		weir_finding(s->ctx, "store", WEIR_OK, "%s is writable, %.1f GB free, the last 24 h wrote %.1f GB", where, (double)room / GB, (double)day / GB);
}

int
check_surroundings(struct iceberg_out *s)
{
	check_catalog(s);
	check_store(s);
	return 0;
}
