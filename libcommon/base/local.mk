noinst_LTLIBRARIES += %D%/libbase.la
%C%_libbase_la_SOURCES = %D%/fail.c %D%/fail.h %D%/buf.c %D%/buf.h %D%/iso.c %D%/iso.h %D%/opt.c %D%/opt.h %D%/arena.c %D%/arena.h
