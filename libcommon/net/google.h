/*
 * google.h - who we are to Google's services: application default credentials (AIP-4110), and tokens made of them.
 *
 * In this order: the file that was named; GOOGLE_APPLICATION_CREDENTIALS; gcloud's
 * ${CLOUDSDK_CONFIG:-~/.config/gcloud}/application_default_credentials.json; the metadata server
 * (GCE_METADATA_HOST; NO_GCE_CHECK=true leaves it out).  Types: service_account (AIP-4111 self-signed JWT for Google's own hosts, token
 * exchange at token_uri otherwise), authorized_user, external_account (AIP-4117: file and url sources), impersonated_service_account.
 * A file that is there and cannot be used is an error, not a reason to look further.  http:// is accepted for loopback hosts and the link's
 * own 169.254.169.254 alone, and these, as the metadata server, are never asked through a proxy.
 */
#ifndef GOOGLE_H
#define GOOGLE_H

#include "http.h"

struct google;

struct google_options {
	const char	*file;		/* --credentials; NULL: look as above */
	const char	*scope;		/* "https://www.googleapis.com/auth/bigquery" */
	const char	*audience;	/* "https://bigquery.googleapis.com/": the service, for self-signed JWTs; NULL: always exchange */
	struct http	*http;		/* the caller's */
};

/* Finds and reads; of the network only the metadata server is asked, and only when no file is there.  WEIR_ECONFIG: nothing found, or not
 * usable; WEIR_EIO: a file cannot be read; WEIR_EAGAIN: this is a machine of Google's, or GCE_METADATA_HOST is set, and the metadata server
 * does not answer.  The sentence names the file and the remedy, never a secret. */
int	google_open(const struct google_options *, struct google **, struct fail *);
void	google_close(struct google *);

/* "Bearer ..." into *authorization, valid until the next call; a new token 5 minutes before the old one ends.  WEIR_EAGAIN: the token
 * service does not answer, asked again for 10 s; WEIR_ECONFIG: it refuses us, in its words.  An old token that has not ended serves
 * while there is no new one. */
int	google_token(struct google *, const char **authorization, struct fail *);

/* The service said 401: the next google_token() makes a new token. */
void	google_refused(struct google *);

/* Read the file again (SIGHUP).  On error the old credentials stay. */
int	google_reload(struct google *, struct fail *);

/* Projects the credentials name, NULL if none: the one to work in (service account's own, or the metadata server's), and the one that pays
 * (quota_project_id, GOOGLE_CLOUD_QUOTA_PROJECT: header x-goog-user-project). */
const char *google_project(struct google *);
const char *google_quota_project(struct google *);

/* For people: "service account loader@p.iam.gserviceaccount.com, from /etc/key.json". */
const char *google_who(struct google *);

#endif
