/* What weir doctor is told: who we are, the dataset, the table and its columns, room for the spool. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bq-out.h"

#define GB	1e9

const char *
bq_out_spool_dir(const struct bq_out *s)
{
	const char *tmp = getenv("TMPDIR");

	return s->spool_dir ? s->spool_dir : tmp && *tmp ? tmp : "/var/tmp";
}

static void
check_spool(struct bq_out *s)
{
	const char *dir = bq_out_spool_dir(s);
	struct statvfs v;

	if (statvfs(dir, &v) < 0 || access(dir, W_OK) < 0)
		weir_finding(s->ctx, "spool", WEIR_FAIL, "%s cannot be written to: name another folder with --spool-dir", dir);
	else if ((double)v.f_bavail * (double)v.f_frsize < (double)s->spool_bytes)
		weir_finding(s->ctx, "spool", WEIR_FAIL, "%s: %.1f GB free, less than --spool: free space, or name another folder with --spool-dir", dir,
		    (double)v.f_bavail * (double)v.f_frsize / GB);
	else
		weir_finding(s->ctx, "spool", WEIR_OK, "%s, %.1f GB free", dir, (double)v.f_bavail * (double)v.f_frsize / GB);
}

static void
check_table(struct bq_out *s)
{
	struct target *t = &s->target;

	if (!t->creation && !s->create)
		weir_finding(s->ctx, "table", WEIR_FAIL, "there is no table %s: --create makes it", t->name);
	else if (!t->creation)
		weir_finding(s->ctx, "table", WEIR_OK, "%s will be made", t->name);
	else if (target_compare(s) < 0)
		weir_finding(s->ctx, "table", WEIR_FAIL, "%s", s->fail.text);
	else
		weir_finding(s->ctx, "table", WEIR_OK, "%s, %zu columns%s", t->name, t->schema ? t->schema->n : 0,
		    t->changes ? "; the next load changes them to those of --schema" : "");
}

int
check_surroundings(struct bq_out *s)
{
	const char *who = bq_who(s->bq);

	weir_finding(s->ctx, "credentials", WEIR_OK, "%s", who ? who : "none are needed by this server");
	if (target_look(s) < 0) {
		weir_finding(s->ctx, "bigquery", WEIR_FAIL, "%s", s->fail.text);
		return s->fail.code;
	}
	weir_finding(s->ctx, "bigquery", WEIR_OK, "answers; dataset %s.%s is in %s, jobs are the project %s's", s->target.project, s->target.dataset,
	    bq_location(s->bq), bq_project(s->bq));
	check_table(s);
	check_spool(s);
	return 0;
}
