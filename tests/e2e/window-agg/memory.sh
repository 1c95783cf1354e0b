# At the ceiling the run ends, nothing is dropped.
for i in 1 2 3 4 5 6 7 8 9; do for k in 1 2 3 4 5 6 7 8 9; do echo "{\"t\":1,\"k\":$i$k}"; done; done |
	window-agg --time t:s --size 1m --by k --memory 8K --agg 'n=count()'
