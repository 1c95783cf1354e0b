# A line that is no JSON object is a reject, NUL and bad UTF-8 among them.
printf '{"id":1}\n{"id":\0}\n{"id":"\377"}\n[1]\n{"id":1\n{"id":1}\n' | dedupe -k id
