#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "events.h"

#define N	20000

static const struct events_options usual = { 7, N, 500, 0.02, 0.03, 0.01 };

static json_t *
truth_of(const struct events *g)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	json_t *o;

	assert_non_null(f);
	assert_int_equal(events_truth(g, f), 0);
	fclose(f);
	o = json_loads(text, 0, NULL);
	free(text);
	assert_non_null(o);
	return o;
}

static json_int_t
count(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* What the lines say, counted by another way than the generator's. */
static void
the_truth_is_what_the_lines_say(void **state)
{
	struct events *g = events_new(&usual);
	json_t *seen = json_object(), *minutes = json_object(), *truth, *w, *e;
	json_int_t lines = 0, bad = 0, dup = 0, cents = 0, windows = 0;
	char line[EVENTS_LINE + 1], amount[64], key[128];
	uint64_t user;
	size_t n, i;

	(void)state;
	while ((n = events_next(g, line, &user))) {
		const char *id, *region, *number;

		line[n] = 0;
		lines++;
		e = json_loads(line, JSON_DECODE_INT_AS_REAL, NULL);
		id = json_string_value(json_object_get(e, "event_id"));
		region = json_string_value(json_object_get(e, "region"));
		if (!e || !id || !strcmp(region, "mars-north-1") || !json_is_real(json_object_get(e, "amount"))) {
			bad++;
		} else if (json_object_get(seen, id)) {
			dup++;
		} else {
			assert_int_equal(strlen(id), 36);
			assert_int_equal(id[14], '4');
			assert_int_equal((uint64_t)json_real_value(json_object_get(json_object_get(e, "user"), "id")), user);
			json_object_set_new(seen, id, json_true());
			number = strstr(line, "\"amount\":") + 9;
			assert_non_null(strchr(number, '.'));
			cents += atoll(number) * 100 + atoll(strchr(number, '.') + 1);
			snprintf(key, sizeof key, "%.16s %s %s", json_string_value(json_object_get(e, "event_time")), region,
			    json_string_value(json_object_get(e, "channel")));
			json_object_set_new(minutes, key, json_integer(count(minutes, key) + 1));
		}
		json_decref(e);
	}
	truth = truth_of(g);
	assert_int_equal(lines, N);
	assert_int_equal(count(truth, "lines"), N);
	assert_int_equal(count(truth, "bad"), bad);
	assert_int_equal(count(truth, "dup"), dup);
	assert_int_equal(count(truth, "valid"), N - bad);
	assert_int_equal(count(truth, "unique"), N - bad - dup);
	assert_true(bad > N / 200 && dup > N / 100 && count(truth, "late") > N / 50);
	snprintf(amount, sizeof amount, "%lld.%02lld", (long long)cents / 100, (long long)cents % 100);
	assert_string_equal(json_string_value(json_object_get(truth, "amount")), amount);
	json_array_foreach(json_object_get(truth, "windows"), i, w) {
		snprintf(key, sizeof key, "%.16s %s %s", json_string_value(json_object_get(w, "minute")), json_string_value(json_object_get(w, "region")),
		    json_string_value(json_object_get(w, "channel")));
		assert_int_equal(count(w, "count"), count(minutes, key));
		windows++;
	}
	assert_int_equal(windows, json_object_size(minutes));
	json_decref(truth);
	json_decref(minutes);
	json_decref(seen);
	events_free(g);
}

static uint64_t
hash_of(const struct events_options *o)
{
	struct events *g = events_new(o);
	uint64_t h = 1469598103934665603ULL, user;
	char line[EVENTS_LINE];
	size_t n;

	while ((n = events_next(g, line, &user)))
		for (size_t i = 0; i < n; i++)
			h = (h ^ (unsigned char)line[i]) * 1099511628211ULL;
	events_free(g);
	return h;
}

static void
the_same_options_give_the_same_bytes(void **state)
{
	struct events_options other = usual;

	(void)state;
	assert_true(hash_of(&usual) == hash_of(&usual));
	other.seed++;
	assert_false(hash_of(&usual) == hash_of(&other));
}

static void
nothing_wrong_when_nothing_is_asked_for(void **state)
{
	struct events_options clean = { 1, 1000, 10, 0, 0, 0 };
	struct events *g = events_new(&clean);
	char line[EVENTS_LINE];
	uint64_t user;
	json_t *truth;

	(void)state;
	while (events_next(g, line, &user))
		assert_in_range(user, 1, 10);
	truth = truth_of(g);
	assert_int_equal(count(truth, "unique"), 1000);
	json_decref(truth);
	events_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_truth_is_what_the_lines_say), cmocka_unit_test(the_same_options_give_the_same_bytes),
		cmocka_unit_test(nothing_wrong_when_nothing_is_asked_for),
	};

	return cmocka_run_group_tests_name("demo_events", tests, NULL, NULL);
}
