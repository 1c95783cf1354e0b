# Framed streams: watermarks close windows, the last one too when the source raises them past it; open windows wait for the next run,
# --flush acts at the end of the input and not at a signal; the snapshot taken is that of hello.prev.
for run in first second third; do
	flush=--flush
	[ $run != first ] || flush=
	window-agg -q -s state --time t:s --size 1m --agg 'n=count()' --agg 'v=sum(v)' --late late.$run $flush <"$cases/framed.$run" || echo "exit $?"
done
cat late.*
# Without the state of its token a run does not begin.
window-agg -q -s other --time t:s --size 1m --agg 'n=count()' <"$cases/framed.second" 2>/dev/null || echo "exit $?"
window-agg -q -s other --time t:s --size 1m --agg 'n=count()' <"$cases/framed.no-time" || echo "exit $?"
