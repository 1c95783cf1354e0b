# A second pipeline over the same partitions would load every row again; over others it is welcome.
. "$cases/guard"
lines 1 20 >a
lines 21 30 >b
feed a | $sink --create --columns id=long >/dev/null
try 'feed a | $sink --pipeline second'
echo 'another topic'
try 'feed --topic other b | $sink --pipeline second'
rows
echo 'what --as-new-feed does: the rows are there twice'
try 'feed a | $sink --pipeline third --as-new-feed'
rows
position; echo "exit $?"
for p in ns.t second third; do position --pipeline $p | mask; done
position --pipeline ns.t/0/1 | mask
