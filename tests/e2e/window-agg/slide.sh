# Sliding windows: each event counts in size / slide of them.
window-agg --time t:s --size 30s --slide 10s --agg 'n=count()' --agg 'd=count_distinct(v)' <<'END'
{"t":0,"v":1}
{"t":15,"v":1}
{"t":31,"v":2}
{"t":9,"v":3}
{"t":2,"v":4}
{"t":100,"v":5}
END
