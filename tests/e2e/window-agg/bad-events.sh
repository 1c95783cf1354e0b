# What an event cannot be: its time, a value that an aggregate cannot take, a group that is none.  Its time counts all the same.
window-agg --time t --size 1m --by k --agg 's=sum(v)' <<'END'
{"t":"2026-01-01T00:00:10Z","k":"a","v":1}
{"k":"a","v":1}
{"t":null,"k":"a","v":1}
{"t":"2026-01-01T00:00:10","k":"a","v":1}
{"t":"2026-02-30T00:00:10Z","k":"a","v":1}
{"t":{},"k":"a","v":1}
{"t":1767225610,"k":"a","v":1}
{"t":"2026-01-01T00:00:10Z","k":"a","v":"1"}
{"t":"2026-01-01T00:00:10Z","k":{"b":1},"v":1}
{"t":"2026-01-01T00:01:10Z","k":["b"],"v":1}
{"t":"2026-01-01T00:00:11Z","k":"late, for the line before closed it","v":1}
END
