if RDKAFKA
KCAT_IN_CORE = %D%/options.c %D%/options.h %D%/offsets.c %D%/offsets.h %D%/watermark.c %D%/watermark.h %D%/payload.c %D%/payload.h
KCAT_IN_LAYERS = libcommon/json/libjson.la libcommon/base/libbase.la $(RDKAFKA_LIBS) $(JANSSON_LIBS)

noinst_LTLIBRARIES += %D%/libkcat-in.la
%C%_libkcat_in_la_SOURCES = %D%/kcat-in.c %D%/source.h %D%/consume.c %D%/broker.c %D%/broker.h %D%/topics.c %D%/conf.c %D%/conf.h \
	%D%/meta.c %D%/marks.c %D%/list.c $(KCAT_IN_CORE)
%C%_libkcat_in_la_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS) $(JANSSON_CFLAGS)

bin_PROGRAMS += %D%/kcat-in
%C%_kcat_in_SOURCES = %D%/main.c
%C%_kcat_in_LDADD = %D%/libkcat-in.la $(HOST_LIBS) $(KCAT_IN_LAYERS)

pkglib_LTLIBRARIES += %D%/kcat-in-stage.la
%C%_kcat_in_stage_la_SOURCES =
%C%_kcat_in_stage_la_LIBADD = %D%/libkcat-in.la $(KCAT_IN_LAYERS)
%C%_kcat_in_stage_la_LDFLAGS = $(MODULE_LDFLAGS)
endif
include contrib/demo/local.mk
