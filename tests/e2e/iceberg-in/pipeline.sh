# Its rows are events like any others.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
pipe "iceberg-in --table db.orders --limit 7 | validate --check '.id > 5'" 2>/dev/null
