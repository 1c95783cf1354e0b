TEST_EXTENSIONS = .t
TEST_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TEST_LOG_DRIVER)
T_LOG_DRIVER = $(TEST_LOG_DRIVER)
T_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; CMOCKA_MESSAGE_OUTPUT=TAP; \
	export top_srcdir top_builddir CMOCKA_MESSAGE_OUTPUT;

check_PROGRAMS += $(unit_tests)
tests/e2e/weir.log: tests/fault/replay.la
tests/terminal.log: tests/fault/replay.la
e2e_tests += tests/terminal.t tests/layers.t tests/man.t tests/broken.t tests/golden.t tests/e2e/weir.t
TESTS += $(unit_tests) $(e2e_tests)
EXTRA_DIST += $(e2e_tests)
