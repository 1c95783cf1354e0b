# --dropped keeps the duplicates; the file is appended to.
dedupe -k id --dropped dup.ndjson <<'END'
{"id":1}
{"id":1,"n":1}
{"id":2}
END
dedupe -k id --dropped dup.ndjson <<'END'
{"id":1}
{"id":1,"n":2}
END
echo --
cat dup.ndjson
