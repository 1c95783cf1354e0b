# The columns of a table and rows for them.
noinst_LTLIBRARIES += %D%/librows.la
%C%_librows_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_librows_la_SOURCES =

# BigQuery's REST API, and load jobs through it.
noinst_LTLIBRARIES += %D%/libload.la
%C%_libload_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(XXHASH_CFLAGS) $(CRYPTO_CFLAGS) $(ISAL_CFLAGS) $(ZLIB_CFLAGS)
%C%_libload_la_SOURCES = %D%/bq.h %D%/spool.c %D%/spool.h %D%/gzip.c %D%/gzip.h %D%/load.h

LOAD_LIBS = $(NET_LIBS) $(XXHASH_LIBS) $(ISAL_LIBS) $(ZLIB_LIBS)

unit_tests += tests/unit/bq_spool
tests_unit_bq_spool_SOURCES = tests/unit/bq_spool.c tests/unit/folder.h
tests_unit_bq_spool_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools/bq-out
tests_unit_bq_spool_CFLAGS = $(UNIT_CFLAGS) $(XXHASH_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_bq_spool_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=open,--wrap=open64,--wrap=pwrite,--wrap=pwrite64
tests_unit_bq_spool_LDADD = %D%/libload.la libcommon/base/libbase.la $(LOAD_LIBS) $(CMOCKA_LIBS)
