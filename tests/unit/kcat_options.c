#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include "options.h"
#include "weir.h"

/* It has a macro fail(), our headers a function. */
#include <cmocka.h>

static struct fail f;

static void
offsets_in_all_forms(void **state)
{
	static const struct {
		const char	*text;
		int		 start;
		int64_t		 at;
	} good[] = {
		{ "beginning", START_BEGINNING, 0 }, { "earliest", START_BEGINNING, 0 }, { "end", START_END, 0 }, { "latest", START_END, 0 },
		{ "stored", START_STORED, 0 }, { "0", START_AT, 0 }, { "8812", START_AT, 8812 }, { "-5", START_TAIL, 5 },
		{ "9223372036854775807", START_AT, INT64_MAX }, { "s@1767225600123", START_TIME, INT64_C(1767225600123) },
		{ "s@2026-01-01T00:00:00.5Z", START_TIME, INT64_C(1767225600500) }, { "s@2026-01-01T01:00:00+01:00", START_TIME, INT64_C(1767225600000) },
		{ "s@2026-01-01", START_TIME, INT64_C(1767225600000) }, { "s@1969-12-31T23:59:59.9999Z", START_TIME, -1 },
	};
	static const char *const bad[] = { "", "-", "x", "5x", "--5", "+5", "s@", "s@noon", "s@-5", "e@", "9223372036854775808", "begin", " 5", "5 " };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct offsets o = { 0 };

		assert_int_equal(options_offset(good[i].text, &o, &f), 0);
		assert_int_equal(o.start, good[i].start);
		assert_int_equal(o.at, good[i].at);
		assert_int_equal(o.given, 1);
		assert_int_equal(o.stops, 0);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct offsets o = { 0 };

		assert_int_equal(options_offset(bad[i], &o, &f), WEIR_EUSAGE);
		assert_non_null(strstr(f.text, "-o"));
	}
}

static void
a_start_and_a_stop_together(void **state)
{
	struct offsets o = { 0 };

	(void)state;
	assert_int_equal(options_offset("e@2026-01-02", &o, &f), 0);
	assert_int_equal(o.given, 0);
	assert_int_equal(options_offset("s@2026-01-01", &o, &f), 0);
	assert_int_equal(o.stop_ms - o.at, 86400000);
	assert_int_equal(options_offset("5", &o, &f), WEIR_EUSAGE);
	assert_int_equal(options_offset("e@1", &o, &f), WEIR_EUSAGE);
}

static void
partitions_and_shards(void **state)
{
	static const char *const bad[] = { "", "x", "1,", ",1", "1-", "-2", "5-2", "1,,2", "1;2", "99999999999", "1 ", "1-2-3" };
	struct partitions ps = { 0 };
	char many[512] = "0";

	(void)state;
	assert_true(partitions_have(&ps, 0) && partitions_have(&ps, 999));
	assert_int_equal(options_partitions("-1", &ps, &f), 0);
	assert_true(partitions_have(&ps, 7));
	assert_int_equal(options_partitions("0,2,5-7", &ps, &f), 0);
	for (int32_t p = 0; p < 10; p++)
		assert_int_equal(partitions_have(&ps, p), p == 0 || p == 2 || (p >= 5 && p <= 7));
	assert_int_equal(options_shard("1/2", &ps, &f), 0);
	for (int32_t p = 0; p < 10; p++)
		assert_int_equal(partitions_have(&ps, p), p == 5 || p == 7);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct partitions none = { 0 };

		assert_int_equal(options_partitions(bad[i], &none, &f), WEIR_EUSAGE);
	}
	for (int i = 1; i < 65; i++)
		strcat(many, ",1");
	ps.n = 0;
	assert_int_equal(options_partitions(many, &ps, &f), WEIR_EUSAGE);
	assert_int_equal(options_shard("2/2", &ps, &f), WEIR_EUSAGE);
	assert_int_equal(options_shard("0/0", &ps, &f), WEIR_EUSAGE);
	assert_int_equal(options_shard("1", &ps, &f), WEIR_EUSAGE);
	assert_int_equal(options_shard("1/2x", &ps, &f), WEIR_EUSAGE);
	assert_int_equal(options_shard("-1/2", &ps, &f), WEIR_EUSAGE);
}

static void
names_of_topics(void **state)
{
	struct names ns = { 0 };

	(void)state;
	assert_int_equal(names_add(&ns, "a,b,a", &f), 0);
	assert_int_equal(names_add(&ns, "b", &f), 0);
	assert_int_equal(ns.n, 2);
	assert_false(names_has_regex(&ns));
	assert_int_equal(names_add(&ns, "^x{1,2}$", &f), 0);
	assert_int_equal(ns.n, 3);
	assert_string_equal(ns.item[2], "^x{1,2}$");
	assert_true(names_has_regex(&ns));
	assert_int_equal(names_add(&ns, "", &f), WEIR_EUSAGE);
	assert_int_equal(names_add(&ns, "a,,b", &f), WEIR_EUSAGE);
	names_free(&ns);
}

static void
similar_names(void **state)
{
	static const char *const all[] = { "customers", "orders", "orders-eu", "orders-us", "ordre", "payments" };
	char text[256];

	(void)state;
	names_similar("order", all, 6, text, sizeof text);
	assert_string_equal(text, "; similar: orders, orders-eu, orders-us");
	names_similar("ORDERS", all, 6, text, sizeof text);
	assert_int_equal(strncmp(text, "; similar: orders, ", 19), 0);
	names_similar("paymnets", all, 6, text, sizeof text);
	assert_string_equal(text, "; similar: payments");
	names_similar("zzzzzz", all, 6, text, sizeof text);
	assert_string_equal(text, "");
	names_similar("order", all, 6, text, 16);
	assert_true(strlen(text) < 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_in_all_forms), cmocka_unit_test(a_start_and_a_stop_together), cmocka_unit_test(partitions_and_shards),
		cmocka_unit_test(names_of_topics), cmocka_unit_test(similar_names),
	};

	return cmocka_run_group_tests_name("kcat_options", tests, NULL, NULL);
}
