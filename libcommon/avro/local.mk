noinst_LTLIBRARIES += %D%/libavro.la
%C%_libavro_la_SOURCES = %D%/avro.c %D%/avro.h %D%/ocf.c %D%/ocf.h
%C%_libavro_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(ZLIB_CFLAGS)
