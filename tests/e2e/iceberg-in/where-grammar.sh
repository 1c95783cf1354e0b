# What is no list of comparisons.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --where 'id = 1 or id = 2'
