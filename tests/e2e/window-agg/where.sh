# --where filters before anything is aggregated; the time of what it filters still counts.  An expression that fails rejects.
window-agg --time t:s --size 1m --where '.kind == "sale" and .amount > 10' --agg 'n=count()' <<'END'
{"t":1,"kind":"sale","amount":11}
{"t":2,"kind":"sale","amount":10}
{"t":3,"kind":"gift","amount":50}
{"t":61,"kind":"gift","amount":50}
{"t":4,"kind":"sale","amount":12}
END
window-agg --time t:s --size 1m --where '.kind ==' --agg 'n=count()' </dev/null 2>message || echo "exit $?"
grep -c -- --where message
