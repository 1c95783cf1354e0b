/* What is removed from a state directory, what is not, in which order, and at what cost. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "folder.h"
#include "gc.h"
#include "publish.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define RUN(n)	"000000" #n "-0123456789abcdef0123456789abcde" #n
#define SINK	"iceberg-out"

static struct state_dir *d;
static struct state_gc *g;
static struct fail f;

static unsigned n_opens, n_unlinks, fail_at;	/* fail_at: this unlink of a file is the first that fails */

int __real_openat(int, const char *, int, ...);
int __wrap_openat(int, const char *, int, ...);
int __real_unlinkat(int, const char *, int);
int __wrap_unlinkat(int, const char *, int);

int
__wrap_openat(int at, const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	n_opens++;
	return __real_openat(at, path, flags, mode);
}

int
__wrap_unlinkat(int at, const char *path, int flags)
{
	n_unlinks++;
	if (fail_at && n_unlinks >= fail_at) {
		errno = EIO;
		return -1;
	}
	return __real_unlinkat(at, path, flags);
}

static int
setup(void **state)
{
	fail_at = n_unlinks = n_opens = 0;
	g = NULL;
	return folder_make(state) < 0 || state_open(in_folder("s"), "p", "0/1", &d, &f);
}

static int
teardown(void **state)
{
	state_gc_close(g);
	state_close(d);
	return folder_remove(state);
}

/* A checkpoint of one stage; `on` is what it stands on, NULL for a base. */
static void
ckpt(const char *run, uint64_t id, const char *on_run, uint64_t on_id, unsigned depth)
{
	char token[TOKEN_SIZE];
	struct snapshot_meta m = { .stage = "dedupe", .semantic = "1", .config = "", .pipe = "p", .run = run, .id = id, .depth = depth,
		.on = on_run ? token : NULL };
	struct weir_state *s;
	int dir = state_ckpt(d, run, id, 1, &f);

	if (on_run)
		token_format(on_run, on_id, token);
	assert_true(dir >= 0);
	assert_int_equal(snapshot_create(dir, on_run ? "dedupe.delta.zst" : "dedupe.base", &m, &s, &f), 0);
	assert_int_equal(snapshot_put(s, "x", 1, &f), 0);
	assert_int_equal(snapshot_finish(s, NULL, &f), 0);
	assert_int_equal(publish_bytes(dir, "iceberg-out.prep", "{}", 2, &f), 0);
	close(dir);
}

/* Epochs first..last of a run that goes on from (from, first - 1), a base every `every` epochs. */
static void
chain(const char *run, uint64_t first, uint64_t last, const char *from, unsigned every)
{
	for (uint64_t id = first; id <= last; id++) {
		unsigned depth = (unsigned)(id % every);

		ckpt(run, id, depth ? id == first ? from : run : NULL, id - 1, depth);
	}
}

static void
done(const char *run, uint64_t id)
{
	char token[TOKEN_SIZE];

	token_format(run, id, token);
	assert_int_equal(state_done(d, SINK, id, token, &f), 0);
}

static int
there(const char *run, uint64_t id)
{
	char path[256];

	snprintf(path, sizeof path, "s/0-1/runs/%s/ckpt/%ju", run, (uintmax_t)id);
	return access(in_folder(path), F_OK) == 0;
}

static int
run_there(const char *run)
{
	char path[256];

	snprintf(path, sizeof path, "s/0-1/runs/%s", run);
	return access(in_folder(path), F_OK) == 0;
}

static void
only(const char *run, uint64_t first, uint64_t last, uint64_t up_to)
{
	for (uint64_t id = 1; id <= up_to; id++)
		if (there(run, id) != (id >= first && id <= last))
			fail_msg("%s/%ju is %sthere", run, (uintmax_t)id, there(run, id) ? "" : "not ");
}

static void
begin(const char *run)
{
	assert_int_equal(state_gc_open(d, SINK, run, &g, &f), 0);
}

static void
barrier(uint64_t id, int committed)
{
	if (state_gc_barrier(g, id, committed, &f) != 0)
		fail_msg("%s", f.text);
}

/* Every delta that is there has what it stands on. */
static void
whole(const char *const *runs, uint64_t up_to)
{
	for (; *runs; runs++)
		for (uint64_t id = 1; id <= up_to; id++) {
			struct snapshot_head h, below;
			char token[TOKEN_SIZE];

			token_format(*runs, id, token);
			if (chain_peek(d, token, "dedupe", &h, &f) == 0 && *h.on) {
				if (chain_peek(d, h.on, "dedupe", &below, &f) != 0)
					fail_msg("%s stands on nothing: %s", token, f.text);
				snapshot_head_free(&below);
			}
			snapshot_head_free(&h);
		}
}

/* Own epochs: three commits, with what they stand on; and the marks. */
static void
keeps_three(void **state)
{
	char path[128];

	(void)state;
	begin(RUN(1));
	for (uint64_t id = 1; id <= 40; id++) {
		chain(RUN(1), id, id, RUN(1), 6);
		ckpt(RUN(1), 100 + id, NULL, 0, 0);		/* the stages before the sink are ahead of it */
		done(RUN(1), id);
		barrier(id, 1);
	}
	only(RUN(1), 36, 40, 100);		/* 38 to 40, and 36 is the base of 38 */
	for (uint64_t id = 101; id <= 140; id++)
		assert_true(there(RUN(1), id));
	for (int id = 1; id <= 40; id++) {
		snprintf(path, sizeof path, "s/0-1/done/" SINK "/%d", id);
		assert_int_equal(access(in_folder(path), F_OK) == 0, id >= 38);
	}
}

/* Epochs without rows: months of them leave no more behind than what the newest stands on. */
static void
held(void **state)
{
	(void)state;
	chain(RUN(1), 1, 7, NULL, 9);
	done(RUN(1), 7);
	begin(RUN(2));
	for (uint64_t id = 8; id <= 60; id++) {
		chain(RUN(2), id, id, id == 8 ? RUN(1) : RUN(2), 9);
		barrier(id, 0);
		assert_true(there(RUN(2), id));
	}
	only(RUN(2), 54, 60, 60);
	only(RUN(1), 1, 7, 60);			/* no commit of ours was seen: nothing of others goes */
	chain(RUN(2), 61, 61, RUN(2), 9);
	done(RUN(2), 61);
	barrier(61, 1);
	only(RUN(2), 54, 61, 61);
	only(RUN(1), 1, 7, 61);			/* 7 is the commit before 61, on deltas down to 1 */
}

/* Chains go across runs; dead runs go with a commit, those with a higher number and those that came later do not. */
static void
across_runs(void **state)
{
	(void)state;
	chain(RUN(1), 1, 4, NULL, 9);
	ckpt(RUN(1), 5, NULL, 0, 0);		/* never committed */
	ckpt(RUN(2), 5, NULL, 0, 0);		/* killed */
	ckpt(RUN(8), 5, NULL, 0, 0);		/* begun after us by its number */
	assert_int_equal(mkdir(in_folder("s/0-1/runs/" RUN(3)), 0700), 0);
	assert_int_equal(mkdir(in_folder("s/0-1/runs/no-run"), 0700), 0);
	for (uint64_t id = 1; id <= 4; id++)
		done(RUN(1), id);
	begin(RUN(4));
	ckpt(RUN(5), 5, NULL, 0, 0);		/* came while we ran */
	ckpt(RUN(0), 5, NULL, 0, 0);
	for (uint64_t id = 5; id <= 6; id++) {
		chain(RUN(4), id, id, id == 5 ? RUN(1) : RUN(4), 9);
		done(RUN(4), id);
		barrier(id, 1);
	}
	only(RUN(4), 5, 6, 9);
	only(RUN(1), 1, 4, 9);			/* what 5 and 6 stand on */
	assert_true(!run_there(RUN(2)) && !run_there(RUN(3)) && run_there(RUN(8)) && run_there(RUN(5)) && run_there(RUN(0)) && run_there("no-run"));
	for (uint64_t id = 7; id <= 11; id++) {
		chain(RUN(4), id, id, id == 5 ? RUN(1) : RUN(4), 9);
		done(RUN(4), id);
		barrier(id, 1);
	}
	assert_true(!run_there(RUN(1)));
	only(RUN(4), 9, 11, 11);
}

/* A table that was rolled back: marks of later epochs are of no commit any more. */
static void
rolled_back(void **state)
{
	struct buf b = { 0 };

	(void)state;
	chain(RUN(1), 1, 9, NULL, 1);
	for (uint64_t id = 1; id <= 9; id++)
		done(RUN(1), id);
	begin(RUN(2));
	ckpt(RUN(2), 5, NULL, 0, 0);
	done(RUN(2), 5);
	barrier(5, 1);
	only(RUN(2), 5, 5, 9);
	only(RUN(1), 3, 4, 9);
	assert_int_equal(state_done_newest(d, SINK, &b, &f), 1);
	assert_string_equal(b.p, RUN(2) "/5");
	buf_free(&b);
}

/* The process ends before the n-th removal, for every n: a base is there as long as what stands on it; and the next run makes it good. */
static void
any_instant(void **state)
{
	static const char *const runs[] = { RUN(1), RUN(2), RUN(3), NULL };
	unsigned n = 0;

	(void)state;
	for (fail_at = 1; ; fail_at++) {
		chain(RUN(1), 1, 12, NULL, 5);
		chain(RUN(2), 9, 16, RUN(1), 5);
		done(RUN(1), 8);
		begin(RUN(3));
		ckpt(RUN(3), 9, NULL, 0, 0);
		done(RUN(3), 9);
		n_unlinks = 0;
		(void)state_gc_barrier(g, 9, 1, &f);
		n = fail_at;
		fail_at = 0;
		whole(runs, 16);
		assert_true(there(RUN(3), 9) && there(RUN(1), 8) && there(RUN(1), 5));
		state_gc_close(g);
		begin(RUN(3));			/* the next one */
		barrier(9, 1);
		whole(runs, 16);
		only(RUN(1), 5, 8, 16);
		assert_true(!run_there(RUN(2)));
		fail_at = n;
		if (n_unlinks < n)
			break;
		state_gc_close(g);
		state_close(d);
		n = fail_at;
		fail_at = 0;
		assert_int_equal(folder_remove(state), 0);
		assert_int_equal(setup(state), 0);
		fail_at = n;
	}
	assert_true(n > 40);
	fail_at = 0;
}

/* A removal that fails is said and tried again; what is below waits. */
static void
fails(void **state)
{
	(void)state;
	begin(RUN(1));
	for (uint64_t id = 1; id <= 3; id++) {
		ckpt(RUN(1), id, NULL, 0, 0);
		done(RUN(1), id);
		barrier(id, 1);
	}
	assert_int_equal(mkdir(in_folder("s/0-1/runs/" RUN(1) "/ckpt/1/strange"), 0700), 0);
	ckpt(RUN(1), 4, NULL, 0, 0);
	done(RUN(1), 4);
	assert_int_equal(state_gc_barrier(g, 4, 1, &f), WEIR_EIO);
	assert_non_null(strstr(f.text, "cannot remove runs/" RUN(1) "/ckpt/1/strange of the state directory"));
	assert_int_equal(rmdir(in_folder("s/0-1/runs/" RUN(1) "/ckpt/1/strange")), 0);
	ckpt(RUN(1), 5, NULL, 0, 0);
	done(RUN(1), 5);
	barrier(5, 1);
	only(RUN(1), 3, 5, 5);
}

/* What a barrier costs does not grow with the epochs, and a directory full of old runs is worked off in parts. */
static void
bounded(void **state)
{
	unsigned most = 0;

	(void)state;
	chain(RUN(1), 1, 500, NULL, 1);
	begin(RUN(2));
	for (uint64_t id = 501; id <= 800; id++) {
		unsigned opens, unlinks = n_unlinks;

		chain(RUN(2), id, id, RUN(2), 6);
		done(RUN(2), id);
		opens = n_opens;
		barrier(id, 1);
		if (n_unlinks - unlinks > 5 * GC_STEP)
			fail_msg("%u removals at one barrier", n_unlinks - unlinks);
		if (id > 600 && n_opens - opens > most)
			most = n_opens - opens;
	}
	assert_true(!run_there(RUN(1)));
	assert_in_range(most, 1, 24);
}

/* The run that was left behind finds its folder gone: 77, and nothing of it comes back as a file of somebody else. */
static void
zombie(void **state)
{
	struct snapshot_meta m = { .stage = "dedupe", .semantic = "1", .config = "", .pipe = "p", .run = RUN(1), .id = 1 };
	struct weir_state *s, *late;
	int dir;

	(void)state;
	assert_true((dir = state_ckpt(d, RUN(1), 1, 1, &f)) >= 0);
	assert_int_equal(snapshot_create(dir, "dedupe.base", &m, &s, &f), 0);
	begin(RUN(2));
	ckpt(RUN(2), 1, NULL, 0, 0);
	done(RUN(2), 1);
	barrier(1, 1);
	assert_true(!run_there(RUN(1)));
	assert_int_equal(snapshot_finish(s, NULL, &f), WEIR_EFENCED);
	assert_non_null(strstr(f.text, "another run has gone on from here"));
	assert_int_equal(snapshot_create(dir, "window-agg.base", &m, &late, &f), WEIR_EFENCED);
	close(dir);
	ckpt(RUN(1), 2, NULL, 0, 0);		/* it may make its folder anew: it is there, and nobody reads it */
	assert_true(there(RUN(1), 2));
}

struct gone {
	char	text[4096];
};

static int
note(void *arg, const char *run, uint64_t id)
{
	struct gone *o = arg;
	size_t n = strlen(o->text);

	snprintf(o->text + n, sizeof o->text - n, "%c/%ju ", run[6], (uintmax_t)id);
	return 0;
}

/* By hand: an epoch that is newer than the newest mark may be committed without one, so it stays. */
static void
by_hand(void **state)
{
	struct gone o = { "" };

	(void)state;
	assert_int_equal(state_gc_all(d, 0, note, &o, &f), 0);	/* nothing there */
	chain(RUN(1), 1, 6, NULL, 1);
	chain(RUN(2), 5, 8, NULL, 1);
	assert_int_equal(state_gc_all(d, 0, note, &o, &f), 0);	/* nothing known */
	assert_string_equal(o.text, "");
	for (uint64_t id = 1; id <= 6; id++)
		done(RUN(1), id);
	assert_int_equal(state_gc_all(d, 1, note, &o, &f), 0);
	assert_string_equal(o.text, "2/6 2/5 1/3 1/2 1/1 ");
	only(RUN(1), 1, 6, 9);
	*o.text = '\0';
	assert_int_equal(state_gc_all(d, 0, note, &o, &f), 0);
	assert_string_equal(o.text, "2/6 2/5 1/3 1/2 1/1 ");
	only(RUN(1), 4, 6, 9);
	only(RUN(2), 7, 8, 9);
}

int
main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keeps_three), TEST(held), TEST(across_runs), TEST(rolled_back), TEST(any_instant), TEST(fails), TEST(bounded), TEST(zombie), TEST(by_hand),
	};

	return cmocka_run_group_tests_name("gc", tests, NULL, NULL);
}
