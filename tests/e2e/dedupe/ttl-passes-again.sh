# A key that is older than --ttl is forgotten: its next event passes.  On plain input time moves with the lines before.
dedupe --key id --time t --ttl 1h <<'END'
{"id":1,"t":"2026-01-01T00:00:00Z"}
{"id":1,"t":"2026-01-01T00:59:59Z"}
{"id":2,"t":"2026-01-01T01:00:01Z"}
{"id":1,"t":"2026-01-01T01:00:02Z"}
END
