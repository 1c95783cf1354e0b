# Without options the stage only passes; the host has been strict already.
validate -r rejects.ndjson --max-rejects 9 <<'E'
{"a":1}
{"a":1,}
[1]
{"a":"\ud800"}
{"b":1,"b":2}
{"c":3}
E
jq -r '.code' rejects.ndjson
