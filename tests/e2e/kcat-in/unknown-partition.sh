. "$cases/broker"
echo '{"value":"{}"}' >records
start_broker --records records --partitions 2
kcat-in --plain -b "$addr" -t events -p 1-7 -e
kcat-in --plain -b "$addr" -t events -p 2 -e
