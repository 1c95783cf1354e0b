#!/bin/sh
# Every #include "..." against the numbered layers of ARCHITECTURE.md: a layer uses itself and what is below it, a tool's folder uses
# layers and itself, and no stage looks behind weir.h at its host.
: "${top_srcdir:?}"
cd "$top_srcdir" || exit 99
layers='base json expr state sink stream net parquet avro store iceberg'
number() { n=0; for l in $layers; do n=$((n + 1)); [ "$l" != "$1" ] || { echo $n; return; }; done; echo 0; }
owner() { # the layer or tool folder that has this header
	for d in libcommon/* libcommon/*/*/ tools/* contrib/*; do [ ! -e "$d/$1" ] || { echo "${d%/}"; return; }; done
}
count=0
for file in $(find libcommon tools -name '*.[ch]' | sort); do
	folder=$(dirname "$file")
	own=$(echo "$folder" | cut -d/ -f2)
	problem=
	for header in $(sed -n 's/^#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file"); do
		case $header in config.h|weir.h) continue ;; esac
		[ ! -e "$folder/$header" ] || continue
		at=$(owner "$(basename "$header")")
		layer=$(echo "$at" | cut -d/ -f2)
		case $at in
		'') [ -e "libcommon/$own/$header" ] || problem="$problem $header:nowhere" ;;
		libcommon/*)
			case $folder in
			libcommon/*) [ "$(number "$layer")" -le "$(number "$own")" ] || problem="$problem $header:$layer" ;;
			tools/weir) ;;
			tools/*) [ "$layer" != stream ] || [ "$header" = weir-main.h ] || problem="$problem $header:host" ;;
			esac ;;
		tools/"$own") ;;
		*) problem="$problem $header:$at" ;;
		esac
	done
	count=$((count + 1))
	if [ -z "$problem" ]; then echo "ok $count - $file"; else echo "not ok $count - $file uses$problem"; fi
done
# The check itself must be able to fail.
count=$((count + 1))
if [ "$(number base)" -lt "$(number stream)" ] && [ "$(owner host.h)" = libcommon/stream ]; then echo "ok $count - layers are known"; else echo "not ok $count - layers are known"; fi
echo "1..$count"
