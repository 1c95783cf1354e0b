# For cases: bigquery [OPTIONS] starts the stand-in for BigQuery in the case's folder, sets $bq to its URL, and it ends with the case.
bigquery() {
	mkdir -p bigquery.d
	python3 -B "$top_srcdir/tests/interop/rigs/bigquery/standin" serve --dir bigquery.d "$@" >bigquery.d/port 2>bigquery.d/log </dev/null &
	bq_pid=$!
	trap 'kill $bq_pid 2>/dev/null; wait $bq_pid 2>/dev/null' EXIT
	tries=0
	until [ -s bigquery.d/port ]; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || { echo "the stand-in for BigQuery did not start" >&2; cat bigquery.d/log >&2; exit 99; }
		sleep 0.1
	done
	bq=http://127.0.0.1:$(cat bigquery.d/port)
	export BIGQUERY_EMULATOR_HOST=$bq WEIR_RETRY_FIRST_MS=1
}

# A request of our own to it: bq_ask PATH [BODY [METHOD]].
bq_ask() {
	python3 -c 'import sys, urllib.request as r
path, body, method = (sys.argv[2:] + [None, None])[:3]
q = r.Request(sys.argv[1] + path, body.encode() if body else None, {"Content-Type": "application/json"}, method=method)
sys.stdout.write(r.urlopen(q).read().decode())' "$bq" "$@"
}

# Make a table: bq_table DATASET.TABLE 'name:TYPE[:MODE],...'
bq_table() {
	bq_ask "/bigquery/v2/projects/p/datasets/${1%.*}/tables" "{\"tableReference\":{\"tableId\":\"${1#*.}\"},\"schema\":{\"fields\":[$(
		echo "$2" | sed -E 's/([^,:]+):([^,:]+)(:([^,]+))?/{"name":"\1","type":"\2","mode":"\4"}/g; s/,"mode":""//g')]}}" >/dev/null
}

# The rows of DATASET.TABLE in the order in which they were stored.
bq_rows() { bq_ask "/_rows?table=p.$1"; }

# What differs from run to run, or with the compressor: job ids, ports, hashes, folders.
mask() { sed -E -e 's/"uploaded_bytes":[1-9][0-9]*/"uploaded_bytes":N/' -e "s|$bq|BQ|g" -e 's/weir_[0-9a-f]{20,}/JOB/g' -e 's/[0-9]{7}-[0-9a-f]{32}/RUN/g' -e 's/\b[0-9a-f]{16}\b/HASH/g' -e "s|$PWD|DIR|g"; }
