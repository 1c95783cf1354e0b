noinst_LTLIBRARIES += %D%/libnet.la
%C%_libnet_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
%C%_libnet_la_SOURCES = %D%/http.c %D%/http.h %D%/retry.c %D%/retry.h %D%/google.c %D%/google.h %D%/google_parts.h %D%/google_file.c \
	%D%/google_jwt.c %D%/google_ask.c %D%/google_token.c %D%/google_external.c %D%/google_metadata.c

# What a tool that speaks HTTP links behind libnet.la and libbase.la.
NET_LIBS = $(CURL_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)

unit_tests += tests/unit/http tests/unit/retry tests/unit/google
tests_unit_http_SOURCES = tests/unit/http.c tests/unit/server.h tests/unit/folder.h
tests_unit_http_CFLAGS = $(UNIT_CFLAGS) $(SSL_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_http_LDADD = libcommon/net/libnet.la libcommon/base/libbase.la $(NET_LIBS) $(SSL_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
tests_unit_retry_SOURCES = tests/unit/retry.c
tests_unit_retry_CFLAGS = $(UNIT_CFLAGS)
tests_unit_retry_LDADD = libcommon/net/libnet.la $(CMOCKA_LIBS)
tests_unit_google_SOURCES = tests/unit/google.c tests/unit/server.h tests/unit/folder.h
tests_unit_google_CFLAGS = $(UNIT_CFLAGS) $(SSL_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_google_LDADD = libcommon/net/libnet.la libcommon/base/libbase.la $(NET_LIBS) $(SSL_LIBS) $(CMOCKA_LIBS)
tests_unit_google_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime,--wrap=clock_nanosleep
