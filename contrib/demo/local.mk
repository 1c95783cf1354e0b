if RDKAFKA
pkglibexec_PROGRAMS = %D%/weir-demo-broker
%C%_weir_demo_broker_SOURCES = %D%/broker.c %D%/events.c %D%/events.h %D%/records.c %D%/records.h
%C%_weir_demo_broker_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_weir_demo_broker_LDADD = libcommon/base/libbase.la $(RDKAFKA_LIBS) $(JANSSON_LIBS)
endif
dist_pkgdata_DATA = %D%/events.schema.json
