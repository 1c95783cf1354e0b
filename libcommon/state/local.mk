noinst_LTLIBRARIES += %D%/libstate.la
%C%_libstate_la_SOURCES = %D%/publish.c %D%/publish.h %D%/token.c %D%/token.h %D%/dir.c %D%/dir.h %D%/snapshot.c %D%/snapshot.h
