noinst_LTLIBRARIES += %D%/libwindow-agg.la
%C%_libwindow_agg_la_CPPFLAGS = $(AM_CPPFLAGS) $(XXHASH_CFLAGS)
%C%_libwindow_agg_la_SOURCES = %D%/aggregate.c %D%/aggregate.h %D%/bytes.h %D%/decimal.c %D%/decimal.h %D%/distinct.c %D%/edge.c %D%/extreme.c \
	%D%/event.c %D%/kept.c %D%/kept.h %D%/key.c %D%/key.h %D%/pane.c %D%/pane.h %D%/plan.c %D%/pool.c %D%/pool.h %D%/row.c \
	%D%/spec.c %D%/spec.h %D%/stage.h %D%/sum.c %D%/window-agg.c %D%/windows.c %D%/windows.h

WINDOW_AGG_LAYERS = libcommon/expr/libexpr.la libcommon/json/libjson.la libcommon/base/libbase.la
WINDOW_AGG_LIBS = $(JQ_LIBS) $(XXHASH_LIBS) -lm

bin_PROGRAMS += %D%/window-agg
%C%_window_agg_SOURCES = %D%/main.c
%C%_window_agg_LDADD = %D%/libwindow-agg.la libcommon/expr/libexpr.la $(HOST_LIBS) $(WINDOW_AGG_LIBS)

pkglib_LTLIBRARIES += %D%/window-agg-stage.la
%C%_window_agg_stage_la_SOURCES =
%C%_window_agg_stage_la_LIBADD = %D%/libwindow-agg.la $(WINDOW_AGG_LAYERS) $(WINDOW_AGG_LIBS)
%C%_window_agg_stage_la_LDFLAGS = $(MODULE_FLAGS)

dist_man_MANS += man/window-agg.1
e2e_tests += tests/e2e/window-agg.t

WINDOW_AGG_TEST_LIBS = %D%/libwindow-agg.la libcommon/json/libjson.la libcommon/base/libbase.la $(CMOCKA_LIBS) -lm
unit_tests += tests/unit/aggregate tests/unit/windows
tests_unit_aggregate_SOURCES = tests/unit/aggregate.c
tests_unit_aggregate_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%
tests_unit_aggregate_CFLAGS = $(UNIT_CFLAGS)
tests_unit_aggregate_LDADD = $(WINDOW_AGG_TEST_LIBS)
tests_unit_windows_SOURCES = tests/unit/windows.c
tests_unit_windows_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%
tests_unit_windows_CFLAGS = $(UNIT_CFLAGS)
tests_unit_windows_LDADD = $(WINDOW_AGG_TEST_LIBS)
