# What the golden state directories hold, and how they were made and are read.  `golden_in N` is the input, N lines, a tenth of them duplicates.
golden_in() { seq "$1" | awk '{ id = $1 % 10 == 9 && $1 > 500 ? $1 - 401 : $1
	printf "{\"id\":\"e%d\",\"t\":%d,\"k\":\"%s\",\"v\":%d.%02d}\n", id, 1767225600 + $1, substr("abc", $1 % 3 + 1, 1), $1 % 70, $1 % 100 }'; }
golden_dedupe='dedupe -k id --time t:s'
golden_windows="window-agg --time t:s --size 1h --by k --agg 'n=count()' --agg 'vs=count_distinct(v)' --agg 's=sum(v)' --agg 'lo=min(v)' --agg 'hi=max(v)' --agg 'mean=avg(v)' --agg 'first=first(id)' --agg 'last=last(id)'"
golden_slides="window-agg --time t:s --size 1h --slide 20m --by k --agg 'n=count()'"
golden_lines=7000	# of which the state knows; the rest is new to it
golden_more=7600
