. "$cases/broker"
printf '{"topic":"%s","value":"{}"}\n' orders orders-eu payments >records
start_broker --records records --partitions 1
hide kcat-in --plain -b "$addr" -t order -e
