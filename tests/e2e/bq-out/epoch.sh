# How often load jobs may come is told to the source; a bare pipe that cuts sooner is refused before any data.
. "$top_srcdir/tests/lib/bigquery.sh"
bigquery
bq_table d.t id:INTEGER
for i in 1 2 3 4 5 6; do echo "{\"id\":$i}"; done >events
replay="$top_builddir/tests/fault/.libs/replay.so"
weir begin -s st -- bq-out --table p.d.t | grep EPOCH_MIN
weir begin -s st -- bq-out --table p.d.t --mode insert-all | grep EPOCH_MIN
weir stage "$replay" --control --epoch 10s events | bq-out -q -s st --table p.d.t 2>&1
echo "exit $?"
# every 2 events, but not within 60 s: one job
[ $way = pipes ] && way=auto
weir run -q -s st --fuse $way "$replay --epoch 0s,2 --poll 2 events | bq-out --table p.d.t" | grep -c '"job"'
# with a shortest epoch of nothing, for tests: three, and the line of the run
export WEIR_BQ_MIN_EPOCH=0s
weir run -q -s st2 --fuse $way "$replay --epoch 0s,2 --poll 2 events | bq-out --table p.d.t --pipeline two" | grep -c '"job"'
bq_rows d.t | sort | uniq -c
