# Without --set the whole row comes as one object, under the name of the lookup.
cat >users.csv <<'END'
id,country,plan
17,DE,pro
18,"FR, Sud","a ""b"""
END
enrich --lookup u=csv:users.csv --on user <<'END'
{"user":17}
{"user":"18"}
{"user":19}
END
