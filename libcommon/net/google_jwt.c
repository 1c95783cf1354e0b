#include "config.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "google_parts.h"
#include "weir.h"

#define SKEW_S	10	/* the service's clock may be behind ours */

/* base64url without padding (RFC 4648, 5). */
static int
put_base64(struct buf *b, const void *p, size_t n)
{
	size_t i, len = (n + 2) / 3 * 4;

	if (buf_reserve(b, len + 1) < 0)
		return -1;
	EVP_EncodeBlock((unsigned char *)b->p + b->n, p, (int)n);
	while (len && b->p[b->n + len - 1] == '=')
		len--;
	for (i = b->n; i < b->n + len; i++)
		b->p[i] = b->p[i] == '+' ? '-' : b->p[i] == '/' ? '_' : b->p[i];
	b->n += len;
	return 0;
}

static int
put_json(struct buf *b, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	int e = text ? put_base64(b, text, strlen(text)) : -1;

	free(text);
	json_decref(j);
	return e;
}

static int
put_signature(struct buf *b, EVP_PKEY *key)
{
	size_t n = (size_t)EVP_PKEY_size(key);
	unsigned char *signature = malloc(n);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int e = -1;

	if (c && signature && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) == 1
	    && EVP_DigestSign(c, signature, &n, (const unsigned char *)b->p, b->n) == 1 && buf_putc(b, '.') == 0)
		e = put_base64(b, signature, n);
	EVP_MD_CTX_free(c);
	free(signature);
	return e;
}

int
google_jwt(const struct google_source *s, const char *scope, const char *audience, char **jwt, struct fail *f)
{
	struct buf b = { 0 };
	json_int_t now = (json_int_t)time(NULL) - SKEW_S;

	if (put_json(&b, json_pack("{s:s,s:s,s:s*}", "alg", "RS256", "typ", "JWT", "kid", s->key_id)) < 0 || buf_putc(&b, '.') < 0
	    || put_json(&b, json_pack("{s:s,s:s,s:I,s:I,s:s,s:s*}", "iss", s->email, "sub", s->email, "iat", now, "exp", now + GOOGLE_LIFE_S,
		"aud", audience, "scope", scope)) < 0)
		goto fail;
	if (put_signature(&b, s->key) < 0 || buf_putc(&b, '\0') < 0)
		goto fail;
	*jwt = b.p;
	return 0;
fail:
	buf_free(&b);
	return fail(f, WEIR_EAGAIN, "cannot sign a token with the key of %s: no memory, or the cryptographic library fails; run it again", s->where);
}
