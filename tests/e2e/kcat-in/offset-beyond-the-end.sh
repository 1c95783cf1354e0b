. "$cases/broker"
echo '{"value":"{}"}' >records
start_broker --records records --partitions 1
kcat-in --plain -b "$addr" -t events -e -o 2
