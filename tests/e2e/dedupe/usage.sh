# What makes no sense is said at once: option and remedy, exit 64.
dedupe </dev/null; echo $?
dedupe -k a,b,c,d,e,f,g,h,i </dev/null; echo $?
dedupe -k 'a..b' </dev/null; echo $?
dedupe -k id --ttl 0s </dev/null; echo $?
dedupe -k id --ttl soon </dev/null; echo $?
dedupe -k id --memory 1K </dev/null; echo $?
dedupe -k id --full maybe </dev/null; echo $?
dedupe -k id events.ndjson </dev/null; echo $?
