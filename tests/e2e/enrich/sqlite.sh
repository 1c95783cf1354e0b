# A table of a database: types as stored, integers exact.
sqlite3 t.db "CREATE TABLE plans (id INTEGER PRIMARY KEY, name TEXT, price REAL, big INTEGER, none TEXT);
    INSERT INTO plans VALUES (1, 'a\"b', 9.5, 9007199254740993, NULL)"
enrich --lookup p=sqlite:t.db --on plan --set name=p.name --set price=p.price --set big=p.big --set none=p.none <<'END'
{"plan":1}
{"plan":"1"}
END
sqlite3 t.db "CREATE TABLE other (id)"
enrich --lookup p=sqlite:t.db --on plan </dev/null; echo $?
enrich --lookup p=sqlite:t.db,table=plan --on plan </dev/null; echo $?
enrich --lookup p=sqlite:t.db,table=plans --on plan --set x=p.x </dev/null; echo $?
enrich --lookup p=sqlite:none.db --on plan </dev/null; echo $?
printf 'not a database' >bad.db
enrich --lookup p=sqlite:bad.db --on plan </dev/null; echo $?
