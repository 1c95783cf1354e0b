# weir state: what is there after two runs, of which the second one goes on from the first; and what is removed.
replay=$top_builddir/tests/fault/.libs/replay.so
fuse=$way
[ "$way" = pipes ] && fuse=no
p="$replay --epoch 0,1024 --time t:s in | dedupe -k id --time t:s | window-agg --time t:s --size 1h --by k --agg 'n=count()' --agg 'big=max(id)' | iceberg-out --catalog sqlite:cat.db --warehouse w --table a.b --create"
scrub() { sed 's/[0-9]\{7\}-[0-9a-f]\{32\}/RUN/g; s/"modified":"[^"]*"/"modified":"TIME"/g; s/\("\(raw_\|total_\|total_raw_\)*bytes":\)[0-9]*/\1N/g; s/"key":"[0-9a-f]\{28\}"/"key":"KEY"/'; }
export WEIR_STATE=st

seq 7000 | awk '{ printf "{\"id\":%d,\"t\":%d,\"k\":%d}\n", $1, $1, $1 % 2 }' >in
weir run -q --fuse "$fuse" "$p" >/dev/null 2>&1; echo "$?"
seq 7001 7800 | awk '{ printf "{\"id\":%d,\"t\":%d,\"k\":%d}\n", $1, $1, $1 % 2 }' >>in
weir run -q --fuse "$fuse" "$p" >/dev/null 2>&1; echo "$?"
cat st/sink.json; echo
echo -- ls
weir state ls | scrub
echo -- show
weir state show | scrub
weir state show "$(basename st/0-1/runs/0000001-*)/7" | scrub
echo -- dump
weir state dump newest window-agg | scrub
weir state dump newest dedupe | scrub | sort | uniq -c | sed 's/^ *//' | awk '{ n[$1 > 1]++ } /"keys"/ || /"config"/ { print } END { print NR > 7000 }'
weir state dump st/0-1/runs/*/ckpt/7/dedupe.delta.zst | wc -l
echo -- verify
weir state verify | scrub; echo $?
printf x | dd of="$(echo st/0-1/runs/*/ckpt/7/dedupe.delta.zst)" bs=1 seek=500 conv=notrunc 2>/dev/null
weir state verify st 2>&1 | scrub
weir state verify st >/dev/null 2>&1; echo $?
weir state show "$(basename st/0-1/runs/0000001-*)/7" >/dev/null 2>err; echo "$? $(scrub <err)"
echo -- gc
weir state gc --dry-run
run=$(ls st/0-1/runs | head -1)
mkdir -p st/0-1/runs/0000009-0123456789abcdef0123456789abcdef/ckpt/3 "st/0-1/runs/$run/ckpt/99"
echo '{}' >st/0-1/runs/0000009-0123456789abcdef0123456789abcdef/ckpt/3/iceberg-out.prep
weir state gc --dry-run
weir state gc; echo $?
weir state gc
ls "st/0-1/runs/$run/ckpt" | tail -1
echo -- usage
for words in '' 'what' 'ls -s nowhere' 'ls in' 'ls a b' 'show 12' 'show 0000009-0123456789abcdef0123456789abcdef/3' 'dump' 'dump in' 'dump nothing' 'ls --dry-run'; do
	weir state $words >out 2>err; echo "$words: $? $(head -1 err | scrub)"
done
unset WEIR_STATE
weir state ls 2>&1; echo $?
