# Records without value can be passed over; then they are no rejects.
. "$cases/broker"
printf '%s\n' '{"value":"{\"n\":1}"}' '{"key":"k","value":null}' '{"value":"{\"n\":2}"}' >records
start_broker --records records --partitions 1
kcat-in --plain -b "$addr" -t events -e --tombstones skip
