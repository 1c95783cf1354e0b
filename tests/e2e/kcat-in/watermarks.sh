# The watermark is that of the slowest partition, less --out-of-order; empty partitions and the far future do not count.
. "$cases/broker"
cat >records <<'END'
{"partition":0,"value":"{\"t\":\"2026-01-01T00:10:00Z\"}"}
{"partition":0,"value":"{\"t\":\"2026-01-01T02:00:00Z\"}"}
{"partition":0,"value":"{\"t\":\"2999-01-01T00:00:00Z\"}"}
{"partition":1,"value":"{\"t\":\"2026-01-01T00:20:00Z\"}"}
{"partition":1,"value":"no event, no time"}
END
start_broker --records records --partitions 3
"$top_builddir/tools/kcat-in/kcat-in" --control -b "$addr" -t events -e --time t --out-of-order 1m --max-drift 0s -r rejects >out
sed -n 's/.*"k":"wm".*"ts":"\([^"]*\)".*/\1/p' out | tail -n 1
kcat-in --plain -b "$addr" -t events -e -p 0 -c 1 --time t:ms
