noinst_LTLIBRARIES += %D%/libstream.la
%C%_libstream_la_SOURCES = %D%/lines.c %D%/lines.h %D%/out.c %D%/out.h %D%/control.c %D%/control.h %D%/account.c %D%/account.h \
	%D%/side.c %D%/side.h %D%/batch.c %D%/batch.h %D%/host.c %D%/host.h %D%/reject.c %D%/epoch.c %D%/run.c \
	%D%/progress.c %D%/progress.h %D%/main.c %D%/weir-main.h

# What an executable links besides its stage; the stage's own layers follow it.
HOST_LIBS = libcommon/stream/libstream.la libcommon/state/libstate.la libcommon/json/libjson.la libcommon/base/libbase.la \
	$(JANSSON_LIBS) $(ZSTD_LIBS)
