#!/bin/sh
# What people see on a terminal: the progress line, and weir top; on pseudo terminals.
: "${top_srcdir:?}" "${top_builddir:?}"
if ! command -v python3 >/dev/null; then
	[ "${CI-}" != true ] || { echo 'Bail out! python3 is missing'; exit 1; }
	echo '1..0 # SKIP python3 is not here'
	exit 0
fi
for t in "$top_builddir"/tools/*/; do PATH=$t:$PATH; done
export PATH WEIR_MODULE_DIR="$top_builddir/modules" LC_ALL=C.UTF-8 TZ=UTC PYTHONDONTWRITEBYTECODE=1
unset WEIR_RUN WEIR_PIPELINE WEIR_STATE WEIR_RESUME WEIR_LAST WEIR_CATALOG WEIR_SUMMARY WEIR_CLOCK COLUMNS
exec python3 "$top_srcdir/tests/lib/terminal.py"
