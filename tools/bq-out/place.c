/*
 * Where the feed is.
 *
 * BigQuery keeps a job for each commit, under an id made of the token before
 * it, with the commit's own token in its labels: the chain of commits can be
 * walked from any of them.  What a job cannot hold, the offsets, is in the
 * checkpoint that was published before the job was made.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bq-out.h"
#include "breakage.h"
#include "token.h"

#define PREP	"bq-out.prep"
#define PREP_V	"1"

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

void
place_base(const struct bq_out *s, const char *prev, char base[LOAD_BASE_SIZE])
{
	const struct target *t = &s->target;
	char table[2048];
	const struct load_id id = { .project = t->project, .dataset = t->dataset, .table = table, .creation = t->creation, .pipe = s->pipe,
		.shard = s->shard, .prev = BROKEN("bq-new-id") ? s->run : prev, .batch_id = s->batch_id };

	snprintf(table, sizeof table, "%s%s", t->table, t->part);
	load_base_id(&id, base);
}

/* ---------------------------------------------------------------- checkpoints */

int
place_prepare(struct bq_out *s, const struct weir_barrier *bar, const char *hash, uint64_t rows)
{
	char token[TOKEN_SIZE], *line;
	json_t *prep;
	int e;

	token_format(s->run, s->id, token);
	if (strcmp(token, bar->token))
		return weir_error(s->ctx, WEIR_EBUG, "the epoch is %s, its load was begun as %s", bar->token, token);
	prep = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:I, s:s, s:s, s:s}", "base", s->base, "chain", s->chain, "creation", s->target.creation, "hash",
	    hash, "off", json_loads(bar->off, 0, NULL), "prev", bar->prev, "rows", (json_int_t)rows, "table", s->target.name, "token", bar->token, "v", PREP_V);
	line = prep ? json_dumps(prep, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	e = line ? weir_publish(s->ctx, PREP, line, strlen(line)) : bq_out_no_memory(s);
	free(line);
	json_decref(prep);
	return e;
}

/* The checkpoint of a commit: 1, or 0 when it is not here. */
static int
load_prep(struct bq_out *s, const char *token, json_t **prep)
{
	const void *p;
	size_t n;
	int e = weir_load(s->ctx, token, PREP, &p, &n);

	*prep = NULL;
	if (e <= 0)
		return e;
	*prep = json_loadb(p, n, 0, NULL);
	if (*text(*prep, "v") && strcmp(text(*prep, "v"), PREP_V))
		return weir_error(s->ctx, WEIR_ESTATE, "%s of the checkpoint %s is of version %s, this weir knows %s: use the newer weir", PREP, token,
		    text(*prep, "v"), PREP_V);
	if (!json_is_object(json_object_get(*prep, "off")) || strcmp(text(*prep, "token"), token) || !*text(*prep, "creation"))
		return weir_error(s->ctx, WEIR_ESTATE, "%s of the checkpoint %s is damaged, so the position of this pipeline is not known: put the state directory "
		    "back from a copy, or begin a feed of another name with --pipeline", PREP, token);
	return 1;
}

/* ---------------------------------------------------------------- the newest commit */

/* From `token` on along the jobs; hash is the newest one's label, empty when there is no later commit. */
static int
walk(struct bq_out *s, char token[TOKEN_SIZE], char hash[LOAD_LABEL_SIZE], unsigned *next)
{
	struct load_look look = { 0 };
	char base[LOAD_BASE_SIZE];
	int e, more;

	*hash = '\0';
	do {
		place_base(s, token, base);
		if ((e = load_look(s->bq, base, &look, &s->fail)) < 0)
			return bq_out_say(s);
		*next = look.next;
		more = look.state == LOAD_DONE;
		if (more && snprintf(token, TOKEN_SIZE, "%s/%s", look.run, look.id) >= TOKEN_SIZE)
			e = weir_error(s->ctx, WEIR_ESTATE, "the job %s has no labels of ours: somebody else used its id", base);
		if (more)
			snprintf(hash, LOAD_LABEL_SIZE, "%s", look.hash);
		load_look_free(&look);
	} while (more && e >= 0);
	return e;
}

/* The same name made again is another table: nothing of it was loaded by us. */
static int
same_table(struct bq_out *s, const json_t *prep, const char *token)
{
	if (s->target.creation && !strcmp(text(prep, "creation"), s->target.creation))
		return 0;
	return weir_error(s->ctx, WEIR_ESTATE, "%s is not the table that this pipeline has loaded: it was %s after the commit %s. To fill it from the beginning: "
	    "another --pipeline, or another state directory with -s", s->target.name, s->target.creation ? "dropped and made again" : "dropped", token);
}

int
place_find(struct bq_out *s, struct place *place)
{
	char token[TOKEN_SIZE], hash[LOAD_LABEL_SIZE] = "";
	const char *newest;
	int e;

	*place = (struct place){ .at.token = "none" };
	if ((e = weir_newest(s->ctx, &newest)) < 0)
		return e;
	snprintf(token, sizeof token, "%s", newest);
	if (strcmp(token, "none") && ((e = load_prep(s, token, &place->prep)) < 0 || (e && (e = same_table(s, place->prep, token)) < 0)))
		return e;
	if (s->target.creation && s->mode == BQ_OUT_LOAD && (e = walk(s, token, hash, &place->next)) < 0)
		return e;
	if (!strcmp(token, "none"))
		return 0;
	json_decref(place->prep);
	if ((e = load_prep(s, token, &place->prep)) < 0)
		return e;
	if (!e && !*hash)
		return weir_error(s->ctx, WEIR_ESTATE, "the checkpoint %s of this pipeline's last commit is gone from the state directory: put it back from a copy, or "
		    "begin a feed of another name with --pipeline", token);
	if (!e)
		return weir_error(s->ctx, WEIR_ESTATE, "%s has rows of this pipeline (%s), up to the commit %s, and this state directory knows nothing of it: name the "
		    "right one with -s. To load everything again beside them: --pipeline NAME", s->target.name, s->pipe, token);
	if (*hash && strcmp(hash, text(place->prep, "hash")))
		return weir_error(s->ctx, WEIR_ESTATE, "%s has the commit %s with other data (hash %s) than the checkpoint of that name here (hash %s): another process used "
		    "the same run. Name the state directory of that one with -s", s->target.name, token, hash, text(place->prep, "hash"));
	place->at = (struct position){ text(place->prep, "token"), json_object_get(place->prep, "off"), text(place->prep, "chain") };
	return 0;
}

void
place_free(struct place *place)
{
	json_decref(place->prep);
	place->prep = NULL;
}
