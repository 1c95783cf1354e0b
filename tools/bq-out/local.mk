# The columns of a table and rows for them.
noinst_LTLIBRARIES += %D%/librows.la
%C%_librows_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_librows_la_SOURCES = %D%/schema.c %D%/schema.h %D%/schema_compare.c %D%/schema_int.h %D%/schema_json.c \
	%D%/row.c %D%/row.h %D%/cell.c %D%/cell.h %D%/decimal.c %D%/times.c

unit_tests += tests/unit/bq_schema
tests_unit_bq_schema_SOURCES = tests/unit/bq_schema.c
tests_unit_bq_schema_CPPFLAGS = -I$(top_srcdir)/%D% $(AM_CPPFLAGS)
tests_unit_bq_schema_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_bq_schema_LDADD = %D%/librows.la libcommon/sink/libsink.la libcommon/json/libjson.la libcommon/base/libbase.la $(CMOCKA_LIBS) $(JANSSON_LIBS) -lm

unit_tests += tests/unit/bq_row
tests_unit_bq_row_SOURCES = tests/unit/bq_row.c
tests_unit_bq_row_CPPFLAGS = $(tests_unit_bq_schema_CPPFLAGS)
tests_unit_bq_row_CFLAGS = $(tests_unit_bq_schema_CFLAGS)
tests_unit_bq_row_LDADD = $(tests_unit_bq_schema_LDADD)

# BigQuery's REST API, and load jobs through it.
noinst_LTLIBRARIES += %D%/libload.la
%C%_libload_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(XXHASH_CFLAGS) $(CRYPTO_CFLAGS) $(ISAL_CFLAGS) $(ZLIB_CFLAGS)
%C%_libload_la_SOURCES = %D%/bq.c %D%/bq.h %D%/bq-inside.h %D%/resource.c %D%/load.c %D%/load.h %D%/decide.c %D%/decide.h \
	%D%/upload.c %D%/upload.h %D%/spool.c %D%/spool.h %D%/gzip.c %D%/gzip.h

LOAD_OWN = libcommon/net/libnet.la libcommon/base/libbase.la
LOAD_LIBS = $(NET_LIBS) $(XXHASH_LIBS) $(ISAL_LIBS) $(ZLIB_LIBS)

unit_tests += tests/unit/bq_spool
tests_unit_bq_spool_SOURCES = tests/unit/bq_spool.c tests/unit/folder.h
tests_unit_bq_spool_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools/bq-out
tests_unit_bq_spool_CFLAGS = $(UNIT_CFLAGS) $(XXHASH_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_bq_spool_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=open,--wrap=open64,--wrap=pwrite,--wrap=pwrite64
tests_unit_bq_spool_LDADD = %D%/libload.la $(LOAD_OWN) $(LOAD_LIBS) $(CMOCKA_LIBS)
unit_tests += tests/unit/bq_load
tests_unit_bq_load_SOURCES = tests/unit/bq_load.c
tests_unit_bq_load_CPPFLAGS = $(tests_unit_bq_spool_CPPFLAGS)
tests_unit_bq_load_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_bq_load_LDADD = %D%/libload.la $(LOAD_OWN) $(LOAD_LIBS) $(CMOCKA_LIBS)
unit_tests += tests/unit/bq_upload
tests_unit_bq_upload_SOURCES = tests/unit/bq_upload.c tests/unit/server.h tests/unit/folder.h
tests_unit_bq_upload_CPPFLAGS = $(tests_unit_bq_spool_CPPFLAGS)
tests_unit_bq_upload_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS) $(SSL_CFLAGS)
tests_unit_bq_upload_LDADD = $(tests_unit_bq_load_LDADD) $(SSL_LIBS)
unit_tests += tests/unit/bq_api
tests_unit_bq_api_SOURCES = tests/unit/bq_api.c tests/unit/server.h tests/unit/folder.h
tests_unit_bq_api_CPPFLAGS = $(tests_unit_bq_spool_CPPFLAGS)
tests_unit_bq_api_CFLAGS = $(tests_unit_bq_upload_CFLAGS)
tests_unit_bq_api_LDADD = $(tests_unit_bq_upload_LDADD)

# The stage on top of both.
noinst_LTLIBRARIES += %D%/libbq-out.la
%C%_libbq_out_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(XXHASH_CFLAGS)
%C%_libbq_out_la_SOURCES = %D%/bq-out.c %D%/bq-out.h %D%/target.c %D%/place.c %D%/jobs.c %D%/insert.c %D%/check.c %D%/refresh.c

BQ_OUT_OWN = %D%/librows.la %D%/libload.la libcommon/sink/libsink.la libcommon/net/libnet.la
BQ_OUT_LIBS = $(LOAD_LIBS) -lm

bin_PROGRAMS += %D%/bq-out
%C%_bq_out_SOURCES = %D%/main.c
%C%_bq_out_LDADD = %D%/libbq-out.la $(BQ_OUT_OWN) $(HOST_LIBS) $(BQ_OUT_LIBS)

pkglib_LTLIBRARIES += %D%/bq-out-stage.la
%C%_bq_out_stage_la_SOURCES =
%C%_bq_out_stage_la_LIBADD = %D%/libbq-out.la $(BQ_OUT_OWN) libcommon/state/libstate.la libcommon/json/libjson.la libcommon/base/libbase.la \
	$(BQ_OUT_LIBS) $(ZSTD_LIBS)
%C%_bq_out_stage_la_LDFLAGS = $(MODULE_FLAGS)

dist_man_MANS += man/bq-out.1
e2e_tests += tests/e2e/bq-out.t
