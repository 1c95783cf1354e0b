/* The feeds of a table: names, positions, what a commit writes down. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "weir.h"

static int
no_memory(struct fail *f)
{
	return fail(f, WEIR_EAGAIN, "no memory for the position of a feed");
}

/* ---------------------------------------------------------------- names */

/* "weir.feed.<pipe>/<i>/<N>/<ref>" of that ref into pipe and shard, "i/N".  Names and refs may hold slashes, a shard is two numbers. */
int
feed_split_key(const char *key, const char *ref, char *pipe, char *shard, size_t size)
{
	const char *p = key + strlen(FEED_PREFIX), *end, *i, *n;
	size_t k = strlen(ref);

	if (strncmp(key, FEED_PREFIX, strlen(FEED_PREFIX)) || strlen(p) >= size || strlen(p) < k + 1)
		return -1;
	end = p + strlen(p) - k - 1;
	if (*end != '/' || strcmp(end + 1, ref))
		return -1;
	for (n = end; n > p && n[-1] >= '0' && n[-1] <= '9'; n--)
		;
	if (n == end || n == p || n[-1] != '/')
		return -1;
	for (i = n - 1; i > p && i[-1] >= '0' && i[-1] <= '9'; i--)
		;
	if (i == n - 1 || i < p + 2 || i[-1] != '/')
		return -1;
	snprintf(pipe, size, "%.*s", (int)(i - 1 - p), p);
	snprintf(shard, size, "%.*s", (int)(end - i), i);
	return 0;
}

/* By its name, or name and shard as a list of feeds shows them. */
static int
is_wanted(const char *want, const char *want_shard, const char *pipe, const char *shard)
{
	size_t n = strlen(pipe);

	if (want_shard && *want_shard && strcmp(want_shard, shard))
		return 0;
	return !want || !*want || (strncmp(want, pipe, n) == 0 && (!want[n] || (want[n] == '/' && strcmp(want + n + 1, shard) == 0)));
}

/* "a/0/1, b/0/1": the feeds on a ref that are wanted, into *names with a NUL; the last one's parts too.  How many, or -1. */
int
feed_list(const struct metadata *m, const char *want, const char *want_shard, const char *ref, struct buf *names, char *pipe, char *shard)
{
	const json_t *properties = json_object_get(m->doc, "properties"), *v;
	char p[FEED_NAME_BYTES], i[FEED_NAME_BYTES];
	const char *key;
	int n = 0, e = 0;

	json_object_foreach((json_t *)(uintptr_t)properties, key, v) {
		if (feed_split_key(key, ref, p, i, sizeof p) < 0 || !is_wanted(want, want_shard, p, i))
			continue;
		e |= buf_printf(names, "%s%s/%s", n++ ? ", " : "", p, i);
		strcpy(pipe, p);
		strcpy(shard, i);
	}
	return e | buf_putc(names, '\0') ? -1 : n;
}

/* ---------------------------------------------------------------- positions */

int
feed_recover(const struct metadata *m, const char *table, const char *want, const char *want_shard, const char *want_ref, int rollback, struct buf *out,
    struct fail *f)
{
	char pipe[FEED_NAME_BYTES], shard[FEED_NAME_BYTES];
	struct feed feed = { .table = table, .pipe = want, .shard = want_shard && *want_shard ? want_shard : "0/1", .ref = want_ref, .rollback = rollback };
	struct feed_state s = { 0 };
	struct buf names = { 0 };
	int n = feed_list(m, want, want_shard, want_ref, &names, pipe, shard), e;

	if (n < 0)
		e = no_memory(f);
	else if (n > 1)
		e = fail(f, WEIR_EUSAGE, "%s has several feeds: %s; say which one with --pipeline", table, names.p);
	else {
		if (n) {
			feed.pipe = pipe;
			feed.shard = shard;
		} else if (!want || !*want)
			feed.pipe = table;		/* the default name; its property may have gone with an old snapshot's */
		if ((e = feed_find(m, &feed, &s, f)) == 0 && position_write(&s.at, feed.pipe, out) < 0)
			e = no_memory(f);
		feed_state_free(&s);
	}
	buf_free(&names);
	return e;
}

/* "(17,41)" of the token "0000017-.../41". */
static int
tell_token(const char *token, struct buf *out)
{
	const char *id = strrchr(token, '/');

	return id ? buf_printf(out, "(%lu,%s)", strtoul(token, NULL, 10), id + 1) : buf_puts(out, token);
}

int
feed_tell(const struct metadata *m, const char *table, const char *ref, int rollback, struct buf *out, struct fail *f)
{
	const json_t *properties = json_object_get(m->doc, "properties"), *v;
	char pipe[FEED_NAME_BYTES], shard[FEED_NAME_BYTES];
	struct feed feed = { .table = table, .pipe = pipe, .shard = shard, .ref = ref, .rollback = rollback };
	struct buf names = { 0 };
	int several = feed_list(m, NULL, NULL, ref, &names, pipe, shard) > 1, n = 0, e = 0;
	struct feed_state s;
	const char *key;

	buf_free(&names);
	json_object_foreach((json_t *)(uintptr_t)properties, key, v) {
		if (feed_split_key(key, ref, pipe, shard, sizeof pipe) < 0)
			continue;
		if ((e = feed_find(m, &feed, &s, f)) < 0)
			return e;
		if (several)
			e = buf_printf(out, "%s%s/%s ", n ? ", " : "feeds ", pipe, shard) | tell_token(s.at.token, out);
		else
			e = buf_puts(out, "our token ") | tell_token(s.at.token, out) | buf_puts(out, ", up to ") | position_describe(s.at.off, out);
		feed_state_free(&s);
		n++;
		if (e)
			return no_memory(f);
	}
	return !n && buf_puts(out, "no feed yet") ? no_memory(f) : 0;
}

/* ---------------------------------------------------------------- a commit */

int
feed_fill(const struct feed *feed, const struct feed_commit *c, json_t *summary, json_t *properties)
{
	const char *const pair[][2] = {
		{ "weir.pipe", feed->pipe }, { "weir.shard", feed->shard }, { "weir.token", c->token }, { "weir.prev", c->prev },
		{ "weir.hash", c->hash }, { "weir.off", c->off }, { "weir.acct", c->acct }, { "weir.chain", c->chain },
	};
	char snapshot[24], sequence[24], *value;
	struct buf key = { 0 };
	json_t *entry;
	int e = 0;

	for (size_t i = 0; i < sizeof pair / sizeof *pair; i++)
		e |= json_object_set_new(summary, pair[i][0], json_string(pair[i][1]));
	snprintf(snapshot, sizeof snapshot, "%" PRId64, c->snapshot_id);
	snprintf(sequence, sizeof sequence, "%" PRId64, c->sequence);
	entry = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s}", "chain", c->chain, "hash", c->hash, "off", json_loads(c->off, 0, NULL),
	    "prev", c->prev, "seq", sequence, "snapshot", snapshot, "token", c->token, "v", "1");
	value = entry ? json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (e || !value || buf_printf(&key, FEED_PREFIX "%s/%s/%s", feed->pipe, feed->shard, feed->ref) < 0 || buf_putc(&key, '\0') < 0 ||
	    json_object_set_new(properties, key.p, json_string(value)) < 0)
		e = -1;
	json_decref(entry);
	free(value);
	buf_free(&key);
	return e;
}
