#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include "offsets.h"
#include "weir.h"

/* It has a macro fail(), our headers a function. */
#include <cmocka.h>

static struct fail f;
static struct parts ps;

static int
set_up(void **state)
{
	(void)state;
	memset(&ps, 0, sizeof ps);
	if (parts_add(&ps, "clicks", 12, &(struct partitions){ 0 }, &f) || parts_add(&ps, "orders", 3, &(struct partitions){ 0 }, &f))
		return -1;
	for (size_t i = 0; i < ps.n; i++) {
		ps.part[i].low = 100;
		ps.part[i].high = 200;
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	parts_free(&ps);
	return 0;
}

static int
plan(size_t i, const char *where, int bounded, int skip, int64_t *lost)
{
	struct offsets o = { 0 };

	if (where)
		assert_int_equal(options_offset(where, &o, &f), 0);
	return parts_plan(&ps, i, &o, bounded, skip, lost, &f);
}

static void
partitions_are_found(void **state)
{
	struct parts few = { 0 };
	struct partitions which = { 0 };

	(void)state;
	assert_int_equal(ps.n, 15);
	assert_int_equal(parts_topic(&ps, "clicks"), 0);
	assert_int_equal(parts_topic(&ps, "orders"), 1);
	assert_int_equal(parts_topic(&ps, "nobody"), -1);
	assert_int_equal(parts_find(&ps, 1, 2), 14);
	assert_int_equal(parts_find(&ps, 1, 3), -1);
	assert_int_equal(options_partitions("1,4-6,9", &which, &f), 0);
	assert_int_equal(parts_add(&few, "t", 8, &which, &f), 0);
	assert_int_equal(few.n, 4);
	assert_int_equal(parts_find(&few, 0, 1), 0);
	assert_int_equal(parts_find(&few, 0, 6), 3);
	assert_int_equal(parts_find(&few, 0, 0), -1);
	assert_int_equal(parts_find(&few, 0, 9), -1);
	parts_free(&few);
}

static void
every_start_leads_somewhere(void **state)
{
	static const struct {
		const char	*where;
		int64_t		 next;
	} want[] = { { NULL, 100 }, { "beginning", 100 }, { "end", 200 }, { "150", 150 }, { "200", 200 }, { "-5", 195 }, { "-500", 100 }, { "stored", 100 },
		{ "s@2026-01-01", 200 } };
	int64_t lost;

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		assert_int_equal(plan(0, want[i].where, 1, 0, &lost), 0);
		assert_int_equal(ps.part[0].next, want[i].next);
		assert_int_equal(ps.part[0].end, 200);
		assert_int_equal(ps.part[0].done, want[i].next == 200);
		assert_int_equal(plan(0, want[i].where, 0, 0, &lost), 0);
		assert_int_equal(ps.part[0].end, OFFSETS_NO_END);
		assert_int_equal(ps.part[0].done, 0);
	}
	ps.part[0].committed = 120;
	assert_int_equal(plan(0, "stored", 1, 0, &lost), 0);
	assert_int_equal(ps.part[0].next, 120);
	ps.part[0].at_start = 130;
	assert_int_equal(plan(0, "s@2026-01-01", 1, 0, &lost), 0);
	assert_int_equal(ps.part[0].next, 130);
	ps.part[0].at_stop = 140;
	assert_int_equal(plan(0, "e@2026-01-01", 0, 0, &lost), 0);
	assert_int_equal(ps.part[0].end, 140);
	ps.part[0].at_stop = OFFSETS_NONE;		/* nothing that late: the end as it is now */
	assert_int_equal(plan(0, "e@2026-01-01", 0, 0, &lost), 0);
	assert_int_equal(ps.part[0].end, 200);
}

static void
gaps_stop_or_are_skipped(void **state)
{
	int64_t lost;

	(void)state;
	ps.part[14].low = 120944;
	ps.part[14].high = 130000;
	assert_int_equal(plan(14, "8832", 1, 0, &lost), WEIR_EOFFSET);
	assert_string_equal(f.text, "orders/2: offset 8832 is gone; the oldest is 120944, so 112,112 events are lost. "
	    "To go on without them: --on-gap skip. Nothing was committed");
	assert_int_equal(plan(14, "8832", 1, 1, &lost), 0);
	assert_int_equal(lost, 112112);
	assert_int_equal(ps.part[14].next, 8832);	/* hello says where the last run stopped */
	parts_jump(&ps);
	assert_int_equal(ps.part[14].next, 120944);
	assert_int_equal(plan(14, "130001", 1, 1, &lost), WEIR_EOFFSET);
	assert_non_null(strstr(f.text, "beyond the end"));
}

static void
a_position_beats_the_option(void **state)
{
	int64_t lost;

	(void)state;
	assert_int_equal(parts_seek(&ps, "{\"topics\":{\"orders\":{\"next\":{\"0\":\"150\",\"2\":\"201\"}}}}", &f), 0);
	assert_int_equal(plan(12, "end", 1, 0, &lost), 0);
	assert_int_equal(ps.part[12].next, 150);
	ps.part[13].low = 0;
	assert_int_equal(plan(13, "end", 1, 0, &lost), 0);	/* added since: from 0, whatever -o says */
	assert_int_equal(ps.part[13].next, 0);
	assert_int_equal(plan(14, NULL, 1, 0, &lost), WEIR_EOFFSET);
	assert_non_null(strstr(f.text, "made anew"));
	assert_int_equal(parts_seek(&ps, "{}", &f), 0);		/* a position of nothing: -o holds */
	assert_int_equal(plan(12, "end", 1, 0, &lost), 0);
	assert_int_equal(ps.part[12].next, 200);
}

static void
bad_positions_are_refused(void **state)
{
	static const char *const bad[] = { "", "[]", "7", "{", "{\"topics\":{\"t\":{\"next\":{\"0\":5}}}}", "{\"topics\":{\"t\":{\"next\":{\"0\":\"-5\"}}}}",
		"{\"topics\":{\"t\":{\"next\":{\"0\":\"5x\"}}}}", "{\"topics\":{\"t\":{\"next\":{\"0\":\"99999999999999999999\"}}}}", "{\"topics\":{},\"topics\":{}}" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(parts_seek(&ps, bad[i], &f), WEIR_EUSAGE);
}

static void
another_cluster_or_topic_is_seen(void **state)
{
	(void)state;
	ps.cluster = strdup("C1");
	ps.topic[1].id = strdup("T1");
	assert_int_equal(parts_seek(&ps, "{\"cluster\":\"C1\",\"topics\":{\"orders\":{\"id\":\"T1\",\"next\":{\"0\":\"1\"}}}}", &f), 0);
	assert_int_equal(parts_same(&ps, &f), 0);
	assert_int_equal(parts_seek(&ps, "{\"cluster\":\"C1\",\"topics\":{\"orders\":{\"next\":{\"0\":\"1\"}}}}", &f), 0);
	assert_int_equal(parts_same(&ps, &f), 0);			/* an older library knew no ids */
	assert_int_equal(parts_seek(&ps, "{\"cluster\":\"C2\",\"topics\":{}}", &f), 0);
	assert_int_equal(parts_same(&ps, &f), WEIR_EOFFSET);
	assert_int_equal(parts_seek(&ps, "{\"cluster\":\"C1\",\"topics\":{\"orders\":{\"id\":\"T0\",\"next\":{\"0\":\"1\"}}}}", &f), 0);
	assert_int_equal(parts_same(&ps, &f), WEIR_EOFFSET);
}

static void
the_position_is_sorted_and_carries_the_rest_forward(void **state)
{
	struct parts one = { 0 };
	char *text, *again;

	(void)state;
	for (size_t i = 0; i < ps.n; i++)
		ps.part[i].next = (int64_t)i;
	text = parts_position(&ps);
	assert_string_equal(text, "{\"topics\":{\"clicks\":{\"next\":{\"0\":\"0\",\"1\":\"1\",\"10\":\"10\",\"11\":\"11\",\"2\":\"2\",\"3\":\"3\",\"4\":\"4\",\"5\":\"5\","
	    "\"6\":\"6\",\"7\":\"7\",\"8\":\"8\",\"9\":\"9\"}},\"orders\":{\"next\":{\"0\":\"12\",\"1\":\"13\",\"2\":\"14\"}}}}");
	assert_int_equal(parts_seek(&ps, text, &f), 0);
	again = parts_position(&ps);
	assert_string_equal(text, again);
	free(again);
	free(text);
	assert_int_equal(parts_add(&one, "orders", 1, &(struct partitions){ 0 }, &f), 0);
	assert_int_equal(parts_seek(&one, "{\"cluster\":\"C\",\"topics\":{\"clicks\":{\"next\":{\"0\":\"7\"}},\"orders\":{\"id\":\"T\",\"le\":{\"0\":\"2\"},"
	    "\"next\":{\"0\":\"8\",\"1\":\"9\"}}}}", &f), 0);
	one.part[0].next = 80;
	one.part[0].leader_epoch = 3;
	text = parts_position(&one);
	assert_string_equal(text, "{\"cluster\":\"C\",\"topics\":{\"clicks\":{\"next\":{\"0\":\"7\"}},\"orders\":{\"id\":\"T\",\"le\":{\"0\":\"3\"},"
	    "\"next\":{\"0\":\"80\",\"1\":\"9\"}}}}");
	free(text);
	parts_free(&one);
}

static void
numbers_are_grouped(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(parts_number(0, text), "0");
	assert_string_equal(parts_number(999, text), "999");
	assert_string_equal(parts_number(1000, text), "1,000");
	assert_string_equal(parts_number(-123456, text), "-123,456");
	assert_string_equal(parts_number(INT64_MAX, text), "9,223,372,036,854,775,807");
}

#define T(t)	cmocka_unit_test_setup_teardown(t, set_up, tear_down)

static void
added_partitions_stand_behind_their_topic(void **state)
{
	struct partitions odd = { .shard = 1, .n_shards = 2 };
	size_t at;

	(void)state;
	ps.part[12].next = 77;				/* orders/0 */
	assert_int_equal(parts_grow(&ps, 0, 12, &(struct partitions){ 0 }, &at, &f), 0);
	assert_int_equal(ps.n, 15);
	assert_int_equal(parts_grow(&ps, 0, 15, &odd, &at, &f), 1);	/* 12 to 14: of them only 13 */
	assert_int_equal(at, 12);
	assert_int_equal(ps.n, 16);
	assert_int_equal(ps.part[12].partition, 13);
	assert_int_equal(ps.part[12].next, 0);
	assert_true(ps.part[12].end == OFFSETS_NO_END && !ps.part[12].done);
	assert_int_equal(ps.part[13].next, 77);
	assert_int_equal(parts_find(&ps, 0, 13), 12);
	assert_int_equal(parts_find(&ps, 0, 12), -1);
	assert_int_equal(parts_find(&ps, 1, 0), 13);
	assert_int_equal(parts_grow(&ps, 0, 14, &odd, &at, &f), 0);	/* a broker that lags behind */
	assert_int_equal(ps.topic[0].n_partitions, 15);
	assert_int_equal(parts_grow(&ps, 1, OFFSETS_MAX_PARTS + 1, &(struct partitions){ 0 }, &at, &f), WEIR_ECONFIG);
}

static void
a_record_proves_its_topic(void **state)
{
	const struct proof was = { .offset = 150, .ms = 1000, .hash = 42, .leader_epoch = 3 };
	struct proof now = was;

	(void)state;
	assert_int_equal(ps.part[13].last.offset, OFFSETS_NONE);
	ps.part[13].last = was;
	assert_int_equal(parts_proven(&ps, 13, &now, &f), 0);
	now.leader_epoch = -1;				/* a library that does not tell */
	assert_int_equal(parts_proven(&ps, 13, &now, &f), 0);
	now.leader_epoch = 4;
	assert_int_equal(parts_proven(&ps, 13, &now, &f), WEIR_EOFFSET);
	now = was;
	now.ms++;
	assert_int_equal(parts_proven(&ps, 13, &now, &f), WEIR_EOFFSET);
	assert_non_null(strstr(f.text, "orders/1: the record at offset 150"));
	assert_non_null(strstr(f.text, "made anew"));
	now = was;
	now.hash++;
	assert_int_equal(parts_proven(&ps, 13, &now, &f), WEIR_EOFFSET);
	now.offset++;					/* the one before was compacted away */
	assert_int_equal(parts_proven(&ps, 13, &now, &f), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(partitions_are_found), T(every_start_leads_somewhere), T(gaps_stop_or_are_skipped), T(added_partitions_stand_behind_their_topic), T(a_record_proves_its_topic), T(a_position_beats_the_option),
		T(bad_positions_are_refused), T(another_cluster_or_topic_is_seen), T(the_position_is_sorted_and_carries_the_rest_forward),
		T(numbers_are_grouped),
	};

	return cmocka_run_group_tests_name("kcat_offsets", tests, NULL, NULL);
}
