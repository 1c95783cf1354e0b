# The row that was valid at the time of the event.
cat >plans.csv <<'END'
user,plan,since
1,pro,2026-01-02
1,free,
1,max,2026-01-03T12:00:00Z
2,pro,2026-01-02
END
enrich --lookup p=csv:plans.csv,valid_from=since --on user --set plan=p.plan --as-of t <<'END'
{"user":1,"t":"2025-01-01T00:00:00Z"}
{"user":1,"t":"2026-01-01T23:59:59Z"}
{"user":1,"t":"2026-01-02T00:00:00Z"}
{"user":1,"t":"2026-01-03T12:00:01Z"}
{"user":2,"t":"2026-01-01T00:00:00Z"}
{"user":2,"t":"2026-01-02T01:00:00+00:30"}
{"user":2,"t":"2026-01-02T01:00:00+02:00"}
{"user":1}
END
