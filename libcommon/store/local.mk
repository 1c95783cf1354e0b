noinst_LTLIBRARIES += %D%/libstore.la
%C%_libstore_la_SOURCES = %D%/store.c %D%/store.h %D%/local.c %D%/local.h
