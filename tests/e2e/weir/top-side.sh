# Statistics are a cache: what is in their way, or done to them, changes nothing else; and what cannot be read is said.
seq -f '{"id":%g}' 1 5 >in
mkdir -p blocked/0-1 && : >blocked/0-1/stats
validate -s blocked <in 2>said | cksum <in | cut -d' ' -f1 >sum
[ "$(validate -s blocked -q <in | cksum)" = "$(cksum <in)" ] && echo same
validate -s blocked <in 2>&1 >/dev/null | sed 's/: [A-Z].*: the/: WHY: the/'
# The file is cut short under a stage that stores into it: a signal, and the stage goes on.
mkfifo feed
command validate -s cut <feed >out &
pid=$!
exec 8>feed
head -3 in >&8
until [ "$(wc -l <out)" -eq 3 ]; do sleep 0.05; done
: >cut/0-1/stats/validate
tail -2 in >&8
exec 8>&-
wait $pid
echo "exit $?"
cmp in out && echo whole
weir top --once cut
# Two runs at a time in one directory, as after a restart beside a run that hangs: both live, both are shown.
replay=$top_builddir/tests/fault/.libs/replay.so
look() {
	weir top --once --json two 2>/dev/null | jq -c '[.stage, .up, .in]' | sort | tr -d '\n'
}
until_shows() { # ROWS: within 20 s
	for _ in $(seq 400); do
		[ "$(look)" != "$1" ] || return 0
		sleep 0.05
	done
	echo "never $1, but $(look)"
}
weir stage $replay -s two --pipeline p --follow in >first &
source=$!
until [ -s first ]; do sleep 0.05; done
tail -f -c +1 --pid $source first | command validate -s two >/dev/null 2>&1 &
until_shows '["replay",true,0]["validate",true,5]'
first=$(weir top --once --json two | jq 'select(.stage == "validate").pid')
mkfifo second
weir stage $replay -s two --pipeline p --follow in >second &
third=$!
command dedupe -k id -s two <second >/dev/null 2>&1 &
until_shows '["dedupe",true,5]["replay",true,0]["validate",true,5]'
weir top --once two | grep -c 'pipeline p '
kill -9 $first $source
until_shows '["dedupe",true,5]["replay",true,0]'
weir top --once two | grep -c 'pipeline p '
kill -TERM $third
wait $third
echo "exit $?"
until_shows '["dedupe",false,5]["replay",false,0]'
# Shards, other versions, other files.
mkdir -p shards later/0-1/stats damaged/0-1
cp -r two/0-1 shards/0-2 && cp -r two/0-1 shards/1-2
for stage in replay dedupe; do		# where the page says which shard it is of
	printf 0/2 | dd of=shards/0-2/stats/$stage bs=1 seek=200 conv=notrunc 2>/dev/null
	printf 1/2 | dd of=shards/1-2/stats/$stage bs=1 seek=200 conv=notrunc 2>/dev/null
done
echo '{"format":"2","pipe":"p","seed":"00000000000000000000000000000000"}' >later/pipeline.json
echo '{' >damaged/pipeline.json
weir top --once --json shards | jq -c '[.pipeline, .shard, .stage]'
weir top --once shards | sed -n 's/ run 1 .*//p'
weir top --once later
weir top --once damaged
echo no >two/0-1/stats/note
{ printf 'WEIRSTAT\002\0\0\0\0\020\0\0'; head -c 4080 /dev/zero; } >two/0-1/stats/next
weir top --once --json two | jq -c .stage
