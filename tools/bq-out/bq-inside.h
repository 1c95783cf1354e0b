/*
 * bq-inside.h - what the files of BigQuery's API share.
 */
#ifndef BQ_INSIDE_H
#define BQ_INSIDE_H

#include "bq.h"

#define BQ_WAIT_FIRST_US	INT64_C(1000000)	/* between a request that failed and the next, and between jobs */
#define BQ_WAIT_MOST_US		INT64_C(32000000)

struct bq {
	struct http		*http;
	struct google		*google;	/* NULL: no credentials are sent */
	char			*endpoint;	/* without a slash at its end */
	char			*project, *location;
	int64_t			 retry_us;
	int			 google_host;	/* the endpoint is Google's own */
	int			 emulator;	/* of the environment */
	struct http_answer	 answer;
};

/* Reasons as BigQuery gives them, in answers and in jobs. */
int	bq_transient_reason(const char *reason);
int	bq_quota_reason(const char *reason);

/* Text of others as one line without control characters, cut to fit. */
void	bq_words(char *out, size_t size, const char *p, size_t n);

#endif
