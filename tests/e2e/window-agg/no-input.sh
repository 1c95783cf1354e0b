# No events, no windows, no rows; events without a group make one row a window, and empty windows none.
window-agg --time t --size 1m --agg 'n=count()' --flush </dev/null
window-agg --time t:s --size 1m --agg 'n=count()' <<'END'
{"t":0}
{"t":3600}
END
