noinst_LTLIBRARIES += %D%/libsink.la
%C%_libsink_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_libsink_la_SOURCES = %D%/account.c %D%/account.h %D%/position.c %D%/position.h %D%/receipt.c %D%/receipt.h %D%/shape.c %D%/shape.h

SINK_TEST_LIBS = %D%/libsink.la libcommon/json/libjson.la libcommon/base/libbase.la $(JANSSON_LIBS) $(CMOCKA_LIBS)
unit_tests += tests/unit/account
tests_unit_account_SOURCES = tests/unit/account.c
tests_unit_account_CFLAGS = $(UNIT_CFLAGS)
tests_unit_account_LDADD = $(SINK_TEST_LIBS)
