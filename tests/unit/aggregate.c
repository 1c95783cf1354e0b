/* Aggregates, keys, exact order of numbers, and the grammar of --agg. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fail.h"		/* before cmocka.h, which makes fail() a macro */
#include <cmocka.h>

#include "aggregate.h"
#include "decimal.h"
#include "key.h"
#include "spec.h"
#include "value.h"

static uint64_t random_state = 42;

static uint64_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* One cell and where it lives. */
struct cell {
	const struct aggregate	*agg;
	struct pool_budget	 budget;
	struct pool		 pool;
	void			*p;
};

static void
cell_new(struct cell *c, const char *name)
{
	memset(c, 0, sizeof *c);
	c->agg = aggregate_find(name, strlen(name));
	assert_non_null(c->agg);
	c->budget.max_bytes = 64 << 20;
	c->pool.budget = &c->budget;
	c->p = pool_get(&c->pool, c->agg->cell_bytes);
	assert_non_null(c->p);
}

static void
add(struct cell *c, const char *literal, int64_t time_us)
{
	struct weir_value v = value_of(literal, strlen(literal));
	struct aggregate_value a = { .v = &v, .text = v.p, .n = v.n, .time_us = time_us };
	char text[256];

	assert_true(v.kind > WEIR_NULL && c->agg->kinds & AGGREGATE_KIND(v.kind));
	if (v.kind == WEIR_STRING)
		a.n = value_text_of(&v, text, &a.text);
	a.exact = v.kind == WEIR_NUMBER && number_parse(v.p, v.n, &a.number) == 0;
	assert_int_equal(c->agg->add(c->p, &a, &c->pool), 0);
}

/* The result; *overflow when there is one. */
static const char *
result(struct cell *c, int *overflow)
{
	static char text[512];
	struct buf out = { 0 };
	int e = c->agg->emit(c->p, &out);

	assert_true(e >= 0 && out.n < sizeof text);
	memcpy(text, out.p, out.n);
	text[out.n] = '\0';
	buf_free(&out);
	if (overflow)
		*overflow = e;
	else
		assert_int_equal(e, 0);
	return text;
}

static void
saved(struct cell *c, struct buf *out)
{
	out->n = 0;
	assert_int_equal(c->agg->save(c->p, out), 0);
}

static void
check(const char *name, const char *const *literal, const char *want, int overflow)
{
	struct cell c;
	int over;

	cell_new(&c, name);
	for (size_t i = 0; literal[i]; i++)
		add(&c, literal[i], (int64_t)i);
	assert_string_equal(result(&c, &over), want);
	assert_int_equal(over, overflow);
	pool_free(&c.pool);
	assert_int_equal(c.budget.used_bytes, 0);
}

#define CHECK(name, want, overflow, ...)	check(name, (const char *const []){ __VA_ARGS__, NULL }, want, overflow)

#define NINES_38	"99999999999999999999999999999999999999"

static void
sums(void **state)
{
	struct cell c;

	(void)state;
	CHECK("sum", "null", 0, NULL);
	CHECK("sum", "4.00", 0, "1.50", "2.5");
	CHECK("sum", "0.3", 0, "0.1", "0.2");
	CHECK("sum", "1500", 0, "1.5e3");
	CHECK("sum", "-0.01", 0, "1", "-1.01");
	CHECK("sum", "0.00", 0, "2.50", "-2.50");
	CHECK("sum", "27670116110564327421", 0, "9223372036854775807", "9223372036854775807", "9223372036854775807");
	CHECK("sum", NINES_38, 0, NINES_38);
	CHECK("sum", "null", 1, NINES_38, "1");
	CHECK("sum", "null", 1, "-" NINES_38, "-1");
	CHECK("sum", "null", 1, NINES_38, "1", "-2");			/* an overflow is for good */
	CHECK("sum", "null", 1, "90000000000000000000000000000000000000", "90000000000000000000000000000000000000");	/* beyond 127 bits */
	CHECK("sum", "null", 1, "34000000000000000000000000000000000000", "0.1");	/* 39 digits; times 10 it wraps around */
	CHECK("sum", "null", 1, NINES_38, "0.00000000000000000000000000000000000001");
	CHECK("sum", "2e+300", 0, "1e300", "1e300");
	CHECK("sum", "0.1", 0, "1e300", "0.1", "-1e300");
	CHECK("sum", "1e-50", 0, "1e300", "1e-50", "-1e300");		/* compensated */
	CHECK("sum", "null", 1, "1e308", "1e308");
	CHECK("sum", "null", 1, "1e400");
	cell_new(&c, "sum");
	for (int i = 0; i < 1000000; i++)
		add(&c, "0.1", 0);
	assert_string_equal(result(&c, NULL), "100000.0");
	pool_free(&c.pool);
}

static void
averages(void **state)
{
	(void)state;
	CHECK("avg", "null", 0, NULL);
	CHECK("avg", "1.500000", 0, "1", "2");
	CHECK("avg", "3.333333", 0, "10", "0", "0");
	CHECK("avg", "-3.333333", 0, "-10", "0", "0");
	CHECK("avg", "0.666667", 0, "1", "1", "0");
	CHECK("avg", "-0.66666667", 0, "-1.00", "-1", "0");
	CHECK("avg", "0.0000003333333", 0, "0.000001", "0", "0.0000000");	/* 1e-6 / 3 at scale 13 */
	CHECK("avg", NINES_38, 0, NINES_38);
	CHECK("avg", "50000000000000000000000000000000000000", 0, NINES_38, "0");
	CHECK("avg", "null", 1, NINES_38, "1");
	CHECK("avg", "1e+300", 0, "2e300", "0");
}

static void
extremes(void **state)
{
	(void)state;
	CHECK("min", "null", 0, NULL);
	CHECK("min", "-3", 0, "2", "-3", "10");
	CHECK("max", "10", 0, "9", "10", "2");
	CHECK("max", "9007199254740993", 0, "9007199254740992", "9007199254740993", "9007199254740991");
	CHECK("max", "1.0000000000000000000000000000000000000000001", 0, "1", "1.0000000000000000000000000000000000000000001", "0.9");
	CHECK("min", "-1e400", 0, "1e400", "-1e400", "0");
	CHECK("min", "1.0", 0, "1.00", "1.0", "1.000");
	CHECK("min", "1.0", 0, "1.000", "1.00", "1.0");
	CHECK("min", "\"a\"", 0, "\"b\"", "\"a\"", "\"aa\"");
	CHECK("max", "\"\xc3\xbc\"", 0, "\"z\"", "\"\\u00fc\"", "\"a\"");
	CHECK("min", "false", 0, "\"a\"", "1", "true", "false");
	CHECK("max", "\"\"", 0, "\"\"", "1", "true", "false");
	CHECK("max", "99", 0, "99", "true");
}

static void
edges(void **state)
{
	struct cell c;

	(void)state;
	cell_new(&c, "first");
	assert_string_equal(result(&c, NULL), "null");
	add(&c, "\"at 5\"", 5);
	add(&c, "{\"at\":3}", 3);
	add(&c, "\"also 3\"", 3);
	add(&c, "4", 4);
	assert_string_equal(result(&c, NULL), "{\"at\":3}");
	pool_free(&c.pool);
	cell_new(&c, "last");
	add(&c, "[5]", 5);
	add(&c, "3", 3);
	assert_string_equal(result(&c, NULL), "[5]");
	add(&c, "\"a\\u0000 long one, longer than what was there before it\\n\"", 5);
	assert_string_equal(result(&c, NULL), "\"a\\u0000 long one, longer than what was there before it\\n\"");
	pool_free(&c.pool);
}

static void
counts(void **state)
{
	struct cell c;
	long n;

	(void)state;
	CHECK("count", "0", 0, NULL);
	CHECK("count", "3", 0, "1", "{}", "\"\"");
	CHECK("count_distinct", "0", 0, NULL);
	CHECK("count_distinct", "1", 0, "1", "1.0", "1e0", "10e-1");
	CHECK("count_distinct", "2", 0, "1", "\"1\"");
	CHECK("count_distinct", "2", 0, "100", "1e2", "10");
	CHECK("count_distinct", "1", 0, "0", "-0", "0.00");
	CHECK("count_distinct", "1", 0, "\"a\"", "\"\\u0061\"");
	CHECK("count_distinct", "3", 0, "true", "false", "\"true\"");
	CHECK("count_distinct", "2", 0, "1e50", "1e51", "1e50");
	cell_new(&c, "count_distinct");
	for (n = 1; n <= 200000; n++) {
		char literal[24];

		snprintf(literal, sizeof literal, "%ld", n * 7);
		add(&c, literal, 0);
		if (n == AGGREGATE_EXACT || n == AGGREGATE_EXACT / 3)
			assert_int_equal(atol(result(&c, NULL)), n);
		if (n == AGGREGATE_EXACT + 1 || n == 20000 || n == 200000)
			assert_in_range(atol(result(&c, NULL)), n - n * 3 / 100, n + n * 3 / 100);	/* 0.81 % is one sigma */
	}
	pool_free(&c.pool);
}

/* Random values, in whole and in parts that are merged, in another order, and through a snapshot: one state, one result. */
static void
parts_are_the_whole(void **state)
{
	static const char *const name[] = { "count", "sum", "avg", "min", "max", "first", "last", "count_distinct" };

	(void)state;
	for (size_t k = 0; k < sizeof name / sizeof *name; k++)
		for (int round = 0; round < 60; round++) {
			int n = round < 58 ? (int)(next_random() % 40) : 5000;
			struct buf whole_bytes = { 0 }, merged_bytes = { 0 }, loaded_bytes = { 0 };
			struct cell whole, part[3], loaded;
			const char *p;

			cell_new(&whole, name[k]);
			cell_new(&loaded, name[k]);
			for (int i = 0; i < 3; i++)
				cell_new(&part[i], name[k]);
			for (int i = 0; i < n; i++) {
				char literal[64];
				int64_t time_us = (int64_t)(next_random() % 1000000) * 4096 + i;	/* no two alike */

				snprintf(literal, sizeof literal, "%s%ld.%0*ld", next_random() % 2 ? "-" : "", (long)(next_random() % 10000),
				    1 + (int)(next_random() % 3), (long)(next_random() % 10));
				add(&whole, literal, time_us);
				add(&part[next_random() % 3], literal, time_us);
			}
			saved(&whole, &whole_bytes);
			for (int i = 1; i >= 0; i--)		/* 2 into 1, then 1 into 0 */
				assert_int_equal(whole.agg->merge(part[i].p, part[i + 1].p, &part[i].pool), 0);
			saved(&part[0], &merged_bytes);
			assert_int_equal(merged_bytes.n, whole_bytes.n);
			assert_memory_equal(merged_bytes.p, whole_bytes.p, whole_bytes.n);
			p = whole_bytes.p;
			assert_int_equal(whole.agg->load(loaded.p, &p, p + whole_bytes.n, &loaded.pool), 0);
			assert_ptr_equal(p, whole_bytes.p + whole_bytes.n);
			saved(&loaded, &loaded_bytes);
			assert_int_equal(loaded_bytes.n, whole_bytes.n);
			assert_memory_equal(loaded_bytes.p, whole_bytes.p, whole_bytes.n);
			for (size_t cut = 0; cut < whole_bytes.n && cut < 600; cut++) {
				struct cell torn;

				cell_new(&torn, name[k]);
				p = whole_bytes.p;
				assert_int_equal(whole.agg->load(torn.p, &p, p + cut, &torn.pool), 1);
				pool_free(&torn.pool);
			}
			buf_free(&whole_bytes);
			buf_free(&merged_bytes);
			buf_free(&loaded_bytes);
			pool_free(&whole.pool);
			pool_free(&loaded.pool);
			for (int i = 0; i < 3; i++)
				pool_free(&part[i].pool);
		}
}

static int
sign(int c)
{
	return (c > 0) - (c < 0);
}

static void
decimals(void **state)
{
	static const struct { const char *a, *b; int c; } t[] = {
		{ "0", "-0.0e5", 0 }, { "1", "1.000", 0 }, { "1e3", "1000", 0 }, { "0.001", "1e-3", 0 }, { "1e400", "1e401", -1 },
		{ "-1e400", "-1e401", 1 }, { "1e-400", "0", 1 }, { "-1", "1", -1 }, { "12", "9", 1 }, { "0.12", "0.9", -1 },
		{ "1.00000000000000000000000000000000000000000000001", "1", 1 }, { "100e-2", "1", 0 }, { "0.00", "0e99999999999999999999", 0 },
		{ "1e99999999999999999999", "2", 1 }, { "1E+2", "1e2", 0 }, { "10.01", "10.1", -1 }, { "-0.5", "-0.25", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(sign(decimal_cmp(t[i].a, strlen(t[i].a), t[i].b, strlen(t[i].b))), t[i].c);
		assert_int_equal(sign(decimal_cmp(t[i].b, strlen(t[i].b), t[i].a, strlen(t[i].a))), -t[i].c);
	}
	for (int i = 0; i < 100000; i++) {		/* against the 38-digit numbers */
		struct number x, y;
		char a[64], b[64];

		snprintf(a, sizeof a, "%ld.%lde%d", (long)(next_random() % 200) - 100, (long)(next_random() % 100), (int)(next_random() % 7) - 3);
		snprintf(b, sizeof b, "%ld.%lde%d", (long)(next_random() % 200) - 100, (long)(next_random() % 100), (int)(next_random() % 7) - 3);
		assert_int_equal(number_parse(a, strlen(a), &x) | number_parse(b, strlen(b), &y), 0);
		assert_int_equal(sign(decimal_cmp(a, strlen(a), b, strlen(b))), sign(number_cmp(&x, &y)));
	}
}

static size_t
key_of(char *out, const char *const *literal, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		struct weir_value v = { 0 };

		if (literal[i])
			v = value_of(literal[i], strlen(literal[i]));
		k = key_put(out, k, &v);
		assert_true(k);
	}
	return k;
}

static void
keys(void **state)
{
	static const char *const order[] = {	/* one member, ascending */
		"null", "false", "true", "-1", "1", "1.0", "10", "9", "\"\"", "\"\\u0000\"", "\"\\u0000\\u0000\"", "\"\\u0000a\"", "\"\\u0001\"",
		"\" \"", "\"!\"", "\"\\\"\"", "\"A\"", "\"a\"", "\"a\\u0000\"", "\"a\\u0000b\"", "\"a\\u0001\"", "\"a!\"", "\"aa\"", "\"b\"",
		"\"\xc3\xbc\"", "\"\xf0\x9d\x84\x9e\"",
	};
	size_t n_order = sizeof order / sizeof *order;
	char a[KEY_BYTES], b[KEY_BYTES];

	(void)state;
	for (size_t i = 0; i < n_order; i++)
		for (size_t j = 0; j < n_order; j++) {
			/* A second member must not reach over to the first. */
			size_t na = key_of(a, (const char *const []){ order[i], order[j] }, 2), nb = key_of(b, (const char *const []){ order[j], order[i] }, 2);
			int c = memcmp(a, b, na < nb ? na : nb);

			assert_int_equal(sign(c ? c : (int)na - (int)nb), sign((int)i - (int)j));
			assert_true(key_valid(a, na, 2));
			assert_false(key_valid(a, na, 1));
			assert_false(key_valid(a, na, 3));
			assert_false(key_valid(a, na - 1, 2));
		}
	for (size_t i = 0; i < n_order; i++) {
		size_t n = key_of(a, &order[i], 1);
		struct buf out = { 0 };
		const char *p = a;

		assert_int_equal(key_emit(&p, a + n, &out), 0);
		assert_ptr_equal(p, a + n);
		assert_int_equal(out.n, strlen(order[i]));
		assert_memory_equal(out.p, order[i], out.n);
		buf_free(&out);
	}
	assert_int_equal(key_of(a, (const char *const []){ NULL }, 1), key_of(b, (const char *const []){ "null" }, 1));
	assert_memory_equal(a, b, 3);
}

static void
keys_have_limits(void **state)
{
	static char literal[KEY_BYTES * 6 + 3];
	char key[KEY_BYTES];
	struct weir_value v;

	(void)state;
	v = value_of("{}", 2);
	assert_int_equal(key_put(key, 0, &v), 0);
	v = value_of("[1]", 3);
	assert_int_equal(key_put(key, 0, &v), 0);
	memset(literal, 'x', sizeof literal);
	for (size_t n = KEY_BYTES - 10; n < KEY_BYTES + 10; n++) {
		literal[0] = literal[n + 1] = '"';
		v = (struct weir_value){ .p = literal, .n = (uint32_t)n + 2, .kind = WEIR_STRING };
		if (key_put(key, 0, &v))
			assert_int_equal(key_put(key, 0, &v), n + 3);
		else
			assert_true(n + 5 > KEY_BYTES);
		literal[n + 1] = 'x';
	}
	for (size_t n = 1; n < 1000; n++) {		/* zero bytes double */
		size_t k;

		for (size_t i = 0; i < n; i++)
			memcpy(literal + 1 + 6 * i, "\\u0000", 6);
		literal[1 + 6 * n] = '"';
		v = value_of(literal, 6 * n + 2);
		k = key_put(key, 0, &v);
		assert_true(!k || (k == 2 * n + 3 && key_valid(key, k, 1)));
		assert_true(k || 6 * n + 5 > KEY_BYTES);
	}
}

static void
specs(void **state)
{
	static const struct { const char *text; int code; const char *part; } bad_spec[] = {
		{ "count()", WEIR_EUSAGE, "column 8: '=' is missing" },
		{ "=count()", WEIR_EUSAGE, "column 1: a name" },
		{ "n=", WEIR_EUSAGE, "column 3: the name of a function" },
		{ "n=Sum(x)", WEIR_EUSAGE, "column 3: the name of a function" },
		{ "n=sum", WEIR_EUSAGE, "column 6: '(' expected" },
		{ "n=sum(x", WEIR_EUSAGE, "column 8: ')' expected" },
		{ "n=sum(x) ", WEIR_EUSAGE, "column 10: ')' expected" },
		{ "n=sum()", WEIR_EUSAGE, "column 7: this function takes a path" },
		{ "n=sum(a..b)", WEIR_EUSAGE, "column 7: this is no path" },
		{ "n(=sum(x)", WEIR_EUSAGE, "column 2: no such character" },
		{ "n=p95(x)", WEIR_ECONFIG, "column 3: there is no function 'p95'; there are count, sum" },
	};
	char name[SPEC_NAME + 1];
	struct spec s;
	struct fail f;

	(void)state;
	assert_int_equal(spec_parse("events=count()", &s, &f), 0);
	assert_string_equal(s.name, "events");
	assert_string_equal(s.path, "");
	assert_ptr_equal(s.agg, &aggregate_count);
	assert_int_equal(spec_parse("n=max(a.\"(x)=\")", &s, &f), 0);
	assert_string_equal(s.path, "a.\"(x)=\"");
	for (size_t i = 0; i < sizeof bad_spec / sizeof *bad_spec; i++) {
		assert_int_equal(spec_parse(bad_spec[i].text, &s, &f), bad_spec[i].code);
		if (!strstr(f.text, bad_spec[i].part))
			fail_msg("'%s' says: %s", bad_spec[i].text, f.text);
	}
	assert_int_equal(spec_by_name("user.id", 0, name), 0);
	assert_string_equal(name, "id");
	assert_int_equal(spec_by_name("user.id", 1, name), 0);
	assert_string_equal(name, "user_id");
	assert_int_equal(spec_by_name("order.items[0]", 0, name), 0);
	assert_string_equal(name, "items_0");
	assert_int_equal(spec_by_name("a..b", 0, name), -1);
}

static void
ceilings(void **state)
{
	struct weir_value v = value_of("\"123456789\"", 11);
	struct aggregate_value a = { .v = &v, .text = v.p + 1, .n = 9 };
	struct cell c;

	(void)state;
	cell_new(&c, "last");
	c.budget.max_bytes = c.budget.used_bytes;	/* nothing more than what is there */
	while (pool_get(&c.pool, 16))
		;
	assert_int_equal(c.agg->add(c.p, &a, &c.pool), -1);
	pool_free(&c.pool);
	assert_int_equal(c.budget.used_bytes, 0);
}

int
main(void)
{
	const struct CMUnitTest test[] = {
		cmocka_unit_test(sums),
		cmocka_unit_test(averages),
		cmocka_unit_test(extremes),
		cmocka_unit_test(edges),
		cmocka_unit_test(counts),
		cmocka_unit_test(parts_are_the_whole),
		cmocka_unit_test(decimals),
		cmocka_unit_test(keys),
		cmocka_unit_test(keys_have_limits),
		cmocka_unit_test(specs),
		cmocka_unit_test(ceilings),
	};

	return cmocka_run_group_tests(test, NULL, NULL);
}
