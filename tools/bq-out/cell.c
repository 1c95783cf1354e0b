#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cell.h"
#include "emit.h"
#include "scan.h"
#include "value.h"

#define EXCERPT		40
#define MAX_SAFE	INT64_C(9007199254740991)	/* 2^53 - 1 */
#define SAFE_DIGITS	15
#define FLOAT_DIGITS	300	/* a literal without exponent and no longer than this is below 1.8e308 */

void
cell_free(struct cell *c)
{
	buf_free(&c->text);
}

/* The content of a string, decoded into c->text where it has escapes.  0, or WEIR_EAGAIN. */
static inline int
content(struct cell *c, const struct weir_value *v, const char **p, size_t *n)
{
	c->text.n = 0;
	if (v->flags & WEIR_ESCAPED && buf_reserve(&c->text, v->n) < 0)
		return WEIR_EAGAIN;
	*n = value_text_of(v, c->text.p, p);
	return 0;
}

/* ---------------------------------------------------------------- text */

static int
string(struct cell *c, const struct schema_field *f, const struct weir_value *v)
{
	int64_t chars = 0;
	const char *p;
	size_t n;

	if (v->kind != WEIR_STRING)
		return CELL_BAD;
	if (!f->max_length || (int64_t)v->n - 2 <= f->max_length)
		return CELL_AS_IS;
	if (content(c, v, &p, &n) < 0)
		return WEIR_EAGAIN;
	for (size_t i = 0; i < n; i++)
		chars += ((unsigned char)p[i] & 0xc0) != 0x80;
	if (chars <= f->max_length)
		return CELL_AS_IS;
	c->why = "is too long";
	return CELL_BAD;
}

static inline int
base64_digit(unsigned char c)
{
	if ((unsigned char)(c - 'A') < 26)
		return c - 'A';
	if ((unsigned char)(c - 'a') < 26)
		return c - 'a' + 26;
	if ((unsigned char)(c - '0') < 10)
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static int
bytes(struct cell *c, const struct schema_field *f, const struct weir_value *v, struct buf *out)
{
	size_t n, whole, pad = 0, other = 0, standard = 0;
	const char *p;

	if (v->kind != WEIR_STRING)
		return CELL_BAD;
	if (content(c, v, &p, &n) < 0)
		return WEIR_EAGAIN;
	while (pad < 2 && pad < n && p[n - 1 - pad] == '=')
		pad++;
	whole = n - pad;
	for (size_t i = 0; i < whole; i++) {
		if (base64_digit((unsigned char)p[i]) < 0)
			return CELL_BAD;
		other += p[i] == '-' || p[i] == '_';
		standard += p[i] == '+' || p[i] == '/';
	}
	if (whole % 4 == 1 || (other && standard) || (pad && n % 4))
		return CELL_BAD;
	if (whole % 4 && base64_digit((unsigned char)p[whole - 1]) & (whole % 4 == 2 ? 15 : 3)) {
		c->why = "ends in bits that belong to no byte";
		return CELL_BAD;
	}
	if (f->max_length && (int64_t)(whole / 4 * 3 + whole % 4 * 3 / 4) > f->max_length) {
		c->why = "is too long";
		return CELL_BAD;
	}
	if (!other && n % 4 == 0)
		return CELL_AS_IS;
	if (buf_reserve(out, whole + 5) < 0)
		return WEIR_EAGAIN;
	buf_putc(out, '"');
	for (size_t i = 0; i < whole; i++)
		buf_putc(out, p[i] == '-' ? '+' : p[i] == '_' ? '/' : p[i]);
	buf_put(out, "===", (4 - whole % 4) % 4);
	buf_putc(out, '"');
	return CELL_CHANGED;
}

/* ---------------------------------------------------------------- numbers */

/* "-12", "0": the only spelling of an integer. */
static int
is_decimal(const char *p, size_t n)
{
	if (n && *p == '-') {
		p++;
		n--;
	}
	if (!n || (*p == '0' && n > 1))
		return 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)(p[i] - '0') > 9)
			return 0;
	return 1;
}

static int
integer(struct cell *c, const struct weir_value *v, struct buf *out)
{
	struct weir_value literal = *v;
	int64_t x;
	size_t n;

	if (v->kind == WEIR_NUMBER && v->flags & WEIR_INTEGER && v->n <= SAFE_DIGITS)
		return CELL_AS_IS;
	if (v->kind == WEIR_STRING) {
		if (content(c, v, &literal.p, &n) < 0)
			return WEIR_EAGAIN;
		if (!is_decimal(literal.p, n))
			return CELL_BAD;
		literal.n = (uint32_t)n;
		literal.kind = WEIR_NUMBER;
		literal.flags = WEIR_INTEGER;
	}
	if (literal.kind != WEIR_NUMBER || value_int64(&literal, &x) < 0)
		return CELL_BAD;
	if (v->kind == WEIR_STRING)
		return CELL_AS_IS;
	if (x >= -MAX_SAFE && x <= MAX_SAFE)
		return v->flags & WEIR_INTEGER ? CELL_AS_IS : emit_int(out, x) < 0 ? WEIR_EAGAIN : CELL_CHANGED;
	return buf_printf(out, "\"%lld\"", (long long)x) < 0 ? WEIR_EAGAIN : CELL_CHANGED;
}

static int
is_text(const struct weir_value *v, const char *text)
{
	return v->n == strlen(text) + 2 && !memcmp(v->p + 1, text, v->n - 2);
}

static int
floating(struct cell *c, const struct weir_value *v)
{
	double x;

	if (v->kind == WEIR_STRING)
		return is_text(v, "NaN") || is_text(v, "Infinity") || is_text(v, "-Infinity") ? CELL_AS_IS : CELL_BAD;
	if (v->kind != WEIR_NUMBER)
		return CELL_BAD;
	if (v->n <= FLOAT_DIGITS && (v->flags & WEIR_INTEGER || (!memchr(v->p, 'e', v->n) && !memchr(v->p, 'E', v->n))))
		return CELL_AS_IS;
	if (value_double(v, &x) == 0)
		return CELL_AS_IS;
	c->why = "is beyond the doubles";
	return CELL_BAD;
}

static int
exact(struct cell *c, const struct schema_field *f, const struct weir_value *v, struct buf *out)
{
	const char *p = v->p;
	size_t n = v->n;

	if (v->kind == WEIR_STRING && content(c, v, &p, &n) < 0)
		return WEIR_EAGAIN;
	return v->kind == WEIR_STRING || v->kind == WEIR_NUMBER ? cell_decimal(c, f, p, n, v->kind == WEIR_STRING, out) : CELL_BAD;
}

/* ---------------------------------------------------------------- GEOGRAPHY */

static int
is_hex(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)(p[i] - '0') > 9 && (unsigned char)((p[i] | 32) - 'a') > 5)
			return 0;
	return n % 2 == 0;
}

/* One of RFC 7946's geometries, which have the names of WKT's; p[0..n) is the name, or begins with it. */
static size_t
geometry(const char *p, size_t n)
{
	static const char *const names[] = { "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON",
	    "GEOMETRYCOLLECTION" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (n >= strlen(names[i]) && !strncasecmp(p, names[i], strlen(names[i])))
			return strlen(names[i]);
	return 0;
}

static int
geography(struct cell *c, const struct weir_value *v, struct buf *out)
{
	struct weir_value key, value;
	size_t n, at = 0, k;
	const char *p;

	if (v->kind == WEIR_STRING) {
		if (content(c, v, &p, &n) < 0)
			return WEIR_EAGAIN;
		for (; n && *p == ' '; n--)
			p++;
		k = geometry(p, n);
		return (k && n > k && (p[k] == '(' || p[k] == ' ')) || (n && *p == '{') || (n == 9 && !strncasecmp(p, "FULLGLOBE", 9)) ||
		    (n >= 18 && *p == '0' && is_hex(p, n)) ? CELL_AS_IS : CELL_BAD;
	}
	if (v->kind != WEIR_OBJECT)
		return CELL_BAD;
	while (scan_next(v->p, v->n, &at, &key, &value))
		if (is_text(&key, "type") && value.kind == WEIR_STRING && geometry(value.p + 1, value.n - 2) == value.n - 2)
			return emit_string(out, v->p, v->n) < 0 ? WEIR_EAGAIN : CELL_CHANGED;
	c->why = "is no geometry of GeoJSON";
	return CELL_BAD;
}

/* ---------------------------------------------------------------- RANGE */

/* One end, a string or null; the literal goes to out in any case.  *order: as cell_time(), left alone where the end is open. */
static int
range_end(struct cell *c, const struct schema_field *f, const struct weir_value *v, int64_t *order, int *open, struct buf *out)
{
	size_t had = out->n, n;
	const char *p;
	int rc;

	*open = v->kind <= WEIR_NULL;
	if (*open)
		return buf_puts(out, "null") < 0 ? WEIR_EAGAIN : CELL_AS_IS;
	if (v->kind != WEIR_STRING)
		return CELL_BAD;
	if (content(c, v, &p, &n) < 0)
		return WEIR_EAGAIN;
	rc = cell_time(c, f->element, 6, p, n, order, out);
	if (rc == CELL_AS_IS && buf_put(out, v->p, v->n) < 0)
		return WEIR_EAGAIN;
	if (rc == CELL_BAD)
		out->n = had;
	return rc;
}

/* {"start": start, "end": end}; as_is: it may stand as it was. */
static int
range_put(struct cell *c, const struct schema_field *f, const struct weir_value *start, const struct weir_value *end, int as_is, struct buf *out)
{
	int64_t from = 0, to = 0;
	size_t had = out->n;
	int a, b = CELL_BAD, open_start, open_end = 0;

	if (buf_puts(out, "{\"start\":") < 0)
		return WEIR_EAGAIN;
	if ((a = range_end(c, f, start, &from, &open_start, out)) >= 0 && a != CELL_BAD)
		b = buf_puts(out, ",\"end\":") < 0 ? WEIR_EAGAIN : range_end(c, f, end, &to, &open_end, out);
	if (a < 0 || b < 0 || a == CELL_BAD || b == CELL_BAD) {
		out->n = had;
		return a < 0 || b < 0 ? WEIR_EAGAIN : CELL_BAD;
	}
	if (!open_start && !open_end && from >= to) {
		out->n = had;
		c->why = "does not start before it ends";
		return CELL_BAD;
	}
	if (as_is && a == CELL_AS_IS && b == CELL_AS_IS) {
		out->n = had;
		return CELL_AS_IS;
	}
	return buf_putc(out, '}') < 0 ? WEIR_EAGAIN : CELL_CHANGED;
}

static int
range_object(struct cell *c, const struct schema_field *f, const struct weir_value *v, struct buf *out)
{
	struct weir_value start = { 0 }, end = { 0 }, key, value, *to;
	size_t at = 0;

	while (scan_next(v->p, v->n, &at, &key, &value)) {
		to = is_text(&key, "start") ? &start : is_text(&key, "end") ? &end : NULL;
		if (!to || to->kind != WEIR_ABSENT)
			return CELL_BAD;
		*to = value;
	}
	return range_put(c, f, &start, &end, start.kind != WEIR_ABSENT && end.kind != WEIR_ABSENT, out);
}

/* One end in "[start, end)": a string without its quotes, as a value with them. */
static struct weir_value
range_text_end(const char *p, size_t n, char *room, size_t size)
{
	struct weir_value v = { .p = room, .kind = WEIR_STRING };

	if ((n == 9 && !strncasecmp(p, "UNBOUNDED", 9)) || (n == 4 && !strncasecmp(p, "NULL", 4)))
		return (struct weir_value){ .kind = WEIR_NULL };
	v.n = (uint32_t)snprintf(room, size, "\"%.*s\"", (int)n, p);
	return v;
}

static int
range(struct cell *c, const struct schema_field *f, const struct weir_value *v, struct buf *out)
{
	char room[2][64], text[sizeof room];
	struct weir_value start, end;
	const char *p, *comma;
	size_t n;

	if (v->kind == WEIR_OBJECT)
		return range_object(c, f, v, out);
	if (v->kind != WEIR_STRING)
		return CELL_BAD;
	if (content(c, v, &p, &n) < 0)
		return WEIR_EAGAIN;
	if (n < 4 || n >= sizeof text || p[0] != '[' || p[n - 1] != ')' || !(comma = memchr(p, ',', n)) || comma[1] != ' ' || memchr(p, '"', n) ||
	    memchr(p, '\\', n) || (size_t)(comma - p) > 60 || (size_t)(p + n - comma) > 60)
		return CELL_BAD;
	start = range_text_end(p + 1, (size_t)(comma - p) - 1, room[0], sizeof room[0]);
	end = range_text_end(comma + 2, (size_t)(p + n - comma) - 3, room[1], sizeof room[1]);
	return range_put(c, f, &start, &end, 0, out);
}

/* ---------------------------------------------------------------- any */

int
cell_put(struct cell *c, const struct schema_field *f, const struct weir_value *v, struct buf *out)
{
	int64_t order;
	const char *p;
	size_t n;

	c->why = NULL;
	switch (f->type) {
	case SCHEMA_STRING:
		return string(c, f, v);
	case SCHEMA_BYTES:
		return bytes(c, f, v, out);
	case SCHEMA_INTEGER:
		return integer(c, v, out);
	case SCHEMA_FLOAT:
		return floating(c, v);
	case SCHEMA_NUMERIC: case SCHEMA_BIGNUMERIC:
		return exact(c, f, v, out);
	case SCHEMA_BOOLEAN:
		return v->kind == WEIR_TRUE || v->kind == WEIR_FALSE || (v->kind == WEIR_STRING && (is_text(v, "true") || is_text(v, "false"))) ?
		    CELL_AS_IS : CELL_BAD;
	case SCHEMA_TIMESTAMP: case SCHEMA_DATE: case SCHEMA_TIME: case SCHEMA_DATETIME: case SCHEMA_INTERVAL:
		if (v->kind != WEIR_STRING)
			return CELL_BAD;
		if (content(c, v, &p, &n) < 0)
			return WEIR_EAGAIN;
		return f->type == SCHEMA_INTERVAL ? cell_interval(c, p, n, out) :
		    cell_time(c, f->type, f->fraction ? f->fraction : 6, p, n, &order, out);
	case SCHEMA_JSON:
		return CELL_AS_IS;
	case SCHEMA_GEOGRAPHY:
		return geography(c, v, out);
	case SCHEMA_RANGE:
		return range(c, f, v, out);
	default:
		return CELL_BAD;	/* RECORD */
	}
}

static const char *
takes(const struct schema_field *f)
{
	switch (f->type) {
	case SCHEMA_STRING:
		return "a string";
	case SCHEMA_BYTES:
		return "a string in base64";
	case SCHEMA_INTEGER:
		return "an integer of 64 bits, or a string with one";
	case SCHEMA_FLOAT:
		return "a number in its range, \"NaN\", \"Infinity\" or \"-Infinity\"";
	case SCHEMA_NUMERIC: case SCHEMA_BIGNUMERIC:
		return "a number that needs no rounding, or a string with one";
	case SCHEMA_BOOLEAN:
		return "true or false";
	case SCHEMA_TIMESTAMP:
		return "a string like \"2026-01-31T23:59:59.999Z\"";
	case SCHEMA_DATE:
		return "a string like \"2026-01-31\"";
	case SCHEMA_TIME:
		return "a string like \"23:59:59.999\"";
	case SCHEMA_DATETIME:
		return "a string like \"2026-01-31T23:59:59.999\", without a zone";
	case SCHEMA_GEOGRAPHY:
		return "a string in WKT, WKB in hexadecimal or GeoJSON, or a GeoJSON geometry";
	case SCHEMA_INTERVAL:
		return "a string like \"P1Y2M3DT4H5M6.789S\"";
	case SCHEMA_RANGE:
		return "{\"start\": ..., \"end\": ...}";
	default:
		return "an object";
	}
}

void
cell_explain(const struct cell *c, const struct schema_field *f, const struct weir_value *v, char *out, size_t size)
{
	static const char *const kind[] = { "missing", "null", "a boolean", "a boolean", "a number", "a string", "an object", "an array" };
	const char *why = c->why ? c->why : v->kind == WEIR_NUMBER && f->type == SCHEMA_TIMESTAMP ? "has no unit" : "";
	char type[SCHEMA_TYPE_SIZE];
	int n = v->n < EXCERPT ? (int)v->n : EXCERPT;

	while (n && n < (int)v->n && ((unsigned char)v->p[n] & 0xc0) == 0x80)
		n--;
	snprintf(out, size, "is %.*s%s, %s%s%s; its column (%s) takes %s", n, v->p, n < (int)v->n ? "..." : "", kind[v->kind & 7],
	    *why ? " that " : "", why, schema_type_text(f, type), takes(f));
}
