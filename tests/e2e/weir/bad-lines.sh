# Every kind of line that is no event, and the accounts of them.
{
	printf '{"id":1}\n'
	printf 'not json\n'
	printf '{"a":"\0"}\n'
	printf '{"a":"\377"}\n'
	printf '[1]\n'
	printf '\n'
	printf '{"a":1,"a":2}\n'
	printf '%200s' '' | tr ' ' '[' ; printf '\n'
	printf '{"id":2,"long":"'; head -c 2000000 /dev/zero | tr '\0' x; printf '"}\n'
	printf '{"id":3}\n'
	printf '{"id":4'
} >in
pipe 'validate --max-rejects 100 -r rejects' <in
echo "exit $?"
sed 's/"run":"[^"]*",//; s/"raw_base64":"[^"]*"/"raw_base64":"..."/' rejects
