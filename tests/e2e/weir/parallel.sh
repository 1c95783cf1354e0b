# Shards: each a feed of its own in the same table, together all rows once.
case $way in pipes) way=auto ;; esac
replay=$top_builddir/tests/fault/.libs/replay.so
export WEIR_CATALOG=sqlite:c.db
for k in 0 1 2 3 4; do seq -f "{\"id\":%g,\"part\":$k}" ${k}001 ${k}400 | sed 's/:0*\([0-9]\)/:\1/' >$k.ndjson; done
files='0.ndjson 1.ndjson 2.ndjson 3.ndjson 4.ndjson'
sink='iceberg-out -q --table ns.t'
rows() { iceberg-in --plain -q --table ns.t >rows; echo "rows $(wc -l <rows), different $(sort -u rows | wc -l)"; }
try() { weir run -q --fuse "$way" "$@" >out 2>err; echo "exit $?, receipts $(wc -l <out)"; sed -E 's/shard [012]/shard I/; s/(stream.s) [012]/\1 I/; s/feed ns.t.[012]/feed ns.t\/I/' err | grep -v 'input ended' | sort -u; rows; }
iceberg-out -q --plain --table ns.t --create --columns id=long,part=long </dev/null >/dev/null
echo three shards
try -s st --parallel 3 "$replay --epoch 0,100 --poll 50 $files | validate | $sink"
tail -1 out | sed -E 's/.*"commits":([0-9]+),.*"rows":([0-9]+).*/\1 commits, \2 rows/'
tail -1 out | grep -o '"[012]/3":{"off"' | sort
ls st
echo nothing new
try -s st --parallel 3 "$replay $files | validate | $sink"
try -s st --parallel 3 "$replay $files | validate | $sink --empty=skip"
echo more, in one of them
seq -f '{"id":%g,"part":4}' 5000 5099 >>4.ndjson
try -s st --parallel 3 "$replay $files | validate | $sink --empty=skip"
echo another number of shards
try -s st --parallel 2 "$replay $files | validate | $sink"
try -s st "$replay $files | validate | $sink"
echo one shard by hand goes on where the three were
try -s st "$replay --shard 1/3 $files | validate | $sink"
echo state by key
try -s d --parallel 3 "$replay $files | dedupe -k id | $sink --pipeline d"
try -s d --parallel 3 --partitioned-by part "$replay $files | dedupe -k id | $sink --pipeline d"
try -s d --parallel 3 --partitioned-by part "$replay $files | dedupe -k part,id | $sink --pipeline d --as-new-feed"
echo what cannot be divided
try --parallel 2 "cat 0.ndjson | $sink" </dev/null
try --parallel 2 "validate | $sink" </dev/null
try --parallel 2 "$replay 0.ndjson | validate"
try --parallel 2 "$replay --shard 0/2 0.ndjson | $sink"
try --parallel 0 "$replay 0.ndjson | $sink"
echo a shard fails: the others commit what they have, and all end
seq -f '{"id":%g,"part":4}' 6000 6999 >>4.ndjson
yes nonsense | head -200 >>3.ndjson
timeout 60 weir run -q --fuse "$way" -s st --parallel 3 "$replay --follow --epoch 200ms --poll 50 $files | validate | $sink" >out 2>/dev/null
echo "exit $?"
rows
sed -i '/nonsense/d' 3.ndjson
try -s st --parallel 3 "$replay $files | validate | $sink"
