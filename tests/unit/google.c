/* Credentials of each type against a token service that does what it is told.  Nothing waits: who sleeps sets the clocks. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <time.h>

#include "folder.h"
#include "google.h"
#include "server.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define SCOPE		"https://www.googleapis.com/auth/bigquery"
#define AUDIENCE	"https://bigquery.googleapis.com/"
#define TOKEN(t)	"{\"access_token\":\"" t "\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"
#define FLAVOR		"Metadata-Flavor: Google\r\n"
#define SECRETS		"\"client_id\":\"me\",\"client_secret\":\"hush-1\",\"refresh_token\":\"hush-2/+\""

static struct server server;
static struct http *http;
static struct google *google;
static struct fail f;
static EVP_PKEY *key;
static char pem[4096];		/* of key, as a JSON string's content */

static int64_t later_us;	/* both clocks are ahead by it */

int	__real_clock_gettime(clockid_t, struct timespec *);
int	__wrap_clock_gettime(clockid_t, struct timespec *);
int	__wrap_clock_nanosleep(clockid_t, int, const struct timespec *, struct timespec *);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	int e = __real_clock_gettime(clock, ts);
	int64_t ns = ts->tv_nsec + later_us % 1000000 * 1000;

	ts->tv_sec += later_us / 1000000 + ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return e;
}

int
__wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left)
{
	struct timespec now;
	int64_t us;

	(void)flags;
	(void)left;
	__wrap_clock_gettime(clock, &now);
	us = (until->tv_sec - now.tv_sec) * INT64_C(1000000) + (until->tv_nsec - now.tv_nsec) / 1000;
	later_us += us > 0 ? us : 0;
	return 0;
}

static void
later(int seconds)
{
	later_us += seconds * INT64_C(1000000);
}

static int
make_key(void **state)
{
	char plain[4096];
	BIO *bio = BIO_new(BIO_s_mem());
	int i, n, to = 0;

	(void)state;
	key = EVP_RSA_gen(2048);
	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_read(bio, plain, sizeof plain);
	for (i = 0; i < n; i++)
		to += sprintf(pem + to, plain[i] == '\n' ? "\\n" : "%c", plain[i]);
	BIO_free(bio);
	return 0;
}

static int
free_key(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

static int
setup(void **state)
{
	memset(&server, 0, sizeof server);
	google = NULL;
	if (folder_make(state) < 0)
		return -1;
	server_start(&server);
	setenv("HOME", folder, 1);
	setenv("CLOUDSDK_CONFIG", folder, 1);
	setenv("NO_GCE_CHECK", "true", 1);
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	unsetenv("GCE_METADATA_HOST");
	unsetenv("GOOGLE_CLOUD_QUOTA_PROJECT");
	return http_open(&(struct http_options){ 0 }, &http, &f);
}

static int
teardown(void **state)
{
	google_close(google);
	http_close(http);
	server_stop(&server);
	return folder_remove(state);
}

/* A file of credentials; %d is the server's port. */
static const char *
write_file(const char *name, const char *fmt, ...)
{
	const char *path = in_folder(name);
	char text[16384];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	assert_int_equal(spill(path, text, (size_t)n), 0);
	return path;
}

static int
open_file(const char *path, const char *audience)
{
	struct google_options o = { .file = path, .scope = SCOPE, .audience = audience, .http = http };

	memset(&f, 0, sizeof f);
	return google_open(&o, &google, &f);
}

static const char *
service_file(void)
{
	return write_file("sa.json", "{\"type\":\"service_account\",\"project_id\":\"proj\",\"private_key_id\":\"kid-1\",\"private_key\":\"%s\","
	    "\"client_email\":\"me@proj.example\",\"token_uri\":\"http://127.0.0.1:%d/token\"}", pem, server.port);
}

static const char *
user_file(void)
{
	return write_file("user.json", "{\"type\":\"authorized_user\"," SECRETS ",\"quota_project_id\":\"payer\",\"token_uri\":\"http://localhost:%d/token\"}",
	    server.port);
}

static void
token_is(const char *expected)
{
	const char *authorization;
	int e = google_token(google, &authorization, &f);

	assert_string_equal(e < 0 ? f.text : authorization, expected);
}

static void
token_fails(int code, const char *word)
{
	const char *authorization;

	assert_int_equal(google_token(google, &authorization, &f), code);
	assert_non_null(strstr(f.text, word));
	assert_null(strstr(f.text, "hush"));
}

static void
seen_has(int i, const char *text)
{
	assert_true(i < server.n_seen);
	if (!strstr(server.seen[i].text, text))
		fail_msg("no '%s' in %s", text, server.seen[i].text);
}

/* ---------------------------------------------------------------- JWT */

static size_t
unbase64(const char *p, size_t n, unsigned char *out)
{
	char padded[4096];
	size_t i, pad = (4 - n % 4) % 4;

	for (i = 0; i < n; i++)
		padded[i] = p[i] == '-' ? '+' : p[i] == '_' ? '/' : p[i];
	memset(padded + n, '=', pad);
	assert_int_equal(EVP_DecodeBlock(out, (unsigned char *)padded, (int)(n + pad)), (n + pad) / 4 * 3);
	return (n + pad) / 4 * 3 - pad;
}

/* The claims of a JWT whose signature and head are right. */
static json_t *
claims_of(const char *jwt, size_t n)
{
	const char *dot = memchr(jwt, '.', n), *dot2 = memchr(dot + 1, '.', n - (size_t)(dot + 1 - jwt));
	unsigned char head[1024], claims[2048], signature[1024];
	size_t n_head = unbase64(jwt, (size_t)(dot - jwt), head), n_claims = unbase64(dot + 1, (size_t)(dot2 - dot - 1), claims);
	size_t n_signature = unbase64(dot2 + 1, n - (size_t)(dot2 + 1 - jwt), signature);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	json_t *j;

	assert_null(memchr(jwt, '=', n));
	assert_int_equal(EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestVerify(c, signature, n_signature, (const unsigned char *)jwt, (size_t)(dot2 - jwt)), 1);
	EVP_MD_CTX_free(c);
	j = json_loadb((char *)head, n_head, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(j, "alg")), "RS256");
	assert_string_equal(json_string_value(json_object_get(j, "typ")), "JWT");
	assert_string_equal(json_string_value(json_object_get(j, "kid")), "kid-1");
	json_decref(j);
	assert_non_null(j = json_loadb((char *)claims, n_claims, 0, NULL));
	return j;
}

static void
claims_are(json_t *j, const char *audience, const char *scope)
{
	json_int_t iat = json_integer_value(json_object_get(j, "iat")), now = (json_int_t)time(NULL);

	assert_string_equal(json_string_value(json_object_get(j, "iss")), "me@proj.example");
	assert_string_equal(json_string_value(json_object_get(j, "sub")), "me@proj.example");
	assert_string_equal(json_string_value(json_object_get(j, "aud")), audience);
	if (scope)
		assert_string_equal(json_string_value(json_object_get(j, "scope")), scope);
	else
		assert_null(json_object_get(j, "scope"));
	assert_in_range(iat, now - 20, now);
	assert_int_equal(json_integer_value(json_object_get(j, "exp")), iat + 3600);
	json_decref(j);
}

static void
test_self_signed(void **state)
{
	const char *authorization, *first;
	char copy[4096];

	(void)state;
	assert_int_equal(open_file(service_file(), AUDIENCE), 0);
	assert_string_equal(google_project(google), "proj");
	assert_null(google_quota_project(google));
	assert_non_null(strstr(google_who(google), "service account me@proj.example, from "));
	assert_int_equal(google_token(google, &authorization, &f), 0);
	assert_memory_equal(authorization, "Bearer ", 7);
	claims_are(claims_of(authorization + 7, strlen(authorization + 7)), AUDIENCE, NULL);
	snprintf(copy, sizeof copy, "%s", first = authorization);
	assert_int_equal(google_token(google, &authorization, &f), 0);
	assert_ptr_equal(authorization, first);		/* kept */
	google_refused(google);
	assert_int_equal(google_token(google, &authorization, &f), 0);
	assert_int_equal(server.n_seen, 0);
}

static void
test_service_exchange(void **state)
{
	const char *jwt;
	char url[64];

	(void)state;
	assert_int_equal(open_file(service_file(), NULL), 0);
	server_answer(&server, "200 OK", "", TOKEN("t1"));
	token_is("Bearer t1");
	token_is("Bearer t1");
	assert_int_equal(server.n_seen, 1);
	seen_has(0, "POST /token HTTP/1.1\r\n");
	seen_has(0, "Content-Type: application/x-www-form-urlencoded\r\n");
	seen_has(0, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
	jwt = strstr(server.seen[0].text, "assertion=") + 10;
	snprintf(url, sizeof url, "http://127.0.0.1:%d/token", server.port);
	claims_are(claims_of(jwt, strlen(jwt)), url, SCOPE);
}

/* ---------------------------------------------------------------- other types */

static void
test_user(void **state)
{
	(void)state;
	assert_int_equal(open_file(user_file(), AUDIENCE), 0);
	assert_null(google_project(google));
	assert_string_equal(google_quota_project(google), "payer");
	setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "other", 1);
	assert_string_equal(google_quota_project(google), "other");
	server_answer(&server, "200 OK", "", TOKEN("t1"));
	server_answer(&server, "200 OK", "", TOKEN("t2"));
	token_is("Bearer t1");
	seen_has(0, "\r\n\r\ngrant_type=refresh_token&client_id=me&client_secret=hush-1&refresh_token=hush-2%2F%2B");
	google_refused(google);
	token_is("Bearer t2");
}

static const char *
external_file(const char *source, const char *more)
{
	return write_file("external.json", "{\"type\":\"external_account\",\"audience\":\"//iam/pool\",\"subject_token_type\":\"urn:jwt\","
	    "\"token_url\":\"http://127.0.0.1:%d/sts\",\"credential_source\":{%s}%s}", server.port, source, more);
}

static void
test_external_file(void **state)
{
	char source[8192];

	(void)state;
	snprintf(source, sizeof source, "\"file\":\"%s\"", write_file("subject", "outside.token\n"));
	assert_int_equal(open_file(external_file(source, ""), AUDIENCE), 0);
	server_answer(&server, "200 OK", "", TOKEN("t1"));
	token_is("Bearer t1");
	seen_has(0, "POST /sts ");
	seen_has(0, "\r\n\r\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&"
	    "requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&audience=%2F%2Fiam%2Fpool&"
	    "scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fbigquery&subject_token_type=urn%3Ajwt&subject_token=outside.token");
	assert_null(strstr(server.seen[0].text, "%0A"));
	write_file("subject", "{\"a\":\"json.token\"}");		/* read each time, and what it holds is the format's business */
	google_refused(google);
	server_answer(&server, "200 OK", "", TOKEN("t2"));
	token_is("Bearer t2");
	seen_has(1, "subject_token=%7B");
	google_close(google);
	strcat(source, ",\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"a\"}");
	assert_int_equal(open_file(external_file(source, ",\"workforce_pool_user_project\":\"w\""), AUDIENCE), 0);
	server_answer(&server, "200 OK", "", TOKEN("t3"));
	token_is("Bearer t3");
	seen_has(2, "subject_token=json.token&options=%7B%22userProject%22%3A%22w%22%7D");
	write_file("subject", "{\"b\":\"hush\"}");
	google_refused(google);
	token_fails(WEIR_ECONFIG, "subject");
	assert_int_equal(unlink(in_folder("subject")), 0);
	token_fails(WEIR_ECONFIG, "No such file");
}

static void
test_external_url_impersonated(void **state)
{
	char source[512], more[512], end[32];
	time_t t = time(NULL) + 3000;

	(void)state;
	strftime(end, sizeof end, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
	snprintf(source, sizeof source, "\"url\":\"http://127.0.0.1:%d/subject?x=1\",\"headers\":{\"X-Who\":\"me\"},"
	    "\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"value\"}", server.port);
	snprintf(more, sizeof more, ",\"service_account_impersonation_url\":\"http://127.0.0.1:%d/v1/projects/-/serviceAccounts/sa@p:generateAccessToken\","
	    "\"service_account_impersonation\":{\"token_lifetime_seconds\":2800}", server.port);
	assert_int_equal(open_file(external_file(source, more), NULL), 0);
	assert_non_null(strstr(google_who(google), "service account sa@p through //iam/pool, from "));
	server_answer(&server, "200 OK", "", "{\"value\":\"outside\"}");
	server_answer(&server, "200 OK", "", TOKEN("sts"));
	snprintf(more, sizeof more, "{\"accessToken\":\"final\",\"expireTime\":\"%s\"}", end);
	server_answer(&server, "200 OK", "", more);
	token_is("Bearer final");
	token_is("Bearer final");
	seen_has(0, "GET /subject?x=1 ");
	seen_has(0, "\r\nX-Who: me\r\n");
	seen_has(1, "scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform&");
	seen_has(1, "subject_token=outside");
	seen_has(2, "POST /v1/projects/-/serviceAccounts/sa@p:generateAccessToken ");
	seen_has(2, "\r\nAuthorization: Bearer sts\r\n");
	seen_has(2, "\"scope\":[\"" SCOPE "\"]");
	seen_has(2, "\"lifetime\":\"2800s\"");
	google_refused(google);
	server_answer(&server, "200 OK", "", "{\"value\":\"outside\"}");
	server_answer(&server, "200 OK", "", TOKEN("sts"));
	server_answer(&server, "403 Forbidden", "", "{\"error\":{\"code\":403,\"message\":\"Permission denied\\non it\",\"status\":\"PERMISSION_DENIED\"}}");
	token_fails(WEIR_ECONFIG, "PERMISSION_DENIED: Permission denied on it; who asks needs the role");
}

static void
test_impersonated(void **state)
{
	const char *path = write_file("i.json", "{\"type\":\"impersonated_service_account\",\"delegates\":[\"d1@p\",\"projects/-/serviceAccounts/d2@p\"],"
	    "\"service_account_impersonation_url\":\"http://127.0.0.1:%d/v1/projects/-/serviceAccounts/sa@p:generateAccessToken\",\"quota_project_id\":\"q\","
	    "\"source_credentials\":{\"type\":\"authorized_user\"," SECRETS ",\"token_uri\":\"http://127.0.0.1:%d/token\"}}", server.port, server.port);

	(void)state;
	assert_int_equal(open_file(path, AUDIENCE), 0);
	assert_string_equal(google_quota_project(google), "q");
	server_answer(&server, "200 OK", "", TOKEN("user"));
	server_answer(&server, "200 OK", "", "{\"accessToken\":\"final\",\"expireTime\":\"2001-01-01T00:00:00Z\"}");
	token_is("Bearer final");
	seen_has(1, "\r\nAuthorization: Bearer user\r\n");
	seen_has(1, "\"delegates\":[\"projects/-/serviceAccounts/d1@p\",\"projects/-/serviceAccounts/d2@p\"]");
	seen_has(1, "\"lifetime\":\"3600s\"");
	server_answer(&server, "400 Bad", "", "{\"error\":\"invalid_grant\",\"error_description\":\"Token expired\"}");
	token_fails(WEIR_ECONFIG, "invalid_grant: Token expired; log in again");	/* it had ended, by its own account */
}

/* ---------------------------------------------------------------- metadata server */

static void
at_server(void)
{
	char host[32];

	unsetenv("NO_GCE_CHECK");
	snprintf(host, sizeof host, "127.0.0.1:%d", server.port);
	setenv("GCE_METADATA_HOST", host, 1);
}

static void
test_metadata(void **state)
{
	(void)state;
	at_server();
	server_answer(&server, "200 OK", FLAVOR, "proj-7");
	server_answer(&server, "200 OK", FLAVOR, TOKEN("t1"));
	assert_int_equal(open_file(NULL, AUDIENCE), 0);
	assert_string_equal(google_project(google), "proj-7");
	assert_non_null(strstr(google_who(google), "127.0.0.1"));
	token_is("Bearer t1");
	seen_has(0, "GET /computeMetadata/v1/project/project-id ");
	seen_has(0, "\r\nMetadata-Flavor: Google\r\n");
	seen_has(1, "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fbigquery ");
	seen_has(1, "\r\nMetadata-Flavor: Google\r\n");
	google_refused(google);
	server_answer(&server, "404 None", FLAVOR, "no account");
	token_fails(WEIR_ECONFIG, "give this machine a service account");
	server_answer(&server, "200 OK", "", TOKEN("t2"));
	token_fails(WEIR_ECONFIG, "not Google's metadata server");
}

static void
test_metadata_is_none(void **state)
{
	(void)state;
	at_server();
	server_answer(&server, "200 OK", "Metadata-Flavor: Grape\r\n", "proj");
	assert_int_equal(open_file(NULL, AUDIENCE), WEIR_ECONFIG);
	server_answer(&server, "200 OK", "", "some router's page");
	assert_int_equal(open_file(NULL, AUDIENCE), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "not Google's metadata server"));
	setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);		/* named, and not there: it may come */
	assert_int_equal(open_file(NULL, AUDIENCE), WEIR_EAGAIN);
	setenv("NO_GCE_CHECK", "true", 1);
	assert_int_equal(open_file(NULL, AUDIENCE), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "gcloud auth application-default login"));
	assert_non_null(strstr(f.text, folder));
}

/* ---------------------------------------------------------------- finding, and reading again */

static void
test_order(void **state)
{
	const char *user = user_file(), *well = in_folder("application_default_credentials.json");
	char gcloud[PATH_MAX + 64];

	(void)state;
	assert_int_equal(rename(service_file(), well), 0);
	assert_int_equal(open_file(NULL, NULL), 0);
	assert_string_equal(google_project(google), "proj");
	google_close(google);
	setenv("GOOGLE_APPLICATION_CREDENTIALS", user, 1);
	assert_int_equal(open_file(NULL, NULL), 0);
	assert_string_equal(google_quota_project(google), "payer");
	google_close(google);
	assert_int_equal(open_file(well, NULL), 0);
	assert_string_equal(google_project(google), "proj");
	google_close(google);
	google = NULL;
	setenv("GOOGLE_APPLICATION_CREDENTIALS", in_folder("none"), 1);		/* no further, though the next one is there */
	assert_int_equal(open_file(NULL, NULL), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, in_folder("none")));
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	unsetenv("CLOUDSDK_CONFIG");
	assert_int_equal(open_file(NULL, NULL), WEIR_ECONFIG);
	snprintf(gcloud, sizeof gcloud, "%s/.config", folder);
	assert_int_equal(mkdir(gcloud, 0700), 0);
	strcat(gcloud, "/gcloud");
	assert_int_equal(mkdir(gcloud, 0700), 0);
	strcat(gcloud, "/application_default_credentials.json");
	assert_int_equal(rename(well, gcloud), 0);
	assert_int_equal(open_file(NULL, NULL), 0);
}

static void
test_reload(void **state)
{
	const char *path = user_file();

	(void)state;
	assert_int_equal(open_file(path, NULL), 0);
	server_answer(&server, "200 OK", "", TOKEN("t1"));
	token_is("Bearer t1");
	assert_int_equal(spill(path, "{", 1), 0);
	assert_int_equal(google_reload(google, &f), WEIR_ECONFIG);
	token_is("Bearer t1");
	assert_int_equal(rename(service_file(), path), 0);
	assert_int_equal(google_reload(google, &f), 0);
	assert_string_equal(google_project(google), "proj");
	server_answer(&server, "200 OK", "", TOKEN("t2"));
	token_is("Bearer t2");
}

static void
test_bad_files(void **state)
{
	static const struct { const char *text, *word; } bad[] = {
		{ "", "no JSON object" }, { "[]", "no JSON object" }, { "{\"type\":hush}", "line 1" }, { "{\n\"hush\n", "line 2" },
		{ "{}", "\"type\"" }, { "{\"type\":\"gdch\"}", "'gdch'" },
		{ "{\"type\":\"authorized_user\",\"client_id\":\"a\",\"client_secret\":\"hush\"}", "\"refresh_token\"" },
		{ "{\"type\":\"authorized_user\"," SECRETS ",\"token_uri\":\"http://example.com/hush\"}", "token_uri" },
		{ "{\"type\":\"authorized_user\"," SECRETS ",\"token_uri\":\"http://127.0.0.1:80@example.com/\"}", "token_uri" },
		{ "{\"type\":\"authorized_user\"," SECRETS ",\"token_uri\":\"http://localhost.example.com/\"}", "token_uri" },
		{ "{\"type\":\"authorized_user\"," SECRETS ",\"token_uri\":\"ftp://localhost/\"}", "token_uri" },
		{ "{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key\":\"hush\"}", "private_key" },
		{ "{\"type\":\"service_account\",\"client_email\":7,\"private_key\":\"hush\"}", "client_email" },
		{ "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"token_url\":\"https://c/\"}", "credential_source" },
		{ "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"token_url\":\"https://c/\","
		  "\"credential_source\":{\"executable\":{\"command\":\"x\"}}}", "\"executable\", which this version does not know" },
		{ "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"token_url\":\"https://c/\","
		  "\"credential_source\":{\"environment_id\":\"aws1\",\"url\":\"http://169.254.169.254/\"}}", "\"environment_id\", which" },
		{ "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"token_url\":\"https://c/\","
		  "\"credential_source\":{\"file\":\"x\",\"format\":{\"type\":\"json\"}}}", "subject_token_field_name" },
		{ "{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"b\",\"token_url\":\"https://c/\","
		  "\"credential_source\":{\"url\":\"http://example.com/\"}}", "\"url\"" },
		{ "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"https://a/\","
		  "\"source_credentials\":{\"type\":\"impersonated_service_account\"}}", "as source_credentials" },
		{ "{\"type\":\"impersonated_service_account\",\"service_account_impersonation_url\":\"https://a/\",\"delegates\":[7]}", "delegates" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(open_file(write_file("bad.json", "%s", bad[i].text), NULL), WEIR_ECONFIG);
		if (!strstr(f.text, bad[i].word) || !strstr(f.text, "bad.json") || strstr(f.text, "hush"))
			fail_msg("%s: %s", bad[i].text, f.text);
	}
	assert_int_equal(open_file(folder, NULL), WEIR_ECONFIG);
}

/* ---------------------------------------------------------------- services that fail */

static void
test_refused(void **state)
{
	(void)state;
	assert_int_equal(open_file(user_file(), NULL), 0);
	server_answer(&server, "400 Bad", "", "{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired or revoked.\"}");
	token_fails(WEIR_ECONFIG, "user.json are refused by localhost:");
	assert_non_null(strstr(f.text, ": invalid_grant: Token has been expired or revoked.; log in again with gcloud auth application-default login"));
	server_answer(&server, "403 No", "", "<html>proxy says no</html>");
	token_fails(WEIR_ECONFIG, "status 403;");
	assert_int_equal(server.n_seen, 2);
}

static void
test_passing(void **state)
{
	static const char *const odd[] = { "{}", "[]", "not json", "{\"access_token\":7}", "{\"access_token\":\"a\\nb\"}", "{\"access_token\":\"\"}" };
	size_t i;

	(void)state;
	assert_int_equal(open_file(user_file(), NULL), 0);
	server_answer(&server, "503 Busy", "", "");
	server_answer(&server, "400 Bad", "", "{\"error\":\"internal_failure\"}");
	server_add(&server, (struct step){ .then = RESET });
	server_answer(&server, "200 OK", "", TOKEN("t1"));
	token_is("Bearer t1");
	assert_int_equal(server.n_seen, 4);
	google_refused(google);
	server_answer(&server, "503 Busy", "Retry-After: 100\r\n", "");		/* longer than we wait */
	token_fails(WEIR_EAGAIN, "status 503");
	for (i = 0; i < sizeof odd / sizeof *odd; i++) {
		server_answer(&server, "200 OK", "", odd[i]);
		token_fails(WEIR_EAGAIN, "token");
	}
}

/* 5 minutes before the end, or half of a short life: then a new one, and while there is none the old one. */
static void
test_renewal(void **state)
{
	(void)state;
	assert_int_equal(open_file(user_file(), NULL), 0);
	server_answer(&server, "200 OK", "", TOKEN("t1"));
	token_is("Bearer t1");
	later(3599 - 305);
	token_is("Bearer t1");
	assert_int_equal(server.n_seen, 1);
	server_answer(&server, "503 Busy", "", "");
	later(10);
	token_is("Bearer t1");
	token_is("Bearer t1");
	assert_int_equal(server.n_seen, 2);	/* left alone for a while */
	server_answer(&server, "200 OK", "", "{\"access_token\":\"t2\",\"expires_in\":100}");
	later(25);
	token_is("Bearer t2");
	later(45);
	token_is("Bearer t2");
	server_answer(&server, "200 OK", "", "{\"access_token\":\"t3\"}");
	later(10);
	token_is("Bearer t3");
	assert_int_equal(server.n_seen, 4);
	later(595);				/* too late for the old one */
	server_answer(&server, "503 Busy", "Retry-After: 60\r\n", "");
	token_fails(WEIR_EAGAIN, "status 503");
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_self_signed), TEST(test_service_exchange), TEST(test_user), TEST(test_external_file), TEST(test_external_url_impersonated),
		TEST(test_impersonated), TEST(test_metadata), TEST(test_metadata_is_none), TEST(test_order), TEST(test_reload), TEST(test_bad_files),
		TEST(test_refused), TEST(test_passing), TEST(test_renewal),
	};

	setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, make_key, free_key);
}
