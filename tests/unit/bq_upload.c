/* Whole loads against a server that answers as told: what is asked, in which order, and what comes of it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "folder.h"
#include "load.h"
#include "server.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define BASE	"weir_0123456789012345678901234567890123456789"
#define MEBI	(1u << 20)
#define SMALL	1000		/* rows of 1,000 bytes: one multipart request */
#define LARGE	9000		/* a session: two chunks, of 8 MiB and of the rest */
#define STREAM	14000		/* does not fit into the least spool */

#define DONE(run)	"{\"jobReference\":{\"jobId\":\"" BASE "\"},\"configuration\":{\"labels\":{\"weir_run\":\"" run "\",\"weir_id\":\"7\"," \
	"\"weir_hash\":\"%s\"}},\"status\":{\"state\":\"DONE\"},\"statistics\":{\"load\":{\"outputRows\":\"%d\"}}}"
#define RUNNING		"{\"jobReference\":{\"jobId\":\"" BASE "\"},\"status\":{\"state\":\"RUNNING\"}}"
#define BROKE(reason)	"{\"jobReference\":{\"jobId\":\"" BASE "\"},\"configuration\":{\"labels\":{\"weir_run\":\"run\",\"weir_id\":\"7\"," \
	"\"weir_hash\":\"%s\"}},\"status\":{\"state\":\"DONE\",\"errorResult\":{\"reason\":\"" reason "\",\"message\":\"m\"}}}"
#define NOT_FOUND	"{\"error\":{\"message\":\"Not found: Job\",\"errors\":[{\"reason\":\"notFound\"}]}}"
#define SESSION		"Location: http://0.0.0.0:9050/upload/x?upload_id=secret\r\n"

/* One answer.  A %s in its body is the hash label of the load, a %d its rows. */
struct answer {
	const char	*status, *headers, *body;	/* status NULL: the connection is reset instead */
};

/* One load.  `asked` is what the server must have seen: "P" multipart, "S" a session begins, "C" a chunk that is not the last, "L" the last
 * chunk, "?" a probe, "G" jobs.get. */
struct script {
	const char	*name;
	int		 rows, code;
	const char	*asked;
	struct answer	 answer[12];
	const char	*text;			/* in the sentence */
};

static const struct script script[] = {
	{ "multipart", SMALL, 0, "P", { { "200 OK", "", DONE("run") } } },
	{ "it runs first", SMALL, 0, "PGG", { { "200 OK", "", RUNNING }, { "200 OK", "", RUNNING }, { "200 OK", "", DONE("run") } } },
	{ "409, ours", SMALL, 0, "PG", { { "409 Conflict", "", "" }, { "200 OK", "", DONE("run") } } },
	{ "no answer, then a refusal", SMALL, WEIR_EUNKNOWN, "PGP", { { NULL }, { "404 Not Found", "", NOT_FOUND }, { "403 No", "", "" } } },
	{ "409, another run's", SMALL, WEIR_EFENCED, "PG", { { "409 Conflict", "", "" }, { "200 OK", "", DONE("other") } }, "run other" },
	{ "no answer, loaded", SMALL, 0, "PG", { { NULL }, { "200 OK", "", DONE("run") } } },
	{ "no answer, not loaded", SMALL, 0, "PGP", { { NULL }, { "404 Not Found", "", NOT_FOUND }, { "200 OK", "", DONE("run") } } },
	{ "503, loaded, seen late", SMALL, 0, "PGG", { { "503 Busy", "", "" }, { "503 Busy", "", "" }, { "200 OK", "", DONE("run") } } },
	{ "an answer without a job", SMALL, 0, "PG", { { "200 OK", "", "<html>" }, { "200 OK", "", DONE("run") } } },
	{ "429 is a no", SMALL, 0, "PP", { { "429 Slow", "", "" }, { "200 OK", "", DONE("run") } } },
	{ "a failed job, next id", SMALL, 0, "PP", { { "200 OK", "", BROKE("backendError") }, { "200 OK", "", "{\"jobReference\":{\"jobId\":\"" BASE
	    "_a1\"},\"configuration\":{\"labels\":{\"weir_run\":\"run\",\"weir_id\":\"7\",\"weir_hash\":\"%s\"}},\"status\":{\"state\":\"DONE\"}}" } } },
	{ "quota of a job", SMALL, WEIR_EAGAIN, "P", { { "200 OK", "", BROKE("quotaExceeded") } }, "quota" },
	{ "quota of a request", SMALL, WEIR_EAGAIN, "P", { { "403 No", "", "{\"error\":{\"message\":\"imports per table\",\"errors\":[{\"reason\":"
	    "\"quotaExceeded\"}]}}" } }, "imports per table" },
	{ "an id that is not kept", SMALL, WEIR_ECONFIG, "P", { { "200 OK", "", "{\"jobReference\":{\"jobId\":\"job_1\"}}" } }, "another id" },
	{ "a proxy", SMALL, WEIR_ECONFIG, "P", { { "400 Bad", "", "<html><title>No\n way</title>" } }, "No way (400)" },

	{ "a session", LARGE, 0, "SCL", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-8388607\r\n", "" }, { "200 OK", "", DONE("run") } } },
	{ "a range without a unit, and short", LARGE, 0, "SCCL", { { "200 OK", SESSION, "" }, { "308 More", "Range: 0-262143\r\n", "" },
	    { "308 More", "Range: bytes=0-8650751\r\n", "" }, { "201 Created", "", DONE("run") } } },
	{ "a break, then asked", LARGE, 0, "SCC?CL", { { "200 OK", SESSION, "" }, { NULL },
	    { NULL } /* libcurl sends the first again */, { "308 More", "Range: bytes=0-524287\r\n", "" },
	    { "308 More", "Range: bytes=0-8912895\r\n", "" }, { "200 OK", "", DONE("run") } } },
	{ "nothing stored", LARGE, 0, "SCCL", { { "200 OK", SESSION, "" }, { "308 More", "", "" }, { "308 More", "Range: bytes=0-8388607\r\n", "" },
	    { "200 OK", "", DONE("run") } } },
	{ "asked, and it was finished", LARGE, 0, "SCL?", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-8388607\r\n", "" },
	    { "503 Busy", "", "" }, { "200 OK", "", DONE("run") } } },
	{ "answers of a proxy", LARGE, 0, "SC?CL?", { { "200 OK", SESSION, "" }, { "200 OK", "", "<html>" }, { "308 More", "", "" },
	    { "308 More", "Range: bytes=0-8388607\r\n", "" }, { "200 OK", "", "" }, { "200 OK", "", DONE("run") } } },
	{ "a refusal after the last byte", LARGE, WEIR_EUNKNOWN, "SCL?", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-8388607\r\n", "" },
	    { "500 Oops", "", "" }, { "403 No", "", "" } }, "the next run finds out" },
	{ "the session is gone", LARGE, 0, "SCSCL", { { "200 OK", SESSION, "" }, { "410 Gone", "", "" }, { "200 OK", SESSION, "" },
	    { "308 More", "Range: bytes=0-8388607\r\n", "" }, { "200 OK", "", DONE("run") } } },
	{ "gone after the last byte, loaded", LARGE, 0, "SCL?G", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-8388607\r\n", "" },
	    { "500 Oops", "", "" }, { "404 Not Found", "", "" }, { "200 OK", "", DONE("run") } } },
	{ "gone after the last byte, not loaded", LARGE, 0, "SCL?GSCL", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-8388607\r\n", "" },
	    { "500 Oops", "", "" }, { "404 Not Found", "", "" }, { "404 Not Found", "", NOT_FOUND }, { "200 OK", SESSION, "" },
	    { "308 More", "Range: bytes=0-8388607\r\n", "" }, { "200 OK", "", DONE("run") } } },
	{ "409 where a session begins", LARGE, 0, "SG", { { "409 Conflict", "", "" }, { "200 OK", "", DONE("run") } } },
	{ "409 at the last byte", LARGE, WEIR_EFENCED, "SCLG", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-8388607\r\n", "" },
	    { "409 Conflict", "", "" }, { "200 OK", "", DONE("other") } } },
	{ "a chunk taken for the whole", LARGE, WEIR_ECONFIG, "SC", { { "200 OK", SESSION, "" }, { "200 OK", "", DONE("run") } }, "a part" },
	{ "more than was sent", LARGE, WEIR_ECONFIG, "SC", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-99999999\r\n", "" } } },
	{ "a session without an address", LARGE, WEIR_ECONFIG, "S", { { "200 OK", "", "" } }, "Location" },

	{ "streamed", STREAM, 0, "SCCCCL", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-3407871\r\n", "" },
	    { "308 More", "Range: bytes=0-6815743\r\n", "" }, { "308 More", "Range: bytes=0-10223615\r\n", "" },
	    { "308 More", "Range: bytes=0-13631487\r\n", "" }, { "200 OK", "", DONE("run") } } },
	{ "streamed, and lost", STREAM, WEIR_EAGAIN, "SCC", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-3407871\r\n", "" },
	    { "404 Not Found", "", "" } }, "lost the upload" },
	{ "streamed, and forgotten", STREAM, WEIR_EAGAIN, "SCC", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-3407871\r\n", "" },
	    { "308 More", "Range: bytes=0-262143\r\n", "" } }, "lost the upload" },
	{ "streamed, lost at the end, loaded", STREAM, 0, "SCCCCL?G", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-3407871\r\n", "" },
	    { "308 More", "Range: bytes=0-6815743\r\n", "" }, { "308 More", "Range: bytes=0-10223615\r\n", "" },
	    { "308 More", "Range: bytes=0-13631487\r\n", "" }, { "500 Oops", "", "" }, { "410 Gone", "", "" }, { "200 OK", "", DONE("run") } } },
	{ "streamed, lost at the end, not loaded", STREAM, WEIR_EAGAIN, "SCCCCL?G", { { "200 OK", SESSION, "" },
	    { "308 More", "Range: bytes=0-3407871\r\n", "" }, { "308 More", "Range: bytes=0-6815743\r\n", "" },
	    { "308 More", "Range: bytes=0-10223615\r\n", "" }, { "308 More", "Range: bytes=0-13631487\r\n", "" }, { "500 Oops", "", "" },
	    { "410 Gone", "", "" },
	    { "404 Not Found", "", NOT_FOUND } }, "nothing of it is loaded" },
	{ "streamed, and another was first", STREAM, WEIR_EFENCED, "SG", { { "409 Conflict", "", "" }, { "200 OK", "", DONE("other") } } },
	{ "streamed, and the job fails", STREAM, WEIR_EAGAIN, "SCCCCL", { { "200 OK", SESSION, "" }, { "308 More", "Range: bytes=0-3407871\r\n", "" },
	    { "308 More", "Range: bytes=0-6815743\r\n", "" }, { "308 More", "Range: bytes=0-10223615\r\n", "" },
	    { "308 More", "Range: bytes=0-13631487\r\n", "" }, { "200 OK", "", BROKE("backendError") } }, "run it again" },
};

/* A load of n rows up to its end: the sum of what it would be, which gives the hash label. */
static int
load(struct bq *bq, int n, uint64_t spool, struct load_sum *sum, struct load_result *r, struct fail *f)
{
	json_t *conf = json_pack("{s:{s:s}}", "destinationTable", "tableId", "t");
	struct load *l = NULL;
	char row[1001];
	int e;

	memset(row, 'x', 999);
	row[999] = '\n';
	e = load_open(bq, &(struct load_options){ .base = BASE, .load = conf, .run = "run", .id = "7", .dir = folder, .spool_bytes = spool, .plain = 1 },
	    &l, f);
	for (int i = 0; !e && i < n; i++)
		e = load_put(l, row, 1000, 1, f);
	if (!e && (e = load_finish(l, "{}", sum, f)) == 0 && r)
		e = load_commit(l, r, f);
	load_close(l);
	json_decref(conf);
	return e;
}

static struct bq *
connect_to(int port)
{
	char url[64];
	struct bq *bq = NULL;
	struct fail f;

	snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
	assert_int_equal(bq_open(&(struct bq_options){ .endpoint = url, .project = "p", .location = "EU", .retry_us = 20000000 }, &bq, &f), 0);
	return bq;
}

/* The label, known before the server is: from a load of the same rows that is not committed, or the one of all streamed ones. */
static void
hash_of(int rows, char hash[LOAD_LABEL_SIZE])
{
	struct bq *bq = connect_to(1);
	struct load_sum sum;
	struct fail f;

	if (rows == STREAM)
		strcpy(hash, "pa3f17c13c8f8f581d212f1d981c72e90e11f0cc9");
	else {
		assert_int_equal(load(bq, rows, 0, &sum, NULL, &f), 0);
		strcpy(hash, sum.hash);
	}
	bq_close(bq);
}

static void
fill(struct server *s, const struct script *t)
{
	char hash[LOAD_LABEL_SIZE], body[2048];

	hash_of(t->rows, hash);
	for (const struct answer *a = t->answer; a->status || t->asked[a - t->answer]; a++)
		if (a->status) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(body, sizeof body, a->body, hash, t->rows);
#pragma GCC diagnostic pop
			server_answer(s, a->status, a->headers, body);
		} else
			server_add(s, (struct step){ NULL, 0, READ_ALL, RESET });
}

static char
what(const struct seen *s)
{
	const char *range = strcasestr(s->text, "content-range: bytes ");

	if (!strncmp(s->text, "GET /bigquery/v2/projects/p/jobs/" BASE, 33 + sizeof BASE - 1))
		return strstr(s->text, "location=EU") && strstr(s->text, "prettyPrint=false") ? 'G' : '!';
	if (strstr(s->text, "uploadType=multipart"))
		return 'P';
	if (strstr(s->text, "uploadType=resumable"))
		return 'S';
	if (!range || strncmp(s->text, "PUT /upload/x?upload_id=secret ", 31))
		return '!';
	range += 21;
	if (*range == '*')
		return '?';
	return strtoull(strchr(range, '-') + 1, NULL, 10) + 1 == strtoull(strchr(range, '/') + 1, NULL, 10) ? 'L' : 'C';
}

static void
play(const struct script *t)
{
	struct server *s = calloc(1, sizeof *s);
	struct load_result r = { 0 };
	struct load_sum sum;
	struct fail f = { 0 };
	struct bq *bq;
	int e;

	fill(s, t);
	server_start(s);
	bq = connect_to(s->port);
	e = load(bq, t->rows, SPOOL_LEAST * (t->rows == STREAM ? 1 : 8), &sum, &r, &f);
	bq_close(bq);
	server_stop(s);
	if (e != t->code)
		fail_msg("%s: %d, %s", t->name, e, f.text);
	for (int i = 0; i < s->n_seen || t->asked[i]; i++)
		if (i >= s->n_seen || what(&s->seen[i]) != t->asked[i])
			fail_msg("%s: request %d is %c, wanted %c", t->name, i, i < s->n_seen ? what(&s->seen[i]) : '-', t->asked[i]);
	if (!e && (sum.rows != (uint64_t)t->rows || sum.bytes != (uint64_t)t->rows * 1000))
		fail_msg("%s: %d rows became %d, of %d bytes", t->name, t->rows, (int)sum.rows, (int)sum.bytes);
	if (e < 0 && t->text && !strstr(f.text, t->text))
		fail_msg("%s: says %s", t->name, f.text);
	if (strstr(f.text, "secret"))
		fail_msg("%s: tells the address of the upload: %s", t->name, f.text);
	free(s);
}

static void
scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof script / sizeof *script; i++)
		play(&script[i]);
}

static int
setup(void **state)
{
	setenv("WEIR_RETRY_FIRST_MS", "1", 1);
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	unsetenv("BIGQUERY_EMULATOR_HOST");
	return folder_make(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(scripts, setup, folder_remove) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
