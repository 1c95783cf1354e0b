# weir begin for a shell that runs the stages itself; forgetting it is safe, and so is using it twice.
set -eu
replay=$top_builddir/tests/fault/.libs/replay.so
export WEIR_CATALOG=sqlite:c.db
seq -f '{"id":%g}' 1 20 >a
seq -f '{"id":%g}' 1 30 >b
source() { command weir stage "$replay" "$@" && return 0; }
rows() { env -u WEIR_RESUME iceberg-in --plain -q --table ns.t >rows; echo "rows $(wc -l <rows), different $(sort -u rows | wc -l)"; }
mask() { sed -E 's/[0-9]{7}-[0-9a-f]{32}/RUN/g; s/--resume .*/--resume POSITION/; s/[0-9a-f]{16};/HASH;/g'; }
eval "$(weir begin -s st -- iceberg-out --table ns.t --create)"
env | grep -E '^WEIR_(RUN|RESUME|PIPELINE|STATE)=' | sed 's/0000001-[0-9a-f]*/RUN/' | sort
cp a part
(source --topic t part | command dedupe -k id | iceberg-out -q --table ns.t --create --rows 7 >/dev/null) 2>/dev/null || echo "exit $?"
echo used twice, after the first use had left state
{ source --topic t part | { command dedupe -k id || echo "dedupe $?" >&2; } | iceberg-out -q --table ns.t --create >/dev/null; } 2>err || true
grep -oE '^dedupe [0-9]+|used before; call weir begin again' err
echo in order
eval "$(weir begin -s st -- iceberg-out --table ns.t --create)"
source --topic t part | command dedupe -k id | iceberg-out -q --table ns.t --create >/dev/null
rows
echo used twice, after a commit
cp b part
(source --topic t part | command dedupe -k id | iceberg-out -q --table ns.t >/dev/null) 2>err || echo "exit $?"
grep -qE 'used before; call weir begin again|already committed' err && echo refused
rows
echo forgotten
(
	unset WEIR_RUN WEIR_RESUME WEIR_PIPELINE WEIR_STATE
	source --topic t part | iceberg-out -q --table ns.t >/dev/null
) 2>err || echo "exit $?"
mask <err | grep -o 'already committed.*the source started at[^(]*' || cat err
rows
echo again
eval "$(weir begin -s st -- iceberg-out --table ns.t)"
source --topic t part | command dedupe -k id | iceberg-out -q --table ns.t >/dev/null
rows
unset WEIR_RUN WEIR_RESUME WEIR_PIPELINE WEIR_STATE
echo while a pipeline runs
weir run -q -s st "$replay --follow --topic t part | dedupe -k id | iceberg-out -q --table ns.t" >/dev/null &
launcher=$!
for _ in $(seq 100); do [ ! -e st/0-1/LOCK ] || ! flock -n st/0-1/LOCK true || { sleep 0.05; continue; }; break; done
sleep 0.3
weir begin -s st -- iceberg-out --table ns.t || echo "exit $?"
kill -TERM $launcher
wait $launcher && echo "exit $?"
echo usage
weir begin -- || echo "exit $?"
weir begin -s st iceberg-out || echo "exit $?"
weir begin x -- iceberg-out || echo "exit $?"
weir begin -- validate || echo "exit $?"
