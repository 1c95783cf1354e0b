#!/bin/sh
# State that released versions have written: this one goes on from it, and gives the rows it must.
: "${top_srcdir:?}" "${top_builddir:?}"
for t in "$top_builddir"/tools/*/; do PATH=$t:$PATH; done
export PATH WEIR_MODULE_DIR="$top_builddir/modules" LC_ALL=C TZ=UTC
unset WEIR_RUN WEIR_PIPELINE WEIR_STATE WEIR_RESUME WEIR_LAST WEIR_CATALOG WEIR_SUMMARY WEIR_CLOCK
. "$top_srcdir/tests/golden/lib.sh"
replay=$top_builddir/tests/fault/.libs/replay.so
scratch=$(mktemp -d "${TMPDIR:-/tmp}/weir-golden.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99
n=0

# NAME, the file of the rows that are expected; what came is in ./rows, its exit code in $code.
check() {
	n=$((n + 1))
	if [ "$code" = 0 ] && [ -s rows ] && cmp -s rows "$2"; then
		echo "ok $n - $1, $(wc -l <rows) rows"
	else
		echo "not ok $n - $1"
		echo "# exit $code"
		sed 's/^/# /' err | head -5
		diff -u "$2" rows | head -20 | sed 's/^/# /'
	fi
}

# What state must not change: the same events in one go.
golden_in "$golden_more" >in
eval "$golden_dedupe --dropped seen" <in 2>err | tee once | eval "$golden_windows --flush" | tail -n 6 >rows; code=$?
cp rows windows.want
tail -n +$(($(golden_in $golden_lines | eval "$golden_dedupe" | wc -l) + 1)) once >dedupe.want
eval "$golden_slides --flush" <in | tail -n 12 >slides.want

for golden in "$top_srcdir"/tests/golden/[0-9]*; do
	format=$(basename "$golden")
	for way in pipes no auto; do
		rm -rf state; cp -r "$golden/framed/state" state; chmod -R u+w state
		source="--resume '$(cat "$golden/framed/position")' --time t:s in"
		if [ $way = pipes ]; then
			eval "weir stage $replay -s state $source | $golden_dedupe -s state | $golden_windows -s state --flush | weir strip" >rows 2>err
		else
			weir run -q --fuse $way -s state "$replay $source | $golden_dedupe | $golden_windows --flush" >rows 2>err
		fi
		code=$?
		check "format $format, framed ($way)" windows.want
	done
	rm -rf state; cp -r "$golden/plain/dedupe" state; chmod -R u+w state
	eval "$golden_dedupe -s state" <in >rows 2>err; code=$?
	check "format $format, dedupe on plain input" dedupe.want
	rm -rf state; cp -r "$golden/plain/window-agg" state; chmod -R u+w state
	tail -n +$((golden_lines + 1)) in | eval "$golden_slides -s state --flush" >rows 2>err; code=$?
	check "format $format, window-agg on plain input" slides.want
	for state in framed/state plain/dedupe plain/window-agg; do
		weir state verify "$golden/$state" >rows 2>err; code=$?
		sed 's/.*"damaged":\([0-9]*\).*/\1 damaged/' rows >r; mv r rows
		echo '0 damaged' >want
		check "format $format, weir state verify $state" want
	done
done
echo "1..$n"
[ $n -gt 0 ] || { echo "not ok - no golden state"; exit 1; }
