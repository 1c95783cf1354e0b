noinst_LTLIBRARIES += %D%/libparquet.la
%C%_libparquet_la_SOURCES = %D%/column.c %D%/column.h
