#!/usr/bin/env bash
# cover.sh BUILD FOLDER... - lines that the unit tests reached, a file and a
# folder at a time, from gcov's notes under BUILD/obj.
set -u
build=$1
shift
for folder in "$@"; do
	find "$build/obj/$folder" -name '*.gcda' 2>/dev/null | sort | while read -r data; do
		gcov -n -o "${data%/*}" "$data" 2>/dev/null |
			awk -v want="$folder/$(basename "${data%.gcda}").c" '
				/^File / { file = $2; gsub("\047", "", file) }
				/^Lines executed/ && file == want {
					split($2, part, /[:%]/); print part[2], $NF, file; file = ""
				}'
	done | awk -v folder="$folder" '
		{ printf "%6.1f%% of %5d  %s\n", $1, $2, $3; hit += $1 * $2 / 100; all += $2 }
		END { if (all) printf "%6.1f%% of %5d  %s/\n", 100 * hit / all, all, folder }'
done
