# Constants are JSON where they can be, else strings; alone they need no lookup.
enrich --const n=5 --const zip=01234 --const s=text --const q='"5"' --const o='{"a":[1]}' --const e= --const '."odd key"=true' <<'END'
{"a":1}
{}
{"n":0}
END
