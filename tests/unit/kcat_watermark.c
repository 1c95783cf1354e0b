#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "watermark.h"

#define S	INT64_C(1000000)
#define NOW	(INT64_C(1767225600) * S)
#define NONE	WATERMARK_NONE

static struct watermark w;

static int
set_up(void **state)
{
	(void)state;
	return watermark_init(&w, 3, 30 * S, 10 * S);
}

static int
tear_down(void **state)
{
	(void)state;
	watermark_free(&w);
	return 0;
}

static void
event(size_t p, int64_t at, int64_t now)
{
	watermark_caught_up(&w, p, 0);
	watermark_arrival(&w, p, now);
	watermark_event(&w, p, at, now);
}

static int64_t
combined(int64_t now)
{
	int64_t at;

	return watermark_combine(&w, now, &at) ? at : NONE;
}

static void
nothing_before_every_partition_has_spoken(void **state)
{
	(void)state;
	assert_int_equal(combined(NOW), NONE);
	event(0, NOW - 100 * S, NOW);
	event(1, NOW - 200 * S, NOW);
	assert_int_equal(combined(NOW), NONE);
	event(2, NOW - 50 * S, NOW);
	assert_int_equal(combined(NOW), NOW - 230 * S);		/* the least, less out_of_order_us */
}

static void
it_never_goes_back_and_is_given_out_once(void **state)
{
	(void)state;
	for (size_t p = 0; p < 3; p++)
		event(p, NOW - 100 * S, NOW);
	assert_int_equal(combined(NOW), NOW - 130 * S);
	assert_int_equal(combined(NOW), NONE);
	for (size_t p = 0; p < 3; p++)
		event(p, NOW - 900 * S, NOW);
	assert_int_equal(combined(NOW), NONE);
	event(0, NOW, NOW);
	event(1, NOW, NOW);
	assert_int_equal(combined(NOW), NONE);			/* the third holds it */
	event(2, NOW - 99 * S, NOW);
	assert_int_equal(combined(NOW), NOW - 129 * S);
}

static void
an_empty_partition_is_idle_once_caught_up(void **state)
{
	(void)state;
	event(0, NOW - 100 * S, NOW);
	event(1, NOW - 90 * S, NOW);
	assert_false(watermark_is_idle(&w, 2, NOW));
	watermark_caught_up(&w, 2, 1);
	assert_true(watermark_is_idle(&w, 2, NOW));
	assert_int_equal(combined(NOW), NOW - 130 * S);
}

static void
a_silent_partition_is_idle_only_when_caught_up(void **state)
{
	(void)state;
	for (size_t p = 0; p < 3; p++)
		event(p, NOW - 100 * S, NOW);
	assert_int_equal(combined(NOW), NOW - 130 * S);
	event(0, NOW, NOW + 20 * S);
	event(1, NOW, NOW + 20 * S);
	assert_int_equal(combined(NOW + 20 * S), NONE);		/* the third has more to read, however long it takes */
	watermark_caught_up(&w, 2, 1);
	assert_false(watermark_is_idle(&w, 2, NOW + 10 * S));	/* more than, not as much as */
	assert_true(watermark_is_idle(&w, 2, NOW + 10 * S + 1));
	assert_int_equal(combined(NOW + 20 * S), NOW - 30 * S);
	watermark_arrival(&w, 2, NOW + 21 * S);
	assert_false(watermark_is_idle(&w, 2, NOW + 21 * S));
}

static void
all_idle_time_goes_on_with_the_clock_but_not_past_it(void **state)
{
	int64_t max = NOW - 100 * S;

	(void)state;
	for (size_t p = 0; p < 3; p++) {
		event(p, max - (int64_t)p * S, NOW - (int64_t)p);
		watermark_caught_up(&w, p, 1);
	}
	assert_int_equal(combined(NOW + 11 * S), max + 11 * S - 30 * S);
	assert_int_equal(combined(NOW + 100 * S), max + 100 * S - 30 * S);
	/* events from the future (less than five minutes): never past the clock */
	event(0, NOW + 100 * S + 290 * S, NOW + 100 * S);
	watermark_caught_up(&w, 0, 1);
	assert_int_equal(combined(NOW + 200 * S), NOW + 200 * S);
}

static void
all_empty_says_nothing(void **state)
{
	(void)state;
	for (size_t p = 0; p < 3; p++)
		watermark_caught_up(&w, p, 1);
	assert_int_equal(combined(NOW), NONE);
	assert_int_equal(combined(NOW + 1000 * S), NONE);
}

static void
the_far_future_moves_nothing(void **state)
{
	(void)state;
	for (size_t p = 0; p < 3; p++)
		event(p, NOW - 100 * S, NOW);
	event(0, NOW + WATERMARK_AHEAD_US + 1, NOW);
	assert_int_equal(w.part[0].max_us, NOW - 100 * S);
	event(0, NOW + WATERMARK_AHEAD_US, NOW);
	assert_int_equal(w.part[0].max_us, NOW + WATERMARK_AHEAD_US);
}

static void
a_clock_set_back_makes_nothing_idle(void **state)
{
	(void)state;
	event(0, NOW, NOW);
	watermark_arrival(&w, 0, NOW - 3600 * S);
	watermark_caught_up(&w, 0, 1);
	assert_false(watermark_is_idle(&w, 0, NOW + S));
}

static void
the_slowest_leaves_out_idle_and_closed_ones(void **state)
{
	(void)state;
	event(0, NOW - 300 * S, NOW);
	event(1, NOW - 200 * S, NOW);
	assert_int_equal(watermark_slowest(&w, NOW), NONE);	/* the third is not known yet */
	event(2, NOW - 100 * S, NOW);
	assert_int_equal(watermark_slowest(&w, NOW), NOW - 300 * S);
	w.part[0].closed = 1;
	assert_int_equal(watermark_slowest(&w, NOW), NOW - 200 * S);
	assert_int_equal(combined(NOW), NOW - 330 * S);		/* closed is not idle */
	watermark_caught_up(&w, 1, 1);
	assert_int_equal(watermark_slowest(&w, NOW + 11 * S), NOW - 100 * S);
	w.part[2].closed = 1;
	assert_int_equal(watermark_slowest(&w, NOW + 11 * S), NONE);
}

static void
a_partition_that_is_added_holds_back_until_it_is_read(void **state)
{
	int64_t at;

	(void)state;
	for (size_t p = 0; p < 3; p++) {
		watermark_arrival(&w, p, NOW);
		watermark_event(&w, p, NOW - (int64_t)p * S, NOW);
	}
	assert_int_equal(watermark_combine(&w, NOW, &at), 1);
	assert_true(at == NOW - 32 * S);
	assert_int_equal(watermark_insert(&w, 1, 2), 0);
	assert_int_equal(w.n, 5);
	assert_true(w.part[0].max_us == NOW && w.part[1].max_us == NONE && w.part[2].max_us == NONE && w.part[3].max_us == NOW - S);
	watermark_event(&w, 4, NOW, NOW);
	assert_int_equal(watermark_combine(&w, NOW, &at), 0);
	watermark_caught_up(&w, 1, 1);			/* empty */
	watermark_event(&w, 2, NOW - 100 * S, NOW);	/* and it does not go back */
	assert_int_equal(watermark_combine(&w, NOW, &at), 0);
	watermark_event(&w, 2, NOW, NOW);
	assert_int_equal(watermark_combine(&w, NOW, &at), 1);
	assert_true(at == NOW - 31 * S);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_before_every_partition_has_spoken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_never_goes_back_and_is_given_out_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_empty_partition_is_idle_once_caught_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_silent_partition_is_idle_only_when_caught_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_idle_time_goes_on_with_the_clock_but_not_past_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_empty_says_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_far_future_moves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_clock_set_back_makes_nothing_idle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_partition_that_is_added_holds_back_until_it_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_slowest_leaves_out_idle_and_closed_ones, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("kcat_watermark", tests, NULL, NULL);
}
