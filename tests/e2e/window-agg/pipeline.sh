# Behind dedupe: duplicates do not count; rows go on to the next stage.
cat >events <<'END'
{"id":1,"t":1,"v":0.5}
{"id":1,"t":1,"v":0.5}
{"id":2,"t":2,"v":0.25}
{"id":3,"t":63,"v":9007199254740993}
END
pipe 'dedupe -k id | window-agg --time t:s --size 1m --agg "v=sum(v)" | dedupe -k v' <events
