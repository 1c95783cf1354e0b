noinst_LTLIBRARIES += %D%/libdedupe.la
%C%_libdedupe_la_SOURCES = %D%/dedupe.c %D%/keys.c %D%/keys.h %D%/seen.c %D%/seen.h

DEDUPE_LAYERS = libcommon/json/libjson.la libcommon/base/libbase.la

bin_PROGRAMS += %D%/dedupe
%C%_dedupe_SOURCES = %D%/main.c
%C%_dedupe_LDADD = %D%/libdedupe.la $(HOST_LIBS)

pkglib_LTLIBRARIES += %D%/dedupe-stage.la
%C%_dedupe_stage_la_SOURCES =
%C%_dedupe_stage_la_LIBADD = %D%/libdedupe.la $(DEDUPE_LAYERS)
%C%_dedupe_stage_la_LDFLAGS = $(MODULE_FLAGS)

unit_tests += tests/unit/seen
tests_unit_seen_SOURCES = tests/unit/seen.c tools/dedupe/seen.c
tests_unit_seen_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools/dedupe
tests_unit_seen_CFLAGS = $(UNIT_CFLAGS)
tests_unit_seen_LDADD = $(CMOCKA_LIBS)

dist_man_MANS += man/dedupe.1
e2e_tests += tests/e2e/dedupe.t
