# Cumulative windows: the hour so far, every 20 minutes; they begin anew.
window-agg --time t --size 1h --cumulate 20m --by k --agg 'n=count()' <<'END'
{"t":"2026-01-01T00:05:00Z","k":"a"}
{"t":"2026-01-01T00:45:00Z","k":"b"}
{"t":"2026-01-01T01:19:00Z","k":"a"}
END
