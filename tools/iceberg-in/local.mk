noinst_LTLIBRARIES += %D%/libiceberg-in.la
%C%_libiceberg_in_la_SOURCES = %D%/iceberg-in.c %D%/columns.c %D%/columns.h %D%/filter.c %D%/filter.h %D%/rows.c %D%/rows.h \
	%D%/report.c %D%/report.h
%C%_libiceberg_in_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

ICEBERG_IN_LAYERS = libcommon/iceberg/libiceberg.la libcommon/store/libstore.la libcommon/avro/libavro.la libcommon/parquet/libparquet.la \
	libcommon/json/libjson.la libcommon/base/libbase.la $(SQLITE_LIBS) $(JANSSON_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS) $(XXHASH_LIBS) $(CRYPTO_LIBS) -lm

bin_PROGRAMS += %D%/iceberg-in
%C%_iceberg_in_SOURCES = %D%/main.c
%C%_iceberg_in_LDADD = %D%/libiceberg-in.la $(HOST_LIBS) $(ICEBERG_IN_LAYERS)

pkglib_LTLIBRARIES += %D%/iceberg-in-stage.la
%C%_iceberg_in_stage_la_SOURCES =
%C%_iceberg_in_stage_la_LIBADD = %D%/libiceberg-in.la $(ICEBERG_IN_LAYERS)
%C%_iceberg_in_stage_la_LDFLAGS = $(MODULE_FLAGS)

unit_tests += tests/unit/iceberg_rows
tests_unit_iceberg_rows_SOURCES = tests/unit/iceberg_rows.c
tests_unit_iceberg_rows_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/%D%
tests_unit_iceberg_rows_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_iceberg_rows_LDADD = %D%/libiceberg-in.la $(ICEBERG_IN_LAYERS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/lib/iceberg_table
tests_lib_iceberg_table_SOURCES = tests/lib/iceberg_table.c
tests_lib_iceberg_table_LDADD = $(ICEBERG_IN_LAYERS)

dist_man_MANS += man/iceberg-in.1
e2e_tests += tests/e2e/iceberg-in.t
