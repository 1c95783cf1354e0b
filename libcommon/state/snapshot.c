#include "config.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "buf.h"
#include "publish.h"
#include "snapshot.h"
#include "weir.h"

#define MAGIC		"WEIRSNAP"
#define FORMAT		1u
#define FRAME_BYTES	(1u << 20)	/* raw, but one record is never split */
#define FRAME_MAX	(64u << 20)
#define HEADER_MAX	65536
#define LEVEL		1

struct frame {
	uint32_t	raw, compressed, records, zero;
	uint64_t	hash;
};

struct weir_state {
	struct buf	 raw, packed;
	size_t		 at;		/* reader: in raw */
	uint32_t	 records;
	/* writer */
	struct publish	 file;
	char		*name;
	XXH3_state_t	*hash;
	uint64_t	 written;
	/* reader */
	struct snapshot_head head;
	const char	*map, *p, *e;
	size_t		 map_n;
};

static void
state_free(struct weir_state *s)
{
	if (s->map)
		munmap((void *)(uintptr_t)s->map, s->map_n);
	XXH3_freeState(s->hash);
	buf_free(&s->raw);
	buf_free(&s->packed);
	snapshot_head_free(&s->head);
	free(s->name);
	free(s);
}

static int
put_bytes(struct weir_state *s, const void *p, size_t n, struct fail *f)
{
	XXH3_64bits_update(s->hash, p, n);
	s->written += n;
	return publish_write(s->file.fd, p, n) < 0 ? fail_errno(f, WEIR_EIO, "cannot write the state snapshot %s", s->name) : 0;
}

static int
put_frame_head(struct weir_state *s, const struct frame *h, struct fail *f)
{
	struct frame le = { htole32(h->raw), htole32(h->compressed), htole32(h->records), 0, htole64(h->hash) };

	return put_bytes(s, &le, sizeof le, f);
}

static int
put_frame(struct weir_state *s, struct fail *f)
{
	struct frame h = { .raw = (uint32_t)s->raw.n, .records = s->records };
	size_t n;
	int e;

	if (!s->raw.n)
		return 0;
	s->packed.n = 0;
	if (buf_reserve(&s->packed, ZSTD_compressBound(s->raw.n)) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for the state snapshot %s", s->name);
	n = ZSTD_compress(s->packed.p, s->packed.cap, s->raw.p, s->raw.n, LEVEL);
	if (ZSTD_isError(n))
		return fail(f, ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? WEIR_EAGAIN : WEIR_EBUG, "zstd: %s", ZSTD_getErrorName(n));
	h.compressed = (uint32_t)n;
	h.hash = XXH3_64bits(s->raw.p, s->raw.n);
	e = put_frame_head(s, &h, f);
	if (!e)
		e = put_bytes(s, s->packed.p, n, f);
	s->raw.n = 0;
	s->records = 0;
	return e;
}

/* The header as text; NULL when something in it is no UTF-8. */
static char *
header_text(const struct snapshot_meta *m)
{
	char number[2][24], *text;
	json_t *j;

	snprintf(number[0], sizeof number[0], "%" PRIu64, m->id);
	snprintf(number[1], sizeof number[1], "%u", m->depth);
	j = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s*,s:s*,s:s*}", "stage", m->stage, "semantic", m->semantic, "config", m->config, "pipe", m->pipe,
	    "run", m->run, "id", number[0], "holds", m->holds, "on", m->on, "depth", m->on ? number[1] : NULL);
	if (j && m->args && json_object_set_new(j, "args", json_loads(m->args, 0, NULL)) < 0) {
		json_decref(j);
		j = NULL;
	}
	text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(j);
	return text;
}

static int
put_header(struct weir_state *s, const struct snapshot_meta *m, struct fail *f)
{
	char *header = header_text(m);
	uint32_t word[2];
	size_t n;
	int e;

	if (!header)
		return fail(f, WEIR_ECONFIG, "the state %s: options and the pipeline's name must be UTF-8", s->name);
	n = strlen(header);
	word[0] = htole32(FORMAT);
	word[1] = htole32((uint32_t)n);
	if (n > HEADER_MAX)
		e = fail(f, WEIR_ECONFIG, "the state %s: the options with meaning are longer than %d bytes", s->name, HEADER_MAX);
	else if (!(e = put_bytes(s, MAGIC, 8, f)) && !(e = put_bytes(s, word, sizeof word, f)))
		e = put_bytes(s, header, n, f);
	free(header);
	return e;
}

int
snapshot_create(int dir, const char *name, const struct snapshot_meta *m, struct weir_state **out, struct fail *f)
{
	struct weir_state *s = calloc(1, sizeof *s);
	int e;

	*out = NULL;
	if (!s || !(s->name = strdup(name)) || !(s->hash = XXH3_createState())) {
		if (s)
			state_free(s);
		return fail(f, WEIR_EAGAIN, "no memory");
	}
	XXH3_64bits_reset(s->hash);
	s->raw.max = FRAME_MAX;
	if ((e = publish_begin(&s->file, dir, f))) {
		state_free(s);
		return e;
	}
	if ((e = put_header(s, m, f)))
		snapshot_abort(s);
	else
		*out = s;
	return e;
}

int
snapshot_put(struct weir_state *s, const void *p, size_t n, struct fail *f)
{
	if (buf_put(&s->raw, p, n) < 0)
		return errno == ENOMEM ? fail(f, WEIR_EAGAIN, "no memory for the state snapshot %s", s->name) : fail(f, WEIR_ECONFIG, "a record of the state snapshot %s is larger than %u bytes", s->name, FRAME_MAX);
	s->records++;
	return s->raw.n >= FRAME_BYTES ? put_frame(s, f) : 0;
}

int
snapshot_finish(struct weir_state *s, uint64_t *bytes, struct fail *f)
{
	struct frame last = { 0 };
	int e = put_frame(s, f);

	last.hash = XXH3_64bits_digest(s->hash);
	if (!e)
		e = put_frame_head(s, &last, f);
	if (bytes)
		*bytes = s->written;
	if (e)
		publish_abort(&s->file);
	else
		e = publish_end(&s->file, s->name, f);
	state_free(s);
	return e;
}

void
snapshot_abort(struct weir_state *s)
{
	if (!s)
		return;
	publish_abort(&s->file);
	state_free(s);
}

static int
damaged(struct fail *f, const char *name, const char *what)
{
	return fail(f, WEIR_ESTATE, "the state %s is damaged (%s); --state-reset goes on without it", name, what);
}

static uint32_t
le32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

static struct frame
frame_at(const char *p)
{
	struct frame h;

	memcpy(&h, p, sizeof h);
	return (struct frame){ le32toh(h.raw), le32toh(h.compressed), le32toh(h.records), le32toh(h.zero), le64toh(h.hash) };
}

void
snapshot_head_free(struct snapshot_head *h)
{
	free(h->config);
	free(h->args);
	h->config = h->args = NULL;
}

static int
copied(char *to, size_t size, const char *from)
{
	return snprintf(to, size, "%s", from) < (int)size;
}

static int
parse_header(const char *text, size_t n, struct snapshot_head *h)
{
	json_t *j = json_loadb(text, n, 0, NULL), *args = NULL;
	const char *stage, *semantic, *config, *pipe, *run, *id, *on = "", *depth = "0", *holds = "";
	int ok = json_unpack(j, "{s:s,s:s,s:s,s:s,s:s,s:s,s?s,s?s,s?s,s?o}", "stage", &stage, "semantic", &semantic, "config", &config, "pipe", &pipe,
	    "run", &run, "id", &id, "on", &on, "depth", &depth, "holds", &holds, "args", &args) == 0;

	ok = ok && copied(h->stage, sizeof h->stage, stage) && copied(h->semantic, sizeof h->semantic, semantic) && copied(h->pipe, sizeof h->pipe, pipe) &&
	    copied(h->run, sizeof h->run, run) && copied(h->on, sizeof h->on, on) && copied(h->holds, sizeof h->holds, holds);
	if (ok) {
		h->id = strtoull(id, NULL, 10);
		h->depth = (unsigned)strtoul(depth, NULL, 10);
		h->args = args ? json_dumps(args, JSON_COMPACT) : NULL;
		if (!(h->config = strdup(config)))
			fail_no_memory();
		ok = !*h->on == !h->depth;
	}
	json_decref(j);
	return ok;
}

static int
check_header(const struct snapshot_head *h, const char *name, const struct snapshot_meta *want, struct fail *f)
{
	if (strcmp(h->stage, want->stage) || strcmp(h->semantic, want->semantic))
		return fail(f, WEIR_ESTATE, "the state %s was made by %s version %s, this is %s version %s; --state-reset goes on without it", name, h->stage,
		    h->semantic, want->stage, want->semantic);
	if (strcmp(h->config, want->config))
		return fail(f, WEIR_ESTATE, "the state %s was made with %.300s, now it is %.300s: put the options back, or --state-reset to forget %s and go on",
		    name, h->config, want->config, *h->holds ? h->holds : "it");
	if (*want->pipe && strcmp(h->pipe, want->pipe))
		return fail(f, WEIR_ESTATE, "the state %s belongs to the pipeline %s, not to %s", name, h->pipe, want->pipe);
	if (*want->run && (strcmp(h->run, want->run) || h->id != want->id))
		return fail(f, WEIR_ESTATE, "the state %s is of checkpoint %s/%" PRIu64 ", it was put here from there: put the right file back, or --state-reset goes "
		    "on without it", name, h->run, h->id);
	return 0;
}

/* Everything but the frames' contents, and the hash over all: then each frame is as it was written. */
static int
verify(struct weir_state *s, const struct snapshot_meta *want, struct fail *f)
{
	const char *p = s->map, *e = p + s->map_n, *name = s->name;
	struct frame last;
	uint32_t n;
	int err;

	if (s->map_n < 16 + sizeof last || memcmp(p, MAGIC, 8))
		return damaged(f, name, "it is no state snapshot, or cut short");
	if (le32(p + 8) != FORMAT)
		return fail(f, WEIR_ESTATE, "the state %s is of format %u, this weir knows %u", name, le32(p + 8), FORMAT);
	e -= sizeof last;
	last = frame_at(e);
	if (last.raw || last.compressed || last.records || last.zero || last.hash != XXH3_64bits(p, (size_t)(e - p)))
		return damaged(f, name, "its checksum");
	n = le32(p + 12);
	if (n > HEADER_MAX || n > (size_t)(e - p) - 16 || !parse_header(p + 16, n, &s->head))
		return damaged(f, name, "its header");
	s->head.bytes = s->map_n;
	if (want && (err = check_header(&s->head, name, want, f)))
		return err;
	s->p = p + 16 + n;
	s->e = e;
	return 0;
}

int
snapshot_open(int dir, const char *name, const struct snapshot_meta *want, struct weir_state **out, struct fail *f)
{
	struct weir_state *s = calloc(1, sizeof *s);
	struct stat st;
	int fd, e = 0;
	void *map;

	*out = NULL;
	if (!s || !(s->name = strdup(name))) {
		free(s);
		return fail(f, WEIR_EAGAIN, "no memory");
	}
	if ((fd = openat(dir, name, O_RDONLY | O_CLOEXEC)) < 0) {
		e = errno == ENOENT ? fail(f, WEIR_ESTATE, "the state %s is missing; --state-reset goes on without it", name) :
		    fail_errno(f, fail_path_code(errno), "cannot open the state %s", name);
	} else if (fstat(fd, &st) < 0) {
		e = fail_errno(f, WEIR_EIO, "the state %s", name);
	} else if (!st.st_size) {
		e = damaged(f, name, "it is empty");
	} else if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		e = fail_errno(f, WEIR_EIO, "the state %s", name);
	} else {
		s->map = map;
		s->map_n = (size_t)st.st_size;
		e = verify(s, want, f);
	}
	if (fd >= 0)
		close(fd);
	if (e)
		state_free(s);
	else
		*out = s;
	return e;
}

static int
next_frame(struct weir_state *s, struct fail *f)
{
	struct frame h;
	size_t n;

	if (s->p == s->e)
		return 0;
	if ((size_t)(s->e - s->p) < sizeof h)
		return damaged(f, s->name, "a frame is cut short");
	h = frame_at(s->p);
	s->p += sizeof h;
	if (h.raw > FRAME_MAX || h.compressed > (size_t)(s->e - s->p))
		return damaged(f, s->name, "a frame is cut short");
	s->raw.n = s->at = 0;
	if (buf_reserve(&s->raw, h.raw) < 0)
		return fail(f, WEIR_EAGAIN, "no memory for the state");
	n = ZSTD_decompress(s->raw.p, h.raw, s->p, h.compressed);
	if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation)
		return fail(f, WEIR_EAGAIN, "no memory for the state snapshot");
	if (ZSTD_isError(n) || n != h.raw || XXH3_64bits(s->raw.p, n) != h.hash)
		return damaged(f, s->name, "a frame");
	s->raw.n = n;
	s->records = h.records;
	s->p += h.compressed;
	return 1;
}

int
snapshot_get(struct weir_state *s, void *p, size_t n, struct fail *f)
{
	char *to = p;
	size_t k;
	int e;

	/* A reader may take in one piece what was put in several, and those may lie in two frames. */
	for (size_t have = 0; have < n; have += k, s->at += k) {
		if (s->at == s->raw.n && (e = next_frame(s, f)) <= 0)
			return e || !have ? e : damaged(f, s->name, "a record is cut short");
		k = s->raw.n - s->at < n - have ? s->raw.n - s->at : n - have;
		memcpy(to + have, s->raw.p + s->at, k);
	}
	return 1;
}

long
snapshot_frame(struct weir_state *s, const char **p, uint32_t *records, struct fail *f)
{
	int e;

	if (s->at == s->raw.n && (e = next_frame(s, f)) <= 0)
		return e;
	*p = s->raw.p + s->at;
	*records = s->records;
	e = (int)(s->raw.n - s->at);
	s->at = s->raw.n;
	return e;
}

const struct snapshot_head *
snapshot_head(const struct weir_state *s)
{
	return &s->head;
}

int
snapshot_peek(int dir, const char *name, struct snapshot_head *h, struct fail *f)
{
	char start[16], *text = NULL;
	uint32_t n = 0;
	struct stat st;
	int fd, e = 0;
	ssize_t got;

	*h = (struct snapshot_head){ 0 };
	if ((fd = openat(dir, name, O_RDONLY | O_CLOEXEC)) < 0)
		return errno == ENOENT ? fail(f, WEIR_ESTATE, "the state %s is missing; --state-reset goes on without it", name) :
		    fail_errno(f, fail_path_code(errno), "cannot open the state %s", name);
	if (fstat(fd, &st) < 0 || (got = pread(fd, start, sizeof start, 0)) < 0)
		e = fail_errno(f, WEIR_EIO, "the state %s", name);
	else if (got != (ssize_t)sizeof start || memcmp(start, MAGIC, 8) || (n = le32(start + 12)) > HEADER_MAX)
		e = damaged(f, name, "it is no state snapshot, or cut short");
	else if (le32(start + 8) != FORMAT)
		e = fail(f, WEIR_ESTATE, "the state %s is of format %u, this weir knows %u", name, le32(start + 8), FORMAT);
	else if (!(text = malloc((size_t)n + 1)))
		e = fail(f, WEIR_EAGAIN, "no memory");
	else if ((got = pread(fd, text, n, sizeof start)) < 0)
		e = fail_errno(f, WEIR_EIO, "the state %s", name);
	else if (got != (ssize_t)n || !parse_header(text, n, h))
		e = damaged(f, name, "its header");
	h->bytes = e ? 0 : (uint64_t)st.st_size;
	free(text);
	close(fd);
	return e;
}

void
snapshot_close(struct weir_state *s)
{
	if (s)
		state_free(s);
}
