# What `make fault` needs beside the tools: a source that replays files.
check_LTLIBRARIES += %D%/replay.la
%C%_replay_la_SOURCES = %D%/replay.c
%C%_replay_la_LIBADD = libcommon/json/libjson.la libcommon/base/libbase.la $(JANSSON_LIBS)
%C%_replay_la_LDFLAGS = $(MODULE_FLAGS) -rpath /nowhere
