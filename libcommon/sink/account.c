#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"

static const char *const verdict_name[WEIR_N_VERDICTS] = { "passed", "filtered", "taken", "rejected", "late", "duplicate" };

static int
put(json_t *o, const char *what, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, n);
	return json_object_set_new(o, what, json_string(text));
}

int
account_put(json_t *acct, size_t number, const char *name, const struct account *a)
{
	json_t *o = json_object();
	char key[128];
	int e = 0;

	snprintf(key, sizeof key, "%zu.%s", number, name);
	if (a->in || !a->emitted)
		e |= put(o, "in", a->in);
	if (a->emitted)
		e |= put(o, "emitted", a->emitted);
	for (int v = 0; v < WEIR_N_VERDICTS; v++)
		if (a->verdict[v])
			e |= put(o, verdict_name[v], a->verdict[v]);
	return json_object_set_new(acct, key, o) | e ? -1 : 0;
}

uint64_t
account_count(const json_t *entry, const char *what)
{
	const char *t = json_string_value(json_object_get(entry, what));

	return t ? strtoull(t, NULL, 10) : 0;
}

const json_t *
account_stage(const json_t *acct, size_t number, const char **name)
{
	char prefix[24];
	const char *key;
	json_t *v;
	int n = snprintf(prefix, sizeof prefix, "%zu.", number);

	json_object_foreach((json_t *)(uintptr_t)acct, key, v)
		if (!strncmp(key, prefix, (size_t)n)) {
			*name = key + n;
			return v;
		}
	return NULL;
}

int
account_check(const json_t *acct, struct fail *f)
{
	const json_t *e;
	const char *name, *before = NULL;
	uint64_t out = 0;
	size_t i;

	for (i = 0; (e = account_stage(acct, i, &name)); i++) {
		uint64_t in = account_count(e, "in"), sum = 0;

		for (int v = 0; v < WEIR_N_VERDICTS; v++)
			sum += account_count(e, verdict_name[v]);
		if (in != sum)
			return fail(f, WEIR_EBUG, "%s took %" PRIu64 " events in and accounts for %" PRIu64 ": this is a bug, nothing is committed", name, in, sum);
		if (before && in != out)
			return fail(f, WEIR_EBUG, "%s passed %" PRIu64 " events on, %s took %" PRIu64 " in: this is a bug, nothing is committed", before, out, name,
			    in);
		out = account_count(e, "passed") + account_count(e, "emitted");
		before = name;
	}
	return i == json_object_size(acct) ? 0 :
	    fail(f, WEIR_EBUG, "the account of stage %zu is missing: this is a bug, nothing is committed", i);
}

void
account_add(struct account *sum, const struct account *a)
{
	sum->in += a->in;
	sum->emitted += a->emitted;
	for (int v = 0; v < WEIR_N_VERDICTS; v++)
		sum->verdict[v] += a->verdict[v];
}

int
account_merge(json_t *sum, const json_t *acct)
{
	const char *key, *what;
	json_t *entry, *count;
	int e = 0;

	json_object_foreach((json_t *)(uintptr_t)acct, key, entry) {
		json_t *to = json_object_get(sum, key);

		if (!to && json_object_set_new(sum, key, to = json_object()) < 0)
			return -1;
		json_object_foreach(entry, what, count)
			e |= put(to, what, strcmp(what, "foreign") ? account_count(to, what) + account_count(entry, what) : 1);	/* a mark */
	}
	return e;
}
