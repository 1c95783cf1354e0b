# One line per closed window and group, in order; a missing member is the group null; sums keep their decimal places.
window-agg --time t --size 1m --by region,user.tier --agg 'events=count()' --agg 'amount=sum(amount)' <<'END'
{"t":"2026-01-01T00:00:59.999Z","region":"us","user":{"tier":1},"amount":0.1}
{"t":"2026-01-01T00:00:00Z","region":"us","user":{"tier":1},"amount":0.20}
{"t":"2026-01-01T01:00:30+01:00","region":"eu","user":{"tier":1},"amount":9223372036854775807}
{"t":"2026-01-01T00:00:30Z","region":"eu","user":{"tier":1},"amount":9223372036854775807}
{"t":"2026-01-01T00:00:30Z","region":"eu","user":{}}
{"t":"2026-01-01T00:00:31Z","region":"eu","user":{"tier":null},"amount":null}
{"t":"2026-01-01T00:03:00Z","region":"eu","user":{"tier":2},"amount":-1.5e1}
END
