#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "press.h"
#include "weir.h"

#define LEVEL_MAX	19	/* above that zstd wants hundreds of megabytes */

struct page {
	int		(*work)(void *, struct press *, const struct buf *, uint32_t, int, struct fail *);
	void		*owner;
	struct buf	 raw;
	uint32_t	 n;
	int		 encoding;
};

struct press {
	ZSTD_CCtx	*ctx;
	struct buf	 out, scratch;
	size_t		 used;			/* memory of out and ctx; written by who compresses, read by who asks */
	int		 level;

	int		 threaded;
	pthread_t	 thread;
	pthread_mutex_t	 lock;			/* of all below */
	pthread_cond_t	 more, less;		/* pages came; a page is done */
	struct page	 queue[PRESS_QUEUE];
	uint64_t	 put, done;		/* pages handed over, and done; queue[put % PRESS_QUEUE] is next */
	struct fail	 failed;		/* the first failure; code 0: none */
	int		 ending;
};

static void *
run(void *arg)
{
	struct press *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct page *p = &c->queue[c->done % PRESS_QUEUE];
		struct fail f = { 0 };
		int rc = 0, broken;

		while (c->done == c->put && !c->ending)
			pthread_cond_wait(&c->more, &c->lock);
		if (c->done == c->put)
			break;
		broken = c->failed.code < 0;
		pthread_mutex_unlock(&c->lock);
		if (!broken)
			rc = p->work(p->owner, c, &p->raw, p->n, p->encoding, &f);
		pthread_mutex_lock(&c->lock);
		if (rc < 0) {
			f.code = rc;
			c->failed = f;
		}
		c->done++;
		pthread_cond_signal(&c->less);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Signals are the main thread's. */
static void
start(struct press *c)
{
	sigset_t all, old;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &old))
		return;
	c->threaded = pthread_create(&c->thread, NULL, run, c) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

struct press *
press_new(int level, int thread)
{
	struct press *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	pthread_cond_init(&c->less, NULL);
	c->level = level < 0 ? 0 : level > LEVEL_MAX ? LEVEL_MAX : level;
	if (c->level && (!(c->ctx = ZSTD_createCCtx()) || ZSTD_isError(ZSTD_CCtx_setParameter(c->ctx, ZSTD_c_compressionLevel, c->level)))) {
		press_free(c);
		return NULL;
	}
	if (thread)
		start(c);
	return c;
}

void
press_free(struct press *c)
{
	if (!c)
		return;
	if (c->threaded) {
		pthread_mutex_lock(&c->lock);
		c->ending = 1;
		pthread_cond_signal(&c->more);
		pthread_mutex_unlock(&c->lock);
		pthread_join(c->thread, NULL);
	}
	for (unsigned i = 0; i < PRESS_QUEUE; i++)
		buf_free(&c->queue[i].raw);
	pthread_cond_destroy(&c->less);
	pthread_cond_destroy(&c->more);
	pthread_mutex_destroy(&c->lock);
	ZSTD_freeCCtx(c->ctx);
	buf_free(&c->out);
	buf_free(&c->scratch);
	free(c);
}

int
press_level(const struct press *c)
{
	return c->level;
}

struct buf *
press_scratch(struct press *c)
{
	return &c->scratch;
}

/* With the lock held. */
static int
failure(const struct press *c, struct fail *f)
{
	if (c->failed.code < 0)
		*f = c->failed;
	return c->failed.code;
}

int
press_page(struct press *c, int (*work)(void *, struct press *, const struct buf *, uint32_t, int, struct fail *), void *owner, uint32_t n,
    int encoding, struct fail *f)
{
	struct page *p;
	struct buf raw;
	int rc;

	if (!c->threaded)
		return work(owner, c, &c->scratch, n, encoding, f);
	pthread_mutex_lock(&c->lock);
	while (c->put - c->done == PRESS_QUEUE)
		pthread_cond_wait(&c->less, &c->lock);
	if ((rc = failure(c, f)) == 0) {
		p = &c->queue[c->put++ % PRESS_QUEUE];
		raw = p->raw;
		*p = (struct page){ .work = work, .owner = owner, .raw = c->scratch, .n = n, .encoding = encoding };
		c->scratch = raw;
		pthread_cond_signal(&c->more);
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int
press_wait(struct press *c, struct fail *f)
{
	int rc;

	if (!c->threaded)
		return 0;
	pthread_mutex_lock(&c->lock);
	while (c->done < c->put)
		pthread_cond_wait(&c->less, &c->lock);
	rc = failure(c, f);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int
press_zstd(struct press *c, const void *p, size_t n, const char **out, size_t *out_n, struct fail *f)
{
	size_t k;

	c->out.n = 0;
	if (buf_reserve(&c->out, ZSTD_compressBound(n)) < 0)
		return fail(f, WEIR_EAGAIN, "no memory to compress a page of %zu bytes: write with a smaller row group", n);
	k = ZSTD_compress2(c->ctx, c->out.p, c->out.cap, p, n);
	if (ZSTD_isError(k))
		return fail(f, ZSTD_getErrorCode(k) == ZSTD_error_memory_allocation ? WEIR_EAGAIN : WEIR_EBUG, "zstd cannot compress a page of %zu bytes: %s", n, ZSTD_getErrorName(k));
	*out = c->out.p;
	*out_n = c->out.n = k;
	__atomic_store_n(&c->used, c->out.cap + ZSTD_sizeof_CCtx(c->ctx), __ATOMIC_RELAXED);
	return 0;
}

size_t
press_memory(const struct press *c)
{
	return sizeof *c + c->scratch.cap * (c->threaded ? PRESS_QUEUE + 1 : 1) + __atomic_load_n(&c->used, __ATOMIC_RELAXED);
}
