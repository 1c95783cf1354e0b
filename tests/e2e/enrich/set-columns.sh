# Columns in option order at the end; types by :TYPE; members that are there stay.
cat >users.csv <<'END'
id,country,seats,tags,active
17,DE,5,"[1,{""a"":2}]",true
18,,,,
END
enrich --lookup u=csv:users.csv --on user.id --set seats=u.seats:number --set country=u.country --set tags=u.tags:json \
    --set raw=u.seats --set on=u.active:boolean <<'END'
{"user":{"id":17}}
{"user":{"id":18},"country":"XX"}
{}
END
