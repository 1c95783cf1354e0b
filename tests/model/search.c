#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "search.h"

#define CHUNK		(1u << 15)	/* states allocated at a time */
#define CHUNKS		(SEARCH_STATES / CHUNK + 1)
#define SLOTS_FIRST	(1u << 16)
#define STEPS_MAX	256		/* of a way that is printed */

struct search {
	const struct search_model *model;
	const void	*variant;
	char		*chunk[CHUNKS];
	uint32_t	*slot;		/* hash table: number of a state + 1 */
	uint32_t	 n_slots, n, at;	/* at: the state whose steps are being looked at */
	int		 full, wrong;
	/* telling a step's name: the one from `at` to this state; NULL: the wrong one */
	int		 telling, told;
	const void	*target;
	const char	*prefix;
};

static char *
state(const struct search *s, uint32_t i)
{
	return s->chunk[i / CHUNK] + (i % CHUNK) * (s->model->size + sizeof(uint32_t));
}

static uint32_t
parent(const struct search *s, uint32_t i)
{
	uint32_t p;

	memcpy(&p, state(s, i) + s->model->size, sizeof p);
	return p;
}

static void *
must(void *p)
{
	if (!p) {
		fputs("model: no memory\n", stderr);
		exit(99);
	}
	return p;
}

/* The slot of a state: its own, or the free one where it belongs. */
static uint32_t *
find(struct search *s, const void *st)
{
	uint32_t i = (uint32_t)XXH3_64bits(st, s->model->size) & (s->n_slots - 1);

	while (s->slot[i] && memcmp(state(s, s->slot[i] - 1), st, s->model->size))
		i = (i + 1) & (s->n_slots - 1);
	return &s->slot[i];
}

static void
grow(struct search *s)
{
	free(s->slot);
	s->n_slots = s->n_slots ? s->n_slots * 2 : SLOTS_FIRST;
	s->slot = must(calloc(s->n_slots, sizeof *s->slot));
	for (uint32_t i = 0; i < s->n; i++)
		*find(s, state(s, i)) = i + 1;
}

static void
add(struct search *s, const void *st)
{
	uint32_t *slot = find(s, st);
	char *to;

	if (*slot)
		return;
	if (s->n == SEARCH_STATES) {
		s->full = 1;
		return;
	}
	if (s->n % CHUNK == 0)
		s->chunk[s->n / CHUNK] = must(malloc(CHUNK * (s->model->size + sizeof(uint32_t))));
	to = state(s, s->n);
	memcpy(to, st, s->model->size);
	memcpy(to + s->model->size, &s->at, sizeof s->at);
	*slot = ++s->n;
	if (s->n > s->n_slots / 2)
		grow(s);
}

static void
tell(struct search *s, const char *fmt, va_list ap)
{
	if (s->told)
		return;
	s->told = 1;
	fputs(s->prefix, stdout);
	vprintf(fmt, ap);
	putchar('\n');
}

void
search_to(struct search *s, const void *st, const char *fmt, ...)
{
	va_list ap;

	if (!s->telling) {
		add(s, st);
		return;
	}
	if (!s->target || memcmp(st, s->target, s->model->size))
		return;
	va_start(ap, fmt);
	tell(s, fmt, ap);
	va_end(ap);
}

void
search_wrong(struct search *s, const char *fmt, ...)
{
	va_list ap;

	s->wrong = 1;
	if (!s->telling || s->target)
		return;
	va_start(ap, fmt);
	tell(s, fmt, ap);
	va_end(ap);
}

/* The steps from the first state to s->at, and the wrong one behind them. */
static void
print_way(struct search *s)
{
	uint32_t way[STEPS_MAX], n = 0;

	for (uint32_t i = s->at; n < STEPS_MAX; i = parent(s, i)) {
		way[n++] = i;
		if (!i)
			break;
	}
	s->telling = 1;
	for (; n; n--) {
		s->told = 0;
		s->target = n > 1 ? state(s, way[n - 2]) : NULL;
		s->model->next(s, s->variant, state(s, way[n - 1]));
	}
}

enum search_result
search_run(const struct search_model *m, const void *variant, uint64_t *n, int verbose, const char *prefix)
{
	struct search s = { .model = m, .variant = variant, .prefix = prefix };
	char *first = must(calloc(1, m->size));
	int wrong;

	grow(&s);
	m->first(variant, first);
	add(&s, first);
	free(first);
	for (s.at = 0; s.at < s.n && !s.wrong && !s.full; s.at++) {
		m->next(&s, variant, state(&s, s.at));
		if (s.wrong)
			break;
	}
	*n = s.n;
	wrong = s.wrong;
	if (wrong && verbose)
		print_way(&s);
	for (size_t i = 0; i < CHUNKS; i++)
		free(s.chunk[i]);
	free(s.slot);
	return wrong ? SEARCH_WRONG : s.full ? SEARCH_TOO_BIG : SEARCH_HOLDS;
}

int
search_telling(const struct search *s)
{
	return s->telling;
}
