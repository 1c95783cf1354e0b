noinst_LTLIBRARIES += %D%/libjson.la
%C%_libjson_la_SOURCES = %D%/path.c %D%/path.h %D%/scan.c %D%/scan.h %D%/scan_next.c %D%/lexeme.h %D%/value.c %D%/value.h %D%/number.c %D%/number.h %D%/emit.c %D%/emit.h

unit_tests += tests/unit/scan tests/unit/value
tests_unit_scan_SOURCES = tests/unit/scan.c tests/unit/shared.h
tests_unit_scan_CFLAGS = $(UNIT_CFLAGS)
tests_unit_scan_LDADD = libcommon/json/libjson.la libcommon/base/libbase.la $(CMOCKA_LIBS)
tests_unit_value_SOURCES = tests/unit/value.c
tests_unit_value_CFLAGS = $(UNIT_CFLAGS)
tests_unit_value_LDADD = $(tests_unit_scan_LDADD)
