#!/bin/sh
# A stage of somebody else's: contrib/plugins/score.c, built against weir.h and nothing else of ours, gives the same bytes fused,
# behind pipes, and alone; what is no stage is refused.  WEIR_INCLUDE names the folder of an installed weir.h.
: "${top_srcdir:?}" "${top_builddir:?}"
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-plugin.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
for t in "$top_builddir"/tools/*/; do PATH=$t:$PATH; done
export PATH WEIR_MODULE_DIR="$top_builddir/modules" LC_ALL=C HOME="$dir"
unset WEIR_RUN WEIR_PIPELINE WEIR_STATE WEIR_RESUME WEIR_LAST WEIR_CLOCK
n=0
ok() { # name, got, want: files
	n=$((n + 1))
	if cmp -s "$2" "$3"; then echo "ok $n - $1"; else
		echo "not ok $n - $1"
		diff -u "$3" "$2" | sed 's/^/# /'
	fi
}
mkdir "$dir/include"
cp "${WEIR_INCLUDE:-$top_srcdir/include}/weir.h" "$dir/include/" && cp "$top_srcdir/contrib/plugins/score.c" "$dir/" && cd "$dir" || exit 99
build() { ${CC:-cc} -std=c11 -Wall -Wextra -Werror -O2 -shared -fPIC -Iinclude -o "$@" -lm; }

: >empty
build score.so score.c >log 2>&1
ok 'builds out of tree, without a warning' log empty
cat >in <<'END'
{"id":1,"amount":10.5,"props":{"seats":3}}
{"id":2, "amount":1e2 }
{"id":1,"amount":7}
{"id":3,"score":"old","props":{"seats":1}}
{"id":4,"amount":"n/a"}
{"id":5}
END
cat >want <<'END'
{"id":1,"amount":10.5,"props":{"seats":3},"score":11.25}
{"id":2, "amount":1e2 ,"score":50}
{"id":3,"props":{"seats":1},"score":2}
{"id":5,"score":0}
END
echo 'score: rejected (not-number) amount: amount is no number: {"id":4,"amount":"n/a"}' >want.err
words="-w amount=0.5 -w props.seats=2"
for way in auto no; do
	weir run -q --fuse $way "dedupe -k id | ./score.so $words" <in >out 2>err
	ok "weir run --fuse $way" out want
	ok "weir run --fuse $way: the reject" err want.err
done
dedupe -k id <in | weir stage ./score.so $words >out 2>err
ok 'weir stage behind a pipe' out want
ok 'weir stage: the reject' err want.err
weir run -q "./score.so $words --as s | dedupe -k s" <in >out 2>/dev/null
printf '%s\n' '{"id":1,"amount":10.5,"props":{"seats":3},"s":11.25}' '{"id":2, "amount":1e2 ,"s":50}' '{"id":1,"amount":7,"s":3.5}' \
    '{"id":3,"score":"old","props":{"seats":1},"s":2}' '{"id":5,"s":0}' >want
ok 'a later stage reads the new member' out want

code() { "$@" <in >out 2>err; echo $?; }
code weir stage ./score.so >got; echo 64 >want
ok 'its required option' got want
code weir stage ./score.so -w amount >got
ok 'its own usage error' got want
sed 's/\.abi = WEIR_ABI/.abi = WEIR_ABI + 1/' score.c >other.c && build other.so other.c
code weir stage ./other.so $words >got; echo 78 >want
ok 'another ABI is refused' got want
echo 'int nothing;' >none.c && build none.so none.c
code weir stage ./none.so >got
ok 'a library that is no stage is refused' got want
code weir stage ./missing.so >got
ok 'a file that is not there' got want

sed -n '/^\/\*$/,/^\.Ed$/p' "$top_srcdir/man/weir-plugin.7" | sed '/^\.Ed$/d; s/\\e/\\/g; s/^\\&//' >page
ok 'weir-plugin(7) shows this source' page score.c
echo "1..$n"
