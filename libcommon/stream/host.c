/*
 * host.c - the stages of one process, their options, and batches on their way through them.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "control.h"
#include "host.h"

#define O(letter, name, arg, help, type, member, preset) { letter, name, arg, help, type, 0, offsetof(struct common, member), preset }

const struct weir_opt host_opts[] = {
	O('s', "state", "DIR", "state directory of the pipeline (WEIR_STATE)", WEIR_TEXT, state, NULL),
	O('r', "rejects", "FILE", "where rejects go; also fd:N; .zst compresses", WEIR_TEXT, rejects, NULL),
	O(0, "max-rejects", "N|P%", "more of them in an epoch: exit 65", WEIR_TEXT, max_rejects, "5%"),
	O(0, "max-line", "SIZE", "longest line", WEIR_SIZE, max_line, "1M"),
	O(0, "max-depth", "N", "deepest nesting", WEIR_COUNT, max_depth, "128"),
	O(0, "duplicate-keys", "reject|last", "a key twice in one object", WEIR_CHOICE, last_wins, "reject"),
	O(0, "pipeline", "NAME", "name of the feed (WEIR_PIPELINE)", WEIR_TEXT, pipeline, NULL),
	O(0, "plain", NULL, "no control lines, in or out", WEIR_FLAG, plain, NULL),
	O(0, "control", NULL, "write control lines wherever the output goes", WEIR_FLAG, control, NULL),
	O(0, "state-reset", NULL, "go on with empty state", WEIR_FLAG, state_reset, NULL),
	O(0, "stats", "SECONDS", "counters on standard error", WEIR_TEXT, stats, NULL),
	O(0, "log", "text|json", "form of messages", WEIR_CHOICE, json_log, "text"),
	O('v', "verbose", NULL, "say more", WEIR_FLAG, verbose, NULL),
	O('q', "quiet", NULL, "say only what went wrong", WEIR_FLAG, quiet, NULL),
	{ 0 }
};

const struct weir_opt host_source_opts[] = {
	O(0, "resume", "POSITION", "go on where the sink is: its --position (WEIR_RESUME)", WEIR_TEXT, resume, NULL),
	O(0, "epoch", "TIME[,EVENTS[,SIZE]]|all", "cut the stream into epochs", WEIR_TEXT, epoch, NULL),
	O(0, "epoch-min", "DURATION", "shortest epoch", WEIR_DURATION, epoch_min_us, "0"),
	{ 0 }
};

const struct weir_opt host_sink_opts[] = {
	O(0, "batch-id", "ID", "commit this input once, whatever happens", WEIR_TEXT, batch_id, NULL),
	O(0, "batch-replace", NULL, "replace what was committed under the batch id", WEIR_FLAG, batch_replace, NULL),
	O(0, "rows", "N", "commit only exactly so many rows", WEIR_TEXT, rows, NULL),
	O(0, "empty", "ok|skip", "nothing committed: exit 0, or 99", WEIR_CHOICE, empty_skip, "ok"),
	O(0, "empty-commit", "DURATION", "commit offsets without rows after so long", WEIR_DURATION, empty_commit_us, "5m"),
	O(0, "as-new-feed", NULL, "start a feed beside the table's others", WEIR_FLAG, as_new_feed, NULL),
	O(0, "accept-change", NULL, "go on with changed stages", WEIR_FLAG, accept_change, NULL),
	O(0, "position", NULL, "print the committed position and end", WEIR_FLAG, position, NULL),
	O(0, "recover", NULL, "resolve an unknown commit, print the position and end", WEIR_FLAG, recover, NULL),
	O(0, "drop-meta", NULL, "leave out the member that kcat-in --meta adds", WEIR_FLAG, drop_meta, NULL),
	{ 0 }
};

/* ---- stages ---- */

struct host *
host_new(void)
{
	struct host *h = calloc(1, sizeof *h);
	struct scan_limits usual = { .max_depth = 128 };

	if (!h || !(h->scan = scan_new(&usual)) || !(h->hash_in = XXH3_createState())) {
		static const char text[] = "weir: no memory\n";

		if (write(2, text, sizeof text - 1) < 0)
			_exit(-WEIR_EIO);
		_exit(-WEIR_EAGAIN);
	}
	XXH3_64bits_reset(h->hash_in);
	h->col_control = h->col_origin = -1;
	h->meter.in = METER_HOST;
	h->watermark = INT64_MIN;
	h->total = json_object();
	h->held = json_object();
	host_tick(h);
	return h;
}

static void
tables(struct stage *s, struct opt_set set[3], size_t *n)
{
	*n = 0;
	set[(*n)++] = (struct opt_set){ s->is->opts, s->self };
	set[(*n)++] = (struct opt_set){ host_opts, &s->common };
	if (s->is->role == WEIR_SOURCE)
		set[(*n)++] = (struct opt_set){ host_source_opts, &s->common };
	if (s->is->role == WEIR_SINK)
		set[(*n)++] = (struct opt_set){ host_sink_opts, &s->common };
}

void
host_free(struct host *h)
{
	if (!h)
		return;
	host_close(h);
	meter_close(h, 0);
	for (size_t k = 0; k < h->n; k++) {
		struct stage *s = &h->stage[k];
		struct opt_set set[3];
		size_t n;

		tables(s, set, &n);
		opt_release(set, n);
		if (s->made)
			batch_close(s->made);
		free(s->made);
		free(s->self);
		free(s->operand);
		free(s->meaning);
		free(s->words);
	}
	XXH3_freeState(h->hash_in);
	scan_free(h->scan);
	buf_free(&h->loaded);
	buf_free(&h->newest);
	buf_free(&h->scratch);
	buf_free(&h->torn);
	for (size_t i = 0; i < sizeof h->text / sizeof *h->text; i++)
		buf_free(&h->text[i]);
	json_decref(h->hello);
	json_decref(h->upstream);
	json_decref(h->total);
	json_decref(h->held);
	free(h->off);
	state_gc_close(h->gc);
	state_close(h->state);
	free(h);
}

/* Not 0 when argv asks for help or the version, which was then printed. */
static int
asked(struct stage *s, int argc, char *const *argv, const struct opt_set *set, size_t n_sets)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "-V") || !strcmp(argv[i], "--version"))
			printf("%s (weir) %s\n", s->is->name, PACKAGE_VERSION);
		else if (!strcmp(argv[i], "-h")) {
			opt_synopsis(stdout, s->is->name, set, 1);
			printf("%s: %s\n\n", s->is->name, s->is->summary);
			opt_help(stdout, set, 1);
			printf("\n--help lists the options all stages share, weir help %s shows the manual.\n", s->is->name);
		} else if (!strcmp(argv[i], "--help")) {
			opt_synopsis(stdout, s->is->name, set, 1);
			printf("%s: %s\n\n", s->is->name, s->is->summary);
			opt_help(stdout, set, 1);
			puts("\nshared by all stages:");
			opt_help(stdout, set + 1, n_sets - 1);
		} else {
			continue;
		}
		if (fflush(stdout) != 0)
			exit(-WEIR_EIO);
		return 1;
	}
	return 0;
}

/* A source's text option of that name, or NULL when it has none. */
static const char **
text_option(struct stage *s, const char *name)
{
	for (const struct weir_opt *o = s->is->opts; o && o->name; o++)
		if (o->type == WEIR_TEXT && !strcmp(o->name, name))
			return (const char **)(void *)((char *)s->self + o->offset);
	return NULL;
}

/* The share of the partitions that weir run --parallel gives to this process. */
static int
take_shard(struct stage *s)
{
	const char *env = getenv("WEIR_SHARD"), **shard = text_option(s, "shard");
	struct fail *f = &s->host->fail;

	if (!env || !*env || (!shard && !strcmp(env, "0/1")))
		return 0;
	if (!shard)
		return fail(f, WEIR_ECONFIG, "cannot read a share of its input (WEIR_SHARD is %s): run it without --parallel", env), host_stage_fail(s);
	if (*shard && strcmp(*shard, env))
		return fail(f, WEIR_EUSAGE, "--shard is %s, but WEIR_SHARD (weir run --parallel) is %s: leave one of them out", *shard, env), host_stage_fail(s);
	*shard = env;
	return 0;
}

/* What the sink asks for, through weir run. */
static int
take_epoch_min(struct stage *s)
{
	const char *env = getenv("WEIR_EPOCH_MIN");
	struct fail *f = &s->host->fail;
	int64_t us = 0;

	if (env && *env && opt_duration(env, &us) < 0)
		return fail(f, WEIR_EUSAGE, "WEIR_EPOCH_MIN is '%s', which is no duration: weir begin makes a good one", env), host_stage_fail(s);
	if (us > s->common.epoch_min_us)
		s->common.epoch_min_us = us;
	return 0;
}

const char *
host_source_option(struct host *h, const char *name)
{
	const char **text = text_option(&h->stage[0], name);

	return text && *text ? *text : "";
}

int
host_add(struct host *h, const struct weir_stage *is, int argc, char *const *argv)
{
	struct stage *s = &h->stage[h->n];
	struct buf meaning = { 0 };
	struct opt_set set[3];
	const char *env;
	size_t n_sets;
	int e;

	if (h->n == HOST_STAGES)
		return fail(&h->fail, WEIR_EUSAGE, "more than %d stages in one process", HOST_STAGES), host_fail(h);
	*s = (struct stage){ .ctx.host = &host_table, .host = h, .index = h->n, .is = is, .n_other = -1 };
	snprintf(s->name, sizeof s->name, "%s", is->name);
	if (is->abi != WEIR_ABI)
		return fail(&h->fail, WEIR_ECONFIG, "%s was built for ABI %u, this weir has %d", is->name, is->abi, WEIR_ABI), host_stage_fail(s);
	if (!(s->self = calloc(1, is->self_size ? is->self_size : 1)) || !(s->operand = calloc((size_t)argc + 1, sizeof *s->operand)))
		return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_stage_fail(s);
	tables(s, set, &n_sets);
	h->n++;
	if (!(h->meter.page[s->index] = calloc(1, STATS_BYTES)))
		return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_stage_fail(s);
	h->meter.n = h->n;
	if (asked(s, argc, argv, set, n_sets))
		exit(0);
	if ((e = opt_parse(set, n_sets, argc, argv, s->operand, &h->fail)))
		return host_stage_fail(s);
	if (opt_meaning(&set[0], &meaning) < 0 || buf_putc(&meaning, '\0') < 0)
		return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_stage_fail(s);
	snprintf(s->config, sizeof s->config, "%016" PRIx64, (uint64_t)XXH3_64bits(meaning.p, meaning.n - 1));
	s->meaning = meaning.p;
	s->words = host_words(&set[0]);
	if (!s->common.state && (env = getenv("WEIR_STATE")) && *env)
		s->common.state = env;
	if (!s->common.pipeline && (env = getenv("WEIR_PIPELINE")) && *env)
		s->common.pipeline = env;
	if (!s->common.resume && (env = getenv("WEIR_RESUME")) && *env)
		s->common.resume = env;
	if (is->role == WEIR_SOURCE && ((e = take_shard(s)) < 0 || (e = take_epoch_min(s)) < 0))
		return e;
	h->source |= is->role == WEIR_SOURCE;
	h->sink |= is->role == WEIR_SINK;
	if ((is->role == WEIR_SOURCE && s->index) || (h->n > 1 && h->stage[h->n - 2].is->role == WEIR_SINK))
		return fail(&h->fail, WEIR_EUSAGE, "%s cannot stand here: a source is the first stage, a sink the last", is->name), host_stage_fail(s);
	return 0;
}

int
host_open(struct host *h)
{
	for (size_t k = 0; k < h->n; k++) {
		struct stage *s = &h->stage[k];
		int e;

		s->opened = 1;
		if (s->is->open && (e = s->is->open(&s->ctx, s->self, s->operand)) < 0)
			return e;
	}
	return 0;
}

void
host_close(struct host *h)
{
	for (size_t k = h->n; k-- > 0; ) {
		struct stage *s = &h->stage[k];

		if (s->opened && s->is->close)
			s->is->close(&s->ctx, s->self);
		s->opened = 0;
	}
	for (size_t i = 0; i < h->n_sides; i++)
		side_close(h->side[i]);
	h->n_sides = 0;
	batch_close(&h->batch);
	lines_close(&h->in);
	if (h->out.hash)
		out_close(&h->out);
}

/* ---- a batch through the stages ---- */

int
host_flush_made(struct host *h, struct stage *s)
{
	int e;

	if (!s->made || !s->made->pub.n)
		return 0;
	if (s->is->role == WEIR_SOURCE && s->is->process) {
		struct batch *before = h->now;

		h->now = s->made;
		e = s->is->process(&s->ctx, s->self, &s->made->pub);
		h->now = before;
		if (e < 0)
			return e;
	}
	e = host_chain(h, s->index + 1, s->made);
	batch_reset(s->made, NULL);
	return e;
}

static int
output(struct host *h, struct batch *b)
{
	const struct weir_batch *p = &b->pub;
	uint32_t i = 0;

	while (i < p->n) {
		uint32_t from;
		char *to;

		if (p->verdict[i] != WEIR_PASSED) {
			i++;
			continue;
		}
		if (!b->edit[i]) {
			for (from = i; i < p->n && p->verdict[i] == WEIR_PASSED && !b->edit[i]; i++)
				;
			if (out_data(&h->out, p->bytes + p->line[from], p->line[i] - p->line[from], i - from, &h->fail) < 0)
				return host_fail(h);
			continue;
		}
		if (!(to = out_room(&h->out, batch_room(b, i), &h->fail)))
			return host_fail(h);
		out_added(&h->out, batch_write(b, i, to), 1);
		i++;
	}
	return 0;
}

/* Events whose escaped @weir keys lose one '@': for sinks, and where no control lines are written. */
static int
unescape(struct host *h, struct batch *b)
{
	for (uint32_t i = 0; i < b->pub.n; i++) {
		size_t n;
		const char *p = batch_event(b, i, &n);

		if (b->pub.verdict[i] != WEIR_PASSED || !memmem(p, n, "weir", 4))
			continue;
		h->scratch.n = 0;
		if (control_escape(p, n, -1, &h->scratch) < 0)
			return fail(&h->fail, WEIR_EAGAIN, "no memory"), host_fail(h);
		if (h->scratch.n != n && batch_replace(b, i, h->scratch.p, h->scratch.n, &h->fail) < 0)
			return host_fail(h);
	}
	return 0;
}

static int
through(struct host *h, struct stage *s, struct batch *b)
{
	uint32_t passed = b->count[WEIR_PASSED], count[WEIR_N_VERDICTS] = { 0 };
	int e;

	if (s->is->process) {
		h->now = b;
		e = s->is->process(&s->ctx, s->self, &b->pub);
		h->now = NULL;
		if (e < 0)
			return e;
	}
	for (uint32_t i = 0; i < b->pub.n; i++) {
		if (s->is->role == WEIR_SINK && b->pub.verdict[i] == WEIR_PASSED)
			b->pub.verdict[i] = WEIR_TAKEN;
		count[b->pub.verdict[i]]++;
	}
	s->epoch.in += passed;
	for (int v = 0; v < WEIR_N_VERDICTS; v++) {
		if (v == WEIR_PASSED)
			s->epoch.verdict[v] += count[v];
		else
			s->epoch.verdict[v] += count[v] - b->count[v];
		b->count[v] = count[v];
	}
	return host_flush_made(h, s);
}

/* Bytes of the events that are on their way. */
static uint64_t
passed_bytes(const struct batch *b)
{
	uint64_t n = 0;

	if (b->count[WEIR_PASSED] == b->pub.n)
		return b->pub.line[b->pub.n] - b->pub.line[0];
	for (uint32_t i = 0; i < b->pub.n; i++)
		if (b->pub.verdict[i] == WEIR_PASSED)
			n += b->pub.line[i + 1] - b->pub.line[i];
	return n;
}

int
host_chain(struct host *h, size_t from, struct batch *b)
{
	uint64_t bytes = passed_bytes(b);
	size_t before = h->meter.in;
	int e;

	h->n_events += b->pub.n;
	for (size_t k = from; k < h->n && b->count[WEIR_PASSED]; k++) {
		struct stage *s = &h->stage[k];
		uint32_t n;

		if (b->n_marked && s->is->role == WEIR_SINK && (h->framed_in || h->source) && (e = unescape(h, b)) < 0)
			return e;
		meter_enter(&h->meter, k);
		n = b->count[WEIR_PASSED];
		s->bytes_in += bytes;
		if ((e = through(h, s, b)) < 0)
			return e;
		if (b->count[WEIR_PASSED] != n)
			bytes = passed_bytes(b);
		s->bytes_out += bytes;
	}
	meter_enter(&h->meter, before);
	if (h->sink || !b->count[WEIR_PASSED])
		return 0;
	if (b->n_marked && h->framed_in && !h->framed_out && (e = unescape(h, b)) < 0)
		return e;
	return output(h, b);
}
