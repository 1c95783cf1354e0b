# A source that died before its hello: nothing was sent, which is no end of a stream, plain or other.  Each stage says so with a code after
# which the pipeline is run again; a filter with state must not take the silence for plain input.
eval "$(weir begin -s st -- iceberg-out --catalog sqlite:c.db --table d.t --create)"
: | dedupe -k id
echo "dedupe $?"
: | validate | iceberg-out --catalog sqlite:c.db --table d.t --create
echo "iceberg-out $?"
iceberg-out --catalog sqlite:c.db --table d.t --create --position
dedupe --plain -k id <<'E'
{"id":1}
{"id":1}
E
