# --meta adds where an event comes from, under _kafka or another key.
. "$cases/broker"
cat >records <<'END'
{"value":"{\"n\":1}","key":"k1","timestamp":1767225600000,"headers":{"trace":"7"}}
{"value":"{ }","timestamp":1767225600001}
END
start_broker --records records --partitions 1
kcat-in --plain -b "$addr" -t events -e --meta
kcat-in --plain -b "$addr" -t events -e --meta=origin
