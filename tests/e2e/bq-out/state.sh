# The position is in the state directory: what is missing, or of something else, is never taken for a beginning.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_table d.t id:INTEGER
export WEIR_BQ_MIN_EPOCH=0s
replay="$top_builddir/tests/fault/.libs/replay.so"
printf '{"id":1}\n{"id":2}\n' >a
run() { weir run -q "$@" "$replay --epoch all a | bq-out --table p.d.t${also:+ $also}" >out 2>&1; echo "exit $?"; mask <out | sed 's|"acct":{.*}},||'; }
count() { echo "$(bq_rows d.t | wc -l) rows"; }

echo '-- a bare pipe without one'
weir stage "$replay" --control a | bq-out -q --table p.d.t 2>&1; echo "exit $?"
echo '-- the first run, and one with nothing new'
run -s st; run -s st
echo '-- a commit that nobody has marked is found'
rm -r st/0-1/done
echo '{"id":3}' >>a
run -s st
echo '-- the directory is another one'
run -s lost
echo '-- beside it'
also='--pipeline beside' run -s beside
count
echo '-- the checkpoint of the last commit is gone'
cp -r st st2
rm st2/0-1/runs/*/ckpt/*/bq-out.prep
run -s st2
echo '-- another project runs the jobs'
also='--project q' run -s st
echo '-- another number of shards'
run -s st --parallel 2 | sed 's|[01]/2|I/2|' | sort -u
echo '-- the table was made anew'
bq_ask /bigquery/v2/projects/p/datasets/d/tables/t '' DELETE >/dev/null
sleep 0.01
bq_table d.t id:INTEGER
run -s st
echo '-- and dropped'
bq_ask /bigquery/v2/projects/p/datasets/d/tables/t '' DELETE >/dev/null
run -s st
