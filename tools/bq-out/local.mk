# The columns of a table and rows for them.
noinst_LTLIBRARIES += %D%/librows.la
%C%_librows_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_librows_la_SOURCES =

# BigQuery's REST API, and load jobs through it.
noinst_LTLIBRARIES += %D%/libload.la
%C%_libload_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(XXHASH_CFLAGS) $(CRYPTO_CFLAGS) $(ISAL_CFLAGS)
%C%_libload_la_SOURCES = %D%/bq.h %D%/spool.h %D%/load.h
