noinst_LTLIBRARIES += %D%/libbase.la
%C%_libbase_la_SOURCES = %D%/fail.c %D%/fail.h %D%/buf.c %D%/buf.h %D%/human.c %D%/human.h %D%/iso.c %D%/iso.h %D%/opt.c %D%/opt.h %D%/arena.c %D%/arena.h \
	%D%/dirs.c %D%/dirs.h %D%/breakage.h

BASE_TEST_LIBS = libcommon/base/libbase.la $(CMOCKA_LIBS)
unit_tests += tests/unit/opt tests/unit/buf tests/unit/dirs
tests_unit_opt_SOURCES = tests/unit/opt.c
tests_unit_opt_CFLAGS = $(UNIT_CFLAGS)
tests_unit_opt_LDADD = $(BASE_TEST_LIBS)
tests_unit_buf_SOURCES = tests/unit/buf.c
tests_unit_buf_CFLAGS = $(UNIT_CFLAGS)
tests_unit_buf_LDADD = $(BASE_TEST_LIBS)
tests_unit_dirs_SOURCES = tests/unit/dirs.c
tests_unit_dirs_CFLAGS = $(UNIT_CFLAGS)
tests_unit_dirs_LDADD = $(BASE_TEST_LIBS)
