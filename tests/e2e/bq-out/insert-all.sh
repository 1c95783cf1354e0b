# Rows at once: what BigQuery refuses is a reject, what it stopped or could not take just now is sent again.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_table d.t id:INTEGER:REQUIRED,s:STRING
for i in 1 2 3 4 5 6 7 8 9; do echo "{\"id\":$i,\"s\":\"x\"}"; done >events
out="bq-out -q --plain --mode insert-all --table p.d.t --request-rows 4"
pipe "validate | $out" <events | sed 's|"acct":{.*}},||'
bq_rows d.t | wc -l
echo '-- a column that BigQuery does not have any more'
bq_ask /_faults '[{"match":{"path":"insertAll"},"action":"status","status":200,"times":1,"type":"application/json","body":"{\"insertErrors\":[{\"index\":1,\"errors\":[{\"reason\":\"invalid\",\"location\":\"s\",\"message\":\"no such field: s.\"}]},{\"index\":0,\"errors\":[{\"reason\":\"stopped\"}]}]}"}]' >/dev/null
pipe "validate | $out -r rejects --max-rejects 100% --request-rows 2" <events | sed 's|"acct":{.*}},||'
sed 's/"run":"[^"]*"/"run":"RUN"/' rejects
echo '-- busy, then there'
bq_ask /_faults '[{"match":{"path":"insertAll"},"action":"status","status":503,"times":2}]' >/dev/null
pipe "validate | $out" <events | sed 's|"acct":{.*}},||'
echo '-- what it cannot promise'
pipe "validate | $out --batch-id x" <events 2>&1
echo "exit $?"
pipe "validate | $out --write truncate" <events 2>&1
echo "exit $?"
