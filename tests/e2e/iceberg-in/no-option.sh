# --table is required.
iceberg-in
