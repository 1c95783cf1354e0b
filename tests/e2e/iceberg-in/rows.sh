# All rows, the oldest commit first; decimals keep their digits, nulls are nulls.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders
