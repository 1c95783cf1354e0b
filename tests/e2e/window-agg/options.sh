# What makes no sense is said, with the place and the remedy.
try() { window-agg "$@" </dev/null || echo "exit $?" >&2; }
try --size 1m --agg 'n=count()'
try --time t --agg 'n=count()'
try --time t --size 1m
try --time t --size 1m --agg 'count()'
try --time t --size 1m --agg 'n=count('
try --time t --size 1m --agg 'n=sum()'
try --time t --size 1m --agg 'n=p95(x)'
try --time t --size 1m --agg 'n=count()' --agg 'n=sum(x)'
try --time t --size 1m --agg '@weir=count()'
try --time t --size 1m --agg 'window_end=count()'
try --time t --size 1m --by x,x --agg 'n=count()'
try --time t --size 1m --by a..b --agg 'n=count()'
try --time t --size 1m --slide 7s --agg 'n=count()'
try --time t --size 1m --slide 10s --cumulate 10s --agg 'n=count()'
try --time t --size 1d --slide 1s --agg 'n=count()'
try --time t --size 1m --offset 1m --agg 'n=count()'
try --time t --session 5m --agg 'n=count()'
try --time t --size 1m --tz Europe/Berlin --agg 'n=count()'
try --time t --size 1m --agg 'n=count()' file
