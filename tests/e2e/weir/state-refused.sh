# What a state directory refuses, and that nothing is committed then: the position stays, and the state as it was is good for another run.
replay=$top_builddir/tests/fault/.libs/replay.so
fuse=$way
[ "$way" = pipes ] && fuse=no
table='iceberg-out --catalog sqlite:cat.db --warehouse w --table a.b'
p="weir run -q --fuse $fuse -s st"
src="$replay --epoch 0,3000 --time t:s in"
scrub() { sed '/^iceberg-out: input ended before its first line/d; s/[0-9]\{7\}-[0-9a-f]\{32\}/RUN/g' | cut -c1-330; }	# the first to fail says why

seq 9000 | sed 's/.*/{"id":&,"t":&}/' >in
$p "$src | dedupe -k id | $table --create" >/dev/null 2>&1 || echo "cannot begin: $?"
seq 8900 9010 | sed 's/.*/{"id":&,"t":&}/' >>in
mkdir good; cp -a st w cat.db good
base=$(echo st/0-1/runs/*/ckpt/1/dedupe.base) d2=$(echo st/0-1/runs/*/ckpt/2/dedupe.delta.zst) d3=$(echo st/0-1/runs/*/ckpt/3/dedupe.delta.zst)
stood=$($table --position)
ls st/0-1/runs/*/ckpt | tr '\n' ' '; echo

refused() { # what, how, the end of the pipeline
	rm -rf st w cat.db; cp -a good/. .
	eval "$2"
	echo "-- $1"
	eval "$p \"$src | ${3-dedupe -k id | $table}\"" >out 2>err
	echo "$? $(scrub <err)"
	[ "$($table --position)" = "$stood" ] || echo "something is committed"
}
refused 'base missing' 'rm $base'
refused 'delta missing' 'rm $d2'
refused 'newest delta missing' 'rm $d3'
refused 'checkpoint missing' 'rm -r "$(dirname $d3)"'
refused 'all runs missing' 'rm -r st/0-1/runs'
refused 'base damaged' 'printf x | dd of=$base bs=1 seek=5000 conv=notrunc 2>/dev/null'
refused 'delta cut short' 'head -c 500 $d2 >x; cat x >$d2'
refused 'delta empty' ': >$d3'
refused 'another file' 'cat in >$d3'
refused 'of another checkpoint' 'cat $d2 >$d3'
refused 'a base in the place of a delta' 'cp $base "$(dirname $d3)"'
refused 'another format' 'printf "\002" | dd of=$d3 bs=1 seek=8 conv=notrunc 2>/dev/null'
refused 'another directory format' 'sed -i s/\"format\":\"1\"/\"format\":\"2\"/ st/pipeline.json'
refused 'another key' : "dedupe -k t | $table"
refused 'another time' : "dedupe -k id --time t:s | $table"
refused 'another pipeline' : "dedupe -k id | $table --pipeline other"
refused 'another table' : "dedupe -k id | ${table%a.b}c.d --pipeline a.b --create"
refused 'sink.json damaged' ': >st/sink.json'

good() {
	rm -rf st w cat.db; cp -a good/. .
	eval "$2"
	echo "-- $1"
	eval "$p $4 \"$src | ${3-dedupe -k id | $table}\"" >out 2>err
	echo "$? $(scrub <err)"
	tail -1 out | sed 's/.*"rows":\([0-9]*\),.*/\1 rows/'
}
good 'as it was' : "dedupe -k id | $table" ''
good 'reset' : "dedupe -k id | $table" --state-reset
good 'reset without change' : "dedupe -k id | $table" '-q --state-reset'
good 'reset of what is missing' 'rm $d3' "dedupe -k id | $table" --state-reset
