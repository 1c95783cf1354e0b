#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "out.h"
#include "weir.h"

int
out_open(struct out *o, int fd, struct fail *f)
{
	*o = (struct out){ .fd = fd };
	if (!(o->hash = XXH3_createState()) || buf_reserve(&o->b, OUT_BLOCK * 2) < 0)
		return fail(f, WEIR_EAGAIN, "no memory");
	XXH3_64bits_reset(o->hash);
	return 0;
}

void
out_close(struct out *o)
{
	XXH3_freeState(o->hash);
	o->hash = NULL;
	buf_free(&o->b);
}

int
out_flush(struct out *o, struct fail *f)
{
	const char *p = o->b.p;
	size_t n = o->b.n;

	while (n) {
		ssize_t k;

		meter_wait_output(o->meter);
		k = write(o->fd, p, n);
		meter_go(o->meter);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			o->b.n = 0;
			return errno == EPIPE ? fail(f, WEIR_EGONE, "the reader of the output is gone") : fail_errno(f, WEIR_EIO, "cannot write the output");
		}
		p += k;
		n -= (size_t)k;
		o->bytes += (uint64_t)k;
	}
	o->b.n = 0;
	return 0;
}

char *
out_room(struct out *o, size_t n, struct fail *f)
{
	if (o->b.n && o->b.n + n > OUT_BLOCK && out_flush(o, f) < 0)
		return NULL;
	if (buf_reserve(&o->b, n) < 0) {
		fail(f, WEIR_EAGAIN, "no memory for the output");
		return NULL;
	}
	return o->b.p + o->b.n;
}

void
out_added(struct out *o, size_t n, uint64_t events)
{
	if (o->framed)
		XXH3_64bits_update(o->hash, o->b.p + o->b.n, n);
	o->b.n += n;
	o->n += events;
}

int
out_data(struct out *o, const char *p, size_t n, uint64_t events, struct fail *f)
{
	char *to = out_room(o, n, f);

	if (!to)
		return f->code;
	memcpy(to, p, n);
	out_added(o, n, events);
	return 0;
}

int
out_control(struct out *o, const char *line, size_t n, struct fail *f)
{
	if (!o->framed)
		return 0;
	if (buf_put(&o->b, line, n) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for the output");
	o->seq++;
	return out_flush(o, f);
}

void
out_mark(struct out *o, uint64_t *n, uint64_t *hash)
{
	*n = o->n;
	*hash = XXH3_64bits_digest(o->hash);
	o->n = 0;
	XXH3_64bits_reset(o->hash);
}

void
out_grow_pipe(int fd)
{
	/* Users have a budget of pipe pages: take what is left of it.  No pipe at all: nothing to grow. */
	for (int size = 1 << 20; size > 65536 && fcntl(fd, F_SETPIPE_SZ, size) < 0; size /= 2)
		if (errno == EBADF || errno == EINVAL)
			break;
}
