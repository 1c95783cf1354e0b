# Without --late they are rejects with the code late, in the order of the lines, and --max-rejects does not count them.
window-agg --time t --size 1m --agg 'n=count()' --max-rejects 1 -r rejects.ndjson <<'END'
{"t":"2026-01-01T00:05:00Z"}
{"t":"2026-01-01T00:00:01Z","n":1}
{"t":"yesterday"}
{"t":"2026-01-01T00:00:01Z","n":2}
END
sed 's/"run":"[^"]*"/"run":"-"/; s/"line":[0-9]*/"line":0/' rejects.ndjson
