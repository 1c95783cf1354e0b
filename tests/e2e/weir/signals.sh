# SIGUSR1 ends an epoch now; SIGTERM ends the run with everything that was read committed, and the next run goes on behind it.
replay=$top_builddir/tests/fault/.libs/replay.so
seq -f '{"id":%g}' 1 40 >0.ndjson
export WEIR_CATALOG=sqlite:c.db
fuse=$way; [ $way != pipes ] || fuse=no
until_rows() { # N: the table has so many, within 10 s
	for _ in $(seq 200); do
		[ "$(iceberg-in -q --plain --table ns.t 2>/dev/null | wc -l)" != "$1" ] || return 0
		sleep 0.05
	done
	echo "never $1 rows"
}
weir run -q --fuse $fuse -s st "$replay --follow --epoch 1h 0.ndjson | dedupe -k id | iceberg-out -q --table ns.t --create" >receipts &
launcher=$!
sleep 0.3		# less than that may go by before the handlers stand; then the signal is asked for again
for _ in 1 2 3 4 5 6 7 8 9 10; do
	kill -USR1 $launcher
	[ ! -s receipts ] || break
	sleep 0.2
done
until_rows 40
seq -f '{"id":%g}' 41 60 >>0.ndjson
sleep 0.3		# --follow looks every 0.1 s
kill -TERM $launcher
wait $launcher
echo "exit $?"
until_rows 60
sed -n 's/.*"rows":\([0-9]*\).*/\1/p' receipts
weir run -q --fuse $fuse -s st "$replay 0.ndjson | dedupe -k id | iceberg-out -q --table ns.t"
until_rows 60
