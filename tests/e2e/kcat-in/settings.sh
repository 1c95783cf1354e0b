# -F and KCAT_CONFIG are kcat's files; what exactness rests on cannot be changed; what opens a hole must be asked for.
. "$cases/broker"
echo '{"value":"{\"n\":1}"}' >records
start_broker --records records --partitions 1
printf '# mine\n\n bootstrap.servers = %s \n' "$addr" >kcat.conf
kcat-in --plain -F kcat.conf -t events -e
KCAT_CONFIG=kcat.conf kcat-in --plain -t events -e
kcat-in --plain -F kcat.conf -t events -e -X topic.auto.offset.reset=latest
for args in '-X no.such=1' '-X plugin.library.paths=x' '-X enable.ssl.certificate.verification=false' '-X sasl.password=@nowhere' '-F nowhere'; do
	kcat-in --plain -b "$addr" -t events -e $args
	echo "$? $args"
done 2>&1
echo nonsense >>kcat.conf
kcat-in --plain -F kcat.conf -t events -e
