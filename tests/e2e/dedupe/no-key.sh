# Events without the key are rejects, null counting as none.
dedupe -k user.id <<'END'
{"user":{"id":1}}
{"user":{}}
{"user":7}
{"user":{"id":null}}
{"id":1}
END
