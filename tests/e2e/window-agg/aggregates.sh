# Every function; missing and null values do not count; what overflows is null and said.
cat >events <<'END'
{"t":2,"v":1.50,"w":"b"}
{"t":1,"v":-2,"w":"ü"}
{"t":3}
{"t":5,"v":null,"w":null}
{"t":4,"v":1.5,"w":"a\tb"}
END
window-agg --time t:s --size 1m --agg 'n=count()' --agg 'nv=count(v)' --agg 'sum=sum(v)' --agg 'avg=avg(v)' --agg 'min=min(v)' --agg 'max=max(v)' \
	--agg 'first=first(v)' --agg 'last=last(v)' --agg 'distinct=count_distinct(v)' --agg 'minw=min(w)' --agg 'maxw=max(w)' --agg 'firstw=first(w)' \
	--agg 'lastw=last(w)' --agg 'odd "name"=count_distinct(w)' --agg 'none=sum(nothing)' <events
window-agg --time t:s --size 1m --agg 'sum=sum(v)' --agg 'big=sum(w)' <<'END'
{"t":1,"v":99999999999999999999999999999999999999,"w":1e300}
{"t":1,"v":1,"w":1e300}
END
