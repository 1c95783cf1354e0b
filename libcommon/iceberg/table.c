#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "weir.h"

#define SIMILAR_MAX	5		/* names listed in a message */

int
table_check_name(const char *name, struct fail *f)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name || !dot[1] || *name == '.' || strstr(name, "..") || strchr(name, '/') || strlen(name) > 250)
		return fail(f, WEIR_EUSAGE, "'%s' is no table name: it is namespace.name, such as shop.orders", name);
	return 0;
}

/* Read the metadata file at t->metadata_location. */
static int
load(struct table *t, struct fail *f)
{
	struct buf text = { .max = METADATA_MAX_BYTES };
	struct metadata *m;
	char why[sizeof f->text];
	int e = t->store->ops->get(t->store, t->metadata_location, &text, f);

	if (!e && (e = metadata_parse(text.p, text.n, &m, f)) < 0) {
		memcpy(why, f->text, sizeof why);
		fail(f, e, "%s: %.800s", t->metadata_location, why);
	} else if (!e) {
		metadata_free(t->meta);
		t->meta = m;
	} else if (e == WEIR_EGONE)
		e = fail(f, WEIR_ESTATE, "the catalog says that the metadata of table %s is %s, which does not exist", t->name ? t->name : "?",
		    t->metadata_location);
	buf_free(&text);
	return e;
}

static int
open_table(const char *name, const char *location, struct table **out, struct fail *f)
{
	struct table *t = calloc(1, sizeof *t);
	int e;

	if (!t || (name && !(t->name = strdup(name))) || !(t->metadata_location = strdup(location))) {
		table_free(t);
		return fail(f, WEIR_EAGAIN, "no memory for a table");
	}
	if ((e = store_open(location, &t->store, f)) < 0 || (e = load(t, f)) < 0) {
		table_free(t);
		return e;
	}
	*out = t;
	return 0;
}

int
table_load(struct catalog *c, const char *name, struct table **out, struct fail *f)
{
	struct buf location = { 0 };
	int e;

	if ((e = table_check_name(name, f)) < 0)
		return e;
	if ((e = c->ops->load(c, name, &location, f)) == 1) {
		if (buf_putc(&location, '\0') < 0)
			e = fail(f, WEIR_EAGAIN, "no memory for a table");
		else if ((e = open_table(name, location.p, out, f)) == 0) {
			(*out)->catalog = c;
			e = 1;
		}
	}
	buf_free(&location);
	return e;
}

int
table_open_metadata(const char *uri, struct table **out, struct fail *f)
{
	return open_table(NULL, uri, out, f);
}

int
table_reload(struct table *t, struct fail *f)
{
	struct buf location = { 0 };
	char *old = t->metadata_location;
	int e;

	if (!t->catalog)
		return 0;
	if ((e = t->catalog->ops->load(t->catalog, t->name, &location, f)) < 0)
		goto out;
	if (!e) {
		e = fail(f, WEIR_ESTATE, "table %s has gone from %s", t->name, t->catalog->uri);
		goto out;
	}
	if (!t->catalog->ops->names_recur && location.n == strlen(old) && memcmp(location.p, old, location.n) == 0) {
		e = 0;
		goto out;
	}
	if (!(t->metadata_location = strndup(location.p, location.n))) {
		t->metadata_location = old;
		e = fail(f, WEIR_EAGAIN, "no memory for a table");
		goto out;
	}
	if ((e = load(t, f)) < 0) {
		free(t->metadata_location);
		t->metadata_location = old;
		goto out;
	}
	free(old);
	e = 1;
out:
	buf_free(&location);
	return e;
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	metadata_free(t->meta);
	if (t->store)
		t->store->ops->close(t->store);
	free(t->name);
	free(t->metadata_location);
	free(t);
}

/* ---------------------------------------------------------------- a table that is not there */

struct similar {
	const char	*name;
	struct buf	 text;
	int		 n;
};

/* Edit distance, at most limit + 1. */
static int
distance(const char *a, const char *b, int limit)
{
	int row[256], n = (int)strlen(b);

	if (n > 254)
		return limit + 1;
	for (int k = 0; k <= n; k++)
		row[k] = k;
	for (int i = 1; *a; a++, i++) {
		int diagonal = row[0];

		row[0] = i;
		for (int k = 1; k <= n; k++) {
			int up = row[k], best = diagonal + (*a != b[k - 1]);

			best = up + 1 < best ? up + 1 : best;
			best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
			diagonal = up;
			row[k] = best;
		}
	}
	return row[n];
}

static int
add_similar(void *arg, const char *table)
{
	struct similar *s = arg;
	const char *a = strrchr(s->name, '.'), *b = strrchr(table, '.');

	if (s->n < SIMILAR_MAX && (distance(s->name, table, 3) <= 3 || (a && b && strcmp(a, b) == 0))) {
		s->n++;
		return buf_puts(&s->text, s->text.n ? ", " : "; similar: ") | buf_puts(&s->text, table);
	}
	return 0;
}

int
table_missing(struct catalog *c, const char *name, const char *remedy, struct fail *f)
{
	struct similar s = { .name = name };
	struct fail ignored;

	(void)c->ops->list(c, add_similar, &s, &ignored);	/* only for the message */
	fail(f, WEIR_ECONFIG, "table %s does not exist in %s%.*s%s%s", name, c->uri, (int)s.text.n, s.text.n ? s.text.p : "", remedy ? ": " : "",
	    remedy ? remedy : "");
	buf_free(&s.text);
	return f->code;
}
