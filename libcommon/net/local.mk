noinst_LTLIBRARIES += %D%/libnet.la
%C%_libnet_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
%C%_libnet_la_SOURCES = %D%/http.c %D%/http.h %D%/retry.c %D%/retry.h %D%/google.h

# What a tool that speaks HTTP links behind libnet.la.
NET_LIBS = $(CURL_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)

unit_tests += tests/unit/http tests/unit/retry
tests_unit_http_SOURCES = tests/unit/http.c tests/unit/server.h tests/unit/folder.h
tests_unit_http_CFLAGS = $(UNIT_CFLAGS) $(SSL_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_http_LDADD = libcommon/net/libnet.la libcommon/base/libbase.la $(NET_LIBS) $(SSL_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
tests_unit_retry_SOURCES = tests/unit/retry.c
tests_unit_retry_CFLAGS = $(UNIT_CFLAGS)
tests_unit_retry_LDADD = libcommon/net/libnet.la $(CMOCKA_LIBS)
