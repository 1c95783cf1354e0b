# Positions of another cluster, or of a topic that was made again, are numbers of something else.
. "$cases/guard"
lines 1 20 >a
id() { sed -E "s/\"topics\":\{\"files\":\{/\"cluster\":\"$1\",\"topics\":{\"files\":{\"id\":\"$2\",/"; }
feed a | id one T1 | $sink --create --columns id=long >/dev/null
lines 21 30 >>a
feed --resume "$(position)" a >stream
echo 'another cluster; another topic of that name'
try 'sed "1s/\"cluster\":\"one\",//" stream | id two T1 | $sink'
feed --resume "$(position)" a | sed 's/"cluster":"one",//; s/"id":"T1",//' >stream
try 'id two T1 <stream | $sink'
try 'id one T2 <stream | $sink'
echo 'in the middle of the run nothing of it was loaded'
rows
echo 'as a feed of its own'
feed a | id one T2 >stream
try '$sink --pipeline two <stream'
try '$sink --pipeline two --as-new-feed <stream'
rows
echo 'another cluster is no danger for a feed of its own'
feed a | id two T2 >stream
try '$sink --pipeline three <stream'
echo 'one pipe, but this shard has other topics'
feed --topic more a | sed '1s|"shard":"0/1"|"shard":"1/1"|' >stream
try '$sink <stream'
