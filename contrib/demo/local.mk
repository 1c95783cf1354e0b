if RDKAFKA
# The demo's broker is started by `weir demo`, quickstart and the tests, never typed.
pkglibexec_PROGRAMS = %D%/weir-demo-broker
%C%_weir_demo_broker_SOURCES = %D%/broker.c %D%/events.c %D%/events.h %D%/records.c %D%/records.h
%C%_weir_demo_broker_CFLAGS = $(AM_CFLAGS) $(RDKAFKA_CFLAGS) $(JANSSON_CFLAGS)
%C%_weir_demo_broker_LDADD = libcommon/base/libbase.la $(RDKAFKA_LIBS) $(JANSSON_LIBS)

unit_tests += tests/unit/demo_events
tests_unit_demo_events_SOURCES = tests/unit/demo_events.c %D%/events.c
tests_unit_demo_events_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/%D%
tests_unit_demo_events_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_demo_events_LDADD = libcommon/base/libbase.la $(JANSSON_LIBS) $(CMOCKA_LIBS)
endif
dist_pkgdata_DATA = %D%/events.schema.json
