noinst_LTLIBRARIES += %D%/libiceberg.la
%C%_libiceberg_la_SOURCES = %D%/schema.c %D%/schema.h %D%/datum.c %D%/datum.h %D%/transform.c %D%/transform.h %D%/spec.c \
	%D%/manifest.c %D%/manifest_read.c %D%/manifest.h %D%/metadata.c %D%/metadata.h %D%/table.c %D%/table.h %D%/plan.c %D%/plan.h \
	%D%/commit.c %D%/commit.h %D%/catalog.h %D%/catalog/catalog.c %D%/catalog/ops.h %D%/catalog/sqlite.c %D%/catalog/file.c
%C%_libiceberg_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(ZLIB_CFLAGS)

ICEBERG_TEST_LIBS = libcommon/iceberg/libiceberg.la libcommon/store/libstore.la libcommon/avro/libavro.la libcommon/json/libjson.la \
	libcommon/base/libbase.la $(CMOCKA_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) -lm

unit_tests += tests/unit/iceberg_vectors tests/unit/iceberg_commit
tests_unit_iceberg_vectors_SOURCES = tests/unit/iceberg_vectors.c tests/unit/shared.h
tests_unit_iceberg_vectors_CFLAGS = $(UNIT_CFLAGS)
tests_unit_iceberg_vectors_LDADD = $(ICEBERG_TEST_LIBS)
tests_unit_iceberg_commit_SOURCES = tests/unit/iceberg_commit.c
tests_unit_iceberg_commit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_iceberg_commit_LDADD = $(ICEBERG_TEST_LIBS)
