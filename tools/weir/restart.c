#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>

#include "command.h"
#include "marks.h"
#include "restart.h"

#define FENCED_LIMIT	3
#define FIRST_MS	INT64_C(1000)
#define LONGEST_MS	INT64_C(300000)

/* Codes after which another run may do better; see weir(1). */
static int
may_mend(int code)
{
	return code == -WEIR_EGONE || code == -WEIR_EIO || code == -WEIR_EAGAIN || code == -WEIR_EFRAME || code == -WEIR_EFENCED || code == -WEIR_EUNKNOWN;
}

/* 1 s, 2 s, ... 5 min, each a quarter more or less: pipelines that one outage stopped must not all come back in one instant. */
static int64_t
wait_of(uint64_t tries)
{
	int64_t ms = tries < 9 ? FIRST_MS << tries : LONGEST_MS;
	uint32_t random = UINT32_MAX / 2;

	if (ms > LONGEST_MS)
		ms = LONGEST_MS;
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		random = UINT32_MAX / 2;
	return ms * 3 / 4 + ms / 2 * (int64_t)(random >> 16) / 65536;
}

static int
two_hosts(const char *path)
{
	return command_error(WEIR_ECONFIG, "two hosts run the same pipeline: %d runs in a row were stopped (77) before they had committed anything of their own. "
	    "Let only one of them go on, or mend what the sink says; to run this one again remove %s", FENCED_LIMIT, path);
}

int
restart_may_begin(struct restart *r, const struct launch *l)
{
	char path[PATH_MAX];

	for (size_t k = 0; r->dir && k < l->n_shards; k++)
		if (marks_path(path, sizeof path, r->dir, l->shard[k].name, "fenced") == 0 &&
		    (r->fenced[k] = marks_count(path, r->pipeline)) >= FENCED_LIMIT)
			return two_hosts(path);
	return 0;
}

/* What the attempt tells about each shard.  1: the third 77 in a row. */
static int
fenced(struct restart *r, const struct launch *l, int code)
{
	char path[PATH_MAX] = "the folder fenced in the state directory";
	int enough = 0;

	for (size_t k = 0; k < l->n_shards; k++) {
		const struct launch_shard *s = &l->shard[k];
		int kept = r->dir && marks_path(path, sizeof path, r->dir, s->name, "fenced") == 0;

		if (s->code == -WEIR_EFENCED && !s->n_commits) {
			r->fenced[k]++;
			if (kept)
				(void)marks_add(path, s->run, r->pipeline);
			if (r->fenced[k] >= FENCED_LIMIT && !enough) {
				enough = 1;
				two_hosts(path);
			}
		} else if (s->n_commits || !code || code == 99) {
			if (kept)		/* what others added while this one ran counts no more, either */
				marks_clear(path, "");
			r->fenced[k] = 0;
		}
	}
	return enough;
}

int
restart_asked(int code)
{
	command_error(0, "not run again, as asked; the last run ended with %d", code);
	return 0;
}

int
restart_again(struct restart *r, const struct launch *l, int *code, int64_t *wait_ms)
{
	uint64_t commits = 0;

	for (size_t k = 0; k < l->n_shards; k++)
		commits += l->shard[k].n_commits;
	if (l->framed && fenced(r, l, *code)) {
		*code = -WEIR_ECONFIG;
		return 0;
	}
	if (commits)
		r->tries = 0, r->framing = 0;
	if (!r->limit || !may_mend(*code))
		return 0;
	if (l->supervisor->requests)
		return restart_asked(*code);
	if (*code == -WEIR_EFRAME && r->framing++) {
		command_error(0, "exit 76 again: the stream is violated each time, another run does not mend it");
		return 0;
	}
	if (r->tries >= r->limit) {
		command_error(0, "exit %d: %" PRIu64 " runs in a row ended so without a commit, that is enough (--restart %" PRIu64 ")", *code, r->tries + 1, r->limit);
		return 0;
	}
	*wait_ms = wait_of(r->tries++);
	command_error(0, "exit %d: again in %.1f s (%" PRIu64 " of %" PRIu64 ")", *code, (double)*wait_ms / 1000, r->tries, r->limit);
	return 1;
}
