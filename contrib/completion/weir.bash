# bash completion for weir and its tools: the options are read from the tool's own table, through --help.
_weir_options() {
	"$@" --help 2>/dev/null | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p'
}
_weir() {
	local cur=${COMP_WORDS[COMP_CWORD]} tool=${COMP_WORDS[0]}
	COMPREPLY=()
	if [[ $tool == weir ]]; then
		local commands='run begin wrap strip stage top doctor demo plugins help'
		local tools='kcat-in validate enrich dedupe window-agg iceberg-out iceberg-in bq-out'
		if ((COMP_CWORD == 1)); then
			mapfile -t COMPREPLY < <(compgen -W "$commands $tools" -- "$cur")
			return
		fi
		case ${COMP_WORDS[1]} in
		run|top) [[ $cur != -* ]] || mapfile -t COMPREPLY < <(compgen -W "$(_weir_options weir "${COMP_WORDS[1]}")" -- "$cur") ;;
		help) mapfile -t COMPREPLY < <(compgen -W "$tools" -- "$cur") ;;
		*) [[ $cur != -* ]] || mapfile -t COMPREPLY < <(compgen -W "$(_weir_options weir "${COMP_WORDS[1]}")" -- "$cur") ;;
		esac
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_weir_options "$tool")" -- "$cur")
	fi
}
complete -o default -F _weir weir kcat-in validate enrich dedupe window-agg iceberg-out iceberg-in bq-out
