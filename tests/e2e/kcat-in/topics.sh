# Several topics, by name and by expression.
. "$cases/broker"
for t in orders-eu orders-us clicks; do printf '{"topic":"%s","value":"{\\"from\\":\\"%s\\"}"}\n' $t $t; done >records
start_broker --records records --partitions 1
kcat-in --plain -b "$addr" -t orders-eu,clicks -e | sort
kcat-in --plain -b "$addr" -t '^orders-.*' -e | sort
kcat-in --plain -b "$addr" -t orders-eu -t orders-eu -e
