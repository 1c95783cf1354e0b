# --jq makes each event anew, after the members were added: a number keeps its digits, no output filters, an error rejects.
enrich --const x=1 --jq 'select(.drop | not) | if .bad then error("no good: \(.bad)") else .y = .x + 1 end' <<'END'
{"id":9007199254740993,"price":1.50}
{"drop":true}
{"bad":"apple"}
END
enrich --jq '.a, .b' <<'END'
{"a":{},"b":{}}
END
enrich --jq '.a' <<'END'
{"a":1}
END
enrich --jq '.a = ' </dev/null 2>/dev/null; echo $?
