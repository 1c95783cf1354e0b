/* Requests over HTTP against a server that does what it is told: what came, what may have been sent, what is sent twice. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <zlib.h>

#include "folder.h"
#include "http.h"
#include "server.h"
#include "weir.h"

#include <cmocka.h>	/* last: its fail() is a macro */

#define OK		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BIG		(24u << 20)	/* more than the buffers of a connection on loopback hold */

static struct server server;
static struct http *http;
static struct http_answer answer;
static struct fail f;
static uint64_t asked;		/* bytes that the body's reader gave, all in all */

static int
setup(void **state)
{
	struct http_options o = { .user_agent = "weir-test", .stall_us = 1000000, .answer_max = 100000 };

	(void)state;
	memset(&server, 0, sizeof server);
	asked = 0;
	server_start(&server);
	return http_open(&o, &http, &f);
}

static int
teardown(void **state)
{
	(void)state;
	http_close(http);
	http_answer_free(&answer);
	server_stop(&server);
	return 0;
}

static int
send_to(const char *scheme, const char *method, uint64_t body_bytes, http_read *read, int64_t deadline_us)
{
	char url[100];
	static const char *const header[] = { "X-Mine: 1", NULL };
	struct http_request r = { .method = method, .url = url, .header = header, .body = body_bytes && !read ? "hello" : NULL,
	    .read = read, .body_bytes = body_bytes, .deadline_us = deadline_us, .authorization = "Bearer secret" };

	snprintf(url, sizeof url, "%s://127.0.0.1:%d/p?query=hidden", scheme, server.port);
	memset(&f, 0, sizeof f);
	return http_send(http, &r, &answer, &f);
}

static int
go(const char *method, uint64_t body_bytes)
{
	return send_to("http", method, body_bytes, NULL, 0);
}

static int
letters(void *arg, uint64_t at, void *p, size_t n, struct fail *why)
{
	size_t i;

	(void)arg;
	(void)why;
	for (i = 0; i < n; i++)
		((char *)p)[i] = (char)('a' + (at + i) % 26);
	asked += n;
	return 0;
}

static int
bad_disk(void *arg, uint64_t at, void *p, size_t n, struct fail *why)
{
	if (at >= 100000)
		return (fail)(why, WEIR_EIO, "the spool cannot be read");
	return letters(arg, at, p, n < 50000 ? n : 50000, why);
}

static void
body_is(const char *text)
{
	assert_int_equal(answer.body.n, strlen(text));
	assert_memory_equal(answer.body.p, text, answer.body.n);
}

/* ---------------------------------------------------------------- what goes out, what comes in */

static void
test_request(void **state)
{
	const char *text = server.seen[0].text;

	(void)state;
	server_add(&server, (struct step){ OK });
	server_add(&server, (struct step){ OK });
	server_add(&server, (struct step){ OK });
	assert_int_equal(go("POST", 5), 0);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.retry_after_us, -1);
	body_is("ok");
	assert_non_null(strstr(text, "POST /p?query=hidden HTTP/1.1\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Length: 5\r\n"));
	assert_non_null(strstr(text, "\r\nX-Mine: 1\r\n"));
	assert_non_null(strstr(text, "\r\nAuthorization: Bearer secret\r\n"));
	assert_non_null(strstr(text, "\r\nUser-Agent: weir-test\r\n"));
	assert_non_null(strstr(text, "\r\nAccept-Encoding: "));
	assert_non_null(strstr(text, "\r\n\r\nhello"));
	assert_null(strcasestr(text, "\r\nexpect"));
	assert_null(strcasestr(text, "\r\ncontent-type"));
	assert_int_equal(go("POST", 0), 0);
	assert_non_null(strstr(server.seen[1].text, "\r\nContent-Length: 0\r\n"));
	assert_int_equal(go("GET", 0), 0);
	assert_non_null(strstr(server.seen[2].text, "GET /p?"));
	assert_null(strstr(server.seen[2].text, "Content-Length"));
}

static void
test_big_body(void **state)
{
	(void)state;
	server_add(&server, (struct step){ OK });
	assert_int_equal(send_to("http", "PUT", BIG, letters, 0), 0);
	assert_int_equal(server.seen[0].body_bytes, BIG);
	assert_int_equal(asked, BIG);
	assert_null(strcasestr(server.seen[0].text, "\r\nexpect"));
}

static void
test_headers(void **state)
{
	(void)state;
	server_add(&server, (struct step){ "HTTP/1.1 100 Continue\r\nX-A: early\r\n\r\nHTTP/1.1 308 Resume\r\nRange: bytes=0-9\r\nX-Empty:\r\nx-a:  late \r\nContent-Length: 0\r\n\r\n" });
	assert_int_equal(go("PUT", 5), 0);
	assert_int_equal(answer.status, 308);
	assert_string_equal(http_header(&answer, "range"), "bytes=0-9");
	assert_string_equal(http_header(&answer, "X-A"), "late ");
	assert_string_equal(http_header(&answer, "X-Empty"), "");
	assert_null(http_header(&answer, "Rang"));
	assert_null(http_header(&answer, "Location"));
}

static void
test_redirect_is_not_followed(void **state)
{
	(void)state;
	server_add(&server, (struct step){ "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" });
	assert_int_equal(go("GET", 0), 0);
	assert_int_equal(answer.status, 302);
}

static void
test_chunked(void **state)
{
	(void)state;
	server_add(&server, (struct step){ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n" });
	assert_int_equal(go("GET", 0), 0);
	body_is("abcde");
	assert_null(http_header(&answer, "X-Trailer"));
}

/* `of` blanks, compressed, with headers, into p. */
static size_t
zipped(char *p, size_t max, size_t of)
{
	char *plain = malloc(of), packed[65536];
	z_stream z = { .next_in = (Bytef *)plain, .avail_in = (uInt)of, .next_out = (Bytef *)packed, .avail_out = sizeof packed };
	int n;

	memset(plain, ' ', of);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	free(plain);
	n = snprintf(p, max, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n", z.total_out);
	memcpy(p + n, packed, z.total_out);
	return (size_t)n + z.total_out;
}

static void
test_gzip(void **state)
{
	char text[65536], bomb[65536];
	size_t n = zipped(text, sizeof text, 50000), m = zipped(bomb, sizeof bomb, 1000000);

	(void)state;
	server_add(&server, (struct step){ text, n });
	assert_int_equal(go("GET", 0), 0);
	assert_int_equal(answer.body.n, 50000);
	server_add(&server, (struct step){ bomb, m });	/* small on the wire, too big afterwards */
	assert_int_equal(go("GET", 0), WEIR_ECONFIG);
	server_add(&server, (struct step){ text, n - 9, .then = CLOSE });
	assert_int_equal(go("GET", 0), WEIR_EAGAIN);
}

static void
test_too_long(void **state)
{
	static char text[200000];
	int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n");

	(void)state;
	memset(text + n, 'x', 150000);
	server_add(&server, (struct step){ text, (size_t)n + 150000 });
	assert_int_equal(go("POST", 5), WEIR_ECONFIG);
	assert_int_equal(answer.sent, 1);
	assert_non_null(strstr(f.text, "100000 bytes"));
	server_add(&server, (struct step){ OK });
	assert_int_equal(go("GET", 0), 0);
	body_is("ok");
}

static void
test_retry_after(void **state)
{
	char date[64], text[256];
	time_t at = time(NULL) + 100;

	(void)state;
	server_answer(&server, "503 Busy", "Retry-After: 7\r\n", "");
	assert_int_equal(go("GET", 0), 0);
	assert_int_equal(answer.retry_after_us, 7000000);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&at));
	snprintf(text, sizeof text, "Retry-After: %s\r\n", date);
	server_answer(&server, "429 Slow", text, "");
	assert_int_equal(go("GET", 0), 0);
	assert_in_range(answer.retry_after_us, 95000000, 100000000);
	server_answer(&server, "429 Slow", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "");
	assert_int_equal(go("GET", 0), 0);
	assert_int_equal(answer.retry_after_us, 0);
}

/* ---------------------------------------------------------------- what may have been sent */

static void
test_no_connection(void **state)
{
	struct http_request r = { .method = "POST", .body = "hello", .body_bytes = 5 };
	int port = server.port;
	char url[64];

	(void)state;
	server_stop(&server);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
	r.url = url;
	assert_int_equal(http_send(http, &r, &answer, &f), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 0);
	assert_int_equal(answer.status, 0);
	assert_non_null(strstr(f.text, "no connection to 127.0.0.1:"));
	server_start(&server);
}

static void
test_bad_urls(void **state)
{
	static const char *const bad[] = { "ftp://host/x", "file:///etc/passwd", "host/x", "", "http://", "https://a b/", "https://u:word@a b/?key=word" };
	struct http_request r = { .method = "GET" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		r.url = bad[i];
		assert_int_equal(http_send(http, &r, &answer, &f), WEIR_ECONFIG);
		assert_null(strstr(f.text, "word@"));
		assert_null(strstr(f.text, "key="));
	}
}

static void
test_reset_inside_body(void **state)
{
	(void)state;
	server_add(&server, (struct step){ .read = READ_SOME, .then = RESET });
	assert_int_equal(send_to("http", "POST", BIG, letters, 0), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 0);
	assert_non_null(strstr(f.text, "broke off at byte"));
	assert_null(strstr(f.text, "hidden"));
	assert_int_equal(server.n_seen, 1);
}

static void
test_reset_after_body(void **state)
{
	(void)state;
	server_add(&server, (struct step){ OK });
	server_add(&server, (struct step){ .then = RESET });
	assert_int_equal(go("GET", 0), 0);
	assert_int_equal(go("POST", 5), WEIR_EAGAIN);	/* there is a kept connection, which would be tried again */
	assert_int_equal(answer.sent, 1);
	assert_int_equal(answer.status, 0);
	assert_int_equal(server.n_seen, 2);
	assert_int_equal(server.seen[1].body_bytes, 5);
	server_add(&server, (struct step){ .then = CLOSE });
	assert_int_equal(go("POST", 0), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 1);
}

static void
test_answer_broken(void **state)
{
	(void)state;
	server_add(&server, (struct step){ "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", .then = CLOSE });
	assert_int_equal(go("POST", 5), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 1);
	assert_int_equal(answer.status, 0);
	server_add(&server, (struct step){ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", .then = CLOSE });
	assert_int_equal(go("POST", 5), WEIR_EAGAIN);
	server_add(&server, (struct step){ "HTTP/1.1 20", .then = CLOSE });
	assert_int_equal(go("POST", 5), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 1);
	server_add(&server, (struct step){ "SSH-2.0-x\r\n", .then = CLOSE });
	assert_int_equal(go("POST", 5), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 1);
	server_add(&server, (struct step){ "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 100\r\n\r\nhalf", .then = CLOSE });
	assert_int_equal(go("POST", 5), 0);
	assert_int_equal(answer.status, 503);
	assert_int_equal(answer.retry_after_us, 3000000);
	body_is("");
}

static void
test_slow(void **state)
{
	(void)state;
	server_add(&server, (struct step){ .then = HOLD });
	assert_int_equal(go("POST", 5), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 1);
	assert_non_null(strstr(f.text, "no answer from"));
	server_add(&server, (struct step){ .then = HOLD });
	assert_int_equal(send_to("http", "GET", 0, NULL, 200000), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 1);
	server_add(&server, (struct step){ .read = READ_HEAD, .then = HOLD });
	assert_int_equal(send_to("http", "PUT", BIG, letters, 300000), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 0);
}

static void
test_bad_body(void **state)
{
	(void)state;
	server_add(&server, (struct step){ OK });
	assert_int_equal(send_to("http", "PUT", BIG, bad_disk, 0), WEIR_EIO);
	assert_string_equal(f.text, "the spool cannot be read");
	assert_int_equal(answer.sent, 0);
}

/* ---------------------------------------------------------------- refused before the body was read */

/* Where the server closes at once, its reset may overtake its answer: then nothing was sent, and another try sees the status. */
static void
refused(const char *text, int then, const char *body)
{
	int e, tries = 0;

	do {
		server_add(&server, (struct step){ text, .read = READ_HEAD, .then = then });
		if ((e = send_to("http", "POST", BIG, letters, 0)) == WEIR_EAGAIN)
			assert_int_equal(answer.sent, 0);
	} while (e == WEIR_EAGAIN && then == CLOSE && ++tries < 10);
	assert_int_equal(e, 0);
	assert_true(answer.status == 413 || answer.status == 401);
	if (answer.body.n || then == HOLD)
		body_is(body);
}

static void
test_refused_early(void **state)
{
	(void)state;
	refused("HTTP/1.1 413 Big\r\nContent-Length: 4\r\n\r\nbig!", HOLD, "big!");
	assert_true(asked < (uint64_t)BIG);
	refused("HTTP/1.1 413 Big\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbig!", HOLD, "big!");
	refused("HTTP/1.1 413 Big\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbig!", CLOSE, "big!");
	refused("HTTP/1.1 401 Who\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwho?\r\n0\r\n\r\n", CLOSE, "who?");
	server_add(&server, (struct step){ OK });
	assert_int_equal(go("GET", 0), 0);
}

/* ---------------------------------------------------------------- kept connections */

static void
test_kept(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		server_add(&server, (struct step){ OK });
		assert_int_equal(go(i % 2 ? "PUT" : "GET", i % 2 ? 5 : 0), 0);
	}
	assert_int_equal(server.n_connections, 1);
	server_add(&server, (struct step){ OK });
	assert_int_equal(go("POST", 5), 0);
	assert_int_equal(server.n_connections, 2);
	server_add(&server, (struct step){ OK });
	assert_int_equal(go("GET", 0), 0);
	assert_int_equal(server.n_connections, 2);
}

/* The server takes the request and dies: twice is as good as once for GET and PUT alone. */
static void
test_kept_dies(void **state)
{
	static const char *const method[] = { "GET", "PUT", "DELETE" };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		int before = server.n_seen;

		server_add(&server, (struct step){ OK });
		server_add(&server, (struct step){ .then = RESET });
		server_add(&server, (struct step){ OK });
		assert_int_equal(go(method[i], 5 * (i == 1)), 0);
		assert_int_equal(go(method[i], 5 * (i == 1)), 0);
		assert_int_equal(server.n_seen, before + 3);
		assert_true(i != 1 || strstr(server.seen[before + 2].text, "\r\n\r\nhello"));
	}
}

/* The first try was read whole, the second breaks off half-way or cannot connect: it may have been sent. */
static void
test_kept_dies_for_good(void **state)
{
	(void)state;
	server_add(&server, (struct step){ OK });
	assert_int_equal(go("PUT", 5), 0);
	server_add(&server, (struct step){ .then = RESET });
	server_add(&server, (struct step){ .read = READ_SOME, .then = RESET });
	assert_int_equal(send_to("http", "PUT", BIG, letters, 0), WEIR_EAGAIN);
	assert_int_equal(server.n_seen, 3);
	assert_int_equal(server.seen[1].body_bytes, BIG);
	assert_int_equal(answer.sent, 1);
	server_add(&server, (struct step){ OK });
	assert_int_equal(go("PUT", 5), 0);
	server_add(&server, (struct step){ .then = LAST });
	assert_int_equal(go("PUT", 5), WEIR_EAGAIN);
	assert_int_equal(server.n_seen, 5);
	assert_int_equal(answer.sent, 1);
}

static void
test_closed_meanwhile(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		server_add(&server, (struct step){ OK, .then = CLOSE });
		server_add(&server, (struct step){ OK });
		assert_int_equal(go("GET", 0), 0);
		assert_int_equal(go("POST", 5), 0);
	}
	assert_int_equal(server.n_seen, 10);
}

/* ---------------------------------------------------------------- TLS */

/* A key and a certificate for 127.0.0.1 that it signs itself, given to the server and into a file. */
static void
make_certificate(const char *path)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *x = X509_new();
	X509_EXTENSION *name;
	FILE *fp = fopen(path, "w");

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	name = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	X509_add_ext(x, name, -1);
	X509_EXTENSION_free(name);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_true(fp && PEM_write_X509(fp, x) && fclose(fp) == 0);
	server.tls = SSL_CTX_new(TLS_server_method());
	assert_true(SSL_CTX_use_certificate(server.tls, x) == 1 && SSL_CTX_use_PrivateKey(server.tls, key) == 1);
	X509_free(x);
	EVP_PKEY_free(key);
}

static int
setup_tls(void **state)
{
	memset(&server, 0, sizeof server);
	http = NULL;
	if (folder_make(state) < 0)
		return -1;
	make_certificate(in_folder("ca.pem"));
	server_start(&server);
	return 0;
}

static int
teardown_tls(void **state)
{
	teardown(state);
	SSL_CTX_free(server.tls);
	return folder_remove(state);
}

static void
test_tls(void **state)
{
	struct http_options o = { .ca_file = in_folder("ca.pem") };

	(void)state;
	assert_int_equal(http_open(&(struct http_options){ 0 }, &http, &f), 0);
	assert_int_equal(send_to("https", "POST", 5, NULL, 0), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "certificate"));
	assert_non_null(strstr(f.text, "SSL_CERT_FILE"));
	assert_int_equal(answer.sent, 0);
	http_close(http);
	assert_int_equal(server.n_seen, 0);
	server_add(&server, (struct step){ OK });
	server_add(&server, (struct step){ OK });
	server_add(&server, (struct step){ .then = RESET });
	assert_int_equal(http_open(&o, &http, &f), 0);
	assert_int_equal(send_to("https", "POST", 5, NULL, 0), 0);
	body_is("ok");
	http_close(http);
	assert_int_equal(setenv("SSL_CERT_FILE", o.ca_file, 1), 0);
	assert_int_equal(http_open(&(struct http_options){ 0 }, &http, &f), 0);
	unsetenv("SSL_CERT_FILE");
	assert_int_equal(send_to("https", "GET", 0, NULL, 0), 0);
	assert_int_equal(send_to("https", "POST", 5, NULL, 0), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 1);
}

/* The certificate is trusted, and of another host. */
static void
test_tls_other_host(void **state)
{
	struct http_options o = { .ca_file = in_folder("ca.pem") };
	char url[64];
	struct http_request r = { .method = "GET", .url = url };

	(void)state;
	snprintf(url, sizeof url, "https://localhost:%d/", server.port);
	assert_int_equal(http_open(&o, &http, &f), 0);
	assert_int_equal(http_send(http, &r, &answer, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "certificate"));
}

static void
test_tls_is_none(void **state)
{
	(void)state;
	server_add(&server, (struct step){ "garbage\r\n\r\n", .read = READ_HEAD, .then = CLOSE });
	assert_int_equal(send_to("https", "POST", 5, NULL, 500000), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 0);
}

static void
test_certificate_files(void **state)
{
	struct http_options o = { .ca_file = in_folder("none.pem") };
	struct http *h;

	(void)state;
	assert_int_equal(http_open(&o, &h, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "none.pem"));
	assert_int_equal(spill(o.ca_file, "", 0), 0);
	assert_int_equal(http_open(&o, &h, &f), WEIR_ECONFIG);
	assert_int_equal(spill(o.ca_file, "junk", 4), 0);
	assert_int_equal(http_open(&o, &http, &f), 0);
	assert_int_equal(send_to("https", "GET", 0, NULL, 0), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "none.pem"));
}

/* ---------------------------------------------------------------- proxies */

static void
test_proxy(void **state)
{
	char proxy[64], url[64];
	struct http_request r = { .method = "POST", .url = "https://example.invalid/", .body = "hello", .body_bytes = 5 };

	(void)state;
	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server.port);
	setenv("no_proxy", "", 1);
	setenv("https_proxy", proxy, 1);
	server_add(&server, (struct step){ "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n" });
	assert_int_equal(http_send(http, &r, &answer, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "proxy"));
	assert_non_null(strstr(f.text, "407"));
	assert_int_equal(answer.sent, 0);
	server_add(&server, (struct step){ "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n" });
	assert_int_equal(http_send(http, &r, &answer, &f), WEIR_EAGAIN);
	assert_int_equal(answer.sent, 0);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	server_add(&server, (struct step){ OK });
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", server.port);
	r.url = url;
	assert_int_equal(http_send(http, &r, &answer, &f), WEIR_EAGAIN);
	r.direct = 1;
	assert_int_equal(http_send(http, &r, &answer, &f), 0);
	unsetenv("https_proxy");
	unsetenv("http_proxy");
	setenv("no_proxy", "*", 1);
}

static void
test_escape(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(http_escape(&b, "a-Z_0.~/ ?$%\xc3\xbc\0", 14), 0);
	assert_int_equal(b.n, 7 + 8 * 3 - 3);
	assert_memory_equal(b.p, "a-Z_0.~%2F%20%3F%24%25%C3%BC%00", b.n);
	buf_free(&b);
}

#define TEST(t)		cmocka_unit_test_setup_teardown(t, setup, teardown)
#define TEST_TLS(t)	cmocka_unit_test_setup_teardown(t, setup_tls, teardown_tls)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_request), TEST(test_big_body), TEST(test_headers), TEST(test_redirect_is_not_followed), TEST(test_chunked),
		TEST(test_gzip), TEST(test_too_long), TEST(test_retry_after), TEST(test_no_connection), TEST(test_bad_urls),
		TEST(test_reset_inside_body), TEST(test_reset_after_body), TEST(test_answer_broken), TEST(test_slow), TEST(test_bad_body),
		TEST(test_refused_early), TEST(test_kept), TEST(test_kept_dies), TEST(test_kept_dies_for_good), TEST(test_closed_meanwhile),
		TEST_TLS(test_tls), TEST_TLS(test_tls_other_host), TEST(test_tls_is_none), TEST_TLS(test_certificate_files),
		TEST(test_proxy), cmocka_unit_test(test_escape),
	};

	setenv("no_proxy", "*", 1);
	unsetenv("CURL_CA_BUNDLE");
	unsetenv("SSL_CERT_FILE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
