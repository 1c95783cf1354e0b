#!/bin/sh
# The manual: every page is clean mdoc, names every option of its tool's table and no other, and its examples do what they say.
# In an EXAMPLES block a line "$ command" is run and what follows must be its output; broker:9092 is a real one with a topic orders.
: "${top_srcdir:?}" "${top_builddir:?}"
for t in "$top_builddir"/tools/*/; do PATH=$t:$PATH; done
export PATH WEIR_MODULE_DIR="$top_builddir/modules" LC_ALL=C.UTF-8 TZ=UTC
unset WEIR_RUN WEIR_PIPELINE WEIR_STATE WEIR_RESUME WEIR_CATALOG
scratch=$(mktemp -d "${TMPDIR:-/tmp}/weir-man.XXXXXX") || exit 99
n=0
check() { n=$((n + 1)); w=ok; [ "$1" = 0 ] || w='not ok'; printf '%s %d - %s\n' "$w" $n "$2"; }

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
trap 'exec 9>&-; rm -rf "$scratch"' EXIT

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
	(
		cd "$scratch/$tool" || exit 99
		awk '/^@@$/ { k += 100; shown = 0; next } /^\$ / { shown = 1; k++; f = sprintf("cmd%04d", k); print substr($0, 3) > f; more = /\\$/; next }
		     more { print > f; more = /\\$/; next }
		     shown { print > sprintf("out%04d", k) }' examples
	)
	for cmd in "$scratch/$tool"/cmd*; do
		[ -e "$cmd" ] || continue
		want=$(echo "$cmd" | sed 's/cmd\([0-9]*\)$/out\1/')
		[ -e "$want" ] || : >"$want"
		if grep -q broker:9092 "$cmd" && [ -z "$address" ]; then continue; fi
		sed -i "s/broker:9092/$address/g" "$cmd" "$want"
		(cd "$scratch/$tool" && sh "$cmd" >got 2>err </dev/null)
		# A blank line in the page separates examples and is no output.
		sed '/^$/d' "$want" >"$scratch/want"
		sed '/^$/d' "$scratch/$tool/got" >"$scratch/got"
		cmp -s "$scratch/want" "$scratch/got"; r=$?
		check $r "$name: $(head -1 "$cmd" | cut -c1-60)"
		[ $r = 0 ] || { diff -u "$scratch/want" "$scratch/got"; cat "$scratch/$tool/err"; } | sed 's/^/# /' | head -30
	done
done
echo "1..$n"
