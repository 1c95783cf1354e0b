noinst_LTLIBRARIES += %D%/libjson.la
%C%_libjson_la_SOURCES = %D%/path.c %D%/path.h %D%/scan.c %D%/scan.h %D%/value.c %D%/value.h %D%/number.c %D%/number.h %D%/emit.c %D%/emit.h
