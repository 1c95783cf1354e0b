# Generated events with a known truth, from eight partitions through dedupe: what comes out is what must come out.
. "$cases/broker"
start_broker --events 20000 --partitions 8 --truth truth --users users.csv --n-users 500
lines=$(sed -n 's/^{"lines":\([0-9]*\).*/\1/p' truth)
cut=$(sed -n 's/.*"not_json":\([0-9]*\).*/\1/p' truth)
unique=$(sed -n 's/.*"unique":\([0-9]*\).*/\1/p' truth)
unnamed=$(sed -n 's/.*"missing_event_id":\([0-9]*\).*/\1/p' truth)
dup=$(sed -n 's/.*"dup":\([0-9]*\).*/\1/p' truth)
kcat-in --plain -b "$addr" -t events -e -r rejects >out
[ $(wc -l <out) -eq $((lines - cut)) ] && [ $(wc -l <rejects) -eq $cut ] && echo all there
pipe "kcat-in --control -b $addr -t events -e -r rejects | dedupe -s state -k event_id -r unnamed" >deduped
[ $(grep -c event_id deduped) -eq $((lines - cut - unnamed - dup)) ] && [ $(wc -l <unnamed) -eq $unnamed ] && echo each once
grep event_id deduped | grep -v '"n/a"\|mars-north-1' | grep -o '"amount":[0-9.]*' | sed 's/.*://; s/\.//' |
    awk -v want="$(sed -n 's/.*"amount":"\([0-9.]*\)","bad_by_kind.*/\1/p' truth)" '{ s += $1 } END { got = sprintf("%.2f", s / 100); print got == want ? "sum equal" : got " " want }'
head -n 2 users.csv
wc -l <users.csv
