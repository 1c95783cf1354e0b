bin_PROGRAMS += %D%/weir
%C%_weir_SOURCES = %D%/main.c %D%/command.h %D%/module.c %D%/module.h %D%/pipeline.c %D%/pipeline.h %D%/launch.c %D%/launch.h %D%/run.c \
	%D%/supervise.c %D%/supervise.h %D%/receipts.c %D%/receipts.h %D%/begin.c %D%/begin.h %D%/restart.c %D%/restart.h \
	%D%/marks.c %D%/marks.h %D%/frame.c %D%/frame.h %D%/foreign.c %D%/foreign.h %D%/wrap.c %D%/wrap-source.c %D%/wrap.h \
	%D%/strip.c %D%/doctor.c %D%/demo.c \
	%D%/top.c %D%/table.c %D%/table.h %D%/watch.c %D%/watch.h %D%/prometheus.c %D%/prometheus.h \
	%D%/state.c %D%/state.h %D%/state_files.c
%C%_weir_CPPFLAGS = $(AM_CPPFLAGS) -DPKGLIBDIR='"$(pkglibdir)"' -DPKGDATADIR='"$(pkgdatadir)"'
%C%_weir_LDADD = $(HOST_LIBS)

unit_tests += tests/unit/pipeline
tests_unit_pipeline_SOURCES = tests/unit/pipeline.c tests/unit/folder.h %D%/pipeline.c %D%/pipeline.h
tests_unit_pipeline_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%
tests_unit_pipeline_CFLAGS = $(UNIT_CFLAGS)
tests_unit_pipeline_LDADD = libcommon/base/libbase.la $(CMOCKA_LIBS)
