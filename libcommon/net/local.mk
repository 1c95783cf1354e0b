noinst_LTLIBRARIES += %D%/libnet.la
%C%_libnet_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
%C%_libnet_la_SOURCES = %D%/http.c %D%/http.h %D%/retry.c %D%/retry.h %D%/google.h

# What a tool that speaks HTTP links behind libnet.la.
NET_LIBS = $(CURL_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)
