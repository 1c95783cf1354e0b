/* RFC 4180, field by field, and what is refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "weir.h"		/* before cmocka.h, which makes fail() a macro */

#include <cmocka.h>

/* All of a text as "field|field\n..." with the line of each record before it, or the reason. */
static char *
shown(const char *text, size_t n)
{
	static char out[8192];
	FILE *file = fmemopen((void *)(uintptr_t)text, n, "r");
	struct fail f;
	struct csv c;
	size_t at = 0;
	int e;

	assert_non_null(file);
	out[0] = 0;
	csv_open(&c, file, "t.csv");
	while ((e = csv_next(&c, &f)) > 0) {
		at += (size_t)snprintf(out + at, sizeof out - at, "%u:", c.line);
		for (size_t i = 0; i < c.n; i++) {
			size_t len;
			const char *p = csv_field(&c, i, &len);

			at += (size_t)snprintf(out + at, sizeof out - at, "%s%.*s", i ? "|" : "", (int)len, p);
		}
		at += (size_t)snprintf(out + at, sizeof out - at, "\n");
	}
	if (e < 0) {
		assert_int_equal(e, WEIR_ECONFIG);
		snprintf(out, sizeof out, "%s", f.text);
	}
	csv_close(&c);
	fclose(file);
	return out;
}

#define SHOWS(text, want)	assert_string_equal(shown(text, sizeof text - 1), want)

static void
fields(void **state)
{
	(void)state;
	SHOWS("a,b\n1,2\n", "1:a|b\n2:1|2\n");
	SHOWS("a,b\r\n1,2\r\n", "1:a|b\n2:1|2\n");
	SHOWS("a,b\n1,2", "1:a|b\n2:1|2\n");
	SHOWS("a,b\n1,2\r", "1:a|b\n2:1|2\n");
	SHOWS("a\n", "1:a\n");
	SHOWS("\xef\xbb\xbf" "a,b\n", "1:a|b\n");
	SHOWS("\xef\xbc\xa1,b\n", "1:\xef\xbc\xa1|b\n");	/* begins as a byte order mark does */
	SHOWS(",\n,,\n", "1:|\n2:||\n");
	SHOWS("a,", "1:a|\n");
	SHOWS(" a , b \n", "1: a | b \n");
	SHOWS("a\n\n\r\nb\n", "1:a\n4:b\n");			/* empty lines are none, but they count */
	SHOWS("\n", "");
}

static void
quotes(void **state)
{
	(void)state;
	SHOWS("\"a\",\"b\"\n", "1:a|b\n");
	SHOWS("\"a,b\",\"c\"\"d\"\n", "1:a,b|c\"d\n");
	SHOWS("\"\"\n", "1:\n");
	SHOWS("\"\"\"\"\n", "1:\"\n");
	SHOWS("a,\"x\ny\"\r\nb,c\n", "1:a|x\ny\n3:b|c\n");
	SHOWS("\"x\r\ny\"\n", "1:x\r\ny\n");
	SHOWS("\"last\"", "1:last\n");
}

static void
refused(void **state)
{
	(void)state;
	SHOWS("a,b\nx\"y,2\n", "t.csv:2: a quote inside a field: put the field in quotes and double it");
	SHOWS("a\n\"x\"y\n", "t.csv:2: text behind a closing quote: double the quotes inside a field");
	SHOWS("a\nb\n\"x\ny\n", "t.csv:3: the quote that opens here is never closed");
	SHOWS("a\nx\0y\n", "t.csv:2: a NUL byte");
	SHOWS("a\n\"x\0y\"\n", "t.csv:2: a NUL byte");
	SHOWS("a\nx\ry\n", "t.csv:2: a carriage return inside a field: put the field in quotes");
	SHOWS("a\n\xff\n", "t.csv:2: bytes that are no UTF-8: convert the file with iconv");
	SHOWS("a\n\xed\xa0\x80\n", "t.csv:2: bytes that are no UTF-8: convert the file with iconv");	/* a surrogate */
	SHOWS("a\n\xc0\xaf\n", "t.csv:2: bytes that are no UTF-8: convert the file with iconv");	/* overlong */
	SHOWS("a\n\xf4\x90\x80\x80\n", "t.csv:2: bytes that are no UTF-8: convert the file with iconv");	/* above U+10FFFF */
	SHOWS("a\n\xe2\x82\n", "t.csv:2: bytes that are no UTF-8: convert the file with iconv");	/* cut off */
}

static void
limits(void **state)
{
	size_t n = CSV_RECORD_MAX + 8;
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	assert_string_equal(shown(text, n), "t.csv:1: the record is longer than 1 MiB");
	memset(text, ',', n);
	assert_string_equal(shown(text, CSV_FIELDS_MAX), "t.csv:1: more than 1024 fields");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(quotes),
		cmocka_unit_test(refused),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
