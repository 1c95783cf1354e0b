# Metrics as node_exporter reads them: every line by the grammar of the text format, every sample once and under its own TYPE.
strict() { # the exposition format 0.0.4, and what promtool would warn about
	LC_ALL=C awk '
	function bad(why) { print FILENAME ": " FNR ": " why ": " $0; wrong = 1 }
	/^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .+$/ { if ($3 in help) bad("second HELP"); help[$3] = 1; next }
	/^# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge)$/ {
		if ($3 in type) bad("second TYPE"); if (!($3 in help)) bad("TYPE before HELP"); type[$3] = $4; now = $3
		if ($4 == "counter" && $3 !~ /_total$/) bad("a counter is named _total"); if ($4 == "gauge" && $3 ~ /_total$/) bad("a gauge is not"); next }
	/^#/ { bad("comment"); next }
	{
		name = $0; sub(/[{ ].*/, "", name)
		if (name != now) bad("sample outside of its group")
		rest = substr($0, length(name) + 1)
		if (rest !~ /^[{]/) { bad("no labels"); next }
		rest = substr(rest, 2); key = name
		while (match(rest, /^[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*"/)) {
			label = substr(rest, 1, RLENGTH); key = key " " label; rest = substr(rest, RLENGTH + 1)
			l = label; sub(/=.*/, "", l); if (index(seen_here, " " l " ")) bad("label twice"); seen_here = seen_here " " l " "
			if (rest ~ /^,/) rest = substr(rest, 2); else break
		}
		seen_here = ""
		if (rest !~ /^[}] -?[0-9]+([.][0-9]+)?$/) bad("no value")
		if (key in sample) bad("the same sample twice"); sample[key] = 1; n++
		if (type[name] == "counter" && rest ~ /^[}] -/) bad("a counter below 0")
	}
	END { if (!n) bad("no sample"); if (!wrong) print "good"; exit wrong }' "$1"
}
printf 'weir_x{a="b"} 1\n' >wrong.prom
strict wrong.prom | grep -c 'outside of its group'
printf '# HELP weir_x y\n# TYPE weir_x gauge\nweir_x{a="b"} 1\nweir_x{a="b"} 2\nweir_x{a="b\\c"} 2\nweir_x{a="b} 1\n' >wrong.prom
strict wrong.prom | sed 's/: weir.*//'

printf '{"id":%d,"t":"2026-01-01T00:00:00Z"}\n' 1 2 1 3 >in
weir run -q --fuse auto -s 'st\a"b' 'validate | window-agg --time t --size 1m --agg "n=count()"' <in >/dev/null
weir run -q --fuse auto -s state 'validate | dedupe -k id' <in >/dev/null
cp -r state again && mkdir all && mv state again 'st\a"b' all
umask 077
weir top --prometheus out.prom all
strict out.prom
stat -c %a out.prom
grep -F -c 'pipeline="st\\a\"b"' out.prom >count && [ "$(cat count)" -gt 5 ] && echo escaped
grep -E '^weir_(stage_up|events_total|state_bytes|gauge|bytes_total)[{]pipeline="state".*stage="dedupe"' out.prom | grep -v ' 0$' | sed '/^weir_state_bytes/s/ [0-9]*$/ SIZE/'
grep -c '^weir_cpu_seconds_total{pipeline="state"' out.prom
# The same feed in two directories: one of them counts, or the collector refuses the file.
printf '{"format":"1","pipe":"one","seed":"00000000000000000000000000000000"}' | tee all/state/pipeline.json >all/again/pipeline.json
weir top --prometheus out.prom all
strict out.prom
grep -c '^weir_stage_up{pipeline="one"' out.prom
# Whoever reads the file while it is written again sees it whole.
weir top --prometheus out.prom --interval 0.1 all &
pid=$!
inode=$(stat -c %i out.prom) changed=0
for _ in $(seq 100); do
	strict out.prom >verdict || cat verdict
	[ "$(stat -c %i out.prom)" = "$inode" ] || changed=$((changed + 1))
	[ $changed -lt 5 ] || break
	sleep 0.05
done
[ $changed -ge 5 ] && echo written again
kill -TERM $pid
wait $pid
echo "exit $?"
ls -A | grep -c prom
weir top --prometheus nowhere/out.prom all; echo "exit $?"
