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
#include "schema.h"
#include "weir.h"

#define FAIL(...)	(print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))

/* ' is ". */
static char *
quoted(const char *text)
{
	char *o = strdup(text);

	for (char *p = o; *p; p++)
		if (*p == '\'')
			*p = '"';
	return o;
}

static struct schema *
read_text(const char *text, struct buf *notes)
{
	char *json = quoted(text);
	struct schema *s = NULL;
	struct fail f = { 0 };

	if (schema_read(json, strlen(json), "s.json", &s, notes, &f) < 0)
		FAIL("%s: %s", text, f.text);
	free(json);
	return s;
}

/* The schema as compact text, members in the order of their names. */
static char *
text_of(const struct schema *s)
{
	json_t *fields = NULL;
	struct fail f;
	char *text;

	assert_int_equal(schema_write(s, &fields, &f), 0);
	text = json_dumps(fields, JSON_COMPACT | JSON_SORT_KEYS);
	for (char *p = text; *p; p++)
		if (*p == '"')
			*p = '\'';
	json_decref(fields);
	return text;
}

static void
is(const struct schema *s, const char *want)
{
	char *text = text_of(s);

	if (strcmp(text, want))
		FAIL("is   %s\nwant %s", text, want);
	free(text);
}

/* A file, what it is written back as, and the notes. */
static void
reads(const char *text, const char *want, const char *notes)
{
	struct buf said = { 0 };
	struct schema *s = read_text(text, &said);

	is(s, want);
	buf_putc(&said, '\0');
	assert_string_equal(said.p, notes);
	buf_free(&said);
	schema_free(s);
}

static void
refuses(const char *text, const char *why)
{
	char *json = quoted(text);
	struct buf notes = { 0 };
	struct schema *s = NULL;
	struct fail f = { 0 };

	if (schema_read(json, strlen(json), "s.json", &s, &notes, &f) != WEIR_ECONFIG)
		FAIL("%s was taken", text);
	if (!strstr(f.text, why))
		FAIL("%s\nis   %s\nwant %s", text, f.text, why);
	assert_null(s);
	buf_free(&notes);
	free(json);
}

/* ---------------------------------------------------------------- BigQuery's own */

static void
api(void **state)
{
	static const char all[] = "[{'name':'a','type':'STRING'},{'description':'d','mode':'REQUIRED','name':'b',"
	    "'policyTags':{'names':['p']},'type':'INTEGER'},"
	    "{'defaultValueExpression':'1','name':'c','precision':'10','scale':'2','type':'NUMERIC'},{'maxLength':'5','name':'d',"
	    "'type':'BYTES'},"
	    "{'fields':[{'name':'x','type':'JSON'}],'mode':'REPEATED','name':'e','type':'RECORD'},"
	    "{'name':'f','rangeElementType':{'type':'DATE'},'type':'RANGE'},{'name':'g','timestampPrecision':12,'type':'TIMESTAMP'},"
	    "{'mode':'NULLABLE',"
	    "'name':'h','type':'INTERVAL'}]";
	char object[sizeof all + 16], text[SCHEMA_TYPE_SIZE];
	struct buf notes = { 0 };
	struct schema *s;

	(void)state;
	reads(all, all, "");
	snprintf(object, sizeof object, "{'fields':%s}", all);
	reads(object, all, "");
	reads("[{'name':'a','type':'int64'},{'name':'b','type':'Struct','fields':[{'name':'c','type':'BOOL'}]},{'name':'d',"
	    "'type':'FLOAT64','mode':'required'},"
	    "{'name':'e','type':'DECIMAL'},{'name':'f','type':'BIGDECIMAL'}]",
	    "[{'name':'a','type':'INTEGER'},{'fields':[{'name':'c','type':'BOOLEAN'}],'name':'b','type':'RECORD'},"
	    "{'mode':'REQUIRED','name':'d','type':'FLOAT'},{'name':'e','type':'NUMERIC'},{'name':'f','type':'BIGNUMERIC'}]", "");
	s = read_text(all, &notes);
	assert_int_equal(s->n, 8);
	assert_int_equal(s->field[1].mode, SCHEMA_REQUIRED);
	assert_string_equal(schema_mode_text(&s->field[4]), "REPEATED");
	assert_string_equal(schema_type_text(&s->field[2], text), "NUMERIC(10, 2)");
	assert_string_equal(schema_type_text(&s->field[3], text), "BYTES(5)");
	assert_string_equal(schema_type_text(&s->field[5], text), "RANGE<DATE>");
	assert_string_equal(schema_type_text(&s->field[6], text), "TIMESTAMP(12)");
	assert_ptr_equal(schema_find(s->field, s->n, "E", 1), &s->field[4]);
	assert_null(schema_find(s->field, s->n, "ee", 2));
	assert_null(schema_find(s->field, s->n, "", 0));
	schema_free(s);
}

static void
bad_fields(void **state)
{
	(void)state;
	refuses("[", "s.json, line 1");
	refuses("[]", "has no columns");
	refuses("[1]", "a field of the table is no column");
	refuses("[{'type':'STRING'}]", "without a name");
	refuses("[{'name':'a'}]", "column \"a\" has no type");
	refuses("[{'name':'a','type':'TEXT'}]", "column \"a\" has an unknown type TEXT");
	refuses("[{'name':'a','type':'STRING','mode':'SOME'}]", "the mode SOME");
	refuses("[{'name':'a','type':'RECORD'}]", "\"a\" is a RECORD without fields");
	refuses("[{'name':'a','type':'STRING','fields':[{'name':'b','type':'STRING'}]}]", "no RECORD, but has fields");
	refuses("[{'name':'a','type':'RECORD','fields':[{'name':'b','type':'X'}]}]", "column \"a.b\" has an unknown type");
	refuses("[{'name':'a','type':'RANGE'}]", "rangeElementType");
	refuses("[{'name':'a','type':'RANGE','rangeElementType':{'type':'TIME'}}]", "rangeElementType");
	refuses("[{'name':'a','type':'STRING','precision':5}]", "a parameter that STRING does not take");
	refuses("[{'name':'a','type':'NUMERIC','maxLength':5}]", "does not take");
	refuses("[{'name':'a','type':'NUMERIC','scale':5}]", "a scale without a precision");
	refuses("[{'name':'a','type':'NUMERIC','precision':31,'scale':1}]", "at most 29 digits");
	refuses("[{'name':'a','type':'NUMERIC','precision':1,'scale':2}]", "no precision below the scale");
	refuses("[{'name':'a','type':'NUMERIC','precision':12,'scale':10}]", "must be a number up to 9");
	refuses("[{'name':'a','type':'NUMERIC','precision':'1x'}]", "must be a number");
	refuses("[{'name':'a','type':'BYTES','maxLength':-1}]", "must be a number");
	refuses("[{'name':'a','type':'BIGNUMERIC','precision':77,'scale':38}]", "up to 76");
	refuses("[{'name':'a','type':'TIMESTAMP','timestampPrecision':9}]", "must be 6 or 12");
}

static void
names(void **state)
{
	static const char *const good[] = { "a", "_", "A_1", "1a", "odd name", "a-b", "a:b", "\xc3\xa4", "\xe5\x88\x97", "_partitio", "_table",
	    "&%=+'<>#|" };
	static const struct {
		const char	*name, *why;
	} bad[] = {
		{ "", "is empty" }, { "a.b", "a character" }, { "a/b", "a character" }, { "a\"b", "a character" }, { "a\tb", "a character" },
		{ "a$", "a character" }, { "@meta", "a character" }, { "a!", "" }, { "a(", "" }, { "a*", "" }, { "a,", "" }, { "a;", "" },
		{ "a?", "" },
		{ "a[", "" }, { "a\\", "" }, { "a^", "" }, { "a`", "" }, { "a{", "" }, { "a~", "" }, { "a\x7f", "" },
		{ "_table_x", "begins with _TABLE_" }, { "_FILE_NAME", "_FILE_" }, { "_PARTITIONTIME", "_PARTITION" }, { "_partition", "_PARTITION" },
		{ "_ROW_TIMESTAMP", "_ROW_TIMESTAMP" }, { "__root__", "__ROOT__" }, { "_ColIdentifier1", "_COLIDENTIFIER" },
		{ "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_SEQUENCE" }, { "_CHANGE_TYPE", "_CHANGE_TYPE" }, { "_CHANGE_TIMESTAMP", "_CHANGE_TIMESTAMP" },
	};
	char umlauts[602], longer[302];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (schema_name_problem(good[i], strlen(good[i])))
			FAIL("%s: %s", good[i], schema_name_problem(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *why = schema_name_problem(bad[i].name, strlen(bad[i].name));

		if (!why || !strstr(why, bad[i].why))
			FAIL("%s: %s", bad[i].name, why ? why : "was taken");
	}
	assert_non_null(schema_name_problem("a\0b", 3));
	for (int i = 0; i < 301; i++) {
		umlauts[2 * i] = '\xc3';
		umlauts[2 * i + 1] = '\xa4';
		longer[i] = 'x';
	}
	assert_null(schema_name_problem(umlauts, 600));
	assert_non_null(schema_name_problem(umlauts, 602));
	assert_null(schema_name_problem(longer, 300));
	assert_non_null(schema_name_problem(longer, 301));
	refuses("[{'name':'a','type':'RECORD','fields':[{'name':'b.c','type':'STRING'}]}]", "the name of column \"a.b.c\" has a character");
	refuses("[{'name':'ab','type':'STRING'},{'name':'aB','type':'STRING'}]", "columns \"ab\" and \"aB\" are one to BigQuery");
}

static void
limits(void **state)
{
	struct buf b = { 0 }, notes = { 0 };
	struct schema *s;

	(void)state;
	for (int n = SCHEMA_MAX_DEPTH; n <= SCHEMA_MAX_DEPTH + 1; n++) {
		b.n = 0;
		for (int i = 0; i < n; i++)
			buf_puts(&b, "[{'name':'r','type':'RECORD','fields':");
		buf_puts(&b, "[{'name':'x','type':'STRING'}]");
		for (int i = 0; i < n; i++)
			buf_puts(&b, "}]");
		buf_putc(&b, '\0');
		if (n == SCHEMA_MAX_DEPTH)
			schema_free(read_text(b.p, &notes));
		else
			refuses(b.p, "r.r.x\" is nested in more than 15 records");
	}
	for (int n = SCHEMA_MAX_COLUMNS; n <= SCHEMA_MAX_COLUMNS + 1; n++) {
		b.n = 0;
		buf_puts(&b, "[{'name':'r','type':'RECORD','fields':");
		for (int i = 1; i < n; i++)
			buf_printf(&b, "%s{'name':'x%d','type':'STRING'}", i > 1 ? "," : "[", i);
		buf_puts(&b, "]}]");
		buf_putc(&b, '\0');
		if (n == SCHEMA_MAX_COLUMNS) {
			s = read_text(b.p, &notes);
			assert_int_equal(s->field[0].n, n - 1);
			schema_free(s);
		} else {
			refuses(b.p, "more than 10000 columns");
		}
	}
	buf_free(&b);
}

static void
of_table(void **state)
{
	json_t *fields = json_pack("[{s:s,s:s}]", "name", "a", "type", "STRING");
	struct schema *s = NULL;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(schema_of_table(fields, "p.d.t", &s, &f), 0);
	json_decref(fields);		/* nothing of it is needed any more */
	is(s, "[{'name':'a','type':'STRING'}]");
	schema_free(s);
	assert_int_equal(schema_of_table(NULL, "p.d.t", &s, &f), WEIR_ECONFIG);
	assert_non_null(strstr(f.text, "p.d.t has no columns"));
}

/* ---------------------------------------------------------------- JSON Schema */

#define OBJECT(properties)	"{'type':'object','properties':{" properties "}}"

static void
jsonschema(void **state)
{
	(void)state;
	reads("{'type':'object','required':['i','n'],'properties':{'i':{'type':'integer','description':'d'},'f':{'type':'number'},"
	    "'b':{'type':'boolean'},"
	    "'s':{'type':'string','maxLength':5},'t':{'type':'string','format':'date-time'},'d':{'type':'string','format':'date'},"
	    "'c':{'type':'string','format':'time'},'y':{'type':'string','contentEncoding':'base64'},'u':{'type':'string','format':'uuid'},"
	    "'n':{'type':['null','string']}}}",
	    "[{'description':'d','mode':'REQUIRED','name':'i','type':'INTEGER'},{'name':'f','type':'FLOAT'},{'name':'b','type':'BOOLEAN'},"
	    "{'name':'s','type':'STRING'},{'name':'t','type':'TIMESTAMP'},{'name':'d','type':'DATE'},{'name':'c','type':'TIME'},"
	    "{'name':'y','type':'BYTES'},{'name':'u','type':'STRING'},{'name':'n','type':'STRING'}]", "");
	reads("{'type':'object','required':['l','r','u'],'properties':{'l':{'type':'array','items':{'type':'integer'}},"
	    "'r':{'type':'object','required':['a'],"
	    "'properties':{'a':{'enum':['x','y']},'b':{'const':1}}},'u':{'anyOf':[{'type':'null'},{'type':'integer'}]},"
	    "'w':{'type':['integer','number']},"
	    "'rl':{'type':'array','items':{'properties':{'a':{'type':'string'}}}}}}",
	    "[{'mode':'REPEATED','name':'l','type':'INTEGER'},{'fields':[{'mode':'REQUIRED','name':'a','type':'STRING'},{'name':'b',"
	    "'type':'INTEGER'}],"
	    "'mode':'REQUIRED','name':'r','type':'RECORD'},{'name':'u','type':'INTEGER'},{'name':'w','type':'FLOAT'},"
	    "{'fields':[{'name':'a','type':'STRING'}],'mode':'REPEATED','name':'rl','type':'RECORD'}]", "");
	reads("{'$ref':'#/$defs/top','$defs':{'top':{'type':'object','properties':{'a':{'$ref':'#/$defs/x~1y'}},"
	    "'allOf':[{'$ref':'#/$defs/more'}],'required':['m']},"
	    "'x/y':{'type':'string'},'more':{'properties':{'a':{'type':'integer'},'m':{'type':'boolean'}},'required':['a']}}}",
	    "[{'name':'a','type':'STRING'},{'mode':'REQUIRED','name':'m','type':'BOOLEAN'}]", "");
}

static void
json_columns(void **state)
{
	(void)state;
	reads("{'type':'object','required':['any','o','ll'],'properties':{'any':{},'mixed':{'type':['string','integer']},'o':{'type':'object'},"
	    "'map':{'type':'object','additionalProperties':{'type':'string'}},'t':{'type':'array'},'p':{'type':'array',"
	    "'prefixItems':[{}],'items':{}},"
	    "'ll':{'type':'array','items':{'type':'array','items':{'type':'string'}}},'ln':{'type':'array','items':{'type':['string','null']}},"
	    "'lo':{'type':'array','items':{}},'e':{'enum':['x',1]},'yes':true,"
	    "'or':{'type':'object','properties':{'x':{'type':'object'}}},'on':{'type':'array','items':{'anyOf':[{'type':'null'},"
	    "{'properties':{'a':{'type':'string'}}}]}}}}",
	    "[{'name':'any','type':'JSON'},{'name':'mixed','type':'JSON'},{'mode':'REQUIRED','name':'o','type':'JSON'},{'name':'map',"
	    "'type':'JSON'},"
	    "{'name':'t','type':'JSON'},{'name':'p','type':'JSON'},{'mode':'REQUIRED','name':'ll','type':'JSON'},{'name':'ln','type':'JSON'},"
	    "{'name':'lo','type':'JSON'},{'name':'e','type':'JSON'},{'name':'yes','type':'JSON'},"
	    "{'fields':[{'name':'x','type':'JSON'}],'name':'or','type':'RECORD'},{'name':'on','type':'JSON'}]",
	    "column any: any value: JSON\ncolumn mixed: no one type: JSON\ncolumn o: an object with any members: JSON\ncolumn map: an object with any "
	    "members: JSON\ncolumn t: an array of anything: JSON\ncolumn p: an array of anything: JSON\ncolumn ll: an array of arrays: JSON\n"
	    "column ln: an array with nulls in it: JSON\ncolumn lo: any value: JSON\ncolumn e: no one type: JSON\ncolumn yes: any value: JSON\n"
	    "column or.x: an object with any members: JSON\ncolumn on: an array with nulls in it: JSON\n");
}

static void
bad_jsonschema(void **state)
{
	(void)state;
	refuses("{'type':'string'}", "describes no object");
	refuses("{}", "describes no object");
	refuses("{'type':'object'}", "has no columns");
	refuses(OBJECT("'a':{'$ref':'#/$defs/x'}"), "column \"a\": the reference '#/$defs/x' leads nowhere");
	refuses(OBJECT("'a':{'$ref':'other.json'}"), "leads nowhere");
	refuses("{'type':'object','properties':{'a':{'$ref':'#/$defs/x'}},'$defs':{'x':{'$ref':'#/$defs/x'}}}", "without end");
	refuses("{'type':'object','properties':{'a':{'$ref':'#'}}}", "nested in more than 15 records");
	refuses("{'type':'object','properties':{'a':{'$ref':'#/$defs/x'}},'$defs':{'x':{'type':'array',"
	    "'items':{'$ref':'#/$defs/x'}}}}", "deeper than 64");
	refuses("{'type':'object','properties':{'a':{'type':'string'}},'allOf':[{'$ref':'#'},{'$ref':'#'}]}", "does one lead to itself?");
	refuses(OBJECT("'a.b':{'type':'string'}"), "the name of column \"a.b\"");
	refuses(OBJECT("'':{'type':'string'}"), "is empty");
	refuses(OBJECT("'ab':{'type':'string'},'AB':{'type':'string'}"), "are one to BigQuery");
}

/* ---------------------------------------------------------------- comparisons */

#define TABLE \
	"[{'mode':'REQUIRED','name':'id','type':'INTEGER'},{'description':'d','name':'s','type':'STRING'}," \
	"{'fields':[{'mode':'REQUIRED','name':'a','type':'NUMERIC','precision':'9','scale':'2'}],'name':'r','type':'RECORD'}]"

static void
compare(const char *wanted, int add, int relax, const char *want, int want_changed)
{
	struct buf notes = { 0 };
	struct schema *table = read_text(TABLE, &notes), *w = read_text(wanted, &notes), *merged = NULL;
	struct fail f = { 0 };
	int changed = -1, rc = schema_compare(table, w, add, relax, &merged, &changed, &f);

	schema_free(table);		/* the merged one stands alone */
	schema_free(w);
	if (want_changed < 0) {
		if (rc != WEIR_ECONFIG || !strstr(f.text, want))
			FAIL("%s\nis   %s\nwant %s", wanted, rc ? f.text : "good", want);
		return;
	}
	if (rc)
		FAIL("%s: %s", wanted, f.text);
	assert_int_equal(changed, want_changed);
	is(merged, want);
	schema_free(merged);
}

static void
compares(void **state)
{
	static const char same[] = "[{'mode':'REQUIRED','name':'id','type':'INTEGER'},{'description':'d','name':'s','type':'STRING'},"
	    "{'fields':[{'mode':'REQUIRED','name':'a','precision':'9','scale':'2','type':'NUMERIC'}],'name':'r','type':'RECORD'}]";

	(void)state;
	compare(TABLE, 0, 0, same, 0);
	compare("[{'name':'R','type':'RECORD','fields':[{'name':'A','type':'NUMERIC','mode':'REQUIRED'}]},{'name':'ID','type':'INT64',"
	    "'mode':'REQUIRED'}]",
	    1, 1, same, 0);
	compare("[{'name':'id','type':'INTEGER','mode':'REQUIRED'}]", 0, 0, same, 0);
	compare("[{'name':'id','type':'INTEGER'},{'name':'r','type':'RECORD','fields':[{'name':'a','type':'NUMERIC'}]}]", 0, 1,
	    "[{'mode':'NULLABLE','name':'id','type':'INTEGER'},{'description':'d','name':'s','type':'STRING'},"
	    "{'fields':[{'mode':'NULLABLE','name':'a',"
	    "'precision':'9','scale':'2','type':'NUMERIC'}],'name':'r','type':'RECORD'}]", 1);
	compare("[{'name':'new','type':'DATE'},{'name':'r','type':'RECORD','fields':[{'name':'b','type':'STRING','mode':'REPEATED',"
	    "'description':'e'},"
	    "{'name':'a','type':'NUMERIC','mode':'REQUIRED'}]},{'name':'id','type':'INTEGER','mode':'REQUIRED'},"
	    "{'name':'nr','type':'RECORD','fields':[{'name':'x','type':'JSON','mode':'REQUIRED'}]}]", 1, 0,
	    "[{'mode':'REQUIRED','name':'id','type':'INTEGER'},{'description':'d','name':'s','type':'STRING'},"
	    "{'fields':[{'mode':'REQUIRED','name':'a','precision':'9','scale':'2','type':'NUMERIC'},{'description':'e','mode':'REPEATED',"
	    "'name':'b',"
	    "'type':'STRING'}],'name':'r','type':'RECORD'},{'name':'new','type':'DATE'},"
	    "{'fields':[{'mode':'REQUIRED','name':'x','type':'JSON'}],'name':'nr','type':'RECORD'}]", 1);
}

#define ID	"{'name':'id','type':'INTEGER','mode':'REQUIRED'}"

static void
differs(void **state)
{
	(void)state;
	compare("[{'name':'id','type':'STRING',"
	    "'mode':'REQUIRED'}]", 1, 1, "column \"id\" is INTEGER in the table and STRING in the schema: a load does", -1);
	compare("[" ID ",{'name':'r','type':'RECORD','fields':[{'name':'a','type':'NUMERIC','precision':5,'scale':2,'mode':'REQUIRED'}]}]", 1, 1,
	    "column \"r.a\" is NUMERIC(9, 2) in the table and NUMERIC(5, 2) in", -1);
	compare("[" ID ",{'name':'r','type':'JSON'}]", 1, 1, "column \"r\" is RECORD in the table and JSON", -1);
	compare("[" ID ",{'name':'s','type':'STRING',"
	    "'mode':'REPEATED'}]", 1, 1, "column \"s\" is NULLABLE in the table and REPEATED in the schema: a load", -1);
	compare("[" ID ",{'name':'s','type':'STRING','mode':'REQUIRED'}]", 1, 1, "column \"s\" is NULLABLE in the table and REQUIRED", -1);
	compare("[{'name':'id',"
	    "'type':'INTEGER'}]", 1, 0, "column \"id\" is REQUIRED in the table and NULLABLE in the schema: add --update relax", -1);
	compare("[" ID ",{'name':'new',"
	    "'type':'DATE'}]", 0, 1, "column \"new\" (DATE NULLABLE) of the schema is not in the table: add --update add", -1);
	compare("[" ID ",{'name':'new','type':'DATE',"
	    "'mode':'REQUIRED'}]", 1, 1, "column \"new\" of the schema is not in the table and REQUIRED", -1);
	compare("[" ID ",{'name':'r','type':'RECORD','fields':[{'name':'b',"
	    "'type':'DATE'}]}]", 1, 1, "column \"r.a\" of the table is REQUIRED and not in", -1);
	compare("[" ID ",{'name':'r','type':'RECORD','fields':[{'name':'a','type':'NUMERIC','mode':'REQUIRED'},{'name':'b',"
	    "'type':'DATE'}]}]", 0, 0,
	    "column \"r.b\" (DATE NULLABLE)", -1);
	compare("[{'name':'s','type':'STRING'}]", 1, 1, "column \"id\" of the table is REQUIRED and not in", -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(api), cmocka_unit_test(bad_fields), cmocka_unit_test(names), cmocka_unit_test(limits), cmocka_unit_test(of_table),
		cmocka_unit_test(jsonschema), cmocka_unit_test(json_columns), cmocka_unit_test(bad_jsonschema), cmocka_unit_test(compares),
		cmocka_unit_test(differs),
	};

	return cmocka_run_group_tests_name("bq_schema", tests, NULL, NULL);
}
