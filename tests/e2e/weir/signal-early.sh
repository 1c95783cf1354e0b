# SIGTERM while weir run still loads its modules: it waits until it can be answered.  Nothing is read, exit 0, and the next run begins at the beginning.
replay=$top_builddir/tests/fault/.libs/replay.so
seq -f '{"id":%g}' 1 40 >0.ndjson
export WEIR_CATALOG=sqlite:c.db
fuse=$way; [ $way != pipes ] || fuse=no
pipeline="$replay 0.ndjson | dedupe -k id | iceberg-out -q --table ns.t --create"
REPLAY_TERM=1 weir run -q --fuse $fuse -s st "$pipeline"
echo "exit $?"
weir run -q --fuse $fuse -s st "$pipeline" | sed -n 's/.*"rows":\([0-9]*\).*/\1/p'
