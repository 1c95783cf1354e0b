# A key has a limit; it is a reject above it, not a cut.
long=$(printf '%4100s' '' | tr ' ' x)
printf '{"id":"%s"}\n{"id":1}\n' "$long" | dedupe -k id 2>err
wc -l <err
cut -c 1-66 err
