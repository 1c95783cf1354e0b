# ... or pass, as many as come; they need no time either.
dedupe -k id --no-key pass --time t --ttl 1h <<'END'
{"x":1}
{"x":1}
{"id":null}
{"id":1,"t":"2026-01-01T00:00:00Z"}
{"id":1,"t":"2026-01-01T00:00:00Z"}
END
