noinst_LTLIBRARIES += %D%/libiceberg.la
%C%_libiceberg_la_SOURCES = %D%/schema.c %D%/schema.h %D%/datum.c %D%/datum.h %D%/transform.c %D%/transform.h %D%/spec.c \
	%D%/manifest.c %D%/manifest_read.c %D%/manifest.h %D%/metadata.c %D%/metadata.h %D%/table.c %D%/table.h %D%/plan.c %D%/plan.h \
	%D%/commit.c %D%/commit.h %D%/catalog.h %D%/catalog/catalog.c %D%/catalog/ops.h %D%/catalog/sqlite.c %D%/catalog/file.c
%C%_libiceberg_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(ZLIB_CFLAGS)
