#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#undef fail		/* cmocka's; ours is in fail.h */

#include "buf.h"
#include "number.h"
#include "row.h"
#include "scan.h"
#include "schema.h"
#include "value.h"

#define COLS	64

#define FAIL(...)	(print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

struct world {
	struct schema		*schema;
	struct row		*row;
	struct scan		*scan;
	struct weir_value	*col[COLS];
	struct weir_value	 value[COLS];
	const struct weir_value	*at[COLS];
	struct buf		 event, out;
	struct row_fault	 fault;
	const char		*ignore;
};

static void
make(struct world *w, const char *schema, size_t max_bytes)
{
	struct scan_limits limits = { .max_depth = 100, .last_wins = 1 };
	struct buf notes = { 0 };
	struct fail f = { 0 };

	memset(w, 0, sizeof *w);
	if (schema_read(schema, strlen(schema), "test.json", &w->schema, &notes, &f) < 0 || row_open(w->schema, max_bytes, &w->row, &f) < 0)
		FAIL("%s: %s", schema, f.text);
	buf_free(&notes);
	w->scan = scan_new(&limits);
	for (size_t i = 0; i < COLS; i++) {
		w->col[i] = &w->value[i];
		w->at[i] = &w->value[i];
	}
	for (size_t i = 0; i < w->schema->n; i++) {
		struct buf path = { 0 };

		buf_printf(&path, ".\"%s\"", w->schema->field[i].name);
		buf_putc(&path, '\0');
		assert_int_equal(scan_want(w->scan, path.p), (int)i);
		buf_free(&path);
	}
}

static void
unmake(struct world *w)
{
	row_close(w->row);
	schema_free(w->schema);
	scan_free(w->scan);
	buf_free(&w->event);
	buf_free(&w->out);
}

static int
put(struct world *w, const char *event)
{
	struct scan_fault fault;
	unsigned marks;
	size_t had;
	int rc;

	w->event.n = 0;
	buf_puts(&w->event, event);
	if (scan_event(w->scan, w->event.p, w->event.n, w->col, 0, &marks, &fault) < 0)
		FAIL("%s: %s", event, fault.message);
	had = w->out.n;
	rc = row_put(w->row, w->at, w->event.p, w->event.n, w->ignore, w->ignore ? strlen(w->ignore) : 0, &w->out, &w->fault);
	if (rc && w->out.n != had)
		FAIL("%s: something was appended", event);
	return rc;
}

/* The event becomes this row. */
static void
good(struct world *w, const char *event, const char *row)
{
	w->out.n = 0;
	if (put(w, event))
		FAIL("%s: %s: %s %s", event, w->fault.code, w->fault.path, w->fault.message);
	if (w->out.n != strlen(row) + 1 || memcmp(w->out.p, row, w->out.n - 1) || w->out.p[w->out.n - 1] != '\n')
		FAIL("%s\nis   %.*swant %s", event, (int)w->out.n, w->out.p, row);
}

/* The event is refused: "CODE PATH: part of the message". */
static void
bad(struct world *w, const char *event, const char *why)
{
	char text[2048];
	size_t head = (size_t)(strchr(why, ':') - why);

	if (put(w, event) != 1)
		FAIL("%s was taken as %.*s", event, (int)w->out.n, w->out.p);
	snprintf(text, sizeof text, "%s %s: %s", w->fault.code, w->fault.path, w->fault.message);
	if (strncmp(text, why, head + 1) || !strstr(text + head + 1, why + head + 1))
		FAIL("%s\nis   %s\nwant %s", event, text, why);
}

/* One value of a column, written as `becomes`; "": as it is; NULL: refused, with `why` in the message. */
struct try {
	const char	*value, *becomes, *why;
};

static void
tries(const char *type, const struct try *t, size_t n)
{
	struct world w;
	struct buf schema = { 0 }, event = { 0 }, row = { 0 };

	buf_printf(&schema, "[{\"name\":\"v\",%s},{\"name\":\"list\",\"mode\":\"REPEATED\",%s},"
	    "{\"name\":\"r\",\"type\":\"RECORD\",\"fields\":[{\"name\":\"v\",%s}]}]", type, type, type);
	buf_putc(&schema, '\0');
	make(&w, schema.p, ROW_MAX_BYTES);
	for (size_t i = 0; i < n; i++) {
		const char *is = t[i].value, *to = !t[i].becomes || !*t[i].becomes ? is : t[i].becomes;

		/* As a column, with blanks that make it a walk, in a list, in a record. */
		for (int way = 0; way < 4; way++) {
			static const char *const form[] = { "{\"v\":%s}", "{ \"v\" : %s }", "{\"list\":[%s]}", "{\"r\":{\"v\":%s}}" };
			static const char *const path[] = { "type v:", "type v:", "type list[0]:", "type r.v:" };

			event.n = row.n = 0;
			for (const char *p = form[way]; *p; p++)
				*p == '%' ? (p++, buf_puts(&event, is), buf_puts(&row, to)) : (buf_putc(&event, *p), buf_putc(&row, *p));
			buf_putc(&event, '\0');
			buf_putc(&row, '\0');
			if (t[i].becomes) {
				good(&w, event.p, row.p);
				continue;
			}
			row.n = 0;
			buf_printf(&row, "%s%s", path[way], t[i].why ? t[i].why : "");
			buf_putc(&row, '\0');
			bad(&w, event.p, row.p);
		}
	}
	unmake(&w);
	buf_free(&schema);
	buf_free(&event);
	buf_free(&row);
}

#define TRIES(type, ...) \
	do { \
		static const struct try t[] = { __VA_ARGS__ }; \
		tries(type, t, sizeof t / sizeof *t); \
	} while (0)
#define SAME(v)		{ v, "", NULL }
#define TO(v, b)	{ v, b, NULL }
#define NOT(v, why)	{ v, NULL, why }

static void
strings(void **state)
{
	(void)state;
	TRIES("\"type\":\"STRING\"", SAME("\"\""), SAME("\"x\""), SAME("\"\\u0000\""), SAME("\"na\\u00efve \\\"\""), NOT("1", "takes a string"),
	    NOT("true", "is true, a boolean; its column (STRING) takes a string"), NOT("{}", "an object"), NOT("[]", "an array"));
	TRIES("\"type\":\"STRING\",\"maxLength\":\"3\"", SAME("\"abc\""), SAME("\"\xc3\xa4\xc3\xb6\xc3\xbc\""), SAME("\"\\u00e4\\u00f6\\n\""),
	    NOT("\"abcd\"", "is too long; its column (STRING(3))"), NOT("\"\\u00e4\\u00f6\\nx\"", "is too long"));
}

static void
bytes(void **state)
{
	(void)state;
	TRIES("\"type\":\"BYTES\"", SAME("\"\""), SAME("\"YQ==\""), SAME("\"YWI=\""), SAME("\"YWJj\""), SAME("\"+/+/\""),
	    SAME("\"\\/\\/\\/\\/\""),
	    TO("\"-_-_\"", "\"+/+/\""), TO("\"YQ\"", "\"YQ==\""), TO("\"YWI\"", "\"YWI=\""), TO("\"_w\"", "\"/w==\""),
	    NOT("\"Y\"", "base64"), NOT("\"YQ=\"", ""), NOT("\"YR==\"", "bits that belong to no byte"), NOT("\"YWJ=\"", "bits"),
	    NOT("\"+_+_\"", ""), NOT("\"a b=\"", ""), NOT("\"=\"", ""), NOT("\"====\"", ""), NOT("\"YQ==YQ==\"", ""), NOT("1", ""));
	TRIES("\"type\":\"BYTES\",\"maxLength\":2", SAME("\"YWI=\""), TO("\"YWI\"", "\"YWI=\""), NOT("\"YWJj\"", "too long"));
}

static void
integers(void **state)
{
	(void)state;
	TRIES("\"type\":\"INT64\"", SAME("0"), SAME("-1"), SAME("999999999999999"), SAME("9007199254740991"), SAME("-9007199254740991"),
	    TO("9007199254740992", "\"9007199254740992\""), TO("-9007199254740993", "\"-9007199254740993\""),
	    TO("9223372036854775807", "\"9223372036854775807\""), TO("-9223372036854775808", "\"-9223372036854775808\""),
	    TO("1.0", "1"), TO("1e3", "1000"), TO("-12.50e1", "-125"), TO("0e5", "0"), TO("1e18", "\"1000000000000000000\""),
	    SAME("\"0\""), SAME("\"-12\""), SAME("\"9223372036854775807\""), SAME("\"-9223372036854775808\""), SAME("\"\\u0031\""),
	    NOT("9223372036854775808", "an integer of 64 bits"), NOT("1.5", ""), NOT("1e19", ""), NOT("\"9223372036854775808\"", ""),
	    NOT("\"\"", ""), NOT("\"-\"", ""), NOT("\"1.0\"", ""), NOT("\"01\"", ""), NOT("\" 1\"", ""), NOT("\"+1\"", ""), NOT("\"1e3\"", ""),
	    NOT("\"\\u0031\\u0000\"", ""), NOT("true", ""), NOT("[]", ""));
}

static void
floats(void **state)
{
	(void)state;
	TRIES("\"type\":\"FLOAT64\"", SAME("0"), SAME("-0.0"), SAME("1"), SAME("1.5"), SAME("1e308"), SAME("-1.7976931348623157e308"),
	    SAME("1e-400"),
	    SAME("123456789012345678901234567890"), SAME("\"NaN\""), SAME("\"Infinity\""), SAME("\"-Infinity\""),
	    NOT("1e309", "is 1e309, a number that is beyond the doubles; its column (FLOAT)"), NOT("\"1.5\"", ""), NOT("\"nan\"", ""),
	    NOT("\"Inf\"", ""),
	    NOT("true", ""));
}

#define NINES29	"99999999999999999999999999999"

static void
numerics(void **state)
{
	(void)state;
	TRIES("\"type\":\"NUMERIC\"", TO("0", "\"0\""), TO("-1", "\"-1\""), TO("1.50", "\"1.50\""), TO("0.123456789", "\"0.123456789\""),
	    SAME("\"1.50\""), SAME("\"-0.000000001\""), TO(NINES29 ".999999999", "\"" NINES29 ".999999999\""),
	    SAME("\"-" NINES29 ".999999999\""),
	    TO("1e3", "\"1000\""), TO("-1.5E-3", "\"-0.0015\""), TO("\"12e-1\"", "\"1.2\""), TO("0e99999999999999999999", "\"0\""),
	    TO("-0.0e1", "\"0\""), TO("1.0000000000", "\"1\""), TO("\"0.1234567890000\"", "\"0.123456789\""), TO("100.0000000000", "\"100\""),
	    TO("1e28", "\"10000000000000000000000000000\""), TO("0.000000000000", "\"0\""),
	    NOT("0.1234567891", "has more digits behind the point than fit"), NOT("1e-10", "behind the point"), NOT("1e29", "before the point"),
	    NOT("1" NINES29, "before the point"), NOT("1e99999999999999999999", "before the point"), NOT("1e-99999999999999999999", "behind"),
	    NOT("\"\"", "needs no rounding"), NOT("\"-\"", ""), NOT("\"1.\"", ""), NOT("\".5\"", ""), NOT("\"01\"", ""), NOT("\"1e\"", ""),
	    NOT("\"1e+\"", ""), NOT("\"1 \"", ""), NOT("\"NaN\"", ""), NOT("true", ""));
	TRIES("\"type\":\"DECIMAL\",\"precision\":5,\"scale\":2", TO("123.45", "\"123.45\""), TO("-999.99", "\"-999.99\""),
	    TO("1.100", "\"1.1\""),
	    NOT("1000", "its column (NUMERIC(5, 2))"), NOT("0.001", ""));
	TRIES("\"type\":\"NUMERIC\",\"precision\":\"3\"", TO("999", "\"999\""), TO("1.0", "\"1\""), NOT("1000", ""), NOT("0.5", "(NUMERIC(3))"));
}

static void
big_numerics(void **state)
{
	(void)state;
	TRIES("\"type\":\"BIGNUMERIC\"", TO("1.5", "\"1.5\""), SAME("\"0.00000000000000000000000000000000000001\""),
	    SAME("\"578960446186580977117854925043439539266.34992332820282019728792003956564819967\""),
	    SAME("\"-578960446186580977117854925043439539266.34992332820282019728792003956564819968\""),
	    TO("1e38", "\"100000000000000000000000000000000000000\""), TO("5e38", "\"500000000000000000000000000000000000000\""),
	    TO("5.7e38", "\"570000000000000000000000000000000000000\""),
	    NOT("\"578960446186580977117854925043439539266.34992332820282019728792003956564819968\"", "before the point"),
	    NOT("\"-578960446186580977117854925043439539266.34992332820282019728792003956564819969\"", ""),
	    NOT("578960446186580977117854925043439539267", "before the point"), NOT("6e38", ""), NOT("1e39", ""),
	    NOT("1e-39", "behind the point"),
	    NOT("\"1578960446186580977117854925043439539266.34992332820282019728792003956564819967\"", ""));
	TRIES("\"type\":\"BIGDECIMAL\",\"precision\":40,\"scale\":2", TO("1.25", "\"1.25\""),
	    SAME("\"99999999999999999999999999999999999999.99\""),
	    NOT("\"199999999999999999999999999999999999999.99\"", "(BIGNUMERIC(40, 2))"), NOT("0.125", ""));
}

static void
booleans(void **state)
{
	(void)state;
	TRIES("\"type\":\"BOOL\"", SAME("true"), SAME("false"), SAME("\"true\""), SAME("\"false\""),
	    NOT("\"TRUE\"", "takes true or false"), NOT("\"yes\"", ""),
	    NOT("1", ""), NOT("0", ""), NOT("\"\"", ""));
}

static void
timestamps(void **state)
{
	(void)state;
	TRIES("\"type\":\"TIMESTAMP\"", SAME("\"2026-01-31T23:59:59Z\""), SAME("\"2026-01-31T23:59:59.123456Z\""),
	    SAME("\"2026-01-31 23:59:59.5 UTC\""),
	    SAME("\"2026-01-31t23:59:59z\""), SAME("\"2026-01-31T23:59:59+05:30\""), SAME("\"2026-01-31 23:59:59-08\""),
	    SAME("\"2018-08-19 07:11:35.220 -05:00\""), SAME("\"2024-02-29T00:00:00+14:00\""), SAME("\"0001-01-01T00:00:00Z\""),
	    SAME("\"9999-12-31T23:59:59.999999Z\""), SAME("\"2026\\u002d01-31T23:59:59Z\""),
	    TO("\"2026-01-31T23:59:59.123456000Z\"", "\"2026-01-31T23:59:59.123456Z\""),
	    TO("\"2026-01-31 23:59:59.1234560+01\"", "\"2026-01-31 23:59:59.123456+01\""),
	    NOT("\"2026-01-31T23:59:59.1234567Z\"", "more digits than the microseconds"),
	    NOT("\"2026-01-31T23:59:59\"", "a string that has no zone"),
	    NOT("\"2026-01-31\"", ""), NOT("1769903999", "a number that has no unit"), NOT("1769903999.5", "no unit"), NOT("\"1769903999\"", ""),
	    NOT("\"2026-02-29T00:00:00Z\"", ""), NOT("\"2026-13-01T00:00:00Z\"", ""), NOT("\"2026-01-31T24:00:00Z\"", ""),
	    NOT("\"2026-01-31T23:60:00Z\"", ""), NOT("\"2026-06-30T23:59:60Z\"", ""), NOT("\"2026-01-31T23:59:59.Z\"", ""),
	    NOT("\"2026-01-31T23:59:59+14:01\"", ""), NOT("\"2026-01-31T23:59:59+0530\"", ""), NOT("\"2026-01-31T23:59:59 Europe/Berlin\"", ""),
	    NOT("\"0001-01-01T00:00:00+01:00\"", "years 1 to 9999"), NOT("\"9999-12-31T23:59:59-01:00\"", "years"),
	    NOT("\"0000-01-01T00:00:00Z\"", ""),
	    NOT("\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000T00:00:00Z\"", ""), NOT("\"\"", ""));
	TRIES("\"type\":\"TIMESTAMP\",\"timestampPrecision\":\"12\"", SAME("\"2026-01-31T23:59:59.123456789012Z\""),
	    TO("\"2026-01-31T23:59:59.1234567890120Z\"", "\"2026-01-31T23:59:59.123456789012Z\""),
	    NOT("\"2026-01-31T23:59:59.1234567890123Z\"", "picoseconds"));
}

static void
dates_and_times(void **state)
{
	(void)state;
	TRIES("\"type\":\"DATE\"", NOT("\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\"", ""),
	    SAME("\"2026-01-31\""), SAME("\"2000-02-29\""), SAME("\"0001-01-01\""), SAME("\"9999-12-31\""),
	    NOT("\"1900-02-29\"", "its column (DATE) takes a string like"), NOT("\"2026-1-31\"", ""), NOT("\"2026/01/31\"", ""),
	    NOT("\"0000-01-01\"", ""),
	    NOT("\"2026-01-31T00:00:00\"", ""), NOT("\"\"", ""), NOT("20260131", ""));
	TRIES("\"type\":\"TIME\"", SAME("\"00:00:00\""), SAME("\"23:59:59.999999\""), TO("\"12:00:00.1000000\"", "\"12:00:00.100000\""),
	    NOT("\"24:00:00\"", ""), NOT("\"12:00\"", ""), NOT("\"12:00:60\"", ""), NOT("\"12:00:00Z\"", "has a zone"), NOT("\"1:00:00\"", ""),
	    NOT("\"12:00:00.1234567\"", "more digits"), NOT("\"12:00:00 x\"", ""), NOT("43200", ""));
	TRIES("\"type\":\"DATETIME\"", SAME("\"2026-01-31T23:59:59\""), SAME("\"2026-01-31 23:59:59.25\""), SAME("\"0001-01-01 00:00:00\""),
	    TO("\"2026-01-31T00:00:00.0000000\"", "\"2026-01-31T00:00:00.000000\""), NOT("\"2026-01-31T23:59:59Z\"", "has a zone"),
	    NOT("\"2026-01-31T23:59:59+01:00\"", "has a zone"), NOT("\"2026-01-31\"", ""), NOT("\"2026-02-30T00:00:00\"", ""),
	    NOT("\"2026-01-31X23:59:59\"", ""));
}

static void
json_and_geography(void **state)
{
	(void)state;
	TRIES("\"type\":\"JSON\"", SAME("1e400"), SAME("\"x\""), SAME("{\"a\":[1,null,{}]}"), SAME("[[1],null]"), SAME("true"));
	TRIES("\"type\":\"GEOGRAPHY\"", SAME("\"POINT(1 2)\""), SAME("\"point (1 2)\""), SAME("\" MultiPolygon(((1 2)))\""),
	    SAME("\"POINT EMPTY\""),
	    SAME("\"fullglobe\""), SAME("\"0101000000feffffffffffef3f0000000000000040\""), SAME("\"{\\\"type\\\":\\\"Point\\\"}\""),
	    TO("{\"type\":\"Point\",\"coordinates\":[1,2]}", "\"{\\\"type\\\":\\\"Point\\\",\\\"coordinates\\\":[1,2]}\""),
	    NOT("{\"type\":\"Feature\"}", "no geometry of GeoJSON"), NOT("{}", ""), NOT("\"\"", ""), NOT("\"1,2\"", ""),
	    NOT("\"POINTS(1)\"", ""),
	    NOT("[1,2]", ""));
}

static void
intervals(void **state)
{
	(void)state;
	TRIES("\"type\":\"INTERVAL\"", SAME("\"P1Y2M3DT4H5M6S\""), SAME("\"P-10000Y0M-3660000DT-87840000H0M0S\""),
	    SAME("\"P0Y0M0DT0H0M0.000001S\""),
	    TO("\"PT5M\"", "\"P0Y0M0DT0H5M0S\""), TO("\"P14M\"", "\"P1Y2M0DT0H0M0S\""), TO("\"PT90.5S\"", "\"P0Y0M0DT0H1M30.500000S\""),
	    TO("\"PT-0.25S\"", "\"P0Y0M0DT0H0M-0.250000S\""), TO("\"PT-61.25S\"", "\"P0Y0M0DT0H-1M-1.250000S\""),
	    TO("\"1-2 3 4:5:6.789\"", "\"P1Y2M3DT4H5M6.789000S\""), TO("\"-1-2 -3 -0:0:0.5\"", "\"P-1Y-2M-3DT0H0M-0.500000S\""),
	    NOT("\"P\"", ""), NOT("\"PT\"", ""), NOT("\"P1YT\"", ""), NOT("\"P1M1Y\"", ""), NOT("\"PT1D\"", ""), NOT("\"P1.5D\"", ""),
	    NOT("\"P1W\"", ""),
	    NOT("\"PT0.1234567S\"", ""), NOT("\"P10001Y\"", "beyond 10000 years"), NOT("\"P3660001D\"", ""), NOT("\"PT87840000H0.000001S\"", ""),
	    NOT("\"1 2 3\"", ""), NOT("\"1-2 3 4:5\"", ""), NOT("\"\"", ""), NOT("3600", ""));
}

static void
ranges(void **state)
{
	(void)state;
	TRIES("\"type\":\"RANGE\",\"rangeElementType\":{\"type\":\"DATE\"}", SAME("{\"start\":\"2026-01-01\",\"end\":\"2026-02-01\"}"),
	    SAME("{\"end\":null,\"start\":\"2026-01-01\"}"), SAME("{\"start\":null,\"end\":null}"),
	    TO("{\"start\":\"2026-01-01\"}", "{\"start\":\"2026-01-01\",\"end\":null}"), TO("{}", "{\"start\":null,\"end\":null}"),
	    TO("\"[2026-01-01, 2026-02-01)\"", "{\"start\":\"2026-01-01\",\"end\":\"2026-02-01\"}"),
	    TO("\"[UNBOUNDED, 2026-02-01)\"", "{\"start\":null,\"end\":\"2026-02-01\"}"),
	    NOT("{\"start\":\"2026-02-01\",\"end\":\"2026-02-01\"}", "does not start before it ends; its column (RANGE<DATE>)"),
	    NOT("{\"start\":\"2026-02-30\",\"end\":null}", ""), NOT("{\"start\":1,\"end\":null}", ""), NOT("{\"from\":null}", ""),
	    NOT("\"[2026-01-01,2026-02-01)\"", ""), NOT("\"(2026-01-01, 2026-02-01)\"", ""), NOT("\"[2026-01-01, 2026-02-01]\"", ""),
	    NOT("\"[\\\", \\\")\"", ""), NOT("\"\"", ""), NOT("1", ""));
	TRIES("\"type\":\"RANGE\",\"rangeElementType\":{\"type\":\"TIMESTAMP\"}",
	    SAME("{\"start\":\"2026-01-01T01:00:00+02:00\",\"end\":\"2026-01-01T00:00:00Z\"}"),
	    TO("{\"start\":\"2026-01-01T01:00:00.1234560Z\",\"end\":null}", "{\"start\":\"2026-01-01T01:00:00.123456Z\",\"end\":null}"),
	    NOT("{\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T01:00:00+02:00\"}", "does not start"),
	    NOT("{\"start\":\"2026-01-01T00:00:00\",\"end\":null}", "no zone"));
}

/* ---------------------------------------------------------------- rows */

#define SCHEMA \
	"[{'name':'id','type':'INTEGER','mode':'REQUIRED'},{'name':'tags','type':'STRING','mode':'REPEATED'},{'name':'when'," \
	"'type':'TIMESTAMP'}," \
	"{'name':'user','type':'RECORD','fields':[{'name':'name','type':'STRING','mode':'REQUIRED'},{'name':'odd key','type':'INT64'}," \
	"{'name':'pets','type':'RECORD','mode':'REPEATED','fields':[{'name':'age','type':'INT64'},{'name':'born'," \
	"'type':'DATE','mode':'REQUIRED'}]}]}]"

/* ' is ". */
static const char *
quoted(const char *text)
{
	static char room[8][1024];
	static unsigned k;
	char *o = room[k++ % 8], *p = o;

	for (; *text; text++)
		*o++ = *text == '\'' ? '"' : *text;
	*o = '\0';
	return p;
}

static void
as_it_is(void **state)
{
	static const char *const events[] = {
		"{'id':1}", "{'id':1,'when':null,'user':null}", "{'id':1,'tags':[],'when':'2026-01-31T23:59:59Z'}",
		"{'tags':['a','b'],'id':-5}", "{ 'id' : 1 , 'tags' : [ 'a' , 'b' ] }", "{'ID':1,'User':{'NAME':'x'}}",
		"{'user':{'pets':[{'born':'2020-01-01'},{'age':null,'born':'2020-01-01'}],'name':'x','odd key':1},'id':1}",
		"{'\\u0069d':1}",
	};
	struct world w;

	(void)state;
	make(&w, quoted(SCHEMA), ROW_MAX_BYTES);
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		good(&w, quoted(events[i]), quoted(events[i]));
	good(&w, quoted(" {'id':1}\t"), quoted("{'id':1}\t"));
	unmake(&w);
}

static void
changed(void **state)
{
	struct world w;

	(void)state;
	make(&w, quoted(SCHEMA), ROW_MAX_BYTES);
	good(&w, quoted("{'user':{'pets':[{'age':1.0,'born':'2020-01-01'},{'born':'2020-01-01','age':2e0}],'name':'x'},'when':"
	    "'2026-01-31T23:59:59.0000000Z','id':1e1}"), quoted("{'user':{'pets':[{'age':1,'born':'2020-01-01'},{'born':'2020-01-01','age':2}],"
	    "'name':'x'},'when':'2026-01-31T23:59:59.000000Z','id':10}"));
	good(&w, quoted("{ 'Id' : 1.0 , 'user':{'ODD KEY':9007199254740993,'name':''}}"),
	    quoted("{ 'Id' : 1 , 'user':{'ODD KEY':'9007199254740993','name':''}}"));
	good(&w, quoted("{'id':1,'tags':null,'user':{'pets':null,'name':'x'}}"), quoted("{'id':1,'tags':[],'user':{'pets':[],'name':'x'}}"));
	good(&w, quoted("{'id':1,'tags': null}"), quoted("{'id':1,'tags': []}"));
	/* A value that does not stand in the event's bytes, as after enrich. */
	assert_int_equal(put(&w, quoted("{'id':1.0,'tags':['x']}")), 0);
	w.value[0].p = "1.0";
	w.out.n = 0;
	assert_int_equal(row_put(w.row, w.at, w.event.p, w.event.n, NULL, 0, &w.out, &w.fault), 0);
	assert_memory_equal(w.out.p, quoted("{'id':1,'tags':['x']}\n"), w.out.n);
	unmake(&w);
}

static void
refused(void **state)
{
	struct world w;

	(void)state;
	make(&w, quoted(SCHEMA), 60);
	bad(&w, "{}", "required id:is missing, but its column (INTEGER) is REQUIRED");
	bad(&w, quoted("{'id':null}"), "required id:is null");
	bad(&w, quoted("{'id':1,'user':{}}"), "required user.name:is missing");
	bad(&w, quoted("{'id':1,'user':{'name':'x','pets':[{'born':'2020-01-01'},{'age':1}]}}"), "required user.pets[1].born:is missing");
	bad(&w, quoted("{'id':1,'user':{'name':'x','pets':[{'born':'x'}]}}"), "type user.pets[0].born:is \"x\", a string; its column (DATE)");
	bad(&w, quoted("{'id':1,'user':{'name':'x','odd key':''}}"), "type user.\"odd key\":INTEGER");
	bad(&w, quoted("{'id':1,'user':[]}"), "type user:is [], an array; its column (RECORD) takes an object");
	bad(&w, quoted("{'id':1,'tags':'x'}"), "type tags:is no array, but its column (STRING) is REPEATED");
	bad(&w, quoted("{'id':1,'tags':['x',null]}"), "type tags[1]:is null, and a REPEATED column");
	bad(&w, quoted("{'id':1,'user':{'name':'x','pets':[null]}}"), "type user.pets[0]:is null");
	bad(&w, quoted("{'id':1,'x':2}"), "unknown-column x:--update add");
	bad(&w, quoted("{'id':1,'':2}"), "unknown-column \"\":which is empty");
	bad(&w, quoted("{'id':1,'a.b':2}"), "unknown-column \"a.b\":which has a character");
	bad(&w, quoted("{'id':1,'_PARTITIONTIME':2}"), "unknown-column _PARTITIONTIME:begins with _PARTITION");
	bad(&w, quoted("{'id':1,'user':{'name':'x','shoe size':2}}"), "unknown-column user.\"shoe size\":--update");
	bad(&w, quoted("{'id':1,'ID':2}"), "duplicate-key id:stands twice");
	bad(&w, quoted("{'id':1,'id':1}"), "duplicate-key id:");
	bad(&w, quoted("{'id':1,'user':{'name':'x','\\u006eame':'x'}}"), "duplicate-key user.name:");
	good(&w, quoted("{'id':1,'tags':['012345678901234567890123456789012345678']}"),
	    quoted("{'id':1,'tags':['012345678901234567890123456789012345678']}"));
	bad(&w, quoted("{'id':1,'tags':['0123456789012345678901234567890123456789']}"), "row-too-large :a row of 61 bytes");
	unmake(&w);
}

static void
long_names(void **state)
{
	struct buf event = { 0 };
	struct world w;

	(void)state;
	make(&w, quoted(SCHEMA), ROW_MAX_BYTES);
	buf_puts(&event, "{\"");
	for (int i = 0; i < 600; i++)
		buf_puts(&event, "\\u00e4ab");
	buf_puts(&event, "\":1}");
	buf_putc(&event, '\0');
	bad(&w, event.p, "unknown-column \"...\":");
	event.n = 2;
	for (int i = 0; i < 300; i++)
		buf_puts(&event, "abc");
	buf_puts(&event, "\":1}");
	buf_putc(&event, '\0');
	assert_int_equal(put(&w, event.p), 1);
	assert_string_equal(w.fault.code, "unknown-column");
	assert_non_null(strstr(w.fault.message, "longer than 300"));
	buf_free(&event);
	unmake(&w);
}

static void
ignored(void **state)
{
	struct world w;

	(void)state;
	make(&w, quoted(SCHEMA), ROW_MAX_BYTES);
	w.ignore = "@meta";
	good(&w, quoted("{'id':1,'@meta':{'x':1}}"), quoted("{'id':1}"));
	good(&w, quoted("{'@meta':{'x':1},'id':1.0}"), quoted("{'id':1}"));
	good(&w, quoted("{ '@meta':{'x':1} , 'id':1}"), quoted("{  'id':1}"));
	good(&w, quoted("{'id':1.0, '@meta':null ,'tags':[]}"), quoted("{'id':1 ,'tags':[]}"));
	good(&w, quoted("{'@meta':1,'@meta':2,'id':1,'@meta':3,'@meta':4,'tags':[]}"), quoted("{'id':1,'tags':[]}"));
	bad(&w, quoted("{'id':1,'@META':{'x':1}}"), "unknown-column \"@META\":");
	bad(&w, quoted("{'id':1,'user':{'name':'x','@meta':1}}"), "unknown-column user.\"@meta\":");
	bad(&w, quoted("{'@meta':1}"), "required id:");
	w.ignore = "id";		/* a column is never left out */
	good(&w, quoted("{'id':1}"), quoted("{'id':1}"));
	unmake(&w);
	make(&w, quoted("[{'name':'a','type':'INT64'}]"), ROW_MAX_BYTES);
	w.ignore = "m";
	good(&w, quoted("{'m':1}"), "{}");
	unmake(&w);
}

/* Out of room: nothing is appended, and it is no fault of the event. */
static void
full(void **state)
{
	struct world w;

	(void)state;
	make(&w, quoted(SCHEMA), ROW_MAX_BYTES);
	w.out.max = 300;
	for (int i = 0; i < 30; i++)
		assert_int_equal(put(&w, quoted("{'id':1.0}")), 0);
	assert_int_equal(w.out.n, 270);
	assert_int_equal(put(&w, quoted("{'id':1,'tags':['0123456789','0123456789']}")), WEIR_EAGAIN);
	unmake(&w);
}

/* A record of more fields than anybody wants, in any order. */
static void
wide(void **state)
{
	struct buf schema = { 0 }, event = { 0 };
	struct world w;

	(void)state;
	buf_puts(&schema, "[{\"name\":\"r\",\"type\":\"RECORD\",\"fields\":[");
	buf_puts(&event, "{\"r\":{");
	for (int i = 0; i < 3000; i++) {
		buf_printf(&schema, "%s{\"name\":\"Field_%d\",\"type\":\"INTEGER\"}", i ? "," : "", i);
		buf_printf(&event, "%s\"%s_%d\":%d", i ? "," : "", i % 3 ? "fIELD" : "Field", (i * 7) % 3000, i);
	}
	buf_puts(&schema, "]}]");
	buf_puts(&event, "}}");
	buf_putc(&schema, '\0');
	buf_putc(&event, '\0');
	make(&w, schema.p, ROW_MAX_BYTES);
	good(&w, event.p, event.p);
	unmake(&w);
	buf_free(&schema);
	buf_free(&event);
}

/* ---------------------------------------------------------------- any event */

#define N_EVENTS	20000
#define ALL_TYPES \
	"[{'name':'s','type':'STRING'},{'name':'b','type':'BYTES'},{'name':'i','type':'INTEGER'},{'name':'f','type':'FLOAT'}," \
	"{'name':'n','type':'NUMERIC'},{'name':'t','type':'TIMESTAMP'},{'name':'d','type':'DATE'},{'name':'j','type':'JSON'}," \
	"{'name':'o','type':'BOOLEAN'},{'name':'l','type':'INTEGER','mode':'REPEATED'},{'name':'r','type':'RECORD','mode':'REPEATED'," \
	"'fields':[{'name':'i','type':'INTEGER'},{'name':'n','type':'NUMERIC'},{'name':'t','type':'TIMESTAMP'}]}]"

static uint64_t seed = 20260131;

static unsigned
below(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static void
blank(struct buf *b)
{
	if (!below(12))
		buf_putc(b, ' ');
}

/* A value that the column takes. */
static void
any_scalar(struct buf *b, const struct schema_field *f)
{
	static const char *const json[] = { "{\"a\":[1,{\"a\":null}]}", "[[],[1]]", "\"x\"", "-0", "{}" };
	static const char *const text[] = { "\"\"", "\"x\"", "\"\\u0000\\ud83d\\ude00\"", "\"\xc3\xa4\\\\\\\"\"", "\"null\"" };
	static const char *const base64[] = { "\"\"", "\"_-8\"", "\"YQ==\"", "\"Y\\u0051\"", "\"\\/+8=\"" };
	long long wide = (long long)(seed ^ seed << 31);

	switch (f->type) {
	case SCHEMA_STRING:
		buf_puts(b, text[below(5)]);
		break;
	case SCHEMA_BYTES:
		buf_puts(b, base64[below(5)]);
		break;
	case SCHEMA_INTEGER:
		if (below(2))
			buf_printf(b, below(2) ? "%lld" : "\"%lld\"", wide);
		else
			buf_printf(b, "%d.0e%u", (int)below(999) - 500, below(6));
		break;
	case SCHEMA_FLOAT:
		buf_printf(b, "%.*g", (int)below(17) + 1, (double)wide / 1000);
		break;
	case SCHEMA_NUMERIC:
		buf_printf(b, below(2) ? "%d.%04ue%d" : "\"%d.%04ue%d\"", (int)below(99999) - 50000, below(10000), (int)below(12) - 5);
		break;
	case SCHEMA_TIMESTAMP:
		buf_printf(b, "\"20%02u-0%u-1%u%c%02u:%02u:%02u.%06u%s%s\"", below(100), below(9) + 1, below(10), "T t"[below(3)], below(24),
		    below(60), below(60), below(1000000), below(2) ? "000" : "", below(2) ? "Z" : "+05:30");
		break;
	case SCHEMA_DATE:
		buf_printf(b, "\"19%02u-%02u-%02u\"", below(100), below(12) + 1, below(28) + 1);
		break;
	case SCHEMA_BOOLEAN:
		buf_puts(b, below(2) ? "true" : "\"false\"");
		break;
	default:
		buf_puts(b, json[below(5)]);
	}
}

static void
any_key(struct buf *b, const char *name)
{
	switch (below(12)) {
	case 0:
		buf_printf(b, "\"%c\"", *name - 'a' + 'A');
		break;
	case 1:
		buf_printf(b, "\"\\u%04x\"", (unsigned char)*name);
		break;
	default:
		buf_printf(b, "\"%s\"", name);
	}
}

/* n is a prime: some members, in an order that one step makes. */
static void
any_record(struct buf *b, const struct schema_field *f, size_t n)
{
	size_t step = below(2) ? 1 : 1 + below((unsigned)n - 1), any = 0;

	buf_putc(b, '{');
	for (size_t i = 0; i < n; i++) {
		const struct schema_field *k = &f[i * step % n];
		unsigned elements = k->mode == SCHEMA_REPEATED ? below(4) : 1;

		if (below(4) == 0)
			continue;
		if (any++)
			buf_putc(b, ',');
		blank(b);
		any_key(b, k->name);
		buf_putc(b, ':');
		blank(b);
		if (below(10) == 0) {
			buf_puts(b, "null");
			continue;
		}
		buf_puts(b, k->mode == SCHEMA_REPEATED ? "[" : "");
		for (unsigned j = 0; j < elements; j++) {
			buf_puts(b, j ? "," : "");
			if (k->type == SCHEMA_RECORD)
				any_record(b, k->field, k->n);
			else
				any_scalar(b, k);
		}
		buf_puts(b, k->mode == SCHEMA_REPEATED ? "]" : "");
		blank(b);
	}
	buf_putc(b, '}');
}

static int
same_number(const struct weir_value *a, const struct weir_value *b)
{
	unsigned qa = a->kind == WEIR_STRING, qb = b->kind == WEIR_STRING;
	struct number x, y;

	return number_parse(a->p + qa, a->n - 2 * qa, &x) == 0 && number_parse(b->p + qb, b->n - 2 * qb, &y) == 0 && !number_cmp(&x, &y);
}

static int
same_bytes(const struct weir_value *a, const struct weir_value *b)
{
	char x[64], y[64];
	size_t n = value_text(a, x), m = value_text(b, y);

	for (size_t i = 0; i < n; i++)
		x[i] = x[i] == '-' ? '+' : x[i] == '_' ? '/' : x[i];
	return m % 4 == 0 && m >= n && !memcmp(x, y, n) && strspn(y + n, "=") >= m - n;
}

static int
same_value(const struct schema_field *f, const struct weir_value *a, const struct weir_value *b)
{
	int64_t us, vs;

	if (a->kind == WEIR_NULL)
		return b->kind == WEIR_NULL;
	switch (f->type) {
	case SCHEMA_INTEGER:
		return same_number(a, b) && (b->kind == WEIR_STRING || (b->flags & WEIR_INTEGER && strtod(b->p, NULL) < 9007199254740992.0));
	case SCHEMA_NUMERIC:
		return same_number(a, b) && b->kind == WEIR_STRING && !memchr(b->p, 'e', b->n);
	case SCHEMA_BYTES:
		return same_bytes(a, b);
	case SCHEMA_TIMESTAMP:
		return value_time(a, WEIR_UNIT_ISO, &us) == 0 && value_time(b, WEIR_UNIT_ISO, &vs) == 0 && us == vs;
	default:
		return a->n == b->n && !memcmp(a->p, b->p, a->n);
	}
}

/* The same members in the same order, with the same values. */
static int
same_record(const struct schema_field *f, size_t n, const struct weir_value *a, const struct weir_value *b)
{
	struct weir_value ka, kb, va, vb, x, y, none;
	size_t at = 0, bt = 0, i, j;
	char name[16];

	while (scan_next(a->p, a->n, &at, &ka, &va)) {
		const struct schema_field *k;

		if (!scan_next(b->p, b->n, &bt, &kb, &vb) || ka.n != kb.n || memcmp(ka.p, kb.p, ka.n) ||
		    !(k = schema_find(f, n, name, value_text(&ka, name))))
			return 0;
		if (k->mode != SCHEMA_REPEATED || va.kind == WEIR_NULL) {
			if (k->mode == SCHEMA_REPEATED ? vb.n != 2 || memcmp(vb.p, "[]", 2) : !same_value(k, &va, &vb))
				return 0;
			continue;
		}
		for (i = j = 0; scan_next(va.p, va.n, &i, &none, &x);)
			if (!scan_next(vb.p, vb.n, &j, &none, &y) ||
			    !(k->type == SCHEMA_RECORD ? same_record(k->field, k->n, &x, &y) : same_value(k, &x, &y)))
				return 0;
		if (scan_next(vb.p, vb.n, &j, &none, &y))
			return 0;
	}
	return !scan_next(b->p, b->n, &bt, &kb, &vb);
}

/* A row is valid JSON, has the event's values, and is a row as it is. */
static void
any_event(void **state)
{
	struct scan_limits limits = { .max_depth = 100 };
	struct buf event = { 0 }, row = { 0 };
	struct scan_fault fault;
	struct world w;
	unsigned edited = 0;

	(void)state;
	make(&w, quoted(ALL_TYPES), ROW_MAX_BYTES);
	for (unsigned i = 0; i < N_EVENTS; i++) {
		struct weir_value a, b;

		event.n = row.n = w.out.n = 0;
		any_record(&event, w.schema->field, w.schema->n);
		buf_putc(&event, '\0');
		if (put(&w, event.p))
			FAIL("%s: %s %s", event.p, w.fault.path, w.fault.message);
		buf_put(&row, w.out.p, w.out.n - 1);
		buf_putc(&row, '\0');
		edited += strcmp(row.p, event.p) != 0;
		assert_int_equal(scan_document(row.p, row.n - 1, &limits, &fault), 0);
		a = value_of(event.p, event.n - 1);
		b = value_of(row.p, row.n - 1);
		if (!same_record(w.schema->field, w.schema->n, &a, &b))
			FAIL("%s\nbecame %s", event.p, row.p);
		good(&w, row.p, row.p);
	}
	assert_in_range(edited, N_EVENTS / 2, N_EVENTS - N_EVENTS / 100);	/* both ways were gone */
	buf_free(&event);
	buf_free(&row);
	unmake(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings), cmocka_unit_test(bytes), cmocka_unit_test(integers), cmocka_unit_test(floats), cmocka_unit_test(numerics),
		cmocka_unit_test(big_numerics), cmocka_unit_test(booleans), cmocka_unit_test(timestamps), cmocka_unit_test(dates_and_times),
		cmocka_unit_test(json_and_geography), cmocka_unit_test(intervals), cmocka_unit_test(ranges), cmocka_unit_test(as_it_is),
		cmocka_unit_test(changed), cmocka_unit_test(refused), cmocka_unit_test(long_names), cmocka_unit_test(ignored), cmocka_unit_test(full),
		cmocka_unit_test(wide), cmocka_unit_test(any_event),
	};

	return cmocka_run_group_tests_name("bq_row", tests, NULL, NULL);
}
