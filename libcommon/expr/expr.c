/*
 * expr - user expressions; see expr.h.  The one file that includes jq.h: no jv leaves it.
 */
#include "config.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jq.h>

#include "emit.h"
#include "expr.h"
#include "native.h"

#define OUTPUTS_MAX	100000	/* of one test: a program that never ends its output is stopped */
#define DUMP_DEPTH	1000	/* of an output */

struct expr {
	jq_state	*jq;
	struct native	*native;
	struct buf	 quoted;	/* the event with its numbers as strings */
	struct fail	*why;		/* where jq's messages go, while it runs */
};

static void
on_message(void *arg, jv message)
{
	struct expr *e = arg;

	if (e->why && !e->why->text[0] && jv_get_kind(message) == JV_KIND_STRING) {
		const char *text = jv_string_value(message);
		const char *end = strchr(text, '\n');

		if (!strncmp(text, "jq: ", 4))
			text += 4;
		fail(e->why, WEIR_ECONFIG, "%.*s", end && end > text ? (int)(end - text) : (int)strlen(text), text);
	}
	jv_free(message);
}

static void
no_memory(void *arg)
{
	(void)arg;
	fail_no_memory();
}

struct expr *
expr_compile(const char *text, struct fail *f)
{
	struct expr *e;

	*f = (struct fail){ 0 };
	if (strlen(text) > EXPR_TEXT_MAX) {
		fail(f, WEIR_ECONFIG, "the expression is longer than %d bytes", EXPR_TEXT_MAX);
		return NULL;
	}
	jv_nomem_handler(no_memory, NULL);	/* of this thread; else libjq aborts */
	if (!(e = calloc(1, sizeof *e)) || !(e->jq = jq_init())) {
		free(e);
		fail(f, WEIR_EAGAIN, "no memory for the expression");
		return NULL;
	}
	e->why = f;
	jq_set_error_cb(e->jq, on_message, e);
	if (!jq_compile(e->jq, text)) {		/* also for native ones: what jq refuses is refused */
		if (!f->text[0])
			fail(f, WEIR_ECONFIG, "the expression does not compile");
		expr_free(e);
		return NULL;
	}
	*f = (struct fail){ 0 };
	e->why = NULL;
	e->native = native_compile(text);
	return e;
}

void
expr_free(struct expr *e)
{
	if (!e)
		return;
	native_free(e->native);
	jq_teardown(&e->jq);
	buf_free(&e->quoted);
	free(e);
}

int
expr_is_native(const struct expr *e)
{
	return e->native != NULL;
}

static int
want(void *ctx, const char *path)
{
	return weir_want(ctx, path);
}

int
expr_want(struct expr *e, struct weir_ctx *ctx)
{
	return e->native ? native_want(e->native, want, ctx) : 0;
}

/* What went wrong in the program: an invalid jv with a message.  Frees it. */
static int
failed(jv result, struct fail *why)
{
	jv message = jv_invalid_get_msg(result);

	if (jv_get_kind(message) == JV_KIND_STRING) {
		fail(why, WEIR_EDATA, "%s", jv_string_value(message));
	} else {
		jv text = jv_dump_string(jv_copy(message), 0);

		fail(why, WEIR_EDATA, "error (not a string): %s", jv_string_value(text));
		jv_free(text);
	}
	jv_free(message);
	return EXPR_ERROR;
}

static int
start(struct expr *e, const char *json, size_t n, struct fail *why)
{
	jv input;

	if (n > INT_MAX)
		return fail(why, WEIR_EDATA, "longer than libjq can read"), EXPR_ERROR;
	input = jv_parse_sized(json, (int)n);
	if (!jv_is_valid(input))
		return failed(input, why);
	jq_start(e->jq, input, 0);
	return 0;
}

/* The program's next output: 1, 0 at the end, EXPR_ERROR. */
static int
next(struct expr *e, jv *out, struct fail *why)
{
	*out = jq_next(e->jq);
	if (jv_is_valid(*out))
		return 1;
	if (jq_halted(e->jq)) {
		jv_free(*out);
		return fail(why, WEIR_EDATA, "the program called halt"), EXPR_ERROR;
	}
	if (jv_invalid_has_msg(jv_copy(*out)))
		return failed(*out, why);
	jv_free(*out);
	return 0;
}

int
expr_test(struct expr *e, const char *json, size_t n, struct fail *why)
{
	int truth = EXPR_FALSE, outputs = 0, r;
	jv out;

	if (start(e, json, n, why) < 0)
		return EXPR_ERROR;
	while ((r = next(e, &out, why)) > 0) {
		const jv_kind kind = jv_get_kind(out);

		truth = kind != JV_KIND_NULL && kind != JV_KIND_FALSE;
		jv_free(out);
		if (++outputs == OUTPUTS_MAX)
			return fail(why, WEIR_EDATA, "more than %d outputs", OUTPUTS_MAX), EXPR_ERROR;
	}
	return r < 0 ? r : truth;
}

int
expr_test_event(struct expr *e, struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, struct fail *why)
{
	const char *json;
	size_t n;
	int r;

	if (e->native && (r = native_test(e->native, b->col, i, why)) != NATIVE_ASK)
		return r;
	json = weir_event(ctx, b, i, &n);
	return expr_test(e, json, n, why);
}

/*
 * Numbers that libjq would print otherwise than they were written.  The event
 * is parsed a second time with each number as a string, and where the output
 * has a number of the same value at the same place, that string is printed.
 */

/* A number whose digits a double gives back: at most 15, no exponent, no zero at the end of a fraction. */
static int
is_plain_number(const char *p, size_t n)
{
	size_t digits = 0;
	int point = 0;

	if (n > 1 && p[0] == '-' && p[1] == '0' && n == 2)
		return 0;
	for (size_t i = p[0] == '-'; i < n; i++) {
		if (p[i] == '.')
			point = 1;
		else if (p[i] >= '0' && p[i] <= '9')
			digits++;
		else
			return 0;
	}
	return digits <= 15 && !(point && p[n - 1] == '0');
}

/* e->quoted = the text with numbers as strings.  1 if one of them needs it, 0 if none does, -1 memory. */
static int
quote_numbers(struct expr *e, const char *json, size_t n)
{
	struct buf *b = &e->quoted;
	size_t from = 0, i = 0;
	int any = 0;

	b->n = 0;
	while (i < n) {
		const char c = json[i];

		if (c == '"') {
			for (i++; i < n && json[i] != '"'; i++)
				i += json[i] == '\\';
			i++;
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			const size_t at = i;

			while (i < n && (json[i] == '-' || json[i] == '+' || json[i] == '.' || (json[i] | 0x20) == 'e' || (json[i] >= '0' && json[i] <= '9')))
				i++;
			any |= !is_plain_number(json + at, i - at);
			if (buf_put(b, json + from, at - from) < 0 || buf_putc(b, '"') < 0 || buf_put(b, json + at, i - at) < 0 || buf_putc(b, '"') < 0)
				return -1;
			from = i;
		} else {
			i++;
		}
	}
	return buf_put(b, json + from, n - from) < 0 ? -1 : any;
}

/* A JSON number that is this double? */
static int
is_number_of(const char *p, double v)
{
	const char *s = p;
	char *end;

	if (*s == '-')
		s++;
	if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
		return 0;
	s += strspn(s, "0123456789");
	if (*s == '.' && !strspn(s + 1, "0123456789"))
		return 0;
	if (*s == '.')
		s += 1 + strspn(s + 1, "0123456789");
	if ((*s | 0x20) == 'e') {
		s += s[1] == '+' || s[1] == '-' ? 2 : 1;
		if (!strspn(s, "0123456789"))
			return 0;
		s += strspn(s, "0123456789");
	}
	return !*s && strtod(p, &end) == v;
}

static int dump(jv v, jv as, struct buf *out, int depth);

static int
dump_object(jv v, jv as, struct buf *out, int depth)
{
	int bad = buf_putc(out, '{') < 0, any = 0;

	for (int i = jv_object_iter(v); !bad && jv_object_iter_valid(v, i); i = jv_object_iter_next(v, i)) {
		jv key = jv_object_iter_key(v, i);

		bad = (any && buf_putc(out, ',') < 0) || emit_string(out, jv_string_value(key), (size_t)jv_string_length_bytes(jv_copy(key))) < 0 ||
		    buf_putc(out, ':') < 0;
		if (!bad) {
			jv same = jv_get_kind(as) == JV_KIND_OBJECT ? jv_object_get(jv_copy(as), jv_copy(key)) : jv_null();

			bad = dump(jv_object_iter_value(v, i), same, out, depth + 1) < 0;
		}
		jv_free(key);
		any = 1;
	}
	return bad || buf_putc(out, '}') < 0 ? -1 : 0;
}

static int
dump_array(jv v, jv as, struct buf *out, int depth)
{
	const int n = jv_array_length(jv_copy(v)), m = jv_get_kind(as) == JV_KIND_ARRAY ? jv_array_length(jv_copy(as)) : 0;
	int bad = buf_putc(out, '[') < 0;

	for (int i = 0; i < n && !bad; i++)
		bad = (i && buf_putc(out, ',') < 0) ||
		    dump(jv_array_get(jv_copy(v), i), i < m ? jv_array_get(jv_copy(as), i) : jv_null(), out, depth + 1) < 0;
	return bad || buf_putc(out, ']') < 0 ? -1 : 0;
}

/* Takes both. */
static int
dump(jv v, jv as, struct buf *out, int depth)
{
	int bad = 0;

	switch (jv_get_kind(v)) {
	case JV_KIND_NULL: bad = buf_puts(out, "null") < 0; break;
	case JV_KIND_FALSE: bad = buf_puts(out, "false") < 0; break;
	case JV_KIND_TRUE: bad = buf_puts(out, "true") < 0; break;
	case JV_KIND_STRING:
		bad = emit_string(out, jv_string_value(v), (size_t)jv_string_length_bytes(jv_copy(v))) < 0;
		break;
	case JV_KIND_NUMBER:
		if (jv_get_kind(as) == JV_KIND_STRING && is_number_of(jv_string_value(as), jv_number_value(v)))
			bad = buf_puts(out, jv_string_value(as)) < 0;
		else if (isinf(jv_number_value(v)))
			bad = emit_double(out, jv_number_value(v) > 0 ? 0x1.fffffffffffffp1023 : -0x1.fffffffffffffp1023) < 0;	/* as jq does */
		else
			bad = emit_double(out, jv_number_value(v)) < 0;
		break;
	case JV_KIND_OBJECT: bad = depth >= DUMP_DEPTH || dump_object(v, as, out, depth) < 0; break;
	case JV_KIND_ARRAY: bad = depth >= DUMP_DEPTH || dump_array(v, as, out, depth) < 0; break;
	default: bad = 1;
	}
	jv_free(v);
	jv_free(as);
	return bad ? -1 : 0;
}

int
expr_run(struct expr *e, const char *json, size_t n, struct buf *out, struct fail *why)
{
	const size_t before = out->n;
	jv result, more, as = jv_null();
	int r;

	if (start(e, json, n, why) < 0 || (r = next(e, &result, why)) < 0)
		return EXPR_ERROR;
	if (!r)
		return EXPR_FALSE;
	if ((r = next(e, &more, why))) {
		jv_free(result);
		if (r < 0)
			return EXPR_ERROR;
		jv_free(more);
		return fail(why, WEIR_EDATA, "more than one output; an event stays one event"), EXPR_ERROR;
	}
	if (jv_get_kind(result) != JV_KIND_OBJECT) {
		fail(why, WEIR_EDATA, "the output is %s, not an object", jv_kind_name(jv_get_kind(result)));
		jv_free(result);
		return EXPR_ERROR;
	}
	if ((r = quote_numbers(e, json, n)) > 0)
		as = jv_parse_sized(e->quoted.p, (int)e->quoted.n);
	if (r < 0 || dump(result, as, out, 0) < 0) {
		if (r < 0)
			jv_free(result);
		out->n = before;
		return fail(why, WEIR_EDATA, "the output is too long or too deep"), EXPR_ERROR;
	}
	return EXPR_TRUE;
}
