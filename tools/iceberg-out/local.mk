# The stage itself is added by the glue; this is its core: events to columns, columns to files.
noinst_LTLIBRARIES += %D%/libcolumns.la
%C%_libcolumns_la_CFLAGS = $(AM_CFLAGS) $(XXHASH_CFLAGS)
%C%_libcolumns_la_SOURCES = %D%/convert.c %D%/convert.h %D%/members.c %D%/members.h %D%/nested.c %D%/nested.h %D%/shred.c %D%/shred.h \
	%D%/files.c %D%/files.h

check_PROGRAMS += tests/interop/shred_parquet
tests_interop_shred_parquet_SOURCES = tests/interop/shred_parquet.c tests/unit/columns.h
tests_interop_shred_parquet_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools/iceberg-out
tests_interop_shred_parquet_LDADD = tools/iceberg-out/libcolumns.la libcommon/parquet/libparquet.la libcommon/json/libjson.la \
	libcommon/base/libbase.la $(ZSTD_LIBS) $(ZLIB_LIBS) -lm
