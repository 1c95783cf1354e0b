# No catalog anywhere.
iceberg-in --table db.orders
