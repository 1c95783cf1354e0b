if RDKAFKA
KCAT_IN_CORE = %D%/options.c %D%/options.h %D%/offsets.c %D%/offsets.h %D%/watermark.c %D%/watermark.h %D%/payload.c %D%/payload.h
KCAT_IN_LAYERS = libcommon/json/libjson.la libcommon/base/libbase.la $(RDKAFKA_LIBS) $(JANSSON_LIBS)

noinst_LTLIBRARIES += %D%/libkcat-in.la
%C%_libkcat_in_la_SOURCES = %D%/kcat-in.c %D%/source.h %D%/consume.c %D%/broker.c %D%/broker.h %D%/topics.c %D%/conf.c %D%/conf.h \
	%D%/meta.c %D%/lag.c %D%/marks.c %D%/list.c %D%/proof.c %D%/grow.c $(KCAT_IN_CORE)
%C%_libkcat_in_la_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS) $(JANSSON_CFLAGS)

bin_PROGRAMS += %D%/kcat-in
%C%_kcat_in_SOURCES = %D%/main.c
%C%_kcat_in_LDADD = %D%/libkcat-in.la $(HOST_LIBS) $(KCAT_IN_LAYERS)

pkglib_LTLIBRARIES += %D%/kcat-in-stage.la
%C%_kcat_in_stage_la_SOURCES =
%C%_kcat_in_stage_la_LIBADD = %D%/libkcat-in.la $(KCAT_IN_LAYERS)
%C%_kcat_in_stage_la_LDFLAGS = $(MODULE_FLAGS)

unit_tests += tests/unit/kcat_watermark tests/unit/kcat_options tests/unit/kcat_offsets tests/unit/kcat_payload
tests_unit_kcat_watermark_SOURCES = tests/unit/kcat_watermark.c %D%/watermark.c
tests_unit_kcat_watermark_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%
tests_unit_kcat_watermark_CFLAGS = $(UNIT_CFLAGS)
tests_unit_kcat_watermark_LDADD = $(CMOCKA_LIBS)
tests_unit_kcat_options_SOURCES = tests/unit/kcat_options.c %D%/options.c
tests_unit_kcat_options_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%
tests_unit_kcat_options_CFLAGS = $(UNIT_CFLAGS)
tests_unit_kcat_options_LDADD = libcommon/base/libbase.la $(CMOCKA_LIBS)
tests_unit_kcat_offsets_SOURCES = tests/unit/kcat_offsets.c %D%/offsets.c %D%/options.c
tests_unit_kcat_offsets_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%
tests_unit_kcat_offsets_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_kcat_offsets_LDADD = libcommon/base/libbase.la $(JANSSON_LIBS) $(CMOCKA_LIBS)
tests_unit_kcat_payload_SOURCES = tests/unit/kcat_payload.c %D%/payload.c
tests_unit_kcat_payload_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%
tests_unit_kcat_payload_CFLAGS = $(UNIT_CFLAGS)
tests_unit_kcat_payload_LDADD = libcommon/json/libjson.la libcommon/base/libbase.la $(CMOCKA_LIBS)

dist_man_MANS += man/kcat-in.1
e2e_tests += tests/e2e/kcat-in.t
endif
include contrib/demo/local.mk
