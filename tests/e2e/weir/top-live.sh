# A run that is on, one whose process was killed, and one that ended: each says so.
replay=$top_builddir/tests/fault/.libs/replay.so
seq -f '{"id":%g,"t":"2026-01-01T00:00:00Z"}' 1 40 >0.ndjson
export WEIR_CATALOG=sqlite:c.db
fuse=$way; [ $way != pipes ] || fuse=no
field() { # STAGE FIELD
	weir top --once --json st 2>/dev/null | jq -r "select(.stage == \"$1\") | $2"
}
until_is() { # STAGE FIELD VALUE: within 20 s
	for _ in $(seq 400); do
		[ "$(field "$1" "$2")" != "$3" ] || return 0
		sleep 0.05
	done
	echo "$1 $2 is $(field "$1" "$2"), never $3"
}
pipeline="$replay --follow --epoch 200ms --time t 0.ndjson | dedupe -k id --time t | iceberg-out -q --table ns.t --create"
weir run -q --fuse $fuse -s st "$pipeline" >/dev/null 2>err &
launcher=$!
until_is iceberg-out .in 40
until_is iceberg-out '.last_commit != null' true
weir top --once --json st | jq -c '[.pipeline, .number, .stage, .up, .exit, .in, .emitted, .passed, .taken, .watermark, .gauges.keys]'
[ "$(field iceberg-out .token)" = "$(iceberg-out --table ns.t --position | jq -r .token)" ] && echo token
# It waits for input, and says so while it does; nothing is slow then.
COLUMNS=80 weir top --once st | sed -n 's/ *run .* every 200 ms, last .* ago/ RUN every 200 ms/; 1p; 3s/ *[0-9.]* *[0-9]* % input.*/ IS IDLE/p' | sed 's/  *$//'
weir top --once st | grep -c slowest
kill -9 "$(field iceberg-out .pid)"
wait $launcher
echo "exit $?"
until_is iceberg-out .up false
weir top --once --json st | jq -c 'select(.stage == "iceberg-out") | [.up, .exit, .in]'
weir top --once st | sed -n '1s/ *run 1 .* not running, last seen [0-9:]*$/ RUN 1 not running/p'
# The next run takes the place of the last one.
weir run -q --fuse $fuse -s st "$(echo "$pipeline" | sed 's/--follow//')" >/dev/null
weir top --once --json st | jq -c '[.stage, .up, .exit, .in]'
weir top --once st | sed -n '1s/ *run 2 .* ended [0-9:]*, exit 0$/ RUN 2 ended/p'
