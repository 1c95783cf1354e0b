/* Load jobs: their ids, what an answer is, and what a job means to us. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "decide.h"
#include "upload.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

static void
ids(void **state)
{
	static const struct load_id feed = { "p", "d", "t$20261122", "1690000000000", "shop", "0/1", "none", NULL };
	struct load_id other[] = { feed, feed, feed, feed, feed, feed, feed, feed, feed };
	char id[10][LOAD_BASE_SIZE], job[LOAD_ID_SIZE];
	size_t n = sizeof other / sizeof *other;

	(void)state;
	other[0].project = "pd", other[0].dataset = "";		/* the parts run together to the same text */
	other[1].dataset = "dt", other[1].table = "$20261122";
	other[2].table = "t";
	other[3].creation = "1690000000001";
	other[4].pipe = "shop2";
	other[5].shard = "1/2";
	other[6].prev = "0000001-0123456789abcdef0123456789abcdef/1";
	other[7].batch_id = "b";
	other[8].batch_id = "none";
	load_base_id(&feed, id[n]);
	/* A fixed point: an id of a released version that changes loads everything in flight twice. */
	assert_string_equal(id[n], "weir_1cf7db23c41963f882d9c6f959bac31e44befe76");
	for (size_t i = 0; i < n; i++) {
		load_base_id(&other[i], id[i]);
		assert_int_equal(strlen(id[i]), LOAD_BASE_SIZE - 1);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(id[i], id[k]);
		assert_string_not_equal(id[i], id[n]);
	}
	other[7].pipe = other[7].prev = "other";			/* nothing but the batch id counts */
	load_base_id(&other[7], id[0]);
	assert_string_equal(id[0], id[7]);
	load_job_id("weir_x", 0, job);
	assert_string_equal(job, "weir_x");
	load_job_id("weir_x", 12, job);
	assert_string_equal(job, "weir_x_a12");
}

static void
classes(void **state)
{
	static const struct {
		int		 status;
		const char	*reason;
		enum bq_class	 class;
	} t[] = {
		{ 200, "", BQ_OK }, { 201, "", BQ_OK }, { 308, "", BQ_OK }, { 0, "", BQ_TRANSIENT }, { 302, "", BQ_WRONG },
		{ 400, "invalid", BQ_WRONG }, { 400, "jobRateLimitExceeded", BQ_TRANSIENT }, { 400, "jobBackendError", BQ_TRANSIENT },
		{ 401, "authError", BQ_FORBIDDEN }, { 403, "accessDenied", BQ_FORBIDDEN }, { 403, "rateLimitExceeded", BQ_TRANSIENT },
		{ 403, "quotaExceeded", BQ_QUOTA }, { 429, "quotaExceeded", BQ_QUOTA }, { 403, "billingNotEnabled", BQ_FORBIDDEN },
		{ 404, "notFound", BQ_NOT_FOUND }, { 408, "", BQ_TRANSIENT }, { 409, "duplicate", BQ_EXISTS }, { 410, "", BQ_NOT_FOUND },
		{ 412, "conditionNotMet", BQ_MOVED }, { 413, "", BQ_WRONG }, { 429, "", BQ_TRANSIENT }, { 500, "internalError", BQ_TRANSIENT },
		{ 501, "notImplemented", BQ_WRONG }, { 502, "", BQ_TRANSIENT }, { 503, "backendError", BQ_TRANSIENT }, { 504, "", BQ_TRANSIENT },
		{ 520, "", BQ_TRANSIENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		if (bq_class(t[i].status, t[i].reason) != t[i].class)
			fail_msg("%d %s is class %d", t[i].status, t[i].reason, bq_class(t[i].status, t[i].reason));
}

static void
ranges(void **state)
{
	static const struct {
		const char	*range;
		int		 e;
		uint64_t	 stored;
	} t[] = {
		{ NULL, 0, 0 }, { "bytes=0-0", 0, 1 }, { "bytes=0-262143", 0, 262144 }, { "0-42", 0, 43 }, { "bytes=0-99999999999", 0, 100000000000 },
		{ "bytes=1-2", -1, 0 }, { "bytes 0-2", -1, 0 }, { "", -1, 0 }, { "bytes=0-", -1, 0 }, { "bytes=0-x", -1, 0 }, { "bytes=0-1,3-4", -1, 0 },
		{ "0--1", -1, 0 },
	};
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		if (upload_range(t[i].range, &n) != t[i].e || (!t[i].e && n != t[i].stored))
			fail_msg("Range: %s", t[i].range);
}

/* ---------------------------------------------------------------- what a job means */

#define MINE	"run", "7", "h"
#define LABELS(run, id, hash)	"\"configuration\":{\"labels\":{\"weir_run\":\"" run "\",\"weir_id\":\"" id "\",\"weir_hash\":\"" hash "\"}},"
#define OURS		LABELS("run", "7", "h")
#define OK(rows)	"\"status\":{\"state\":\"DONE\"},\"statistics\":{\"load\":{\"outputRows\":\"" rows "\"}}"
#define FAILED(reason, more)	"\"status\":{\"state\":\"DONE\",\"errorResult\":{\"reason\":\"" reason "\",\"message\":\"m\"" more "}}"

static void
decisions(void **state)
{
	static const struct {
		const char	*job;
		enum decide	 epoch, batch;		/* for run "run", epoch 7, hash "h", 5 rows */
	} t[] = {
		{ OURS "\"status\":{\"state\":\"RUNNING\"}", DECIDE_WAIT, DECIDE_WAIT },
		{ OURS "\"status\":{\"state\":\"PENDING\"}", DECIDE_WAIT, DECIDE_WAIT },
		{ OURS "\"status\":{}", DECIDE_WAIT, DECIDE_WAIT },
		{ OURS OK("5"), DECIDE_COMMITTED, DECIDE_COMMITTED },
		{ OURS "\"status\":{\"state\":\"DONE\",\"errors\":[{\"reason\":\"invalid\"}]}", DECIDE_COMMITTED, DECIDE_COMMITTED },
		{ LABELS("other", "7", "h") OK("5"), DECIDE_FENCED, DECIDE_ALREADY },
		{ LABELS("run", "8", "h") OK("5"), DECIDE_FENCED, DECIDE_COMMITTED },
		{ LABELS("run", "7", "g") OK("5"), DECIDE_FENCED, DECIDE_FENCED },
		{ LABELS("other", "7", "g") OK("5"), DECIDE_FENCED, DECIDE_FENCED },
		{ OK("5"), DECIDE_FENCED, DECIDE_FENCED },		/* no labels: not one of ours */
		{ OURS FAILED("backendError", ""), DECIDE_NEXT, DECIDE_NEXT },
		{ OURS FAILED("internalError", ""), DECIDE_NEXT, DECIDE_NEXT },
		{ OURS FAILED("jobRateLimitExceeded", ""), DECIDE_NEXT, DECIDE_NEXT },
		{ OURS FAILED("timeout", ""), DECIDE_NEXT, DECIDE_NEXT },
		{ OURS FAILED("quotaExceeded", ""), DECIDE_QUOTA, DECIDE_QUOTA },
		{ LABELS("other", "7", "g") FAILED("quotaExceeded", ""), DECIDE_NEXT, DECIDE_NEXT },
		{ OURS FAILED("stopped", ""), DECIDE_CANCELLED, DECIDE_CANCELLED },
		{ OURS FAILED("invalid", ",\"location\":\"file-00000000\""), DECIDE_ROWS, DECIDE_ROWS },
		{ LABELS("other", "9", "h") FAILED("invalid", ",\"location\":\"file-00000000\""), DECIDE_ROWS, DECIDE_ROWS },
		{ LABELS("run", "7", "g") FAILED("invalid", ",\"location\":\"file-00000000\""), DECIDE_NEXT, DECIDE_NEXT },
		{ OURS "\"status\":{\"state\":\"DONE\",\"errorResult\":{\"reason\":\"invalid\",\"message\":\"m\"},\"errors\":[{\"message\":"
		    "\"in row starting at position 5: x\"}]}", DECIDE_ROWS, DECIDE_ROWS },
		{ OURS FAILED("invalid", ""), DECIDE_CONFIG, DECIDE_CONFIG },
		{ OURS FAILED("notFound", ""), DECIDE_CONFIG, DECIDE_CONFIG },
		{ OURS FAILED("accessDenied", ""), DECIDE_CONFIG, DECIDE_CONFIG },
		{ OURS FAILED("duplicate", ""), DECIDE_CONFIG, DECIDE_CONFIG },
		{ OURS FAILED("somethingNew", ""), DECIDE_CONFIG, DECIDE_CONFIG },
		{ LABELS("other", "7", "g") FAILED("notFound", ""), DECIDE_NEXT, DECIDE_NEXT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		for (int batch = 0; batch < 2; batch++) {
			struct decide_mine mine = { MINE, 5, 0, batch };
			enum decide got;
			struct decide_job j;
			char text[1000];
			json_t *job;

			snprintf(text, sizeof text, "{%s}", t[i].job);
			assert_non_null(job = json_loads(text, 0, NULL));
			decide_read(job, &j);
			if ((got = decide(&mine, &j)) != (batch ? t[i].batch : t[i].epoch))
				fail_msg("%s%s: decided %d", t[i].job, batch ? " (batch)" : "", got);
			json_decref(job);
		}
}

/* The hash of a streamed load is of its beginning, so for a batch rows and bytes count too. */
static void
streamed(void **state)
{
	json_t *job = json_loads("{" LABELS("other", "1", "ph") OK("5") "}", 0, NULL);
	struct decide_mine mine = { "run", "1", "ph", 5, 70, 1 };
	struct decide_job j;

	(void)state;
	decide_read(job, &j);
	assert_int_equal(decide(&mine, &j), DECIDE_ALREADY);
	j.bytes = 70;
	assert_int_equal(decide(&mine, &j), DECIDE_ALREADY);
	j.bytes = 71;
	assert_int_equal(decide(&mine, &j), DECIDE_FENCED);
	j.bytes = 70;
	mine.rows = 6;
	assert_int_equal(decide(&mine, &j), DECIDE_FENCED);
	json_decref(job);
}

static void
errors(void **state)
{
	static const char text[] = "{\"status\":{\"state\":\"DONE\",\"errorResult\":{\"reason\":\"invalid\",\"message\":\"too many\"},\"errors\":["
	    "{\"reason\":\"invalid\",\"message\":\"too many\"},"
	    "{\"reason\":\"invalid\",\"message\":\"Error while reading data, error message: JSON parsing error in row starting at position 70: b\"},"
	    "{\"reason\":\"invalid\",\"message\":\"in row starting at position 5: a\\n\\u0001c\"},"
	    "{\"reason\":\"invalid\",\"message\":\"position x\"},"
	    "{\"reason\":\"invalid\",\"message\":\"position 900: c\"},"
	    "{\"reason\":\"invalid\",\"message\":\"position 6: d\"}]}}";
	json_t *job = json_loads(text, 0, NULL);
	struct load_error e[5];
	uint64_t at[5];

	(void)state;
	assert_int_equal(decide_errors(job, e, at, 5), 4);
	assert_int_equal(at[0], 5);
	assert_int_equal(at[1], 6);
	assert_int_equal(at[2], 70);
	assert_int_equal(at[3], 900);
	assert_string_equal(e[0].message, "in row starting at position 5: a c");
	assert_string_equal(e[2].message, "JSON parsing error in row starting at position 70: b");
	assert_string_equal(e[3].reason, "invalid");
	assert_int_equal(decide_errors(job, e, at, 2), 2);
	assert_int_equal(at[0], 5);
	assert_int_equal(decide_errors(NULL, e, at, 5), 0);
	json_decref(job);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids), cmocka_unit_test(classes), cmocka_unit_test(ranges), cmocka_unit_test(decisions), cmocka_unit_test(streamed),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
