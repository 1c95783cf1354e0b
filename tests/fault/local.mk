# What `make fault` needs beside the tools: a source that replays files.
check_LTLIBRARIES += %D%/replay.la
%C%_replay_la_SOURCES = %D%/replay.c
%C%_replay_la_LIBADD = libcommon/json/libjson.la libcommon/base/libbase.la $(JANSSON_LIBS)
%C%_replay_la_LDFLAGS = $(MODULE_FLAGS) -rpath /nowhere

# Answers that are lost, for tests/fault/catalog; preloaded, so it shares nothing with what it tests.
check_LTLIBRARIES += %D%/lost.la
%C%_lost_la_SOURCES = %D%/lost.c
%C%_lost_la_LIBADD = -ldl
%C%_lost_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
