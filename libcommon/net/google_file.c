#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "google_parts.h"
#include "weir.h"

#define TOKEN_URL	"https://oauth2.googleapis.com/token"	/* where a file does not say */

int
google_read(const char *path, struct buf *b, struct fail *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t k;

	if (fd < 0)
		return fail_errno(f, fail_input_code(errno), "cannot open the credentials %s", path);
	for (;;) {
		if (buf_reserve(b, 4096) < 0) {
			close(fd);
			return fail(f, WEIR_ECONFIG, "%s is longer than %u bytes, so it is no file of credentials", path, GOOGLE_FILE_MAX);
		}
		if ((k = read(fd, b->p + b->n, 4096)) <= 0 && !(k < 0 && errno == EINTR))
			break;
		b->n += k > 0 ? (size_t)k : 0;
	}
	if (k < 0)
		fail_errno(f, fail_input_code(errno), "cannot read the credentials %s", path);
	close(fd);		/* nothing was written */
	return k < 0 ? f->code : 0;
}

/* The parser's own words quote what it read, which may be a secret. */
json_t *
google_parse(const struct buf *b, int *line)
{
	json_error_t error = { 0 };
	json_t *j = b->n ? json_loadb(b->p, b->n, 0, &error) : NULL;

	if (b->n && !j && json_error_code(&error) == json_error_out_of_memory)
		fail_no_memory();
	if (line)
		*line = error.line > 0 ? error.line : 1;
	if (j && !json_is_object(j)) {
		json_decref(j);
		j = NULL;
	}
	return j;
}

int
google_need(const char *path, const json_t *doc, const char *key, const char **text, struct fail *f)
{
	*text = json_string_value(json_object_get(doc, key));
	return *text && **text ? 0 : fail(f, WEIR_ECONFIG, "%s: \"%s\" is missing or no text; take the whole file as Google's tools write it", path, key);
}

/* Secrets go over https, but to this machine itself and (as in Azure) its own link. */
int
google_url_check(const char *path, const char *key, const char *url, struct fail *f)
{
	static const char *const near[] = { "127.0.0.1", "localhost", "[::1]", "169.254.169.254" };
	const char *host = strstr(url, "://");
	size_t i, n = host ? strcspn(host += 3, "/?#") : 0;
	int good = n && !memchr(host, '@', n);

	if (good && !strncmp(url, "http://", 7)) {
		for (good = i = 0; i < sizeof near / sizeof *near; i++)
			good |= !strncmp(host, near[i], strlen(near[i])) && strchr(":/?#", host[strlen(near[i])]);
	} else
		good = good && !strncmp(url, "https://", 8);
	return good ? 0 : fail(f, WEIR_ECONFIG, "%s: \"%s\" must be an https:// URL (http:// for this machine's own services alone)", path, key);
}

/* ---------------------------------------------------------------- types */

static int
no_passphrase(char *p, int size, int writing, void *arg)
{
	(void)p;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;		/* without this one OpenSSL asks the terminal */
}

static int
read_key(struct google_source *s, const char *pem, struct fail *f)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);

	s->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	if (!s->key || EVP_PKEY_base_id(s->key) != EVP_PKEY_RSA)
		return fail(f, WEIR_ECONFIG, "%s: \"private_key\" is no RSA key in PEM without a passphrase; make a new key for the service account", s->where);
	return 0;
}

static int
token_url(struct google_source *s, const char *key, struct fail *f)
{
	if (!(s->token_url = json_string_value(json_object_get(s->doc, key))))
		s->token_url = TOKEN_URL;
	return google_url_check(s->where, key, s->token_url, f);
}

static int
parse_service(struct google_source *s, struct fail *f)
{
	const char *pem, *project = json_string_value(json_object_get(s->doc, "project_id"));
	int e;

	s->key_id = json_string_value(json_object_get(s->doc, "private_key_id"));
	if ((e = google_need(s->where, s->doc, "client_email", &s->email, f)) < 0 || (e = google_need(s->where, s->doc, "private_key", &pem, f)) < 0
	    || (e = read_key(s, pem, f)) < 0 || (e = token_url(s, "token_uri", f)) < 0)
		return e;
	if ((project && !(s->project = strdup(project))) || asprintf(&s->who, "service account %s, from %s", s->email, s->where) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for credentials");
	return 0;
}

static int
parse_user(struct google_source *s, struct fail *f)
{
	const char *text;
	int e;

	if ((e = google_need(s->where, s->doc, "client_id", &text, f)) < 0 || (e = google_need(s->where, s->doc, "client_secret", &text, f)) < 0
	    || (e = google_need(s->where, s->doc, "refresh_token", &text, f)) < 0 || (e = token_url(s, "token_uri", f)) < 0)
		return e;
	if (asprintf(&s->who, "a user's credentials, from %s", s->where) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for credentials");
	return 0;
}

/* Whose tokens we get in the end, for people: out of ".../serviceAccounts/NAME:generateAccessToken". */
static int
impersonated(struct google_source *s, const char *by, struct fail *f)
{
	const char *name = strstr(s->impersonate_url, "serviceAccounts/");

	name = name ? name + strlen("serviceAccounts/") : s->impersonate_url;
	if (asprintf(&s->who, "service account %.*s through %s, from %s", (int)strcspn(name, ":/?"), name, by, s->where) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for credentials");
	return 0;
}

static int
parse_external(struct google_source *s, struct fail *f)
{
	const char *audience, *type;
	int e;

	if ((e = google_need(s->where, s->doc, "audience", &audience, f)) < 0 || (e = google_need(s->where, s->doc, "subject_token_type", &type, f)) < 0
	    || (e = google_need(s->where, s->doc, "token_url", &s->token_url, f)) < 0 || (e = token_url(s, "token_url", f)) < 0
	    || (e = google_external_check(s->where, json_object_get(s->doc, "credential_source"), f)) < 0)
		return e;
	if ((s->impersonate_url = json_string_value(json_object_get(s->doc, "service_account_impersonation_url"))))
		return (e = google_url_check(s->where, "service_account_impersonation_url", s->impersonate_url, f)) < 0 ? e : impersonated(s, audience, f);
	if (asprintf(&s->who, "%s, from %s", audience, s->where) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for credentials");
	return 0;
}

static int parse(const char *path, json_t *doc, int inner, struct google_source **, struct fail *);

static int
parse_impersonated(struct google_source *s, struct fail *f)
{
	json_t *delegates = json_object_get(s->doc, "delegates"), *j;
	size_t i;
	int e;

	if ((e = google_need(s->where, s->doc, "service_account_impersonation_url", &s->impersonate_url, f)) < 0
	    || (e = google_url_check(s->where, "service_account_impersonation_url", s->impersonate_url, f)) < 0)
		return e;
	json_array_foreach(delegates, i, j)
		if (!json_is_string(j))
			return fail(f, WEIR_ECONFIG, "%s: \"delegates\" must be a list of service accounts", s->where);
	if ((e = parse(s->where, json_object_get(s->doc, "source_credentials"), 1, &s->inner, f)) < 0)
		return e;
	return impersonated(s, "another account", f);
}

static int
parse(const char *path, json_t *doc, int inner, struct google_source **out, struct fail *f)
{
	static const struct {
		const char	*name;
		enum google_type type;
		int		(*parse)(struct google_source *, struct fail *);
	} known[] = {
		{ "service_account", GOOGLE_SERVICE, parse_service },
		{ "authorized_user", GOOGLE_USER, parse_user },
		{ "external_account", GOOGLE_EXTERNAL, parse_external },
		{ "impersonated_service_account", GOOGLE_IMPERSONATED, parse_impersonated },
	};
	const size_t n = sizeof known / sizeof *known - (inner ? 1 : 0);	/* one impersonation is enough */
	struct google_source *s;
	const char *type;
	size_t i = 0;
	int e;

	if ((e = google_need(path, doc, "type", &type, f)) < 0)
		return e;
	while (i < n && strcmp(type, known[i].name))
		i++;
	if (i == n)
		return fail(f, WEIR_ECONFIG, "%s: credentials of the type '%.60s' are not known%s; known are service_account, authorized_user, external_account%s",
		    path, type, inner ? " as source_credentials" : "", inner ? "" : " and impersonated_service_account");
	if (!(s = calloc(1, sizeof *s)) || !(s->where = strdup(path))) {
		free(s);
		return fail(f, WEIR_EAGAIN, "no memory for credentials");
	}
	s->type = known[i].type;
	s->doc = json_incref(doc);
	if ((e = known[i].parse(s, f)) < 0)
		google_source_free(s);
	else
		*out = s;
	return e;
}

int
google_file(const char *path, struct google_source **out, struct fail *f)
{
	struct buf b = { .max = GOOGLE_FILE_MAX };
	json_t *doc = NULL;
	int line, e = google_read(path, &b, f);

	if (e == 0 && !(doc = google_parse(&b, &line)))
		e = fail(f, WEIR_ECONFIG, "%s is no JSON object (line %d), so it is no file of credentials", path, line);
	if (e == 0)
		e = parse(path, doc, 0, out, f);
	json_decref(doc);
	buf_free(&b);
	return e;
}

void
google_source_free(struct google_source *s)
{
	if (!s)
		return;
	google_source_free(s->inner);
	json_decref(s->doc);
	EVP_PKEY_free(s->key);
	free(s->where);
	free(s->project);
	free(s->who);
	free(s);
}
