# The protocol's model: every state within small bounds, and each wrong variant found wrong.  tests/model/model -v shows the ways there.
check_PROGRAMS += %D%/model
TESTS += %D%/model
%C%_model_SOURCES = %D%/model.c %D%/model.h %D%/search.c %D%/search.h %D%/protocol.c %D%/fan.c
%C%_model_LDADD =
if SANITIZE
# Millions of states, and no memory but the table's: a sanitizer would find nothing, and take five times as long.
%C%_model_CFLAGS = $(AM_CFLAGS) -fno-sanitize=all
endif
