#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chain.h"
#include "weir.h"

int
chain_wants_base(const struct chain *c)
{
	return !*c->token || c->depth >= CHAIN_DELTAS || c->base_bytes < CHAIN_SMALL_BYTES || c->delta_bytes > c->base_bytes * CHAIN_TIMES;
}

void
chain_add(struct chain *c, const char *token, int base, uint64_t bytes)
{
	snprintf(c->token, sizeof c->token, "%s", token);
	if (base) {
		c->depth = 0;
		c->base_bytes = bytes;
		c->delta_bytes = 0;
	} else {
		c->depth++;
		c->delta_bytes += bytes;
	}
}

struct file_name {
	char	text[CHAIN_NAME];
};

/* Which file of `name` the folder has: its name into *file.  A checkpoint holds one of the two; a missing one is looked for as a base.
 * 1 when there is none. */
static int
which(int dir, const char *name, struct file_name *file)
{
	static const char *const end[] = { CHAIN_BASE, CHAIN_DELTA };

	for (int i = 0; i < 2; i++) {
		snprintf(file->text, sizeof file->text, "%s%s", name, end[i]);
		if (faccessat(dir, file->text, F_OK, 0) == 0)
			return 0;
	}
	snprintf(file->text, sizeof file->text, "%s" CHAIN_BASE, name);
	return 1;
}

/* The file of `token`; `above` is what stands on it, NULL for the newest. */
static int
open_one(struct state_dir *d, const char *token, const char *name, const struct snapshot_meta *want, const struct weir_state *above, struct weir_state **out,
    int *gone, struct fail *f)
{
	struct snapshot_meta meta = { .stage = NULL };
	struct file_name file;
	char run[TOKEN_RUN_SIZE];
	const struct snapshot_head *head;
	int dir, e;

	if (token_parse(token, run, &meta.id) < 0)
		return fail(f, WEIR_ESTATE, "the state %s stands on '%s', which is no checkpoint; --state-reset goes on without it", name, token);
	if (want) {
		uint64_t id = meta.id;

		meta = *want;
		meta.id = id;
		meta.run = run;
	}
	if ((dir = state_ckpt(d, run, meta.id, 0, f)) < 0) {
		*gone = f->code == WEIR_ESTATE;
		return f->code;
	}
	*gone = which(dir, name, &file);
	if (*gone && above && snapshot_head(above)->depth > 1)
		snprintf(file.text, sizeof file.text, "%s" CHAIN_DELTA, name);
	e = snapshot_open(dir, file.text, want ? &meta : NULL, out, f);
	close(dir);
	if (e)
		return e;
	head = snapshot_head(*out);
	if (strcmp(head->run, run) || head->id != meta.id || !*head->on != !strcmp(file.text + strlen(name), CHAIN_BASE) || head->depth > CHAIN_DELTAS ||
	    (above && head->depth + 1 != snapshot_head(above)->depth)) {
		snapshot_close(*out);
		*out = NULL;
		return fail(f, WEIR_ESTATE, "the state %s does not fit to what stands on it; --state-reset goes on without it", file.text);
	}
	return 0;
}

int
chain_open(struct state_dir *d, const char *token, const char *name, const struct snapshot_meta *want, struct weir_state *file[CHAIN_DELTAS + 1], size_t *n,
    struct chain *c, struct fail *f)
{
	struct weir_state *found[CHAIN_DELTAS + 1];
	const char *at = token;
	size_t k = 0;
	int e;

	*c = (struct chain){ 0 };
	*n = 0;
	do {
		e = open_one(d, at, name, want, k ? found[k - 1] : NULL, &found[k], &c->gone, f);
		if (e) {
			size_t len = strlen(f->text);

			if (len > sizeof f->text - 256)
				len = sizeof f->text - 256;
			if (k)
				snprintf(f->text + len, sizeof f->text - len, " (checkpoint %s, on which %s stands)", at, token);
			else
				snprintf(f->text + len, sizeof f->text - len, " (checkpoint %s)", at);
			while (k)
				snapshot_close(found[--k]);
			return e;
		}
		at = snapshot_head(found[k++])->on;
	} while (*at);		/* depth falls by one each time */
	for (*n = 0; k; ++*n) {
		file[*n] = found[--k];
		chain_add(c, token, !*n, snapshot_head(file[*n])->bytes);
	}
	return 0;
}

int
chain_peek(struct state_dir *d, const char *token, const char *name, struct snapshot_head *h, struct fail *f)
{
	struct file_name file;
	char run[TOKEN_RUN_SIZE];
	uint64_t id;
	int dir, e;

	*h = (struct snapshot_head){ 0 };
	if (token_parse(token, run, &id) < 0)
		return fail(f, WEIR_ESTATE, "'%s' is no checkpoint", token);
	if ((dir = state_ckpt(d, run, id, 0, f)) < 0)
		return f->code;
	which(dir, name, &file);
	e = snapshot_peek(dir, file.text, h, f);
	close(dir);
	return e;
}
