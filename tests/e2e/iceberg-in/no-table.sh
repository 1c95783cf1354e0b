# An unknown table names similar ones.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.order 2>err
code=$?
sed "s|$PWD|.|" err >&2
exit $code
