/*
 * http.h - requests over HTTP, one after another: deadlines, kept connections, TLS, limits.
 *
 * libcurl does the work.  Nothing is followed, and what may be repeated only
 * the caller knows (retry.h tells how long to wait).  One exception: GET, PUT
 * and DELETE go out again by themselves when a kept connection turns out dead
 * before a byte of an answer came; any other method always gets a new one.
 * Certificates and host names are always checked.  Proxies as libcurl finds
 * them in the environment.  Header values named here as secret never get into
 * a message.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "fail.h"

#define HTTP_CONNECT_US	(10 * INT64_C(1000000))	/* until a connection stands */
#define HTTP_STALL_US	(60 * INT64_C(1000000))	/* without a byte in either direction; up to 5 s later, by libcurl's way to measure */
#define HTTP_ANSWER_MAX	(16u << 20)		/* bytes of an answer's body */

struct http;

struct http_options {
	const char	*user_agent;
	const char	*ca_file;	/* NULL: CURL_CA_BUNDLE, SSL_CERT_FILE, else the system's */
	int64_t		 connect_us, stall_us;	/* 0: the constants above */
	size_t		 answer_max;	/* 0: HTTP_ANSWER_MAX */
};

/* The options' texts are copied.  WEIR_ECONFIG: a file of certificates that cannot be read; WEIR_EAGAIN: no memory. */
int	http_open(const struct http_options *, struct http **, struct fail *);
void	http_close(struct http *);

/* Bytes [at, at + n) of a body into p: 0, or a code in *f, which ends the request.  May be asked twice for the same bytes. */
typedef int http_read(void *arg, uint64_t at, void *p, size_t n, struct fail *f);

struct http_request {
	const char		*method;	/* GET POST PUT PATCH DELETE */
	const char		*url;
	const char *const	*header;	/* "Name: value", ends with NULL; or NULL */
	const char		*authorization;	/* value of that header, secret; or NULL */
	const void		*body;		/* body_bytes of it, or NULL and: */
	http_read		*read;
	void			*arg;
	uint64_t		 body_bytes;	/* Content-Length; 0 sends "Content-Length: 0" where the method has a body */
	int64_t			 deadline_us;	/* the whole request may take so long; 0: as long as bytes move */
	int			 direct;	/* never through a proxy: the service is this machine's own */
};

struct http_answer {
	int		 status;		/* 100 to 599; 0: no answer came */
	int		 sent;			/* status 0: 0 the server cannot have got the whole request, 1 it may have */
	int64_t		 retry_after_us;	/* Retry-After, seconds or a date; -1: not said */
	struct buf	 body;			/* content-encoding undone; cut never: longer than answer_max is an error */
	struct buf	 headers;		/* of the last answer (not of 100 Continue), "Name: value\0" each */
};

/* 0: an answer came whole, whatever its status; one of 400 and more also when it broke off behind its headers: its body is empty then.
 * WEIR_EAGAIN: none came, or not whole (answer->sent tells); WEIR_ECONFIG: what another try cannot help (a URL that is none, a certificate
 * that is not accepted, an answer longer than answer_max); or the code of read().  The sentence names the host and what failed, never the
 * query or a header.  The answer's buffers are the caller's, used again by the next request, freed by
 * http_answer_free(). */
int	http_send(struct http *, const struct http_request *, struct http_answer *, struct fail *);
void	http_answer_free(struct http_answer *);

/* The value of a header, the case of its name ignored; NULL: not there.  Valid until the next request. */
const char *http_header(const struct http_answer *, const char *name);

/* p[0..n) percent-encoded for one segment of a path or one value of a query (RFC 3986, 2.3: all but unreserved). */
int	http_escape(struct buf *out, const char *p, size_t n);

#endif
