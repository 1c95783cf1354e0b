# Shards of another number would share partitions with those that were: the same rows from two of them.
. "$cases/guard"
lines 1 20 >a
shard() { sed "1s,\"shard\":\"0/1\",\"shard\":\"$1\","; }
feed a | shard 0/2 | $sink --create --columns id=long >/dev/null
echo 'the other of the two, with a partition of its own'
lines 101 120 >b
feed b | sed 's/"0":"/"1":"/' | shard 1/2 >stream
try '$sink <stream'
echo 'one of three'
feed a | shard 0/3 >stream
try '$sink <stream'
echo 'all in one'
feed a >stream
try '$sink <stream'
rows
try '$sink --as-new-feed <stream'
rows
