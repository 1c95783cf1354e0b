# Two tables in one scan; the second one's key is a member that the first one adds.
printf 'id,country\n1,DE\n2,FR\n' >users.csv
printf '{"code":"DE","name":"Germany","zones":[1,2]}\n{"code":"FR","name":"France"}\n' >countries.ndjson
enrich --lookup u=csv:users.csv --lookup c=ndjson:countries.ndjson,key=code --on user --on c=country \
    --set country=u.country --set name=c.name --set zones=c.zones --set all=c <<'END'
{"user":1}
{"user":2}
{"user":3}
END
