# The end of weir run is the end of its processes, and one request to end is one, however often it comes to whom.
case $way in pipes) way=no ;; esac
replay=$top_builddir/tests/fault/.libs/replay.so
export WEIR_CATALOG=sqlite:c.db
seq -f '{"id":%g}' 1 40 >0.ndjson
printf '#!/bin/sh\ntrap "exit 0" TERM\nwhile echo "{}"; do sleep 0.02; done\n' >ticks
printf '#!/bin/sh\necho $$ >pid\nwhile echo "{}"; do sleep 0.02; done\n' >forever
chmod +x ticks forever
gone() { # a process that ended, or a zombie that nobody has waited for yet
	for _ in $(seq 100); do
		case $(cut -d')' -f2 "/proc/$1/stat" 2>/dev/null) in '' | ' Z'*) return 0 ;; esac
		sleep 0.05
	done
	echo "$2 is still there"
}
written() { for _ in $(seq 200); do [ ! -s "$1" ] || return 0; sleep 0.05; done; echo "no $1"; }
children() { cat /proc/$1/task/$1/children; }
echo killed
weir run -q --fuse "$way" -s st './forever | validate | jq --unbuffered -c . | validate' >out 2>/dev/null &
launcher=$!
written out
all="$(children $launcher)"
for p in $all; do all="$all $(children "$p")"; done
[ "$(echo $all | wc -w)" -ge 5 ] || echo "only processes $all"
kill -9 $launcher
wait $launcher 2>/dev/null
weir run -q --fuse "$way" -s st "$replay 0.ndjson | validate" >/dev/null && echo the next run starts at once
for p in $all; do gone "$p" "process $p"; done
echo asked once, but everybody
rm out
weir run -q --fuse "$way" -s st './ticks | validate | jq --unbuffered -c . | validate' >out &
launcher=$!
written out
for p in $(children $launcher); do kill -TERM "$p"; kill -TERM "$p"; done 2>/dev/null
kill -TERM $launcher
wait $launcher
echo "exit $?"
echo by timeout, which signals the process and its group
timeout --preserve-status 1 weir run -q --fuse "$way" -s st "$replay --follow --epoch 1h 0.ndjson | iceberg-out -q --table ns.t --create" >receipts
echo "exit $?"
sed 's/.*"rows":\([0-9]*\).*/\1 rows/' receipts
echo asked twice
rm out pid
weir run -q --fuse "$way" -s st './forever | validate | cat | validate' >out 2>err &
launcher=$!
written pid
written out		# all stages stand, and their handlers with them
kill -STOP "$(cat pid)"
kill -TERM $launcher
sleep 0.5
kill -TERM $launcher
wait $launcher
echo "exit $?"
grep at.once err
gone "$(cat pid)" forever
echo a source that is no stage and is asked to end
rm pid
weir run -q --fuse "$way" -s st './forever | validate' >out 2>err &
launcher=$!
written pid
kill -TERM $launcher
wait $launcher
echo "exit $?"
sed 1q err
echo one at a time
rm pid
weir run -q --fuse "$way" -s st './forever | validate' >/dev/null 2>&1 &
launcher=$!
written pid
weir run -q --fuse "$way" -s st "$replay 0.ndjson | validate" 2>&1
echo "exit $?"
kill -9 $launcher
wait $launcher 2>/dev/null
echo stopped and continued
rm out pid
weir run -q --fuse "$way" -s st './ticks | validate' >out &
launcher=$!
written out
kill -TSTP $launcher
for _ in $(seq 100); do case $(cut -d')' -f2 /proc/$launcher/stat) in ' T'*) break ;; esac; sleep 0.05; done
kill -TERM $launcher
kill -CONT $launcher
wait $launcher
echo "exit $?"
echo closed descriptors
weir run -q --fuse "$way" -s st5 "$replay 0.ndjson | iceberg-out -q --table ns.u --create" <&- >&-
echo "exit $?"
iceberg-in --plain -q --table ns.u | wc -l
