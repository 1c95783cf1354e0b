# Nothing was there yet: 82 with the oldest there is.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --as-of 2025-12-31
