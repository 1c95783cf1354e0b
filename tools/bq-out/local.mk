# The columns of a table and rows for them.
noinst_LTLIBRARIES += %D%/librows.la
%C%_librows_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_librows_la_SOURCES = %D%/schema.c %D%/schema.h %D%/schema_compare.c %D%/schema_int.h %D%/schema_json.c \
	%D%/row.c %D%/row.h %D%/cell.c %D%/cell.h %D%/decimal.c %D%/times.c

unit_tests += tests/unit/bq_schema
tests_unit_bq_schema_SOURCES = tests/unit/bq_schema.c
tests_unit_bq_schema_CPPFLAGS = -I$(top_srcdir)/%D% $(AM_CPPFLAGS)
tests_unit_bq_schema_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_bq_schema_LDADD = %D%/librows.la libcommon/json/libjson.la libcommon/base/libbase.la $(CMOCKA_LIBS) $(JANSSON_LIBS) -lm

unit_tests += tests/unit/bq_row
tests_unit_bq_row_SOURCES = tests/unit/bq_row.c
tests_unit_bq_row_CPPFLAGS = $(tests_unit_bq_schema_CPPFLAGS)
tests_unit_bq_row_CFLAGS = $(tests_unit_bq_schema_CFLAGS)
tests_unit_bq_row_LDADD = $(tests_unit_bq_schema_LDADD)

# BigQuery's REST API, and load jobs through it.
noinst_LTLIBRARIES += %D%/libload.la
%C%_libload_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(XXHASH_CFLAGS) $(CRYPTO_CFLAGS) $(ISAL_CFLAGS)
%C%_libload_la_SOURCES =
