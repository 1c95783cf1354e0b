/* BigQuery's API: which host and as whom, which answers are news, and what the sentences say. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "bq.h"
#include "folder.h"
#include "server.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define ERROR(reason, message)	"{\"error\":{\"code\":400,\"message\":\"" message "\",\"errors\":[{\"reason\":\"" reason "\"}]}}"

static struct server *server;
static struct bq *bq;
static struct fail f;

static void
clean(void)
{
	static const char *const name[] = { "BIGQUERY_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT" };

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		unsetenv(name[i]);
	setenv("NO_GCE_CHECK", "true", 1);
	setenv("CLOUDSDK_CONFIG", "/nonexistent", 1);
	setenv("WEIR_RETRY_FIRST_MS", "1", 1);
}

static int
setup(void **state)
{
	char url[64];

	(void)state;
	clean();
	server = calloc(1, sizeof *server);
	server_start(server);
	snprintf(url, sizeof url, "127.0.0.1:%d/", server->port);
	setenv("BIGQUERY_EMULATOR_HOST", url, 1);
	f = (struct fail){ 0 };
	return bq_open(&(struct bq_options){ .project = "jobs", .retry_us = 5000000 }, &bq, &f);
}

static int
teardown(void **state)
{
	(void)state;
	bq_close(bq);
	server_stop(server);
	free(server);
	return 0;
}

static void
says(const char *text)
{
	if (!strstr(f.text, text))
		fail_msg("wanted '%s': %s", text, f.text);
}

/* ---------------------------------------------------------------- hosts */

static int
open_at(const char *endpoint, const char *credentials)
{
	struct bq *b = NULL;
	int e = bq_open(&(struct bq_options){ .endpoint = endpoint, .credentials = credentials }, &b, &f);

	bq_close(b);
	return e;
}

static void
hosts(void **state)
{
	(void)state;
	clean();
	assert_int_equal(open_at("http://localhost:9050", NULL), 0);		/* no credentials are found, none are needed */
	assert_int_equal(open_at("https://bq.example.com/path/", NULL), 0);
	assert_int_equal(open_at("https://evil-googleapis.com", NULL), 0);
	assert_int_equal(open_at(NULL, NULL), WEIR_ECONFIG);
	assert_int_equal(open_at("https://bigquery.googleapis.com", NULL), WEIR_ECONFIG);
	assert_int_equal(open_at("https://BigQuery-x.p.GoogleApis.com/", NULL), WEIR_ECONFIG);
	assert_int_equal(open_at("http://bq.example.com", "/nonexistent/key.json"), WEIR_ECONFIG);
	says("http://");
	assert_int_equal(open_at("https://bq.example.com", "/nonexistent/key.json"), WEIR_ECONFIG);
	says("/nonexistent/key.json");
	assert_int_equal(open_at("ftp://x", NULL), WEIR_ECONFIG);
	says("--endpoint");
	assert_int_equal(open_at("http://user:secret@localhost", NULL), WEIR_ECONFIG);
	assert_null(strstr(f.text, "secret"));
	setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/env.json", 1);
	assert_int_equal(open_at("https://bq.example.com", NULL), WEIR_ECONFIG);	/* named, so they would be sent */
	setenv("BIGQUERY_EMULATOR_HOST", "localhost:9050", 1);
	assert_int_equal(open_at(NULL, NULL), 0);
	setenv("BIGQUERY_EMULATOR_HOST", "http://localhost:9050", 1);
	assert_int_equal(open_at(NULL, NULL), 0);
	assert_int_equal(open_at(NULL, "/nonexistent/key.json"), WEIR_ECONFIG);
	clean();
}

static void
rehost(void **state)
{
	static const struct {
		const char	*endpoint, *location, *want;
	} t[] = {
		{ "http://localhost:9050", "http://0.0.0.0:9050/upload/x?id=1", "http://localhost:9050/upload/x?id=1" },
		{ "http://localhost:9050", "/upload/x?id=1", "http://localhost:9050/upload/x?id=1" },
		{ "http://localhost:9050", "https://bigquery.googleapis.com/upload/x", "http://localhost:9050/upload/x" },
		{ "https://proxy/bq", "https://proxy/bq/upload/x", "https://proxy/bq/upload/x" },
		{ "https://proxy/bq", "http://inner/upload/x", "https://proxy/bq/upload/x" },
		{ "http://localhost:90", "http://localhost:9050/upload/x", "http://localhost:90/upload/x" },
		{ "http://localhost:90", "http://inner?upload", NULL }, { "http://localhost:90", "", NULL }, { "http://localhost:90", "x", NULL },
	};
	struct buf out = { 0 };

	(void)state;
	clean();
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct bq *b = NULL;

		assert_int_equal(bq_open(&(struct bq_options){ .endpoint = t[i].endpoint }, &b, &f), 0);
		assert_int_equal(bq_rehost(b, t[i].location, &out, &f), t[i].want ? 0 : WEIR_ECONFIG);
		if (t[i].want)
			assert_string_equal(out.p, t[i].want);
		bq_close(b);
	}
	buf_free(&out);
}

/* ---------------------------------------------------------------- answers */

static void
tables(void **state)
{
	json_t *j = NULL, *resource = json_pack("{s:s}", "description", "x");

	(void)state;
	server_answer(server, "502 Bad", "", "<html><title>try\nagain</title>");
	server_answer(server, "200 OK", "", "{\"etag\":\"abc\"}");
	assert_int_equal(bq_table_get(bq, "p", "d", "t x", &j, &f), 0);
	assert_string_equal(json_string_value(json_object_get(j, "etag")), "abc");
	assert_non_null(strstr(server->seen[1].text, "GET /bigquery/v2/projects/p/datasets/d/tables/t%20x?prettyPrint=false HTTP"));
	assert_non_null(strstr(server->seen[1].text, "User-Agent: weir/" VERSION "\r\n"));
	assert_null(strstr(server->seen[1].text, "Authorization"));
	json_decref(j);
	j = NULL;

	server_answer(server, "404 No", "", ERROR("notFound", "Not found: Table"));
	server_answer(server, "200 OK", "", "{\"location\":\"EU\"}");
	assert_int_equal(bq_table_get(bq, "p", "d", "t", &j, &f), 1);
	assert_string_equal(bq_location(bq), "EU");
	server_answer(server, "404 No", "", ERROR("notFound", "Not found: Dataset p:d"));
	server_answer(server, "404 No", "", ERROR("notFound", "Not found: Dataset p:d"));
	assert_int_equal(bq_table_get(bq, "p", "d", "t", &j, &f), WEIR_ECONFIG);
	says("no dataset p.d");
	server_answer(server, "403 No", "", ERROR("accessDenied", "Access Denied"));
	assert_int_equal(bq_table_get(bq, "p", "d", "t", &j, &f), WEIR_ECONFIG);
	says("--credentials");
	server_answer(server, "200 OK", "", "{\"location\":\"US\"}");
	assert_int_equal(bq_dataset_get(bq, "p", "d", &j, &f), WEIR_ECONFIG);
	says("is in US, not in EU");

	server_answer(server, "409 No", "", ERROR("duplicate", "Already Exists"));
	assert_int_equal(bq_table_create(bq, "p", "d", "t", resource, &j, &f), 1);
	assert_non_null(strstr(server->seen[server->n_seen - 1].text, "{\"description\":\"x\",\"tableReference\":{\"projectId\":\"p\",\"datasetId\":\"d\","
	    "\"tableId\":\"t\"}}"));
	assert_int_equal(json_object_size(resource), 1);
	server_answer(server, "412 No", "", ERROR("conditionNotMet", "etag"));
	assert_int_equal(bq_table_patch(bq, "p", "d", "t", "\"abc\"", resource, &j, &f), 1);
	assert_non_null(strstr(server->seen[server->n_seen - 1].text, "If-Match: \"abc\"\r\n"));
	server_answer(server, "400 No", "", ERROR("invalid", "Provided Schema does not match"));
	assert_int_equal(bq_table_patch(bq, "p", "d", "t", "\"abc\"", resource, &j, &f), WEIR_ECONFIG);
	says("cannot change the table p.d.t: Provided Schema does not match (400 invalid)");
	server_answer(server, "200 OK", "", "hello");
	assert_int_equal(bq_table_get(bq, "p", "d", "t", &j, &f), WEIR_ECONFIG);
	says("--endpoint");
	json_decref(resource);
}

static void
insert_all(void **state)
{
	json_t *j = NULL;
	int64_t wait = 0;

	(void)state;
	server_answer(server, "200 OK", "", "{\"insertErrors\":[]}");
	assert_int_equal(bq_insert_all(bq, "p", "d", "t", "{}", 2, &j, &wait, &f), 0);
	json_decref(j);
	j = NULL;
	server_answer(server, "503 Busy", "Retry-After: 7\r\n", "");
	assert_int_equal(bq_insert_all(bq, "p", "d", "t", "{}", 2, &j, &wait, &f), 1);
	assert_int_equal(wait, 7000000);
	assert_int_equal(f.code, WEIR_EAGAIN);
	server_answer(server, "404 No", "", ERROR("notFound", "Not found: Table"));
	assert_int_equal(bq_insert_all(bq, "p", "d", "t", "{}", 2, &j, &wait, &f), 2);
	server_answer(server, "403 No", "", ERROR("quotaExceeded", "too many bytes"));
	assert_int_equal(bq_insert_all(bq, "p", "d", "t", "{}", 2, &j, &wait, &f), WEIR_EAGAIN);
	says("quota");
	says("too many bytes");
	server_answer(server, "413 No", "", "<html>\n<b>too  large</b>");
	assert_int_equal(bq_insert_all(bq, "p", "d", "t", "{}", 2, &j, &wait, &f), WEIR_ECONFIG);
	says("<html> <b>too large</b> (413)");
}

/* A token that is refused is made anew, once. */
static void
refused(void **state)
{
	char url[64];
	struct bq *b = NULL;
	json_t *j = NULL;
	FILE *fp;

	(void)state;
	assert_int_equal(folder_make(state), 0);
	assert_non_null(fp = fopen(in_folder("key.json"), "w"));
	snprintf(url, sizeof url, "http://127.0.0.1:%d", server->port);
	fprintf(fp, "{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"s\",\"refresh_token\":\"r\",\"quota_project_id\":\"q\","
	    "\"token_uri\":\"%s/token\"}", url);
	assert_int_equal(fclose(fp), 0);
	server_answer(server, "200 OK", "", "{\"access_token\":\"one\",\"expires_in\":3600}");
	server_answer(server, "401 No", "", ERROR("authError", "expired"));
	server_answer(server, "200 OK", "", "{\"access_token\":\"two\",\"expires_in\":3600}");
	server_answer(server, "200 OK", "", "{\"location\":\"EU\"}");
	assert_int_equal(bq_open(&(struct bq_options){ .endpoint = url, .credentials = in_folder("key.json"), .project = "p" }, &b, &f), 0);
	assert_int_equal(bq_dataset_get(b, "p", "d", &j, &f), 0);
	json_decref(j);
	j = NULL;
	assert_int_equal(server->n_seen, 4);
	assert_non_null(strstr(server->seen[1].text, "Authorization: Bearer one\r\n"));
	assert_non_null(strstr(server->seen[3].text, "Authorization: Bearer two\r\n"));
	assert_non_null(strstr(server->seen[3].text, "x-goog-user-project: q\r\n"));
	server_answer(server, "401 No", "", ERROR("authError", "expired"));
	server_answer(server, "200 OK", "", "{\"access_token\":\"three\",\"expires_in\":3600}");
	server_answer(server, "401 No", "", ERROR("authError", "no such account"));
	assert_int_equal(bq_dataset_get(b, "p", "d", &j, &f), WEIR_ECONFIG);
	says("does not accept");
	says("no such account");
	assert_null(strstr(f.text, "three"));
	server_answer(server, "403 No", "", ERROR("accessDenied", "Access Denied"));
	assert_int_equal(bq_dataset_get(b, "p", "d", &j, &f), WEIR_ECONFIG);
	says("roles/bigquery.dataEditor on the dataset p.d");
	bq_close(b);
	folder_remove(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts), cmocka_unit_test(rehost), cmocka_unit_test_setup_teardown(tables, setup, teardown),
		cmocka_unit_test_setup_teardown(insert_all, setup, teardown), cmocka_unit_test_setup_teardown(refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
