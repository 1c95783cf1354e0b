/*
 * google_parts.h - what the files of google.h share with each other and with nobody else.
 */
#ifndef GOOGLE_PARTS_H
#define GOOGLE_PARTS_H

#include <jansson.h>
#include <openssl/evp.h>

#include "google.h"

#define GOOGLE_FILE_MAX		(1u << 20)	/* bytes of a file of credentials, or of one with a token */
#define GOOGLE_ASK_US		(10 * INT64_C(1000000))	/* how long a token service is asked again */
#define GOOGLE_LIFE_S		3600		/* of tokens that we sign or ask for */
#define GOOGLE_CLOUD_SCOPE	"https://www.googleapis.com/auth/cloud-platform"	/* what asking for another account's token needs */

enum google_type { GOOGLE_SERVICE, GOOGLE_USER, GOOGLE_EXTERNAL, GOOGLE_IMPERSONATED, GOOGLE_METADATA };

/* One set of credentials.  Texts are borrowed from doc, but those with char *. */
struct google_source {
	enum google_type	 type;
	json_t			*doc;			/* the file */
	char			*where;			/* its path, or the metadata server's host */
	char			*project, *who;
	EVP_PKEY		*key;			/* service: signs */
	const char		*email, *key_id;	/* service */
	const char		*token_url;		/* service, user, external */
	const char		*impersonate_url;	/* impersonated, and external where wanted */
	struct google_source	*inner;			/* impersonated: who asks for the token */
};

/* Questions to token services. */
struct google_call {
	struct http			*http;
	struct http_answer		 answer;
	int64_t				 for_us;	/* ask again so long when nobody answers */
	const struct google_source	*source;	/* for people */
};

struct google_token {
	char	*text;
	int64_t	 life_us;
};

/* google_file.c: what a file says.  Keys are read and URLs are looked at here, so that only services can refuse later. */
int	google_file(const char *path, struct google_source **, struct fail *);
void	google_source_free(struct google_source *);
int	google_read(const char *path, struct buf *, struct fail *);			/* all of a file */
json_t *google_parse(const struct buf *, int *line);					/* NULL: no JSON object, because of that line */
int	google_url_check(const char *path, const char *key, const char *url, struct fail *);
int	google_need(const char *path, const json_t *doc, const char *key, const char **text, struct fail *);

/* google_jwt.c: a JWT of a service account, valid from now; the claim is "aud", or "scope" and "aud".  The caller frees *jwt. */
int	google_jwt(const struct google_source *, const char *scope, const char *audience, char **jwt, struct fail *);

/* google_ask.c */
int	google_ask(struct google_call *, const struct http_request *, struct fail *);	/* 0: some answer that another try does not change */
int	google_refusal(const struct google_call *, const char *url, struct fail *);	/* the words of that answer; WEIR_ECONFIG */
int	google_answer(struct google_call *, const char *url, json_t **, struct fail *);	/* the object of a 200 */
int	google_form(struct buf *, const char *name, const char *value);		/* name=value, & before it */
void	google_host(const char *url, char *host, size_t size);			/* for people */

/* google_token.c: a token from the service that the credentials belong to.  The caller frees token->text. */
int	google_fetch(struct google_call *, const struct google_source *, const char *scope, struct google_token *, struct fail *);

/* google_external.c: who somebody outside says we are.  Check credential_source; ask it: the caller frees *subject. */
int	google_external_check(const char *path, const json_t *source, struct fail *);
int	google_subject(struct google_call *, const struct google_source *, char **subject, struct fail *);

/* google_metadata.c: the machine's own account.  0, 1 there is no metadata server, or an error. */
int	google_metadata(struct http *, struct google_source **, struct fail *);
int	google_metadata_token(struct google_call *, const struct google_source *, const char *scope, json_t **, struct fail *);

#endif
