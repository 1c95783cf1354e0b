# The same instants in every unit, and with another zone.
dedupe -k id --time t:ms --ttl 1s <<'END'
{"id":"ms","t":1767225600000}
{"id":"other","t":1767225601500}
{"id":"ms","t":1767225601500}
END
dedupe -k id --time t:us --ttl 1s <<'END'
{"id":"us","t":1767225600000000}
{"id":"us","t":1767225600999999}
END
dedupe -k id --time t:ns --ttl 1s <<'END'
{"id":"ns","t":1767225600000000000}
{"id":"ns","t":1767225600999999999}
END
dedupe -k id --time t --ttl 1s <<'END'
{"id":"iso","t":"2026-01-01T01:00:00+01:00"}
{"id":"iso","t":"2026-01-01T00:00:00.5Z"}
{"id":"later","t":"2025-12-31T19:00:02-05:00"}
{"id":"iso","t":"2026-01-01T00:00:02Z"}
END
