# The first rows, and no more.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --limit 2
