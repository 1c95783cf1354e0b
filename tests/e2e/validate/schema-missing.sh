validate --schema nowhere.json </dev/null
