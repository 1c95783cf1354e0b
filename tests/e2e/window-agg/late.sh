# Late events go to --late as they came; --wait keeps windows open; an event is late when its window has closed, not when it is out of order.
cat >events <<'END'
{"t":"2026-01-01T00:00:10Z","n":1}
{"t":"2026-01-01T00:01:10Z","n":2}
{ "t" : "2026-01-01T00:00:20Z", "n":3}
{"t":"2026-01-01T00:01:05Z","n":4}
{"t":"2026-01-01T00:00:59.999Z","n":5}
END
window-agg --time t --size 1m --agg 'n=count()' --late late.ndjson <events
cat late.ndjson
window-agg --time t --size 1m --wait 10s --agg 'n=count()' --late late2.ndjson <events
cat late2.ndjson
window-agg --time t --size 1m --wait 11s --agg 'n=count()' --late late3.ndjson <events
test ! -e late3.ndjson
