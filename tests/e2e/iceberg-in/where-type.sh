# A value that is none of the column's type is a usage error that names both.
"$top_builddir"/tests/lib/iceberg_table "$PWD"
export WEIR_CATALOG="sqlite:$PWD/catalog.db"
iceberg-in --table db.orders --where 'amount > much'
