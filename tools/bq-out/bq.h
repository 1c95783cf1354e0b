/*
 * bq.h - BigQuery's REST API, version 2: datasets, tables, jobs, insertAll.
 *
 * One place, bq_call(), sends requests: it adds who we are, asks again after
 * a 401 with a new token, reads the error envelope (or what a proxy sent in
 * its place), and repeats what may be repeated until the budget is spent.
 * Messages name what was asked, BigQuery's own words, and the remedy; never a
 * token, a query or the address of an upload.
 *
 * Which host, and as whom: see struct bq_options.
 */
#ifndef BQ_H
#define BQ_H

#include <jansson.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"
#include "http.h"
#include "retry.h"

#define BQ_ENDPOINT	"https://bigquery.googleapis.com"
#define BQ_RETRY_US	(INT64_C(600) * 1000000)	/* default of retry_us */
#define BQ_REASON_SIZE	48
#define BQ_WORDS_SIZE	400

struct bq;

/* Texts are copied.
 * endpoint NULL: BIGQUERY_EMULATOR_HOST, with "http://" before it where it has no scheme, else BQ_ENDPOINT.
 * Google's own hosts (googleapis.com and below) need credentials, and they are found as Google's libraries find them.  To another host that
 * `endpoint` names they are sent only when they are named too: `credentials` or GOOGLE_APPLICATION_CREDENTIALS.  To an emulator of the
 * environment only when `credentials` names them.  Never over http:// except to this machine. */
struct bq_options {
	const char	*endpoint;	/* --endpoint or NULL */
	const char	*credentials;	/* --credentials FILE or NULL */
	const char	*project;	/* of jobs; NULL: GOOGLE_CLOUD_PROJECT, GCLOUD_PROJECT, the credentials' own */
	const char	*location;	/* --location or NULL: bq_dataset_get() finds it */
	int64_t		 retry_us;	/* so long may BigQuery be without a usable answer; 0: BQ_RETRY_US */
};

/* No request is made (but for credentials of the metadata server). */
int	bq_open(const struct bq_options *, struct bq **, struct fail *);
void	bq_close(struct bq *);
int	bq_reload(struct bq *, struct fail *);		/* SIGHUP: credentials */

const char *bq_project(const struct bq *);		/* of jobs; NULL: none was found */
int	bq_default_project(struct bq *, const char *project, struct fail *);	/* the one to take then */
const char *bq_location(const struct bq *);		/* NULL until it is known */
const char *bq_who(const struct bq *);			/* for people */
int64_t	bq_retry_us(const struct bq *);

/* ---------------------------------------------------------------- resources; *out is the caller's to json_decref() */

/* WEIR_ECONFIG: it is not there, in another location than --location, or not ours to see.  The first one gives the location of all jobs. */
int	bq_dataset_get(struct bq *, const char *project, const char *dataset, json_t **out, struct fail *);

/* 0; 1 the table is not there (without its $partition in `table`); WEIR_ECONFIG: the dataset is not, or a permission is missing. */
int	bq_table_get(struct bq *, const char *project, const char *dataset, const char *table, json_t **out, struct fail *);

/* `table` is the resource without its tableReference.  0 made, *out is what BigQuery made of it; 1 somebody was first. */
int	bq_table_create(struct bq *, const char *project, const char *dataset, const char *table, const json_t *resource, json_t **out,
	    struct fail *);

/* 0; 1 the table has another etag by now: get it, merge again (it may have been our own patch, whose answer was lost). */
int	bq_table_patch(struct bq *, const char *project, const char *dataset, const char *table, const char *etag, const json_t *patch,
	    json_t **out, struct fail *);

/* In our project and location: 0; 1 there is none of this id.  Repeated while BigQuery does not answer; WEIR_EAGAIN when it still does not. */
int	bq_job_get(struct bq *, const char *id, json_t **out, struct fail *);

/* One request and no more.  0: *out is the answer, whose insertErrors are the caller's to read.  1: not now, nothing is known to be stored,
 * ask again after *wait_us (-1: as you like) - *f says why.  2: there is no such table, or not yet - *f says. */
int	bq_insert_all(struct bq *, const char *project, const char *dataset, const char *table, const void *body, size_t n, json_t **out,
	    int64_t *wait_us, struct fail *);

/* ---------------------------------------------------------------- one call */

/* What an answer is, from its status and BigQuery's reason (Google's table of errors).  The names say who can do something about it. */
enum bq_class {
	BQ_OK,			/* 2xx, and 308 of uploads */
	BQ_TRANSIENT,		/* 5xx, 429, 408, rateLimitExceeded ...: again, later; also: no answer */
	BQ_QUOTA,		/* quotaExceeded: not before it refills */
	BQ_NOT_FOUND,		/* 404, 410 */
	BQ_EXISTS,		/* 409 */
	BQ_MOVED,		/* 412 */
	BQ_FORBIDDEN,		/* 401 twice, 403 */
	BQ_WRONG		/* the request */
};

enum bq_class bq_class(int status, const char *reason);

struct bq_call {
	/* asked */
	const char		*what;		/* for messages: "the table p.d.t" */
	const char		*role;		/* who may do it: "roles/bigquery.dataEditor on the dataset p.d" */
	const char		*method, *url;	/* made by bq_url(), or a session of an upload */
	const char		*type;		/* Content-Type, NULL: JSON where there is a body */
	const char		*header[4];	/* more of them, NULL: none; prettyPrint, authorization and the like are added */
	const void		*body;
	http_read		*read;		/* instead of body */
	void			*arg;
	uint64_t		 body_bytes;
	int64_t			 deadline_us;	/* 0: as long as bytes move */
	/* answered */
	enum bq_class		 class;
	int			 status;	/* 0: no answer */
	int			 sent;		/* status 0: it may have arrived */
	int64_t			 wait_us;	/* Retry-After or -1 */
	char			 reason[BQ_REASON_SIZE];
	char			 words[BQ_WORDS_SIZE];	/* BigQuery's own, or what libcurl or a proxy said */
	json_t			*json;		/* the caller's; NULL: the answer was none */
	const struct http_answer *answer;	/* headers; until the next call */
};

/* One request; after a 401 one more with a new token.  0: look at `class`; no answer is BQ_TRANSIENT.  Negative: credentials, a
 * certificate, the code of read(), memory. */
int	bq_once(struct bq *, struct bq_call *, struct fail *);

/* The same, again while it is BQ_TRANSIENT and the budget lasts: only for what may be repeated. */
int	bq_call(struct bq *, struct bq_call *, struct fail *);

/* The sentence and the code for an answer that nobody knows better: WEIR_EAGAIN, or WEIR_ECONFIG. */
int	bq_fail(const struct bq *, const struct bq_call *, struct fail *);

/* endpoint, then `prefix` ("/bigquery/v2/projects/"), then the segments up to NULL, each percent-encoded, with "/" between; then
 * "?prettyPrint=false".  *out is emptied first and ends with a NUL that does not count. */
int	bq_url(const struct bq *, struct buf *out, const char *prefix, const char *const *segment, struct fail *);

/* An address that an answer gave (Location of an upload), put on our endpoint unless both are Google's: a server behind a proxy, or
 * in a container, gives its own name, and a token is for no other host. */
int	bq_rehost(const struct bq *, const char *location, struct buf *out, struct fail *);

#endif
