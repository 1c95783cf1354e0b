# The stage on top of its core: events to columns, columns to files.
noinst_LTLIBRARIES += %D%/libiceberg-out.la
%C%_libiceberg_out_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(XXHASH_CFLAGS)
%C%_libiceberg_out_la_SOURCES = %D%/iceberg-out.c %D%/iceberg-out.h %D%/output.c %D%/check.c %D%/target.c %D%/target.h %D%/ingest.c %D%/ingest.h \
	%D%/held.c %D%/held.h %D%/infer.c %D%/infer.h %D%/jsonschema.c %D%/jsonschema.h %D%/columns.c %D%/columns.h \
	%D%/partition.c %D%/partition.h %D%/feed.c %D%/feeds.c %D%/feed.h %D%/batches.c %D%/batches.h

ICEBERG_OUT_OWN = %D%/libcolumns.la libcommon/sink/libsink.la libcommon/iceberg/libiceberg.la libcommon/store/libstore.la libcommon/avro/libavro.la \
	libcommon/parquet/libparquet.la
ICEBERG_OUT_LIBS = $(JANSSON_LIBS) $(SQLITE_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS) $(XXHASH_LIBS) -lm

bin_PROGRAMS += %D%/iceberg-out
%C%_iceberg_out_SOURCES = %D%/main.c
%C%_iceberg_out_LDADD = %D%/libiceberg-out.la $(ICEBERG_OUT_OWN) $(HOST_LIBS) $(ICEBERG_OUT_LIBS)

pkglib_LTLIBRARIES += %D%/iceberg-out-stage.la
%C%_iceberg_out_stage_la_SOURCES =
%C%_iceberg_out_stage_la_LIBADD = %D%/libiceberg-out.la $(ICEBERG_OUT_OWN) libcommon/json/libjson.la libcommon/base/libbase.la $(ICEBERG_OUT_LIBS)
%C%_iceberg_out_stage_la_LDFLAGS = $(MODULE_FLAGS)

noinst_LTLIBRARIES += %D%/libcolumns.la
%C%_libcolumns_la_CFLAGS = $(AM_CFLAGS) $(XXHASH_CFLAGS)
%C%_libcolumns_la_SOURCES = %D%/convert.c %D%/convert.h %D%/members.c %D%/members.h %D%/nested.c %D%/nested.h %D%/shred.c %D%/shred.h \
	%D%/files.c %D%/files.h

check_PROGRAMS += tests/interop/shred_parquet
EXTRA_DIST += tests/interop/parquet_check.py
tests_interop_shred_parquet_SOURCES = tests/interop/shred_parquet.c tests/unit/columns.h
tests_interop_shred_parquet_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools/iceberg-out
tests_interop_shred_parquet_LDADD = tools/iceberg-out/libcolumns.la libcommon/parquet/libparquet.la libcommon/json/libjson.la \
	libcommon/base/libbase.la $(ZSTD_LIBS) $(ZLIB_LIBS) -lm

unit_tests += tests/unit/shred
tests_unit_shred_SOURCES = tests/unit/shred.c tests/unit/columns.h
tests_unit_shred_CPPFLAGS = $(tests_interop_shred_parquet_CPPFLAGS)
tests_unit_shred_CFLAGS = $(UNIT_CFLAGS)
tests_unit_shred_LDADD = $(tests_interop_shred_parquet_LDADD) $(CMOCKA_LIBS)
unit_tests += tests/unit/files
tests_unit_files_SOURCES = tests/unit/files.c tests/unit/columns.h
tests_unit_files_CPPFLAGS = $(tests_interop_shred_parquet_CPPFLAGS)
tests_unit_files_CFLAGS = $(UNIT_CFLAGS)
tests_unit_files_LDADD = $(tests_unit_shred_LDADD)
dist_man_MANS += man/iceberg-out.1
e2e_tests += tests/e2e/iceberg-out.t
EXTRA_DIST += tests/interop/iceberg_out.py

unit_tests += tests/unit/iceberg_feed
tests_unit_iceberg_feed_SOURCES = tests/unit/iceberg_feed.c
tests_unit_iceberg_feed_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools/iceberg-out
tests_unit_iceberg_feed_CFLAGS = $(UNIT_CFLAGS)
tests_unit_iceberg_feed_LDADD = tools/iceberg-out/libiceberg-out.la $(ICEBERG_OUT_OWN) libcommon/json/libjson.la libcommon/base/libbase.la \
	$(CMOCKA_LIBS) $(ICEBERG_OUT_LIBS)
