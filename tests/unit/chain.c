/* Bases and deltas: when the next snapshot is a base, and that the longest chain is read whole. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "folder.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define RUN	"0000001-0123456789abcdef0123456789abcdef"

static struct state_dir *d;
static struct fail f;

static int
setup(void **state)
{
	return folder_make(state) < 0 || state_open(in_folder("s"), "p", "0/1", &d, &f);
}

static int
teardown(void **state)
{
	state_close(d);
	return folder_remove(state);
}

/* How many deltas follow a base. */
static unsigned
deltas(uint64_t base_bytes, uint64_t delta_bytes)
{
	struct chain c = { .depth = 0 };
	unsigned n = 0;

	chain_add(&c, RUN "/1", 1, base_bytes);
	for (; !chain_wants_base(&c); n++)
		chain_add(&c, RUN "/2", 0, delta_bytes);
	chain_add(&c, RUN "/3", 1, base_bytes);
	assert_int_equal(chain_wants_base(&c), base_bytes < CHAIN_SMALL_BYTES);
	return n;
}

static void
policy(void **state)
{
	struct chain none = { .depth = 0 };

	(void)state;
	assert_true(chain_wants_base(&none));
	assert_int_equal(deltas(CHAIN_SMALL_BYTES - 1, 1), 0);
	assert_int_equal(deltas(CHAIN_SMALL_BYTES, 1), CHAIN_DELTAS);
	/* A stream of new keys alone, its epochs alike: each key is written once, and as often again as bases are made: at 1, 5, 17 ... */
	assert_int_equal(deltas(1000000, 1000000), 3);
	assert_int_equal(deltas(5000000, 1000000), 11);
	assert_int_equal(deltas(1000000, 2000001), 1);
	assert_int_equal(deltas(UINT64_MAX / 4, 1), CHAIN_DELTAS);
}

/* The snapshot `id` of the run, on the one before it unless it is the first. */
static void
put(uint64_t id)
{
	char token[TOKEN_SIZE];
	struct snapshot_meta m = { .stage = "dedupe", .semantic = "1", .config = "", .pipe = "p", .run = RUN, .id = id, .depth = (unsigned)id - 1,
		.on = id > 1 ? token : NULL };
	struct weir_state *s;
	int dir = state_ckpt(d, RUN, id, 1, &f);

	assert_true(dir >= 0);
	token_format(RUN, id - 1, token);
	assert_int_equal(snapshot_create(dir, id > 1 ? "dedupe" CHAIN_DELTA : "dedupe" CHAIN_BASE, &m, &s, &f), 0);
	assert_int_equal(snapshot_put(s, &id, sizeof id, &f), 0);
	assert_int_equal(snapshot_finish(s, NULL, &f), 0);
	close(dir);
}

static int
open_chain(uint64_t id, struct weir_state *file[CHAIN_DELTAS + 1], size_t *n, struct chain *c)
{
	char token[TOKEN_SIZE];

	token_format(RUN, id, token);
	return chain_open(d, token, "dedupe", NULL, file, n, c, &f);
}

static void
longest(void **state)
{
	struct weir_state *file[CHAIN_DELTAS + 1];
	struct chain c;
	uint64_t id;
	size_t n;

	(void)state;
	for (id = 1; id <= CHAIN_DELTAS + 2; id++)
		put(id);
	assert_int_equal(open_chain(CHAIN_DELTAS + 1, file, &n, &c), 0);
	assert_int_equal(n, CHAIN_DELTAS + 1);
	assert_int_equal(c.depth, CHAIN_DELTAS);
	assert_true(chain_wants_base(&c));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(snapshot_get(file[i], &id, sizeof id, &f), 1);
		assert_int_equal(id, i + 1);
		snapshot_close(file[i]);
	}
	/* One more is of no weir that made this. */
	assert_int_equal(open_chain(CHAIN_DELTAS + 2, file, &n, &c), WEIR_ESTATE);
	assert_non_null(strstr(f.text, "does not fit"));
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy), cmocka_unit_test_setup_teardown(longest, setup, teardown),
	};

	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
