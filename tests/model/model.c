/*
 * model - the protocol, explored exhaustively within small bounds, and each way to get it wrong, which must be found.
 *
 * Prints TAP; -v prints the shortest way to each wrong state.  Operands are numbers of cases, to run only those.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"

struct a_case {
	const char			*name;
	const struct search_model	*model;
	const void			*variant;
	int				 wrong;		/* what must be found */
};

#define PROTOCOL(...)	&protocol_model, &(const struct protocol){ __VA_ARGS__ }
#define FAN(...)	&fan_model, &(const struct fan){ __VA_ARGS__ }

static const struct a_case cases[] = {
	{ "one sink, compare with the exact predecessor", PROTOCOL(.accept = ACCEPT_PREV), 0 },
	{ "one sink, job ids made of the predecessor", PROTOCOL(.accept = ACCEPT_JOB_PREV), 0 },
	{ "plain append, sent again", PROTOCOL(.accept = ACCEPT_ALL), 1 },
	{ "no compare", PROTOCOL(.accept = ACCEPT_NEW), 1 },
	{ "not newer than what is there is taken for done (<=)", PROTOCOL(.accept = ACCEPT_NEWER), 1 },
	{ "job ids made of the epoch, with held epochs", PROTOCOL(.accept = ACCEPT_JOB_EPOCH), 1 },
	{ "snapshots by id only", PROTOCOL(.id_keyed = 1), 1 },
	{ "no guard on the position of hello", PROTOCOL(.no_guard = 1), 1 },
	{ "end of input without eos ends the epoch", PROTOCOL(.no_eos = 1), 1 },
	{ "barrier forwarded before its snapshot", PROTOCOL(.forward_first = 1), 1 },
	{ "checkpoints of other runs are removed at start", PROTOCOL(.gc_at_start = 1), 1 },
	{ "every other checkpoint is removed after a commit", PROTOCOL(.gc_all = 1), 1 },
	{ "two sinks: prepare, decide, apply", FAN(.agree = AGREE_DECIDE, .runs = 3), 0 },
	{ "two sinks: a decision replaces another run's", FAN(.agree = AGREE_DECIDE, .runs = 3, .decides_anew = 1), 1 },
	{ "two sinks: prepared manifests are replaced", FAN(.agree = AGREE_DECIDE, .runs = 3, .shared_prep = 1), 1 },
	{ "two sinks: decided epochs are not rolled forward", FAN(.agree = AGREE_DECIDE, .runs = 3, .no_roll_forward = 1), 1 },
	{ "two sinks that commit alone, restart at the smaller one", FAN(.agree = AGREE_NOT, .runs = 2), 1 },
	{ "two sinks that commit alone, boundaries logged", FAN(.agree = AGREE_BOUNDS, .runs = 2), 1 },
	{ "two sinks that commit alone, boundaries logged, one order of records", FAN(.agree = AGREE_REPLAY, .runs = 3), 0 },
};

static int
run(size_t i, int verbose)
{
	static const char *const found[] = { "holds", "wrong", "too many states" };
	const struct a_case *c = &cases[i];
	struct timespec a, b;
	uint64_t n;
	enum search_result r;
	int ok;

	clock_gettime(CLOCK_MONOTONIC, &a);
	r = search_run(c->model, c->variant, &n, verbose, "#   ");
	clock_gettime(CLOCK_MONOTONIC, &b);
	ok = r == (c->wrong ? SEARCH_WRONG : SEARCH_HOLDS);
	printf("%s %zu - %s: %s, %" PRIu64 " states, %.1f s%s\n", ok ? "ok" : "not ok", i + 1, c->name, found[r], n,
	    (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9, ok || !c->wrong ? "" : " (expected to be found wrong)");
	fflush(stdout);
	return ok;
}

int
main(int argc, char **argv)
{
	size_t n = sizeof cases / sizeof *cases;
	int verbose = argc > 1 && !strcmp(argv[1], "-v"), bad = 0;

	if (argc > verbose + 1) {
		for (int k = verbose + 1; k < argc; k++) {
			size_t i = strtoul(argv[k], NULL, 10);

			if (i < 1 || i > n) {
				fprintf(stderr, "model: cases are 1 to %zu\n", n);
				return 64;
			}
			bad += !run(i - 1, verbose);
		}
		return bad > 0;
	}
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++)
		bad += !run(i, verbose);
	return bad > 0;
}
