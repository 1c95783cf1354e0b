bin_PROGRAMS += %D%/weir
%C%_weir_SOURCES = %D%/main.c %D%/command.h %D%/module.c %D%/module.h %D%/pipeline.c %D%/pipeline.h %D%/launch.c %D%/launch.h %D%/run.c \
	%D%/wrap.c %D%/wrap.h %D%/doctor.c %D%/demo.c
%C%_weir_CPPFLAGS = $(AM_CPPFLAGS) -DPKGLIBDIR='"$(pkglibdir)"' -DPKGDATADIR='"$(pkgdatadir)"'
%C%_weir_LDADD = $(HOST_LIBS)
