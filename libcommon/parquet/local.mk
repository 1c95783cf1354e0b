noinst_LTLIBRARIES += %D%/libparquet.la
%C%_libparquet_la_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS) $(ZLIB_CFLAGS) $(XXHASH_CFLAGS)
%C%_libparquet_la_SOURCES = %D%/column.c %D%/column.h %D%/values.h %D%/thrift.c %D%/thrift.h %D%/encode.c %D%/encode.h \
	%D%/dictionary.c %D%/dictionary.h %D%/minmax.c %D%/minmax.h %D%/press.c %D%/press.h %D%/pages.c %D%/pages.h \
	%D%/footer.c %D%/footer.h %D%/write.c %D%/write.h %D%/gather.c %D%/gather.h

PARQUET_TEST_LIBS = libcommon/parquet/libparquet.la libcommon/base/libbase.la $(ZSTD_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS) -lm
unit_tests += tests/unit/parquet_encode tests/unit/parquet_write
tests_unit_parquet_encode_SOURCES = tests/unit/parquet_encode.c tests/unit/columns.h
tests_unit_parquet_encode_CFLAGS = $(UNIT_CFLAGS)
tests_unit_parquet_encode_LDADD = $(PARQUET_TEST_LIBS)
tests_unit_parquet_write_SOURCES = tests/unit/parquet_write.c tests/unit/columns.h
tests_unit_parquet_write_CFLAGS = $(UNIT_CFLAGS)
tests_unit_parquet_write_LDADD = $(PARQUET_TEST_LIBS)

# reading
%C%_libparquet_la_SOURCES += %D%/thrift_read.c %D%/thrift_read.h %D%/tail.c %D%/tail.h %D%/decode.c %D%/decode.h \
	%D%/uncompress.c %D%/uncompress.h %D%/chunk.c %D%/chunk.h %D%/show.c %D%/show.h %D%/read.c %D%/read.h

unit_tests += tests/unit/parquet_read
tests_unit_parquet_read_SOURCES = tests/unit/parquet_read.c
tests_unit_parquet_read_CFLAGS = $(UNIT_CFLAGS)
tests_unit_parquet_read_LDADD = %D%/libparquet.la libcommon/json/libjson.la libcommon/base/libbase.la $(ZSTD_LIBS) $(ZLIB_LIBS) \
	$(JANSSON_LIBS) $(CMOCKA_LIBS) -lm
