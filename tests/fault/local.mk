# What `make fault` needs beside the tools: a source that replays files, and what makes calls go wrong.
check_LTLIBRARIES += %D%/replay.la %D%/fault.la
%C%_replay_la_SOURCES = %D%/replay.c
%C%_replay_la_LIBADD = libcommon/json/libjson.la libcommon/base/libbase.la $(JANSSON_LIBS)
%C%_replay_la_LDFLAGS = $(MODULE_FLAGS) -rpath /nowhere
%C%_fault_la_SOURCES = %D%/fault.c %D%/fault.h %D%/trap.c %D%/trap.h %D%/ops.c
%C%_fault_la_CFLAGS = -O2 -g -Wall -Wextra
%C%_fault_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere

# Answers that are lost, for tests/fault/catalog; preloaded, so it shares nothing with what it tests.
check_LTLIBRARIES += %D%/lost.la
%C%_lost_la_SOURCES = %D%/lost.c
%C%_lost_la_LIBADD = -ldl
%C%_lost_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

if RDKAFKA
check_PROGRAMS += %D%/mock_errors
tests_fault_mock_errors_SOURCES = %D%/mock_errors.c
tests_fault_mock_errors_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS)
tests_fault_mock_errors_LDADD = $(RDKAFKA_LIBS)
endif
EXTRA_DIST += %D%/brokers %D%/kafka_cluster.py %D%/kafka_pipeline.py %D%/bigquery %D%/bigquery_pipeline.py
