/*
 * schema_eval - a compiled schema against one tape.
 *
 * Evaluation stops at the first fault, which is only noted; schema_fault.c
 * puts it into words when somebody asks.  What unevaluated* needs to know is
 * tracked only below a schema that has it: `seen` is NULL elsewhere.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "schema_int.h"

#define SMALL_ARRAY	8	/* items compared pair by pair for uniqueItems */
#define ORDER_MAX	((size_t)DOC_MAX_BYTES)

struct eval {
	struct schema	*s;
	struct doc	*d;
};

static int eval(struct eval *, const struct sub *, uint32_t node, const struct scope *, uint64_t *seen);

static int
fault(struct eval *e, const struct sub *sub, uint32_t node, enum keyword keyword, uint32_t aux)
{
	if (!e->s->aborted)
		e->s->fault = (struct fault_at){ .sub = sub, .value = e->d->node[node], .node = node, .keyword = keyword, .aux = aux };
	return 0;
}

/* No verdict is possible: not even a `not` may turn it round. */
static int
give_up(struct eval *e, const struct sub *sub, uint32_t node, enum keyword keyword)
{
	fault(e, sub, node, keyword, 0);
	e->s->aborted = 1;
	return 0;
}

static inline void
mark(uint64_t *seen, uint32_t k)
{
	seen[k / 64] |= UINT64_C(1) << k % 64;
}

static inline size_t
words(uint32_t n)
{
	return ((size_t)n + 63) / 64;
}

/*
 * A zeroed bit per child, on the stack of marks.  The stack is made once and never moves: a level of nesting has one set per schema
 * in evaluation, and the ceiling is far above what events of a sane size ask for.
 */
#define BITS_WORDS	((size_t)1 << 20)

static int
push_bits(struct eval *e, uint32_t n, size_t *at)
{
	struct schema *s = e->s;
	const size_t need = words(n);

	if (s->cap_bits - s->n_bits < need)
		return -1;
	*at = s->n_bits;
	memset(s->bits + *at, 0, need * sizeof *s->bits);
	s->n_bits += need;
	return 0;
}

static int
check_bound(const struct bound *b, const struct doc_node *v, int small, int64_t coef, int scale)
{
	static const int64_t ten[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, INT64_C(10000000000),
		INT64_C(100000000000), INT64_C(1000000000000), INT64_C(10000000000000), INT64_C(100000000000000), INT64_C(1000000000000000),
		INT64_C(10000000000000000), INT64_C(100000000000000000), INT64_C(1000000000000000000) };
	struct dec d;

	if (small && b->small) {
		__int128 x = coef, y = b->coef;

		if (scale < b->scale)
			x *= ten[b->scale - scale];
		else if (scale > b->scale)
			y *= ten[scale - b->scale];
		return x < y ? -1 : x > y;
	}
	dec_read(v->p, v->n, &d);
	return dec_cmp_read(&d, &b->dec);
}

static int
eval_number(struct eval *e, const struct sub *sub, uint32_t node)
{
	const struct number_part *n = sub->number;
	const struct doc_node *v = &e->d->node[node];
	int64_t coef = 0;
	int scale = 0;
	const int small = dec_small(v->p, v->n, &coef, &scale) == 0;

	if (n->min.node && check_bound(&n->min, v, small, coef, scale) < 0)
		return fault(e, sub, node, KW_MINIMUM, n->min.node);
	if (n->max.node && check_bound(&n->max, v, small, coef, scale) > 0)
		return fault(e, sub, node, KW_MAXIMUM, n->max.node);
	if (n->ex_min.node && check_bound(&n->ex_min, v, small, coef, scale) <= 0)
		return fault(e, sub, node, KW_EXCLUSIVE_MINIMUM, n->ex_min.node);
	if (n->ex_max.node && check_bound(&n->ex_max, v, small, coef, scale) >= 0)
		return fault(e, sub, node, KW_EXCLUSIVE_MAXIMUM, n->ex_max.node);
	if (n->divisor_node && !dec_is_multiple(v->p, v->n, &n->divisor))
		return fault(e, sub, node, KW_MULTIPLE_OF, n->divisor_node);
	return 1;
}

static uint64_t
characters(const char *p, size_t n)
{
	uint64_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += ((unsigned char)p[i] & 0xc0) != 0x80;
	return k;
}

static int
eval_string(struct eval *e, const struct sub *sub, uint32_t node)
{
	const struct string_part *t = sub->string;
	size_t n;
	const char *p = doc_text(e->d, node, &n);

	/* A character has 1 to 4 bytes: mostly there is nothing to count. */
	if (n < t->min || (n / 4 < t->min && characters(p, n) < t->min))
		return fault(e, sub, node, KW_MIN_LENGTH, 0);
	if (n > t->max && characters(p, n) > t->max)
		return fault(e, sub, node, KW_MAX_LENGTH, 0);
	if (t->format && !t->format->check(p, n))
		return fault(e, sub, node, KW_FORMAT, 0);
	if (t->pattern) {
		const int r = regex_match(t->pattern, e->s->run, p, n);

		if (r == REGEX_LIMIT)
			return give_up(e, sub, node, KW_PATTERN_LIMIT);
		if (r == REGEX_NO)
			return fault(e, sub, node, KW_PATTERN, t->pattern_node);
	}
	return 1;
}

static int
eval_values(struct eval *e, const struct sub *sub, uint32_t node)
{
	const struct doc_node *v = &e->d->node[node];

	for (const struct enum_part *k = sub->values; k; k = k->next) {
		int found = 0;

		if (v->kind == DOC_STRING) {
			size_t n;
			const char *p = doc_text(e->d, node, &n);

			found = names_find(&k->strings, p, (uint32_t)n) >= 0;
		} else if (k->kinds & v->kind) {
			for (uint32_t i = 0; i < k->n && !found; i++)
				found = doc_equal(e->d, node, &sub->doc->tape, k->node[i]);
		}
		if (!found)
			return fault(e, sub, node, k->keyword, k->list);
	}
	return 1;
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The second of two equal items, or 0.  Many: by hash, so that a long array is not compared pair by pair. */
static uint32_t
twin(struct eval *e, uint32_t node, int *memory)
{
	const struct doc_node *v = &e->d->node[node];
	struct schema *s = e->s;
	size_t n = 0;

	if (v->count <= SMALL_ARRAY) {
		for (uint32_t a = v->count ? node + 1 : 0; a; a = e->d->node[a].next)
			for (uint32_t b = e->d->node[a].next; b; b = e->d->node[b].next)
				if (doc_equal(e->d, a, e->d, b))
					return b;
		return 0;
	}
	if (s->cap_order < 2 * (size_t)v->count) {
		const size_t cap = 4 * (size_t)v->count;
		uint64_t *more = cap > ORDER_MAX ? NULL : realloc(s->order, cap * sizeof *more);

		if (!more) {
			*memory = 1;
			return 0;
		}
		s->order = more;
		s->cap_order = cap;
	}
	/* pairs of (hash with its lowest bits given up for the order of sorting, node) */
	for (uint32_t a = node + 1; a; a = e->d->node[a].next) {
		s->order[n] = doc_hash(e->d, a, s->options.seed);
		s->order[n + 1] = a;
		n += 2;
	}
	qsort(s->order, n / 2, 2 * sizeof *s->order, by_value);
	for (size_t i = 2; i < n; i += 2)
		for (size_t k = i; k && s->order[k - 2] == s->order[i]; k -= 2)
			if (doc_equal(e->d, (uint32_t)s->order[i + 1], e->d, (uint32_t)s->order[k - 1]))
				return (uint32_t)(s->order[i + 1] > s->order[k - 1] ? s->order[i + 1] : s->order[k - 1]);
	return 0;
}

static int
eval_contains(struct eval *e, const struct sub *sub, uint32_t node, const struct scope *scope, uint64_t *seen)
{
	const struct array_part *a = sub->array;
	const size_t mark_at = e->s->n_bits;
	uint64_t n = 0;
	uint32_t k = 0;

	for (uint32_t c = e->d->node[node].count ? node + 1 : 0; c; c = e->d->node[c].next, k++) {
		if (!eval(e, a->contains, c, scope, NULL)) {
			e->s->n_bits = mark_at;
			continue;
		}
		n++;
		if (seen && a->contains_marks)
			mark(seen, k);
		if (!seen && n >= a->min_contains && a->max_contains == UINT64_MAX)
			return 1;
	}
	if (e->s->aborted)
		return 0;
	if (n < a->min_contains)
		return fault(e, sub, node, a->min_contains_given ? KW_MIN_CONTAINS : KW_CONTAINS, (uint32_t)n);
	if (n > a->max_contains)
		return fault(e, sub, node, KW_MAX_CONTAINS, (uint32_t)n);
	return 1;
}

static int
eval_array(struct eval *e, const struct sub *sub, uint32_t node, const struct scope *scope, uint64_t *seen)
{
	const struct array_part *a = sub->array;
	const uint32_t count = e->d->node[node].count;
	uint32_t k = 0, other;
	int memory = 0;

	if (count < a->min)
		return fault(e, sub, node, KW_MIN_ITEMS, 0);
	if (count > a->max)
		return fault(e, sub, node, KW_MAX_ITEMS, 0);
	if (a->n_prefix || a->items)
		for (uint32_t c = count ? node + 1 : 0; c; c = e->d->node[c].next, k++) {
			const struct sub *item = k < a->n_prefix ? a->prefix[k] : a->items;

			if (!item)
				break;
			if (!eval(e, item, c, scope, NULL))
				return 0;
			if (seen)
				mark(seen, k);
		}
	if (a->unique && count > 1) {
		if ((other = twin(e, node, &memory)))
			return fault(e, sub, other, KW_UNIQUE_ITEMS, 0);
		if (memory)
			return give_up(e, sub, node, KW_MEMORY);
	}
	return !a->contains || eval_contains(e, sub, node, scope, seen);
}

/* A member's name as a string value: it stands behind the tape for as long as it takes. */
static int
eval_name(struct eval *e, const struct sub *sub, uint32_t c, const struct scope *scope)
{
	struct doc *d = e->d;
	const uint32_t at = d->n;

	if (d->n == d->cap) {
		struct doc_node *more = realloc(d->node, ((size_t)d->cap + 1) * sizeof *more);

		if (!more)
			return give_up(e, sub, c, KW_MEMORY);
		d->node = more;
		d->cap++;
	}
	d->node[at] = (struct doc_node){ .p = d->node[c].key, .n = d->node[c].key_n, .kind = DOC_STRING };
	if (eval(e, sub, at, scope, NULL))
		return 1;
	if (!e->s->aborted || e->s->fault.node == at)
		e->s->fault.node = c;
	e->s->fault.aux = e->s->fault.keyword;
	if (!e->s->aborted)
		e->s->fault.keyword = KW_PROPERTY_NAMES;
	return 0;
}

/* What the presence of a member asks for. */
static int
eval_triggers(struct eval *e, const struct sub *sub, uint32_t node, const struct scope *scope, uint64_t *seen, const uint64_t *present)
{
	const struct object_part *o = sub->object;

	for (uint32_t i = 0; i < o->n_properties; i++) {
		const struct property *p = &o->property[i];

		if (!p->trigger || !(present[i / 64] >> i % 64 & 1))
			continue;
		for (uint32_t k = 0; k < p->n_needs; k++)
			if (!(present[p->needs[k] / 64] >> p->needs[k] % 64 & 1))
				return fault(e, sub, node, KW_DEPENDENT_REQUIRED, p->needs[k]);
		if (p->dependent && !eval(e, p->dependent, node, scope, seen))
			return 0;
	}
	return 1;
}

/* One member: -1 a fault, else whether some keyword has seen it. */
static inline int
eval_member(struct eval *e, const struct object_part *o, uint32_t c, int known, const struct scope *scope)
{
	const struct property *p = known >= 0 ? &o->property[known] : NULL;
	int touched = 0;

	if (p && p->sub) {
		if (!eval(e, p->sub, c, scope, NULL))
			return -1;
		touched = 1;
	}
	for (uint32_t i = 0; i < o->n_patterns; i++) {
		const int r = regex_match(o->pattern[i].regex, e->s->run, e->d->node[c].key, e->d->node[c].key_n);

		if (r == REGEX_LIMIT) {
			give_up(e, o->pattern[i].sub, c, KW_PATTERN_LIMIT);
			return -1;
		}
		if (r == REGEX_NO)
			continue;
		if (!eval(e, o->pattern[i].sub, c, scope, NULL))
			return -1;
		touched = 1;
	}
	if (!touched && o->additional) {
		if (!eval(e, o->additional, c, scope, NULL))
			return -1;
		touched = 1;
	}
	return touched;
}

/*
 * The property of that name, or -1.  Members mostly come in the order they had
 * in the event before: guessing it keeps the look-up out of the way.
 */
static inline int
find_property(const struct object_part *o, const char *p, uint32_t n, uint32_t guess)
{
	const struct names_slot *k = &o->expect[guess];
	uint64_t tail, head = names_words(p, n, &tail);

	if (__builtin_expect(!names_same(k, p, n, head, tail), 0)) {
		const int known = names_find(&o->names, p, n);

		if (known < 0)
			return -1;
		k = &o->expect[known];
	}
	return k->value;
}

static int
eval_object(struct eval *e, const struct sub *sub, uint32_t node, const struct scope *scope, uint64_t *seen)
{
	const struct object_part *o = sub->object;
	const uint32_t count = e->d->node[node].count;
	uint64_t few = 0, *present = &few;
	const size_t mark_at = e->s->n_bits;
	uint32_t k = 0, missing = 0, after = 0;
	size_t at;
	int r;

	if (o->n_properties > 64) {
		if (push_bits(e, o->n_properties, &at) < 0)
			return give_up(e, sub, node, KW_NESTING);
		present = e->s->bits + at;
	}
	for (uint32_t c = count ? node + 1 : 0; c; c = e->d->node[c].next, k++) {
		const int known = find_property(o, e->d->node[c].key, e->d->node[c].key_n, o->follow[after]);

		if (known >= 0) {
			mark(present, (uint32_t)known);
			if (o->follow[after] != (uint32_t)known)
				o->follow[after] = (uint32_t)known;
			after = (uint32_t)known + 1;
		}
		if ((r = eval_member(e, o, c, known, scope)) < 0 || (o->property_names && !eval_name(e, o->property_names, c, scope)))
			return 0;
		if (r && seen)
			mark(seen, k);
	}
	for (uint32_t i = 0; i < o->n_required && !missing; i += 64) {
		const uint32_t n = o->n_required - i < 64 ? o->n_required - i : 64;
		const uint64_t absent = ~present[i / 64] & (n == 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1);

		if (absent)
			missing = i + (uint32_t)__builtin_ctzll(absent) + 1;
	}
	if (missing)
		return fault(e, sub, node, KW_REQUIRED, missing - 1);
	if (count < o->min)
		return fault(e, sub, node, KW_MIN_PROPERTIES, 0);
	if (count > o->max)
		return fault(e, sub, node, KW_MAX_PROPERTIES, 0);
	r = !o->triggers || eval_triggers(e, sub, node, scope, seen, present);
	e->s->n_bits = mark_at;
	return r;
}

/* A branch that may fail: its marks count only if it does not.  What it found wrong is kept if no other came farther. */
static int
branch(struct eval *e, const struct sub *sub, uint32_t node, const struct scope *scope, uint64_t *seen)
{
	const uint32_t count = e->d->node[node].count;
	const size_t mark_at = e->s->n_bits;
	size_t at = 0;
	int ok;

	if (seen && push_bits(e, count, &at) < 0)
		return give_up(e, sub, node, KW_NESTING);
	ok = eval(e, sub, node, scope, seen ? e->s->bits + at : NULL);
	if (ok && seen)
		for (size_t w = 0; w < words(count); w++)
			seen[w] |= e->s->bits[at + w];
	if (!ok && !e->s->aborted && (!e->s->best.sub || e->s->fault.node > e->s->best.node))
		e->s->best = e->s->fault;
	e->s->n_bits = mark_at;
	return ok;
}

/* The outermost resource of the scope that has a $dynamicAnchor of the name (core 8.2.3.2). */
static const struct sub *
dynamic_target(struct eval *e, const struct combined *k, const struct scope *scope)
{
	const struct sub *found = k->dynamic_ref;

	if (k->dynamic_name)
		for (; scope; scope = scope->up) {
			const struct anchor *a = schema_anchor(e->s, scope->res, k->dynamic_name, k->dynamic_name_n, 1);

			if (a && a->res->doc->sub[a->node])
				found = a->res->doc->sub[a->node];
		}
	return found;
}

static int
eval_combined(struct eval *e, const struct sub *sub, uint32_t node, const struct scope *scope, uint64_t *seen)
{
	const struct combined *k = sub->combined;
	const struct fault_at best = e->s->best;
	uint32_t n = 0;

	if (k->ref && !eval(e, k->ref, node, scope, seen))
		return 0;
	if (k->dynamic_ref && !eval(e, dynamic_target(e, k, scope), node, scope, seen))
		return 0;
	for (uint32_t i = 0; i < k->all.n; i++)
		if (!eval(e, k->all.sub[i], node, scope, seen))
			return 0;
	if (k->any.n) {
		e->s->best.sub = NULL;
		for (uint32_t i = 0; i < k->any.n && !(n && !seen); i++)	/* all of them when marks are wanted */
			n += (unsigned)branch(e, k->any.sub[i], node, scope, seen);
		if (!n)
			return fault(e, sub, node, KW_ANY_OF, k->any.n);
	}
	if (k->one.n) {
		e->s->best.sub = NULL;
		n = 0;
		for (uint32_t i = 0; i < k->one.n && n < 2; i++)
			n += (unsigned)branch(e, k->one.sub[i], node, scope, seen);
		if (n != 1)
			return fault(e, sub, node, KW_ONE_OF, n);
	}
	if (k->not && branch(e, k->not, node, scope, NULL))
		return fault(e, sub, node, KW_NOT, 0);
	if (k->if_) {
		const struct sub *next = branch(e, k->if_, node, scope, seen) ? k->then : k->else_;

		if (next && !e->s->aborted && !eval(e, next, node, scope, seen))
			return 0;
	}
	e->s->best = best;
	return !e->s->aborted;
}

static int
eval_unevaluated(struct eval *e, const struct sub *rest, uint32_t node, const struct scope *scope, uint64_t *seen)
{
	uint32_t k = 0;

	for (uint32_t c = e->d->node[node].count ? node + 1 : 0; c; c = e->d->node[c].next, k++) {
		if (seen[k / 64] >> k % 64 & 1)
			continue;
		if (!eval(e, rest, c, scope, NULL))
			return 0;
		mark(seen, k);
	}
	return 1;
}

/* With marks of its own when it has unevaluated*; they are its parent's too. */
static int
eval_tracked(struct eval *e, const struct sub *sub, uint32_t node, const struct scope *scope, uint64_t *outer)
{
	const struct doc_node *v = &e->d->node[node];
	const unsigned kind = v->kind;
	const uint32_t count = v->count;
	const size_t mark_at = e->s->n_bits;
	uint64_t *seen = outer;
	size_t at;

	if (sub->tracks && kind & (DOC_OBJECT | DOC_ARRAY)) {
		if (push_bits(e, count, &at) < 0)
			return give_up(e, sub, node, KW_NESTING);
		seen = e->s->bits + at;
	}
	if ((kind == DOC_OBJECT && sub->object && !eval_object(e, sub, node, scope, seen)) ||
	    (kind == DOC_ARRAY && sub->array && !eval_array(e, sub, node, scope, seen)) ||
	    (sub->combined && !eval_combined(e, sub, node, scope, seen)) ||
	    (kind == DOC_OBJECT && sub->unevaluated_properties && !eval_unevaluated(e, sub->unevaluated_properties, node, scope, seen)) ||
	    (kind == DOC_ARRAY && sub->unevaluated_items && !eval_unevaluated(e, sub->unevaluated_items, node, scope, seen)))
		return 0;
	if (seen != outer && outer)
		for (size_t w = 0; w < words(count); w++)
			outer[w] |= seen[w];
	e->s->n_bits = mark_at;
	return 1;
}

static int
eval(struct eval *e, const struct sub *sub, uint32_t node, const struct scope *scope, uint64_t *seen)
{
	const struct doc_node *v = &e->d->node[node];
	const unsigned kind = v->kind;
	struct scope here;
	int ok;

	if (!(sub->kinds & kind))
		return fault(e, sub, node, sub->kinds ? KW_TYPE : KW_FALSE, 0);
	if (sub->integer && kind == DOC_NUMBER && !dec_is_integer(v->p, v->n))
		return fault(e, sub, node, KW_TYPE, 0);
	if (sub->values && !eval_values(e, sub, node))
		return 0;
	if (kind == DOC_NUMBER && sub->number && !eval_number(e, sub, node))
		return 0;
	if (kind == DOC_STRING && sub->string && !eval_string(e, sub, node))
		return 0;
	if (!sub->combined && !sub->tracks && !(kind == DOC_OBJECT && sub->object) && !(kind == DOC_ARRAY && sub->array))
		return 1;
	if (e->s->nest == SCHEMA_MAX_NEST)
		return give_up(e, sub, node, KW_NESTING);
	if (e->s->dynamic && (!scope || scope->res != sub->res)) {
		here = (struct scope){ sub->res, scope };
		scope = &here;
	}
	e->s->nest++;
	ok = eval_tracked(e, sub, node, scope, seen);
	e->s->nest--;
	return ok;
}

int
schema_eval(struct schema *s, const struct sub *sub, struct doc *d, uint32_t node)
{
	struct eval e = { s, d };

	s->aborted = 0;
	s->nest = 0;
	s->n_bits = 0;
	s->best.sub = NULL;
	if (!s->cap_bits) {
		if (!(s->bits = malloc(BITS_WORDS * sizeof *s->bits)))
			return give_up(&e, sub, node, KW_MEMORY);
		s->cap_bits = BITS_WORDS;
	}
	return eval(&e, sub, node, NULL, NULL) && !s->aborted;
}
