# A data file that was cut off is named, and nothing of it comes out.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
truncate -s 100 eu.parquet
iceberg-in --table db.orders 2>err
code=$?
sed "s|$PWD|.|" err >&2
exit $code
