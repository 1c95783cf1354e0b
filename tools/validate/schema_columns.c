/*
 * schema_columns - checking without a second pass over the event.
 *
 * The host has cut out the members that stages want.  When all a schema says
 * of an object is `type`, `properties` and `required`, those members decide,
 * each by its own subschema.  A fault found here is only a suspicion: the
 * whole event is then checked the ordinary way, which also finds the words.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "path.h"
#include "schema_int.h"
#include "weir.h"

#define COLUMNS_MAX	256

struct plan {
	struct schema	*s;
	int		 (*want)(void *, const char *);
	void		*arg;
	int		 code;		/* want()'s failure */
};

static int
says_nothing(const struct sub *sub)
{
	return sub->kinds == DOC_ANY && !sub->integer && !sub->values && !sub->number && !sub->string && !sub->array && !sub->object &&
	    !sub->combined && !sub->tracks;
}

/* Of objects, only their members. */
static int
is_flat(const struct sub *sub)
{
	const struct object_part *o = sub->object;

	return o && !sub->values && !sub->combined && !sub->tracks && !o->n_patterns && !o->property_names && !o->triggers && !o->min &&
	    o->max == UINT64_MAX && (!o->additional || says_nothing(o->additional));
}

static int flatten(struct plan *, const struct sub *, const char *prefix);

/* One member: its column, and if it is a flat object those below it. */
static int
flatten_member(struct plan *p, const struct property *m, const char *prefix)
{
	struct schema *s = p->s;
	const int object = m->sub && m->sub->kinds == DOC_OBJECT && is_flat(m->sub);
	struct buf text = { .max = PATH_BYTES };
	const size_t at = s->n_columns;
	struct path *path = NULL;
	int ok = 0, col = -1;

	if (!m->required && (!m->sub || says_nothing(m->sub)))
		return 1;
	if (at < COLUMNS_MAX && buf_puts(&text, prefix) == 0 && buf_putc(&text, '.') == 0 && emit_string(&text, m->name, m->name_n) == 0 &&
	    buf_putc(&text, '\0') == 0 && (path = malloc(sizeof *path)) && path_parse(text.p, path) == 0) {
		if ((col = p->want(p->arg, text.p)) < 0)
			p->code = col;
		else
			ok = 1;
	}
	free(path);
	if (ok) {
		s->column[s->n_columns++] = (struct column){ .sub = object || !m->sub || says_nothing(m->sub) ? NULL : m->sub, .col = col,
			.required = m->required, .object = object != 0 };
		if (object)
			ok = flatten(p, m->sub, text.p);
		s->column[at].below = (uint32_t)(s->n_columns - at - 1);
	}
	buf_free(&text);
	return ok;
}

static int
flatten(struct plan *p, const struct sub *sub, const char *prefix)
{
	for (uint32_t i = 0; i < sub->object->n_properties; i++)
		if (!flatten_member(p, &sub->object->property[i], prefix))
			return 0;
	return 1;
}

/* Would flatten() succeed?  Asked first, because a wanted path cannot be taken back. */
static size_t
count_columns(const struct sub *sub, size_t depth, int *ok)
{
	size_t n = 0;

	for (uint32_t i = 0; i < sub->object->n_properties && *ok; i++) {
		const struct property *m = &sub->object->property[i];

		if (!m->required && (!m->sub || says_nothing(m->sub)))
			continue;
		n++;
		*ok &= depth < PATH_DEPTH && m->name_n < PATH_BYTES / 8 && m->name_n > 0;
		if (*ok && m->sub && m->sub->kinds == DOC_OBJECT && is_flat(m->sub))
			n += count_columns(m->sub, depth + 1, ok);
		*ok &= n <= COLUMNS_MAX;
	}
	return n;
}

int
schema_columns(struct schema *s, int (*want)(void *arg, const char *path), void *arg)
{
	struct plan p = { .s = s, .want = want, .arg = arg };
	int ok = 1;

	if (s->dynamic || !(s->root->kinds & DOC_OBJECT) || !is_flat(s->root) || !count_columns(s->root, 1, &ok) || !ok)
		return 0;
	if (!(s->column = calloc(COLUMNS_MAX, sizeof *s->column)) || doc_single(&s->doc, DOC_NULL, "null", 4, 0) < 0)
		return WEIR_EAGAIN;
	if (flatten(&p, s->root, ""))
		return 1;
	s->n_columns = 0;
	return p.code;
}

static int
check_value(struct schema *s, const struct sub *sub, const struct weir_value *v)
{
	static const uint8_t kind[] = { [WEIR_NULL] = DOC_NULL, [WEIR_FALSE] = DOC_FALSE, [WEIR_TRUE] = DOC_TRUE, [WEIR_NUMBER] = DOC_NUMBER,
		[WEIR_STRING] = DOC_STRING, [WEIR_OBJECT] = DOC_OBJECT, [WEIR_ARRAY] = DOC_ARRAY };
	const unsigned k = kind[v->kind];
	int e;

	if (!(sub->kinds & k))
		return 0;
	if (k == DOC_STRING && !sub->combined && !sub->string) {	/* mostly an enum, or nothing more */
		if (!sub->values)
			return 1;
		if (!sub->values->next && !(v->flags & WEIR_ESCAPED))
			return names_find(&sub->values->strings, v->p + 1, v->n - 2) >= 0;
	}
	if (k == DOC_STRING)
		e = doc_single(&s->doc, k, v->p + 1, v->n - 2, v->flags & WEIR_ESCAPED);
	else if (k & (DOC_OBJECT | DOC_ARRAY))
		e = doc_build(&s->doc, v->p, v->n);
	else
		e = doc_single(&s->doc, k, v->p, v->n, 0);
	return e == 0 && schema_eval(s, sub, &s->doc, 0);
}

int
schema_check_columns(struct schema *s, struct weir_value *const *col, uint32_t i)
{
	for (size_t k = 0; k < s->n_columns; k++) {
		const struct column *c = &s->column[k];
		const struct weir_value *v = &col[c->col][i];

		if (v->kind == WEIR_ABSENT) {
			if (c->required)
				return 0;
			k += c->below;
		} else if (c->object ? v->kind != WEIR_OBJECT : c->sub && !check_value(s, c->sub, v)) {
			return 0;
		}
	}
	return 1;
}
