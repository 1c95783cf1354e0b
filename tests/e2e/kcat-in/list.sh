. "$cases/broker"
printf '{"topic":"%s","value":"{}"}\n' orders clicks >records
start_broker --records records --partitions 2
hide kcat-in -L -b "$addr" -t orders | sed "s/$addr/BROKER/g"
