# Needs $(JQ_LIBS), and libjson and libbase behind it.
noinst_LTLIBRARIES += %D%/libexpr.la
%C%_libexpr_la_SOURCES = %D%/expr.c %D%/expr.h %D%/native.c %D%/native.h

unit_tests += tests/unit/expr
tests_unit_expr_SOURCES = tests/unit/expr.c
tests_unit_expr_CFLAGS = $(UNIT_CFLAGS)
tests_unit_expr_LDADD = %D%/libexpr.la libcommon/json/libjson.la libcommon/base/libbase.la $(JQ_LIBS) $(CMOCKA_LIBS)
