VALIDATE_META = %D%/metaschemas/draft-07.json %D%/metaschemas/draft2020-12/schema.json %D%/metaschemas/draft2020-12/meta/applicator.json \
	%D%/metaschemas/draft2020-12/meta/content.json %D%/metaschemas/draft2020-12/meta/core.json \
	%D%/metaschemas/draft2020-12/meta/format-annotation.json %D%/metaschemas/draft2020-12/meta/format-assertion.json \
	%D%/metaschemas/draft2020-12/meta/meta-data.json %D%/metaschemas/draft2020-12/meta/unevaluated.json \
	%D%/metaschemas/draft2020-12/meta/validation.json
EXTRA_DIST += $(VALIDATE_META) %D%/metaschemas.awk %D%/metaschemas/README %D%/idna_table.py
CLEANFILES += %D%/metaschemas.c

%D%/metaschemas.c: %D%/metaschemas.awk $(VALIDATE_META)
	$(AM_V_GEN)$(MKDIR_P) %D% && (cd $(srcdir) && LC_ALL=C $(AWK) -f %D%/metaschemas.awk $(VALIDATE_META)) >$@.tmp && mv $@.tmp $@

noinst_LTLIBRARIES += %D%/libschema.la
%C%_libschema_la_CPPFLAGS = -I$(srcdir)/%D% $(AM_CPPFLAGS)
%C%_libschema_la_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS)
%C%_libschema_la_SOURCES = %D%/dec.c %D%/dec.h %D%/doc.c %D%/doc.h %D%/format.c %D%/format.h %D%/format_host.c %D%/format_idn.c %D%/idna_table.c %D%/format_int.h %D%/format_uri.c %D%/names.c %D%/names.h \
	%D%/regex.c %D%/regex.h %D%/schema.c %D%/jsonschema.h %D%/schema_columns.c %D%/schema_compile.c %D%/schema_eval.c %D%/schema_fault.c %D%/schema_int.h \
	%D%/schema_load.c %D%/uri.c %D%/uri.h
nodist_%C%_libschema_la_SOURCES = %D%/metaschemas.c

unit_tests += tests/unit/schema_suite
tests_unit_schema_suite_SOURCES = tests/unit/schema_suite.c tests/unit/shared.h
tests_unit_schema_suite_CPPFLAGS = -I$(srcdir)/%D% $(AM_CPPFLAGS)
tests_unit_schema_suite_CFLAGS = $(UNIT_CFLAGS)
tests_unit_schema_suite_LDADD = %D%/libschema.la libcommon/json/libjson.la libcommon/base/libbase.la $(PCRE2_LIBS) $(CMOCKA_LIBS)

noinst_LTLIBRARIES += %D%/libvalidate.la
%C%_libvalidate_la_CPPFLAGS = -I$(srcdir)/%D% $(AM_CPPFLAGS)
%C%_libvalidate_la_SOURCES = %D%/validate.c %D%/source.c %D%/source.h

VALIDATE_LAYERS = %D%/libschema.la libcommon/expr/libexpr.la libcommon/json/libjson.la libcommon/base/libbase.la $(PCRE2_LIBS) $(JQ_LIBS)

bin_PROGRAMS += %D%/validate
%C%_validate_SOURCES = %D%/main.c
%C%_validate_LDADD = %D%/libvalidate.la %D%/libschema.la libcommon/expr/libexpr.la $(HOST_LIBS) $(PCRE2_LIBS) $(JQ_LIBS)

pkglib_LTLIBRARIES += %D%/validate-stage.la
%C%_validate_stage_la_SOURCES =
%C%_validate_stage_la_LIBADD = %D%/libvalidate.la $(VALIDATE_LAYERS)
%C%_validate_stage_la_LDFLAGS = $(MODULE_FLAGS)

dist_man_MANS += man/validate.1
e2e_tests += tests/e2e/validate.t

unit_tests += tests/unit/schema
tests_unit_schema_SOURCES = tests/unit/schema.c
tests_unit_schema_CPPFLAGS = -I$(srcdir)/%D% $(AM_CPPFLAGS)
tests_unit_schema_CFLAGS = $(UNIT_CFLAGS)
tests_unit_schema_LDADD = $(tests_unit_schema_suite_LDADD)
