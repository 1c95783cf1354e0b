# What stages did, after the run: as a table at two widths, as JSON, behind pipes and fused.
printf '{"id":%d}\n' 1 2 1 3 >in
echo '{"id":' >>in
tidy() { sed 's/run [0-9]*/run N/; s/since [0-9:]*/since T/; s/ended [0-9:]*/ended T/; s/, [0-9]* kB/, N kB/'; }
for fuse in no auto; do
	weir run -q --fuse $fuse -s $fuse 'validate -r rejects | dedupe -k id' <in >/dev/null
	COLUMNS=80 weir top --once $fuse | tidy
done
COLUMNS=120 weir top --once auto | tidy
# The default place, and a folder of directories.
mkdir -p home/weir && mv auto home/weir/auto
XDG_STATE_HOME=$PWD/home weir top --once | head -1 | tidy
weir top --once . | grep -c pipeline
weir top --once --json no | jq -c '[.pipeline, .shard, .number, .up, .exit, .stage, .in, .passed, .rejected, .duplicate, .bytes_in, .bytes_out, .gauges.keys]'
weir top --once --json home/weir/auto | jq -c '[.stage, .bytes_in, .bytes_out, (.busy_seconds >= 0), (.began <= .updated), .updated == .ended, (keys | length)]'
# Nothing to see, and words that make no sense.
mkdir empty
weir top --once empty; echo "exit $?"
XDG_STATE_HOME=$PWD/nothing weir top --once 2>&1 | sed "s,$PWD,PWD,"
for words in 'missing' '--json no' 'no more' '--once --interval 0 no' '--once --interval x no' '--once --prometheus f no' 'no'; do
	weir top $words
	echo "exit $?"
done
