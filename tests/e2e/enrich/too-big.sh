# A table that does not fit is refused; memory is never taken without a limit.
seq 100000 | sed 's/.*/&,value of &/; 1s/^/id,v\n/' >t.csv
enrich --lookup u=csv:t.csv --on id --memory 1M </dev/null 2>err; echo $?
sed 's/([0-9]* rows/(N rows/' err
