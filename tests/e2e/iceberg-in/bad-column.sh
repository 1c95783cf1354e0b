# An unknown column names those there are.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --columns id,price
