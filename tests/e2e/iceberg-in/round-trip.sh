# What iceberg-out wrote, nested and with nulls, comes back as it was; and from one table into another.
export WEIR_CATALOG="sqlite:$PWD/w/catalog.db"
cat >in.ndjson <<'EOF'
{"id":9007199254740993,"a":[{"x":1.5,"t":["p",null]},null],"ts":"2026-01-01T00:00:00.123456Z","n":{"k":"v"}}
{"id":2,"a":[],"ts":null,"n":null}
EOF
iceberg-out -q --table geo.n --create --infer <in.ndjson >receipt.json
iceberg-in --plain --table geo.n | cmp - in.ndjson || iceberg-in --plain --table geo.n
pipe 'iceberg-in --table geo.n | iceberg-out -q --table geo.copy --create --infer' >receipt.json 2>err || cat err
iceberg-in --table geo.copy --columns id,n.k
