# Events whose time cannot be read are rejects: missing, without a zone, no such day, out of range, a number among texts.
dedupe -k id --time ts <<'END'
{"id":1,"ts":"2026-01-01T00:00:00Z"}
{"id":2}
{"id":3,"ts":"2026-01-01T00:00:00"}
{"id":4,"ts":"2026-02-30T00:00:00Z"}
{"id":5,"ts":1767225600}
{"id":6,"ts":null}
{"id":7,"ts":"2026-01-01T00:00:00Z"}
END
