#!/bin/sh
# The manual: every page is clean mdoc, names every option of its tool's table and no other, and its examples do what they say.
# In an EXAMPLES block a line "$ command" is run and what follows must be its output; broker:9092 is a real one with a topic orders,
# bigquery:9050 the stand-in for BigQuery with a dataset shop.sales.
: "${top_srcdir:?}" "${top_builddir:?}"
for t in "$top_builddir"/tools/*/; do PATH=$t:$PATH; done
export PATH WEIR_MODULE_DIR="$top_builddir/modules" LC_ALL=C.UTF-8 TZ=UTC
unset WEIR_RUN WEIR_PIPELINE WEIR_STATE WEIR_RESUME WEIR_CATALOG
scratch=$(mktemp -d "${TMPDIR:-/tmp}/weir-man.XXXXXX") || exit 99
n=0
check() { n=$((n + 1)); verdict=ok; [ "$1" = 0 ] || verdict='not ok'; printf '%s %d - %s\n' "$verdict" $n "$2"; }

# A broker for the examples that read from one.
address=
broker=$top_builddir/contrib/demo/weir-demo-broker
if [ -x "$broker" ]; then
	mkfifo "$scratch/in"
	cat >"$scratch/records" <<'END'
{"topic":"orders","partition":0,"key":"1","value":"{\"id\":1,\"amount\":10.50,\"event_time\":\"2026-01-01T00:00:00Z\"}","timestamp":1767225600000}
{"topic":"orders","partition":0,"key":"2","value":"{\"id\":2,\"amount\":7.25,\"event_time\":\"2026-01-01T00:00:01Z\"}","timestamp":1767225601000}
{"topic":"orders","partition":0,"key":"3","value":"{\"id\":3,\"amount\":3,\"event_time\":\"2026-01-01T00:00:02Z\"}","timestamp":1767225602000}
END
	"$broker" --topic orders --partitions 1 --records "$scratch/records" <"$scratch/in" >"$scratch/address" 2>"$scratch/broker.log" &
	exec 9>"$scratch/in"
	for i in $(seq 100); do [ -s "$scratch/address" ] && break; sleep 0.1; done
	address=$(cat "$scratch/address")
fi
# And a BigQuery.
. "$top_srcdir/tests/lib/bigquery.sh"
cd "$scratch" || exit 99
bigquery
bq_ask /bigquery/v2/projects/shop/datasets '{"datasetReference":{"datasetId":"sales"}}' >/dev/null
cd - >/dev/null || exit 99
unset BIGQUERY_EMULATOR_HOST
trap 'exec 9>&-; kill "$bq_pid"; rm -rf "$scratch"' EXIT

for page in "$top_srcdir"/man/*.[1-9]; do
	name=$(basename "$page")
	tool=${name%.*}
	mandoc -T lint -W warning "$page" >"$scratch/lint" 2>&1
	[ ! -s "$scratch/lint" ]; r=$?
	check $r "$name is clean"
	[ $r = 0 ] || sed 's/^/# /' "$scratch/lint"

	# Options of the tool's own table, from its -h, against the page's list.
	case $name in weir.1|*.[57]) ;; *)
		if command -v "$tool" >/dev/null; then
			"$tool" -h | sed -n 's/^  \(-.,\|   \) --\([a-z-]*\).*/\2/p' | sort -u >"$scratch/table"
			sed -n 's/^\.It \(Xo \)\{0,1\}Fl \(. , \(Fl \)\{0,1\}\)\{0,1\}-\([a-z][a-z-]*\).*/\4/p' "$page" | sort -u >"$scratch/page"
			diff "$scratch/table" "$scratch/page" >"$scratch/diff"; r=$?
			check $r "$name has the options of $tool"
			[ $r = 0 ] || sed 's/^/# /' "$scratch/diff"
		fi ;;
	esac

	# Examples.
	mkdir "$scratch/$tool"
	awk '/^\.Sh/ { on = /EXAMPLES/ } on && /^\.Bd/ { block = 1; print "@@"; next } /^\.Ed/ { block = 0 } on && block' "$page" |
		sed 's/\\&//g; s/\\(dq/"/g; s/\\(aq/'"'"'/g; s/\\-/-/g; s/\\e/\\/g' >"$scratch/$tool/examples"
	# A block is one script, so that a variable set in one command is there in the next; @@ marks where each command's output ends.
	(
		cd "$scratch/$tool" || exit 99
		awk '/^@@$/ { b++; k = 0; next }
		     /^\$ / { k++; f = sprintf("block%02d.sh", b); print substr($0, 3) > f; more = /\\$/; if (!more) print "echo \"@@\"" > f
			      print substr($0, 3) > sprintf("name%02d", b); next }
		     k && more { print > f; more = /\\$/; if (!more) print "echo \"@@\"" > f; next }
		     k && NF { print > sprintf("want%02d.%02d", b, k) }' examples
	)
	for block in "$scratch/$tool"/block*.sh; do
		[ -e "$block" ] || continue
		if grep -q broker:9092 "$block" && [ -z "$address" ]; then continue; fi
		b=${block##*/block} b=${b%.sh}
		sed -i "s/broker:9092/$address/g; s/bigquery:9050/${bq#http://}/g" "$scratch/$tool"/block"$b".sh "$scratch/$tool"/want"$b".* 2>/dev/null
		# To a file, as to a terminal: a pipe would get control lines.
		(cd "$scratch/$tool" && sh "$block" >all 2>err </dev/null; awk -v b="$b" 'BEGIN { k = 1 } /^@@$/ { k++; next } NF { print > sprintf("got%s.%02d", b, k) }' all)
		k=0
		while IFS= read -r command; do
			k=$((k + 1))
			w=$(printf '%s/want%s.%02d' "$scratch/$tool" "$b" $k) g=$(printf '%s/got%s.%02d' "$scratch/$tool" "$b" $k)
			[ -e "$w" ] || : >"$w"
			[ -e "$g" ] || : >"$g"
			cmp -s "$w" "$g"; r=$?
			check $r "$name: $(printf %s "$command" | cut -c1-60)"
			[ $r = 0 ] || { diff -u "$w" "$g"; cat "$scratch/$tool/err"; } | sed 's/^/# /' | head -30
		done <"$scratch/$tool/name$b"
	done
done
for t in "$top_builddir"/tools/*/; do		# also in the tarball, which has only what the build names
	t=$(basename "$t")
	[ -e "$top_srcdir/man/$t.1" ]
	check $? "$t has a page"
done
echo "1..$n"
