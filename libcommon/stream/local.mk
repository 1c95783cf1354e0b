noinst_LTLIBRARIES += %D%/libstream.la
%C%_libstream_la_SOURCES = %D%/lines.c %D%/lines.h %D%/out.c %D%/out.h %D%/control.c %D%/control.h \
	%D%/side.c %D%/side.h %D%/batch.c %D%/batch.h %D%/host.c %D%/host.h %D%/services.c %D%/reject.c %D%/epoch.c %D%/keep.c %D%/run.c %D%/reader.c \
	%D%/meter.c %D%/meter.h %D%/progress.c %D%/progress.h %D%/main.c %D%/weir-main.h

# What an executable links besides its stage; the stage's own layers follow it.
HOST_LIBS = libcommon/stream/libstream.la libcommon/sink/libsink.la libcommon/state/libstate.la libcommon/json/libjson.la libcommon/base/libbase.la \
	$(JANSSON_LIBS) $(ZSTD_LIBS)

STREAM_TEST_LIBS = $(HOST_LIBS) $(CMOCKA_LIBS)
unit_tests += tests/unit/lines tests/unit/control tests/unit/side tests/unit/batch
tests_unit_lines_SOURCES = tests/unit/lines.c
tests_unit_lines_CFLAGS = $(UNIT_CFLAGS)
tests_unit_lines_LDADD = $(STREAM_TEST_LIBS)
tests_unit_control_SOURCES = tests/unit/control.c
tests_unit_control_CFLAGS = $(UNIT_CFLAGS)
tests_unit_control_LDADD = $(STREAM_TEST_LIBS)
tests_unit_side_SOURCES = tests/unit/side.c tests/unit/folder.h
tests_unit_side_CFLAGS = $(UNIT_CFLAGS)
tests_unit_side_LDADD = $(STREAM_TEST_LIBS)
tests_unit_batch_SOURCES = tests/unit/batch.c
tests_unit_batch_CFLAGS = $(UNIT_CFLAGS)
tests_unit_batch_LDADD = $(STREAM_TEST_LIBS)
