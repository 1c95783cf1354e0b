# Plain input gives plain output, line by line, whatever the number of processes.
pipe 'validate | dedupe -k id' <<'END'
{"id":1,"t":"a"}
 {"id": 2}
{"id":1}
END
