ENRICH_CORE = %D%/lookup.c %D%/lookup.h %D%/load.c %D%/load.h %D%/rows.c %D%/rows.h %D%/csv.c %D%/csv.h \
	%D%/lookup-csv.c %D%/lookup-ndjson.c %D%/lookup-sqlite.c

noinst_LTLIBRARIES += %D%/libenrich.la
%C%_libenrich_la_SOURCES = %D%/enrich.c $(ENRICH_CORE)

ENRICH_LAYERS = libcommon/expr/libexpr.la libcommon/json/libjson.la libcommon/base/libbase.la $(SQLITE_LIBS) $(JQ_LIBS)

bin_PROGRAMS += %D%/enrich
%C%_enrich_SOURCES = %D%/main.c
%C%_enrich_LDADD = %D%/libenrich.la libcommon/expr/libexpr.la $(HOST_LIBS) $(SQLITE_LIBS) $(JQ_LIBS)

pkglib_LTLIBRARIES += %D%/enrich-stage.la
%C%_enrich_stage_la_SOURCES =
%C%_enrich_stage_la_LIBADD = %D%/libenrich.la $(ENRICH_LAYERS)
%C%_enrich_stage_la_LDFLAGS = $(MODULE_FLAGS)

unit_tests += tests/unit/csv tests/unit/lookup
tests_unit_csv_SOURCES = tests/unit/csv.c tools/enrich/csv.c
tests_unit_csv_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools/enrich
tests_unit_csv_CFLAGS = $(UNIT_CFLAGS)
tests_unit_csv_LDADD = libcommon/base/libbase.la $(CMOCKA_LIBS)
tests_unit_lookup_SOURCES = tests/unit/lookup.c $(ENRICH_CORE)
tests_unit_lookup_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools/enrich
tests_unit_lookup_CFLAGS = $(UNIT_CFLAGS)
tests_unit_lookup_LDADD = $(ENRICH_LAYERS) $(CMOCKA_LIBS)

dist_man_MANS += man/enrich.1
e2e_tests += tests/e2e/enrich.t
