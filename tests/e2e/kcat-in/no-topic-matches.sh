. "$cases/broker"
echo '{"value":"{}"}' >records
start_broker --records records --partitions 1
hide kcat-in --plain -b "$addr" -t '^nothing' -e
