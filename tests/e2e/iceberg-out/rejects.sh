# Values that do not fit, and members without a column, are rejects with a path; --rest keeps such members.
. "$cases/mask"
cat >in <<'END'
{"id":1,"amount":"12.34","at":1767225600000}
{"id":1.5}
{"id":2,"amount":"1.234"}
{"id":3,"at":"soon"}
{"id":4,"other":{"a":[1]}}
{"id":5,"other":null}
{"amount":1}
END
iceberg-out --plain --max-rejects 100% --table ns.t --create --columns 'id=long,amount=decimal(9,2),at=timestamptz:at:ms' <in 2>&1 | mask
iceberg-out --plain --max-rejects 100% --table ns.r --create --columns 'id=long' --rest more <in 2>&1 | mask
