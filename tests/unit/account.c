/* The balance of a chain: right as it stands, and wrong when any one count is. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static struct fail f;

/* A source, two filters, one that makes events of its own, a sink. */
static json_t *
chain(void)
{
	static const struct { const char *name; struct account a; } stage[] = {
		{ "kcat-in", { .emitted = 100, .in = 3, .verdict[WEIR_REJECTED] = 3 } },
		{ "validate", { .in = 100, .verdict = { [WEIR_PASSED] = 90, [WEIR_FILTERED] = 4, [WEIR_REJECTED] = 6 } } },
		{ "dedupe", { .in = 90, .verdict = { [WEIR_PASSED] = 80, [WEIR_DUPLICATE] = 9, [WEIR_LATE] = 1 } } },
		{ "window-agg", { .in = 80, .emitted = 5, .verdict = { [WEIR_TAKEN] = 78, [WEIR_LATE] = 2 } } },
		{ "iceberg-out", { .in = 5, .verdict = { [WEIR_TAKEN] = 4, [WEIR_REJECTED] = 1 } } },
	};
	json_t *acct = json_object();

	for (size_t i = 0; i < sizeof stage / sizeof *stage; i++)
		assert_int_equal(account_put(acct, i, stage[i].name, &stage[i].a), 0);
	return acct;
}

static void
text_of(void **state)
{
	json_t *acct = chain();
	const json_t *e;
	const char *name;
	char *text = json_dumps(acct, JSON_COMPACT | JSON_SORT_KEYS);

	(void)state;
	assert_string_equal(text, "{\"0.kcat-in\":{\"emitted\":\"100\",\"in\":\"3\",\"rejected\":\"3\"},"
	    "\"1.validate\":{\"filtered\":\"4\",\"in\":\"100\",\"passed\":\"90\",\"rejected\":\"6\"},"
	    "\"2.dedupe\":{\"duplicate\":\"9\",\"in\":\"90\",\"late\":\"1\",\"passed\":\"80\"},"
	    "\"3.window-agg\":{\"emitted\":\"5\",\"in\":\"80\",\"late\":\"2\",\"taken\":\"78\"},"
	    "\"4.iceberg-out\":{\"in\":\"5\",\"rejected\":\"1\",\"taken\":\"4\"}}");
	free(text);
	e = account_stage(acct, 2, &name);
	assert_string_equal(name, "dedupe");
	assert_int_equal(account_count(e, "late"), 1);
	assert_int_equal(account_count(e, "taken"), 0);
	assert_null(account_stage(acct, 5, &name));
	json_decref(acct);
}

static void
balanced(void **state)
{
	static const struct account nothing;
	json_t *acct = chain();

	(void)state;
	assert_int_equal(account_check(acct, &f), 0);
	json_decref(acct);
	acct = json_object();
	assert_int_equal(account_check(acct, &f), 0);
	assert_int_equal(account_put(acct, 0, "a", &nothing), 0);
	assert_int_equal(account_put(acct, 1, "b", &nothing), 0);
	assert_int_equal(account_check(acct, &f), 0);
	json_decref(acct);
}

/* Each count of each stage, those of zero too, one more and one less. */
static void
every_count(void **state)
{
	static const char *const what[] = { "in", "emitted", "passed", "filtered", "taken", "rejected", "late", "duplicate" };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		for (size_t w = 0; w < sizeof what / sizeof *what; w++)
			for (int by = -1; by <= 1; by += 2) {
				json_t *acct = chain(), *e;
				const char *name;
				char text[24];
				uint64_t n;

				e = (json_t *)(uintptr_t)account_stage(acct, i, &name);
				n = account_count(e, what[w]);
				if (i == 4 && !strcmp(what[w], "emitted")) {	/* nobody counts what leaves the last stage */
					json_decref(acct);
					continue;
				}
				if (n || by > 0) {
					snprintf(text, sizeof text, "%llu", (unsigned long long)n + (unsigned long long)by);
					json_object_set_new(e, what[w], json_string(text));
					if (account_check(acct, &f) != WEIR_EBUG)
						fail_msg("%s of %s may be %s", what[w], name, text);
					assert_non_null(strstr(f.text, "this is a bug, nothing is committed"));
				}
				json_decref(acct);
			}
}

/* A stage whose account is not there at all. */
static void
missing(void **state)
{
	static const char *const key[] = { "0.kcat-in", "1.validate", "2.dedupe", "3.window-agg" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		json_t *acct = chain();

		assert_int_equal(json_object_del(acct, key[i]), 0);
		assert_int_equal(account_check(acct, &f), WEIR_EBUG);
		json_decref(acct);
	}
}

/* Stage 1 is not stage 10. */
static void
many_stages(void **state)
{
	struct account a = { .in = 1, .verdict[WEIR_PASSED] = 1 };
	json_t *acct = json_object();
	const char *name;

	(void)state;
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(account_put(acct, 11 - i, i == 0 ? "last" : "x", &a), 0);
	assert_int_equal(account_check(acct, &f), 0);
	assert_non_null(account_stage(acct, 11, &name));
	assert_string_equal(name, "last");
	assert_non_null(account_stage(acct, 1, &name));
	assert_string_equal(name, "x");
	json_decref(acct);
}

static void
sums(void **state)
{
	json_t *sum = json_object(), *acct = chain();
	const char *name;
	struct account a = { .in = 3, .emitted = 1, .verdict = { 1, 2 } }, b = { .in = 4, .verdict = { 4 } };

	(void)state;
	assert_int_equal(account_merge(sum, acct), 0);
	assert_true(json_equal(sum, acct));
	assert_int_equal(account_merge(sum, acct), 0);
	assert_int_equal(account_count(account_stage(sum, 1, &name), "passed"), 180);
	assert_int_equal(account_check(sum, &f), 0);
	/* a foreign filter's mark is no count */
	json_object_set_new(json_object_get(acct, json_object_iter_key(json_object_iter(acct))), "foreign", json_string("1"));
	assert_int_equal(account_merge(sum, acct), 0);
	assert_int_equal(account_merge(sum, acct), 0);
	assert_int_equal(account_count(json_object_get(sum, json_object_iter_key(json_object_iter(acct))), "foreign"), 1);
	account_add(&b, &a);
	assert_int_equal(b.in, 7);
	assert_int_equal(b.emitted, 1);
	assert_int_equal(b.verdict[WEIR_PASSED], 5);
	assert_int_equal(b.verdict[WEIR_FILTERED], 2);
	json_decref(sum);
	json_decref(acct);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of), cmocka_unit_test(balanced), cmocka_unit_test(every_count), cmocka_unit_test(missing), cmocka_unit_test(many_stages),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
