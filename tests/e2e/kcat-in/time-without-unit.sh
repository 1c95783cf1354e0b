. "$cases/broker"
echo '{"value":"{\"ts\":1767225600000}"}' >records
start_broker --records records --partitions 1
kcat-in --plain -b "$addr" -t events -e --time ts
