# A filter in the middle that knows nothing of control lines, and a source that dies before its hello: nothing is committed, and the
# message says what to do.  Behind weir wrap, or in weir run, the same filter is exact.
. "$cases/guard"
lines 1 20 >a
run() { weir begin -s d -- $sink --create; }
drops="jq -c 'select(.id > 10)'"
keeps="jq -c 'select(.[\"@weir\"] or .id > 10)'"
echo 'it drops control lines, in a bare pipe'
try "feed a | $drops | \$sink --create"
echo 'in the run of weir begin'
( eval "$(run)"; try "feed a | $drops | \$sink --create" )
echo 'with a stage that keeps state behind it'
( eval "$(run)"; try "feed a | $drops | command dedupe -k id | \$sink --create" )
echo 'it keeps control lines, and drops events'
try "feed a | $keeps | \$sink --create"
( eval "$(run)"; try "feed a | $keeps | \$sink --create" )
( eval "$(run)"; try "feed a | $keeps | command validate | \$sink --create" )
echo 'it changes events'
( eval "$(run)"; try "feed a | jq -c 'if .id == 7 then .id = 8 else . end' | \$sink --create" )
echo 'the source is dead before its hello'
try ": | \$sink --create"
( eval "$(run)"; try ": | \$sink --create" )
( eval "$(run)"; try ": | command validate | \$sink --create" )
echo 'in the middle of its hello'
( eval "$(run)"; try "feed a | head -c 100 | \$sink --create" )
echo 'behind its hello'
( eval "$(run)"; try "feed a | head -n 1 | \$sink --create" )
rows 2>&1 | sed 's, in file:.*,,'
echo 'wrapped'
( eval "$(run)"; try "feed a | weir wrap -- $drops | \$sink --create" )
rows 2>&1 | sed 's, in file:.*,,'
echo 'in weir run'
lines 21 40 >>a
case $way in pipes) way=auto ;; esac
weir run -q --fuse "$way" -s d "$replay a | $drops | $sink --accept-change" >out 2>err
echo "exit $?"
rows 2>&1 | sed 's, in file:.*,,'
