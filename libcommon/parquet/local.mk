noinst_LTLIBRARIES += %D%/libparquet.la
%C%_libparquet_la_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS) $(ZLIB_CFLAGS) $(XXHASH_CFLAGS)
%C%_libparquet_la_SOURCES = %D%/column.c %D%/column.h %D%/values.h %D%/thrift.c %D%/thrift.h %D%/encode.c %D%/encode.h \
	%D%/dictionary.c %D%/dictionary.h %D%/minmax.c %D%/minmax.h %D%/press.c %D%/press.h %D%/pages.c %D%/pages.h \
	%D%/footer.c %D%/footer.h %D%/write.c %D%/write.h %D%/gather.c %D%/gather.h
