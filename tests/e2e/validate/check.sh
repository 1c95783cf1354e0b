# --check: every expression must be true; an error in one is a reject too.
validate -q --check '.a > 0' --check 'has("b") | not' --check '.c | length < 3' --max-rejects 9 -r rejects.ndjson <<'E'
{"a":1,"c":"x"}
{"a":0}
{"a":1,"b":null}
{"a":1,"c":"long"}
{"a":1,"c":true}
{"a":"text","c":[]}
E
jq -r '"\(.code)\t\(.message)"' rejects.ndjson
