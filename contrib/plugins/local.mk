# An example of a stage built by somebody else, out of tree; tests/plugin.t builds and runs it.
EXTRA_DIST += %D%/score.c
dist_man_MANS += man/weir-plugin.7
e2e_tests += tests/plugin.t
