/* State snapshots: what goes in comes out, the same state is the same bytes, and nothing damaged or of another owner is read. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "snapshot.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define RUN	"0000018-0123456789abcdef0123456789abcdef"

static const struct snapshot_meta meta = { .stage = "dedupe", .semantic = "1", .config = "--key id", .pipe = "shop.orders", .run = RUN, .id = 42 };
static struct fail f;
static int dir;

static int
setup(void **state)
{
	return folder_make(state) < 0 || (dir = folder_fd()) < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	close(dir);
	return folder_remove(state);
}

/* Record i: 0 to 99 bytes. */
static size_t
record(uint32_t i, char *p)
{
	size_t n = i * 7 % 100;

	for (size_t k = 0; k < n; k++)
		p[k] = (char)(i * 31 + k * k);
	return n;
}

static void
make(const char *name, uint32_t n)
{
	struct weir_state *s;
	char text[100];

	assert_int_equal(snapshot_create(dir, name, &meta, &s, &f), 0);
	for (uint32_t i = 0; i < n; i++) {
		size_t k = record(i, text);

		assert_int_equal(snapshot_put(s, &k, sizeof k, &f), 0);
		assert_int_equal(snapshot_put(s, text, k, &f), 0);
	}
	assert_int_equal(snapshot_finish(s, NULL, &f), 0);
}

/* All of it, or the first error. */
static int
check(const char *name, uint32_t n)
{
	struct weir_state *s;
	char want[100], text[100];
	uint32_t i = 0;
	size_t k;
	int e;

	if ((e = snapshot_open(dir, name, &meta, &s, &f)))
		return e;
	while ((e = snapshot_get(s, &k, sizeof k, &f)) == 1) {
		assert_int_equal(k, record(i, want));
		assert_int_equal(snapshot_get(s, text, k, &f), 1);
		assert_memory_equal(text, want, k);
		i++;
	}
	if (!e)
		assert_int_equal(i, n);
	snapshot_close(s);
	return e;
}

static void
round_trip(void **state)
{
	static const uint32_t n[] = { 0, 1, 2, 1000, 60000 };	/* the last one takes several frames */

	(void)state;
	for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
		char name[16];

		snprintf(name, sizeof name, "s%zu", i);
		make(name, n[i]);
		assert_int_equal(check(name, n[i]), 0);
	}
}

static void
same_bytes(void **state)
{
	static char a[4 << 20], b[4 << 20];
	ssize_t n;

	(void)state;
	make("a", 60000);
	make("b", 60000);
	n = slurp(in_folder("a"), a, sizeof a);
	assert_true(n > 0);
	assert_int_equal(slurp(in_folder("b"), b, sizeof b), n);
	assert_memory_equal(a, b, (size_t)n);
}

static void
once(void **state)
{
	struct weir_state *s;

	(void)state;
	make("a", 3);
	assert_int_equal(snapshot_create(dir, "a", &meta, &s, &f), 0);
	assert_int_equal(snapshot_finish(s, NULL, &f), WEIR_EFENCED);
	assert_int_equal(check("a", 3), 0);
	assert_int_equal(snapshot_create(dir, "b", &meta, &s, &f), 0);
	snapshot_abort(s);
	assert_int_equal(check("b", 0), WEIR_ESTATE);
	assert_string_equal(f.text, "the state b is missing; --state-reset goes on without it");
}

/* Every byte, every shorter file, and bytes behind the end. */
static void
damage(void **state)
{
	char text[8192];
	ssize_t n;

	(void)state;
	make("a", 10);
	n = slurp(in_folder("a"), text, sizeof text - 1);
	assert_true(n > 100 && n < (ssize_t)sizeof text - 1);
	for (ssize_t i = 0; i < n; i++)
		for (int bit = (int)i % 8; bit < 8; bit += 8) {	/* one bit each, another one each time */
			text[i] ^= (char)(1 << bit);
			assert_int_equal(spill(in_folder("b"), text, (size_t)n), 0);
			text[i] ^= (char)(1 << bit);
			if (check("b", 10) != WEIR_ESTATE)
				fail_msg("bit %d of byte %zd of %zd may flip", bit, i, n);
		}
	for (ssize_t i = 0; i < n; i++) {
		assert_int_equal(spill(in_folder("b"), text, (size_t)i), 0);
		if (check("b", 10) != WEIR_ESTATE)
			fail_msg("%zd of %zd bytes are taken for the whole", i, n);
	}
	text[n] = 0;
	assert_int_equal(spill(in_folder("b"), text, (size_t)n + 1), 0);
	assert_int_equal(check("b", 10), WEIR_ESTATE);
	assert_int_equal(spill(in_folder("b"), text, (size_t)n), 0);
	assert_int_equal(check("b", 10), 0);
}

static unsigned n_files, n_flips, n_missed;

/* Each byte of a small file, 2,048 of a big one and all of its two ends. */
static int
flip_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static char text[1 << 20];
	const char *dot = strrchr(path, '.');
	struct weir_state *s;
	ssize_t n;

	(void)ftw;
	if (type != FTW_F || !dot || (strcmp(dot, ".base") && strcmp(dot, ".zst")))
		return 0;
	n = slurp(path, text, sizeof text);
	if (n != st->st_size || spill(in_folder("g"), text, (size_t)n) != 0 || snapshot_open(dir, "g", NULL, &s, &f) != 0)
		return -1;
	snapshot_close(s);
	n_files++;
	for (ssize_t i = 0; i < n; i += i < 512 || i > n - 64 || n < 4096 ? 1 : n / 2048) {
		text[i] ^= (char)(1 << i % 8);
		if (spill(in_folder("g"), text, (size_t)n) != 0)
			return -1;
		text[i] ^= (char)(1 << i % 8);
		n_flips++;
		if (snapshot_open(dir, "g", NULL, &s, &f) == 0) {
			n_missed++;
			snapshot_close(s);
		}
	}
	return 0;
}

/* Real snapshots of every stage that has some, whoever they belong to: a flipped bit is seen wherever it is. */
static void
golden(void **state)
{
	const char *top = getenv("top_srcdir");
	char path[PATH_MAX];

	(void)state;
	if (!top)
		skip();
	snprintf(path, sizeof path, "%s/tests/golden", top);
	n_files = n_flips = n_missed = 0;
	assert_int_equal(nftw(path, flip_file, 8, FTW_PHYS), 0);
	print_message("# %u bytes flipped in %u golden snapshots, %u seen\n", n_flips, n_files, n_flips - n_missed);
	assert_true(n_files >= 6 && n_flips > 10000);
	assert_int_equal(n_missed, 0);
}

static void
opens(const struct snapshot_meta *want, const char *sentence)
{
	struct weir_state *s;
	int e = snapshot_open(dir, "a", want, &s, &f);

	assert_int_equal(e, sentence ? WEIR_ESTATE : 0);
	if (sentence && !strstr(f.text, sentence))
		fail_msg("'%s' is not in '%s'", sentence, f.text);
	snapshot_close(s);
}

static void
whose(void **state)
{
	struct snapshot_meta m = meta;

	(void)state;
	make("a", 1);
	opens(&meta, NULL);
	m.stage = "window-agg";
	opens(&m, "was made by dedupe version 1, this is window-agg version 1; --state-reset");
	m = meta;
	m.semantic = "2";
	opens(&m, "this is dedupe version 2");
	m = meta;
	m.config = "--key other";
	opens(&m, "was made with --key id, now it is --key other");
	m = meta;
	m.pipe = "shop.other";
	opens(&m, "belongs to the pipeline shop.orders, not to shop.other");
	m.pipe = "";
	opens(&m, NULL);
	m.id = 7;
	opens(&m, "is of checkpoint " RUN "/42, it was put here from there");
	m = meta;
	m.run = "another";
	opens(&m, "is of checkpoint " RUN "/42, it was put here from there");
	m.run = "";		/* whichever it is of */
	m.id = 7;
	opens(&m, NULL);
	opens(NULL, NULL);
}

/* What was put in pieces may be read in one, and the other way round, across frames too; never past the end. */
static void
pieces(void **state)
{
	enum { N = 200001, PIECE = 9 };	/* frames end within pieces of a reader */
	struct weir_state *s;
	uint32_t got[PIECE], i;

	(void)state;
	assert_int_equal(snapshot_create(dir, "a", &meta, &s, &f), 0);
	for (i = 0; i < N * PIECE; i++)
		assert_int_equal(snapshot_put(s, &i, sizeof i, &f), 0);
	assert_int_equal(snapshot_put(s, "tail", 4, &f), 0);
	assert_int_equal(snapshot_finish(s, NULL, &f), 0);
	assert_int_equal(snapshot_open(dir, "a", &meta, &s, &f), 0);
	for (i = 0; i < N * PIECE; i += PIECE) {
		if (snapshot_get(s, got, sizeof got, &f) != 1)
			fail_msg("%s", f.text);
		for (uint32_t k = 0; k < PIECE; k++)
			assert_int_equal(got[k], i + k);
	}
	assert_int_equal(snapshot_get(s, got, 0, &f), 1);
	assert_int_equal(snapshot_get(s, got, 5, &f), WEIR_ESTATE);
	snapshot_close(s);
}

static void
limits(void **state)
{
	struct snapshot_meta m = meta;
	size_t n = 80u << 20;
	char *big = calloc(1, n);
	struct weir_state *s;

	(void)state;
	assert_non_null(big);
	assert_int_equal(snapshot_create(dir, "a", &meta, &s, &f), 0);
	assert_int_equal(snapshot_put(s, big, n, &f), WEIR_ECONFIG);
	snapshot_abort(s);
	memset(big, 'x', 70000);
	m.config = big;
	assert_int_equal(snapshot_create(dir, "a", &m, &s, &f), WEIR_ECONFIG);	/* it could not be read again */
	m.config = "--where \xff";
	assert_int_equal(snapshot_create(dir, "a", &m, &s, &f), WEIR_ECONFIG);
	free(big);
}

int
main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(round_trip), TEST(same_bytes), TEST(once), TEST(damage), TEST(golden), TEST(whose), TEST(pieces), TEST(limits),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
