/*
 * score - add a member that is the weighted sum of others.
 *
 * A complete stage of weir, built from the installed weir.h alone:
 *	cc -shared -fPIC -o score.so score.c
 *	weir run 'validate | ./score.so -w amount=0.5 -w props.seats=2'
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

#define TERMS_MAX	16
#define PATH_MAX_BYTES	256

struct score {
	/* options */
	struct weir_list	*weight;
	const char		*as;
	/* what open() made of them */
	int			 column[TERMS_MAX], as_column;
	double			 factor[TERMS_MAX];
	char			 path[TERMS_MAX][PATH_MAX_BYTES];
};

static const struct weir_opt opts[] = {
	{ 'w', "weight", "PATH=FACTOR", "count the number at PATH this much", WEIR_TEXTS, WEIR_REQUIRED, offsetof(struct score, weight), NULL },
	{ 0, "as", "MEMBER", "the member to add", WEIR_TEXT, 0, offsetof(struct score, as), "score" },
	{ 0 }
};

static int
score_open(struct weir_ctx *ctx, void *self, const char *const *operand)
{
	struct score *s = self;

	if (operand[0] || s->weight->n > TERMS_MAX)
		return weir_error(ctx, WEIR_EUSAGE, "takes no operand, and --weight at most %d times", TERMS_MAX);
	for (size_t k = 0; k < s->weight->n; k++) {
		const char *text = s->weight->item[k], *eq = strrchr(text, '=');
		char *end;

		if (!eq || (size_t)(eq - text) >= PATH_MAX_BYTES || (s->factor[k] = strtod(eq + 1, &end), end == eq + 1 || *end))
			return weir_error(ctx, WEIR_EUSAGE, "--weight %s: the form is PATH=FACTOR", text);
		memcpy(s->path[k], text, (size_t)(eq - text));	/* self was zeroed: the NUL is there */
		if ((s->column[k] = weir_want(ctx, s->path[k])) < 0)
			return s->column[k];		/* weir_want() has said why */
	}
	return (s->as_column = weir_want(ctx, s->as)) < 0 ? s->as_column : 0;
}

/* One event.  0, also when it became a reject, or the code of an error that ends the run. */
static int
score_event(struct weir_ctx *ctx, const struct score *s, struct weir_batch *b, uint32_t i)
{
	double sum = 0;
	char text[64];

	for (size_t k = 0; k < s->weight->n; k++) {
		const struct weir_value *v = &b->col[s->column[k]][i];

		if (v->kind == WEIR_ABSENT || v->kind == WEIR_NULL)
			continue;
		if (v->kind != WEIR_NUMBER || v->n >= sizeof text)
			return weir_reject(ctx, b, i, "not-number", s->path[k], "%s is no number", s->path[k]);
		memcpy(text, v->p, v->n);		/* a literal ends where the event goes on: no NUL */
		text[v->n] = 0;
		sum += s->factor[k] * strtod(text, NULL);
	}
	if (!isfinite(sum))
		return weir_reject(ctx, b, i, "overflow", s->as, "the sum is beyond the doubles");
	return weir_set(ctx, b, i, s->as_column, text, (size_t)snprintf(text, sizeof text, "%.15g", sum));
}

static int
score_process(struct weir_ctx *ctx, void *self, struct weir_batch *b)
{
	int e = 0;

	for (uint32_t i = 0; i < b->n && e == 0; i++)
		if (b->verdict[i] == WEIR_PASSED)
			e = score_event(ctx, self, b, i);
	return e;
}

const struct weir_stage weir_stage_v1 = {
	.abi = WEIR_ABI, .size = sizeof(struct weir_stage),
	.name = "score", .version = "1", .summary = "add a weighted sum of members",
	.self_size = sizeof(struct score), .opts = opts, .role = WEIR_FILTER,
	.open = score_open, .process = score_process,
};
