/*
 * replay - files of NDJSON as the partitions of a topic: a source for tests.
 *
 * Operand k is partition k; an offset is a byte offset.  Lines are taken from
 * the files in turn, --burst at a time, so the same files and positions give
 * the same stream.  With --rate the run lasts long enough to be disturbed.
 * --tell counts the lines where they are read, whatever is committed later.
 * REPLAY_TERM in the environment: SIGTERM to the process that loads it, then.
 * Watermarks and checkpoints follow the rules of weir-stream(5) for sources.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "value.h"
#include "weir.h"

#define BLOCK		65536		/* of a file in memory; no line is longer */
#define POLL_LINES	1024
#define MARKS		"replay.json"
#define NONE		INT64_MIN

struct file {
	const char	*path;
	char		*block;
	size_t		 at, n;			/* unread bytes of block */
	int64_t		 next, end;		/* offsets */
	int64_t		 greatest_us;
	int		 fd, ended, other;	/* other: of another shard */
};

struct replay {
	/* options */
	struct weir_time time;
	int64_t		 out_of_order_us;
	uint64_t	 rate, burst, poll;
	const char	*topic, *tell, *shard, *partitioned_by;
	int		 follow;
	/* state */
	struct file	*file;
	size_t		 n, turn, n_turn, which, of;	/* the files k with k mod of = which */
	size_t		 from[POLL_LINES];	/* which file each offered line is of */
	size_t		 n_offered, n_seen;
	json_t		*base;			/* the position it goes on from */
	char		*position, *from_position;
	int64_t		 began_us, raised_us;
	uint64_t	 n_lines;
	int		 col, begun, framed, greeted, raise_first;
};

static const struct weir_opt opts[] = {
	{ 0, "time", "PATH[:UNIT]", "event time, for watermarks", WEIR_TIME, 0, offsetof(struct replay, time), NULL },
	{ 0, "out-of-order", "DURATION", "how far behind the newest event of its file an event may be", WEIR_DURATION, 0, offsetof(struct replay, out_of_order_us), "0s" },
	{ 0, "rate", "N", "lines a second; 0: as fast as it goes", WEIR_COUNT, 0, offsetof(struct replay, rate), "0" },
	{ 0, "burst", "N", "lines of one file before the next one's turn", WEIR_COUNT, 0, offsetof(struct replay, burst), "10" },
	{ 0, "poll", "N", "lines at a time, at most 1024: an epoch is cut between two such lots", WEIR_COUNT, 0, offsetof(struct replay, poll), "1024" },
	{ 0, "topic", "NAME", "what the files are called together", WEIR_TEXT, 0, offsetof(struct replay, topic), "files" },
	{ 0, "tell", "FILE", "at the end, append from where to where and how many lines it read", WEIR_TEXT, 0, offsetof(struct replay, tell), NULL },
	{ 0, "shard", "I/N", "only the files k with k mod N = I", WEIR_TEXT, 0, offsetof(struct replay, shard), NULL },
	{ 0, "partitioned-by", "PATH", "what the lines were put into files by", WEIR_TEXT, 0, offsetof(struct replay, partitioned_by), NULL },
	{ 0, "follow", NULL, "wait for more at the end", WEIR_FLAG, 0, offsetof(struct replay, follow), NULL },
	{ 0 }
};

static int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int
replay_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct replay *s = self;

	while (operand[s->n])
		s->n++;
	if (!s->n || !(s->file = calloc(s->n, sizeof *s->file)))
		return weir_error(ctx, s->n ? WEIR_EAGAIN : WEIR_EUSAGE, s->n ? "no memory" : "name the files to replay");
	s->of = 1;
	if (s->shard && (sscanf(s->shard, "%zu/%zu", &s->which, &s->of) != 2 || s->which >= s->of))
		return weir_error(ctx, WEIR_EUSAGE, "--shard takes I/N, not '%s'", s->shard);
	for (size_t k = 0; k < s->n; k++) {
		s->file[k].fd = -1;
		s->file[k].ended = s->file[k].other = k % s->of != s->which;
	}
	for (size_t k = 0; k < s->n; k++) {
		struct file *f = &s->file[k];

		f->path = operand[k];
		f->greatest_us = NONE;
		if ((f->fd = open(f->path, O_RDONLY | O_CLOEXEC)) < 0 || !(f->block = malloc(BLOCK)) || (f->end = lseek(f->fd, 0, SEEK_END)) < 0)
			return weir_error(ctx, errno == ENOENT ? WEIR_ECONFIG : errno == ENOMEM ? WEIR_EAGAIN : WEIR_EIO, "cannot open %s: %s", f->path, strerror(errno));
	}
	s->raised_us = NONE;
	s->col = s->time.path ? weir_want(ctx, s->time.path) : -1;
	return s->time.path && s->col < 0 ? s->col : 0;
}

static int
replay_seek(struct weir_ctx *ctx, void *self, const char *off)
{
	struct replay *s = self;

	return (s->base = json_loads(off, 0, NULL)) ? 0 : weir_error(ctx, WEIR_EUSAGE, "'%s' is no position", off);
}

static const char *
key_of(size_t k, char text[24])
{
	snprintf(text, 24, "%zu", k);
	return text;
}

static int
place(struct weir_ctx *ctx, struct replay *s)
{
	json_t *next = json_object_get(json_object_get(json_object_get(s->base, "topics"), s->topic), "next");
	char key[24];

	if (s->begun)
		return 0;
	s->begun = 1;
	for (size_t k = 0; k < s->n; k++) {
		struct file *f = &s->file[k];
		const char *at = json_string_value(json_object_get(next, key_of(k, key)));

		f->next = at ? strtoll(at, NULL, 10) : 0;
		if (f->next > f->end)
			return weir_error(ctx, WEIR_EOFFSET, "%s has %" PRId64 " bytes, the position is %" PRId64, f->path, f->end, f->next);
	}
	return 0;
}

/* What a checkpoint keeps of the source: the greatest event time of each file. */
static int
save_marks(struct weir_ctx *ctx, struct replay *s)
{
	json_t *max = json_object(), *o = json_pack("{s:o,s:I}", "max", max, "raised", (json_int_t)s->raised_us);
	char key[24], *text;
	int e;

	for (size_t k = 0; k < s->n; k++)
		json_object_set_new(max, key_of(k, key), json_integer(s->file[k].greatest_us));
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	e = text ? weir_publish(ctx, MARKS, text, strlen(text)) : weir_error(ctx, WEIR_EAGAIN, "no memory");
	free(text);
	json_decref(o);
	return e;
}

static int
replay_position(struct weir_ctx *ctx, void *self, const char **off)
{
	struct replay *s = self;
	json_t *next = json_object(), *root = json_pack("{s:{s:{s:o}}}", "topics", s->topic, "next", next);
	char key[24], text[24];
	int e;

	if ((e = place(ctx, s)) < 0)
		return e;
	for (size_t k = 0; k < s->n; k++) {
		if (s->file[k].other)
			continue;
		snprintf(text, sizeof text, "%" PRId64, s->file[k].next);
		json_object_set_new(next, key_of(k, key), json_string(text));
	}
	free(s->position);
	*off = s->position = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	if (!s->position || (!s->from_position && !(s->from_position = strdup(s->position))))
		return weir_error(ctx, WEIR_EAGAIN, "no memory");
	if (!s->framed || s->col < 0)
		return 0;
	if (!s->greeted) {		/* the first one after begin() is hello's */
		s->greeted = 1;
		return 0;
	}
	return save_marks(ctx, s);
}

static int
replay_begin(struct weir_ctx *ctx, void *self, const struct weir_stream *st)
{
	struct replay *s = self;
	const void *p;
	json_t *o;
	size_t n;
	int e;

	s->framed = st->framed;
	s->began_us = clock_us();
	if ((e = place(ctx, s)) < 0 || s->col < 0 || (e = weir_load(ctx, st->prev, MARKS, &p, &n)) <= 0)
		return e;
	o = json_loadb(p, n, 0, NULL);
	s->raised_us = json_integer_value(json_object_get(o, "raised"));
	for (size_t k = 0; k < s->n; k++) {
		char key[24];
		json_t *v = json_object_get(json_object_get(o, "max"), key_of(k, key));

		s->file[k].greatest_us = v ? json_integer_value(v) : NONE;
	}
	json_decref(o);
	s->raise_first = s->raised_us != NONE;
	return 0;
}

/* The next whole line of f: 1, 0 at its end, or an error. */
static int
next_line(struct weir_ctx *ctx, struct file *f, const char **line, size_t *n)
{
	for (;;) {
		char *nl = memchr(f->block + f->at, '\n', f->n - f->at);
		ssize_t k;

		if (nl) {
			*line = f->block + f->at;
			*n = (size_t)(nl - *line);
			f->at += *n + 1;
			f->next += (int64_t)*n + 1;
			return 1;
		}
		memmove(f->block, f->block + f->at, f->n - f->at);
		f->n -= f->at;
		f->at = 0;
		if (f->n == BLOCK)
			return weir_error(ctx, WEIR_EDATA, "%s: a line is longer than %d bytes", f->path, BLOCK);
		do
			k = pread(f->fd, f->block + f->n, BLOCK - f->n, f->next + (int64_t)f->n);
		while (k < 0 && errno == EINTR);
		if (k < 0)
			return weir_error(ctx, WEIR_EIO, "cannot read %s: %s", f->path, strerror(errno));
		if (!k)
			return 0;
		f->n += (size_t)k;
	}
}

static int
raise_mark(struct weir_ctx *ctx, struct replay *s)
{
	int64_t least = INT64_MAX;
	int e;

	if (s->col < 0)
		return 0;
	if (s->raise_first && (e = weir_raise(ctx, s->raised_us)) < 0)
		return e;
	s->raise_first = 0;
	for (size_t k = 0; k < s->n; k++)
		if (!s->file[k].other && s->file[k].greatest_us < least)
			least = s->file[k].greatest_us;
	if (least == NONE || least - s->out_of_order_us <= s->raised_us)
		return 0;
	return weir_raise(ctx, s->raised_us = least - s->out_of_order_us);
}

/* How many lines may go out now. */
static size_t
allowed(struct replay *s, int timeout_ms)
{
	size_t most = s->poll < POLL_LINES ? (size_t)s->poll : POLL_LINES;
	int64_t due;

	if (!s->rate)
		return most;
	due = (int64_t)((double)(clock_us() - s->began_us) * (double)s->rate / 1e6) - (int64_t)s->n_lines;
	if (due <= 0) {
		int64_t us = 1000000 / (int64_t)s->rate + 1;

		if (us > timeout_ms * 1000)
			us = timeout_ms * 1000;
		nanosleep(&(struct timespec){ us / 1000000, us % 1000000 * 1000 }, NULL);
	}
	return due < 0 ? 0 : (size_t)due > most ? most : (size_t)due;
}

static int
replay_poll(struct weir_ctx *ctx, void *self, int timeout_ms)
{
	struct replay *s = self;
	size_t left = 0, room;
	int e;

	if ((e = raise_mark(ctx, s)) < 0)
		return e;
	if (weir_ending(ctx))
		return 2;
	s->n_offered = s->n_seen = 0;
	for (size_t k = 0; k < s->n; k++)
		left += !s->file[k].ended;
	for (room = allowed(s, timeout_ms); left && room; ) {
		struct file *f = &s->file[s->turn];
		const char *line = NULL;
		size_t n = 0;

		if (f->ended || s->n_turn == s->burst) {
			s->turn = (s->turn + 1) % s->n;
			s->n_turn = 0;
			continue;
		}
		if ((e = next_line(ctx, f, &line, &n)) < 0)
			return e;
		if (!e) {
			f->ended = 1;
			left--;
			continue;
		}
		s->n_turn++;
		s->n_lines++;
		room--;
		s->from[s->n_offered++] = s->turn;
		if ((e = weir_offer(ctx, line, n, s->n_offered - 1)) < 0)
			return e;
	}
	if (left || !s->follow)
		return left > 0;
	for (size_t k = 0; k < s->n; k++)	/* look again the next time */
		s->file[k].ended = s->file[k].other;
	nanosleep(&(struct timespec){ 0, timeout_ms * 1000000L }, NULL);
	return 1;
}

static int
replay_refused(struct weir_ctx *ctx, void *self, uint64_t tag, const char *code, const char *message)
{
	struct replay *s = self;
	const struct file *f = &s->file[s->from[tag]];

	s->from[tag] = SIZE_MAX;
	return weir_reject_raw(ctx, NULL, "", 0, code, "%s, before byte %" PRId64 ": %s", f->path, f->next, message);
}

static int
replay_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	struct replay *s = self;
	int64_t us;

	(void)ctx;
	for (uint32_t i = 0; i < b->n && s->col >= 0; i++, s->n_seen++) {
		while (s->n_seen < s->n_offered && s->from[s->n_seen] == SIZE_MAX)
			s->n_seen++;
		if (s->n_seen < s->n_offered && value_time(&b->col[s->col][i], s->time.unit, &us) == 0 && us > s->file[s->from[s->n_seen]].greatest_us)
			s->file[s->from[s->n_seen]].greatest_us = us;
	}
	return 0;
}

static int
replay_bounded(struct weir_ctx *ctx, void *self)
{
	(void)ctx;
	return !((struct replay *)self)->follow;
}

/* One line of --tell, from what was read: a line that was read and not given on would show. */
static void
tell(struct weir_ctx *ctx, struct replay *s)
{
	int fd = open(s->tell, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	json_t *to = json_object(), *o = json_pack("{s:o,s:o,s:I}", "from", json_loads(s->from_position, 0, NULL), "to", to, "lines", (json_int_t)s->n_lines);
	char key[24], *text;

	for (size_t k = 0; k < s->n; k++)
		json_object_set_new(to, key_of(k, key), json_integer(s->file[k].next));
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	if (fd < 0 || !text || dprintf(fd, "%s\n", text) < 0 || close(fd) < 0)
		weir_error(ctx, WEIR_EIO, "cannot write %s: %s", s->tell, strerror(errno));
	free(text);
	json_decref(o);
}

static void
replay_close(struct weir_ctx *ctx, void *self)
{
	struct replay *s = self;

	if (s->tell && s->from_position)
		tell(ctx, s);
	for (size_t k = 0; s->file && k < s->n; k++) {
		if (s->file[k].fd >= 0)
			close(s->file[k].fd);
		free(s->file[k].block);
	}
	free(s->file);
	free(s->position);
	free(s->from_position);
	json_decref(s->base);
}

__attribute__((constructor)) static void
loaded(void)
{
	if (getenv("REPLAY_TERM"))
		raise(SIGTERM);
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "replay", .version = "1", .summary = "files as the partitions of a topic, for tests",
	.self_size = sizeof(struct replay), .opts = opts, .role = WEIR_SOURCE,
	.open = replay_open, .seek = replay_seek, .begin = replay_begin, .position = replay_position, .poll = replay_poll, .refused = replay_refused,
	.process = replay_process, .bounded = replay_bounded, .close = replay_close,
};
