# A last line over the limit that has no newline is an error like a short one that is cut off, not nothing.
for n in 8 9 20 300000; do
	{ echo '{"a":1}'; printf "%0${n}d" 0; } | command validate --max-line 8 -r rejects
	echo "exit $?"
done
