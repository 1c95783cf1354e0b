# The forms of -o and -p, and -c.
. "$cases/broker"
for n in 0 1 2 3 4; do
	printf '{"partition":0,"value":"{\\"n\\":%d}"}\n{"partition":1,"value":"{\\"m\\":%d}"}\n' $n $n
done >records
start_broker --records records --partitions 2
for o in beginning end 3 -2 -99; do
	echo "-o $o"
	kcat-in --plain -b "$addr" -t events -p 0 -e -o $o
done
echo "-p 1 -c 2"
kcat-in --plain -b "$addr" -t events -p 1 -c 2
echo "--shard 1/2"
kcat-in --plain -b "$addr" -t events --shard 1/2 -e
