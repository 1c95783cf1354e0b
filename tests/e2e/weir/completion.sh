# Completion knows each tool's options from its table.
bash -c '. "$top_srcdir/contrib/completion/weir.bash"
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; echo "${COMPREPLY[*]}"; }
try dedupe --tt
try weir ded
try weir dedupe --no-
try weir run --fu
try validate --max-'
