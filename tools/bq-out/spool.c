#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "gzip.h"
#include "spool.h"
#include "weir.h"

/* What one put() and the end of the stream may add at most: a slice that does not shrink, and what the compressor still holds (tokens of
 * 64 Ki symbols or matches, each under 4 bytes). */
#define SPARE	(SPOOL_SLICE + (512u << 10))
#define BLOCK	(64u << 10)		/* read at once, when rows are looked for */

struct spool {
	char		*dir;
	struct gzip	*gzip;		/* NULL: plain */
	XXH3_state_t	*hash;
	uint64_t	 ring;		/* size of the file: byte `at` of the stream stands at at % ring */
	uint64_t	 from;		/* the window: [from, sum.out) */
	struct spool_sum sum;
	int		 fd;
	int		 finished;
};

/* ---------------------------------------------------------------- the file */

static int
file_error(const char *what, const char *dir, struct fail *f)
{
	return fail_errno(f, errno == ENOENT ? WEIR_ECONFIG : fail_path_code(errno), "cannot %s the file in %s that holds rows for BigQuery", what, dir);
}

static int
make_file(struct spool *s, struct fail *f)
{
	char *name;

	if ((s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return file_error("create", s->dir, f);
	if (asprintf(&name, "%s/.bq-out-XXXXXX", s->dir) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for a path");
	if ((s->fd = mkostemp(name, O_CLOEXEC)) < 0 || unlink(name) < 0) {
		free(name);
		return file_error("create", s->dir, f);
	}
	free(name);
	return 0;
}

/* n bytes of the ring at stream position `at`, in or out; the caller knows that they are in the window. */
static int
move(struct spool *s, uint64_t at, void *p, size_t n, int out, struct fail *f)
{
	char *c = p;

	while (n) {
		uint64_t pos = at % s->ring;
		size_t want = n < s->ring - pos ? n : (size_t)(s->ring - pos);
		ssize_t k = out ? pwrite(s->fd, c, want, (off_t)pos) : pread(s->fd, c, want, (off_t)pos);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return file_error(out ? "write" : "read", s->dir, f);
		if (!k)
			return fail(f, WEIR_EIO, "the file in %s that holds rows for BigQuery ends at byte %" PRIu64 ", more was written", s->dir, pos);
		c += k;
		at += (uint64_t)k;
		n -= (size_t)k;
	}
	return 0;
}

static int
append(void *arg, const void *p, size_t n, struct fail *f)
{
	struct spool *s = arg;
	int e;

	if (s->sum.out - s->from + n > s->ring)
		return fail(f, WEIR_EBUG, "spool: %zu bytes more than were set aside", (size_t)(s->sum.out - s->from + n - s->ring));
	if ((e = move(s, s->sum.out, (void *)(uintptr_t)p, n, 1, f)) == 0)
		s->sum.out += n;
	return e;
}

int
spool_open(const struct spool_options *o, struct spool **out, struct fail *f)
{
	struct spool *s = calloc(1, sizeof *s);
	int e;

	if (!s)
		return fail(f, WEIR_EAGAIN, "no memory for a spool");
	s->fd = -1;
	s->ring = !o->bytes ? SPOOL_BYTES : o->bytes < SPOOL_LEAST ? SPOOL_LEAST : o->bytes;
	if (!(s->dir = strdup(o->dir)) || !(s->hash = XXH3_createState()) || XXH3_128bits_reset(s->hash) != XXH_OK)
		e = fail(f, WEIR_EAGAIN, "no memory for a spool");
	else if ((e = make_file(s, f)) == 0 && !o->plain)
		e = gzip_open(append, s, &s->gzip, f);
	if (e < 0) {
		spool_close(s);
		return e;
	}
	*out = s;
	return 0;
}

void
spool_close(struct spool *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);		/* without a name: nothing can be lost */
	gzip_close(s->gzip);
	XXH3_freeState(s->hash);
	free(s->dir);
	free(s);
}

/* ---------------------------------------------------------------- in */

static int
hash(struct spool *s, const char *p, size_t n, struct fail *f)
{
	uint64_t half = s->ring / 2;
	size_t first = s->sum.in < half && n >= half - s->sum.in ? (size_t)(half - s->sum.in) : 0;
	XXH128_hash_t h;

	if (first) {
		if (XXH3_128bits_update(s->hash, p, first) != XXH_OK)
			return fail(f, WEIR_EBUG, "xxhash refuses bytes");
		h = XXH3_128bits_digest(s->hash);
		s->sum.head_hash[0] = h.low64;
		s->sum.head_hash[1] = h.high64;
	}
	if (XXH3_128bits_update(s->hash, p + first, n - first) != XXH_OK)
		return fail(f, WEIR_EBUG, "xxhash refuses bytes");
	return 0;
}

int
spool_put(struct spool *s, const void *p, size_t n, uint64_t n_rows, struct fail *f)
{
	int e;

	if (n > SPOOL_SLICE || s->finished)
		return fail(f, WEIR_EBUG, "spool_put: %zu bytes%s", n, s->finished ? " after the end" : "");
	if (s->sum.out - s->from + SPARE > s->ring)
		return 1;
	if ((e = hash(s, p, n, f)) < 0 || (e = s->gzip ? gzip_write(s->gzip, p, n, 0, f) : append(s, p, n, f)) < 0)
		return e;
	s->sum.in += n;
	s->sum.rows += n_rows;
	return 0;
}

int
spool_finish(struct spool *s, struct fail *f)
{
	XXH128_hash_t h = XXH3_128bits_digest(s->hash);
	int e;

	if (s->gzip && !s->finished && (e = gzip_write(s->gzip, "", 0, 1, f)) < 0)
		return e;
	s->finished = 1;
	s->sum.hash[0] = h.low64;
	s->sum.hash[1] = h.high64;
	return 0;
}

void
spool_sum(const struct spool *s, struct spool_sum *sum)
{
	*sum = s->sum;
}

/* ---------------------------------------------------------------- out */

int
spool_read(struct spool *s, uint64_t at, void *p, size_t n, struct fail *f)
{
	if (at < s->from || n > s->sum.out || at > s->sum.out - n)
		return fail(f, WEIR_EBUG, "spool_read: bytes %" PRIu64 " + %zu are not in the window from %" PRIu64 " to %" PRIu64, at, n, s->from,
		    s->sum.out);
	return move(s, at, p, n, 0, f);
}

uint64_t
spool_from(const struct spool *s)
{
	return s->from;
}

void
spool_release(struct spool *s, uint64_t to)
{
	if (to > s->from && to <= s->sum.out)
		s->from = to;
}

/* ---------------------------------------------------------------- rows by position */

struct finder {
	struct spool	*spool;
	struct gunzip	*gunzip;	/* NULL: plain */
	struct spool_row *row;		/* the next ones that are looked for */
	size_t		 n_rows;
	uint64_t	 at;		/* of the compressed bytes read so far */
	uint64_t	 in;		/* of the rows' bytes looked at so far */
	uint64_t	 number;	/* of the row that `in` lies in */
	char		 text[SPOOL_TEXT];	/* its first bytes, as far as they have come */
	size_t		 n_text;
};

static int
source(void *arg, void *p, size_t max, size_t *n, struct fail *f)
{
	struct finder *x = arg;
	uint64_t left = x->spool->sum.out - x->at;
	int e;

	*n = left < max ? (size_t)left : max;
	if ((e = spool_read(x->spool, x->at, p, *n, f)) == 0)
		x->at += *n;
	return e;
}

/* The row that x->number is ends before `end`. */
static void
row_ends(struct finder *x, uint64_t end)
{
	for (; x->n_rows && x->row->at < end; x->row++, x->n_rows--) {
		x->row->number = x->number;
		x->row->n = x->n_text;
		memcpy(x->row->text, x->text, x->n_text);
	}
	x->number++;
	x->n_text = 0;
}

static void
look_at(struct finder *x, const char *p, size_t n)
{
	while (n && x->n_rows) {
		const char *newline = memchr(p, '\n', n);
		size_t k = newline ? (size_t)(newline - p) : n, room = SPOOL_TEXT - x->n_text;

		room = k < room ? k : room;
		memcpy(x->text + x->n_text, p, room);
		x->n_text += room;
		k += newline != NULL;
		x->in += k;
		p += k;
		n -= k;
		if (newline)
			row_ends(x, x->in);
	}
}

int
spool_find(struct spool *s, struct spool_row *row, size_t n, struct fail *f)
{
	struct finder x = { .spool = s, .row = row, .n_rows = n, .number = 1 };
	char *block = malloc(BLOCK);
	size_t got = 1;
	int e = 0;

	for (size_t i = 0; i < n; i++)
		row[i].number = row[i].n = 0;
	if (!block)
		e = fail(f, WEIR_EAGAIN, "no memory to look for rows");
	else if (s->from)
		e = fail(f, WEIR_EBUG, "spool_find: the rows have been released");
	else if (s->gzip)
		e = gunzip_open(source, &x, &x.gunzip, f);
	while (!e && got && x.n_rows) {
		e = x.gunzip ? gunzip_read(x.gunzip, block, BLOCK, &got, f) : source(&x, block, BLOCK, &got, f);
		if (!e)
			look_at(&x, block, got);
	}
	if (!e && x.n_text)		/* a last row without its newline */
		row_ends(&x, x.in);
	gunzip_close(x.gunzip);
	free(block);
	return e;
}
