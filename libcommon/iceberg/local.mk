noinst_LTLIBRARIES += %D%/libiceberg.la
%C%_libiceberg_la_SOURCES = %D%/schema.c %D%/schema.h %D%/datum.c %D%/datum.h %D%/transform.c %D%/transform.h %D%/spec.c
%C%_libiceberg_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
