# So is one that is missing.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
rm eu.parquet
iceberg-in --table db.orders 2>err
code=$?
sed "s|$PWD|.|" err >&2
exit $code
