# --epoch cuts by events, bytes or time, whichever is first, between two lots of the source; each barrier says how many lines it ends.
# What comes out is the same, however it is cut.
replay=$top_builddir/tests/fault/.libs/replay.so
for p in 0 1; do
	for i in $(seq 1 50); do echo "{\"id\":\"$p-$((i % 45))\",\"t\":$((1700000000 + i))}"; done >$p.ndjson
done
run() { # OPTIONS: of the source
	case $way in
	pipes) weir stage "$replay" "$@" 0.ndjson 1.ndjson | dedupe -s st -k id ;;
	*) weir run -q --fuse $way -s st "$replay $* 0.ndjson 1.ndjson | dedupe -k id" | cat ;;
	esac
	rm -rf st
}
bars() { sed -n 's/.*"epoch":"\([^"]*\)","k":"hello".*/hello: \1/p; s/.*"id":"\([0-9]*\)","k":"bar","last":"\([a-z]*\)","n":"\([0-9]*\)".*/\1: \3 \2/p'; }
export WEIR_PIPELINE=p
run --epoch all | bars
echo "by events"
run --epoch 0s,30 --poll 10 | bars
echo "by bytes"
run --epoch 0s,0,1K --poll 10 | bars
echo "by time, or events"
run --epoch 1h,40 --poll 20 | bars
echo "not before --epoch-min"
run --epoch 0s,10 --poll 10 --epoch-min 1h | bars
echo "by time alone"
run --epoch 100ms --poll 5 --rate 250 | cat >out
bars <out | sed -n 1p
[ "$(grep -c '"k":"bar"' out)" -ge 3 ] && echo "several epochs"
for epoch in all 0s,7 0s,0,300; do run --poll 1 --epoch $epoch | weir strip | cksum; done
run --epoch never 2>&1 | sed 's/^[a-z]*: //' | head -1
