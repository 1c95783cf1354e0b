# The columns of a table and rows for them.
noinst_LTLIBRARIES += %D%/librows.la
%C%_librows_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_librows_la_SOURCES =

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
