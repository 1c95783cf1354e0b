noinst_LTLIBRARIES += %D%/libstate.la
%C%_libstate_la_SOURCES = %D%/publish.c %D%/publish.h %D%/token.c %D%/token.h %D%/dir.c %D%/dir.h %D%/snapshot.c %D%/snapshot.h \
	%D%/chain.c %D%/chain.h %D%/gc.c %D%/gc.h %D%/stats.c %D%/stats.h

STATE_TEST_LIBS = libcommon/state/libstate.la libcommon/json/libjson.la libcommon/base/libbase.la $(JANSSON_LIBS) $(ZSTD_LIBS) $(CMOCKA_LIBS)
unit_tests += tests/unit/publish tests/unit/token tests/unit/dir tests/unit/snapshot tests/unit/stats tests/unit/chain
tests_unit_publish_SOURCES = tests/unit/publish.c tests/unit/folder.h
tests_unit_publish_CFLAGS = $(UNIT_CFLAGS)
tests_unit_publish_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat,--wrap=openat64,--wrap=fsync,--wrap=write
tests_unit_publish_LDADD = $(STATE_TEST_LIBS)
tests_unit_token_SOURCES = tests/unit/token.c
tests_unit_token_CFLAGS = $(UNIT_CFLAGS)
tests_unit_token_LDADD = $(STATE_TEST_LIBS)
tests_unit_dir_SOURCES = tests/unit/dir.c tests/unit/folder.h
tests_unit_dir_CFLAGS = $(UNIT_CFLAGS)
tests_unit_dir_LDADD = $(STATE_TEST_LIBS)
tests_unit_snapshot_SOURCES = tests/unit/snapshot.c tests/unit/folder.h
tests_unit_snapshot_CFLAGS = $(UNIT_CFLAGS)
tests_unit_snapshot_LDADD = $(STATE_TEST_LIBS)
tests_unit_chain_SOURCES = tests/unit/chain.c tests/unit/folder.h
tests_unit_chain_CFLAGS = $(UNIT_CFLAGS)
tests_unit_chain_LDADD = $(STATE_TEST_LIBS)
unit_tests += tests/unit/gc
tests_unit_gc_SOURCES = tests/unit/gc.c tests/unit/folder.h
tests_unit_gc_CFLAGS = $(UNIT_CFLAGS)
tests_unit_gc_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat,--wrap=unlinkat
tests_unit_gc_LDADD = $(STATE_TEST_LIBS)
tests_unit_stats_SOURCES = tests/unit/stats.c tests/unit/folder.h
tests_unit_stats_CFLAGS = $(UNIT_CFLAGS)
tests_unit_stats_LDADD = $(STATE_TEST_LIBS)
