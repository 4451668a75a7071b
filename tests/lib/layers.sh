#!/usr/bin/env bash
# layers.sh - refuse an #include that crosses the layers: who may know whom, by
# which door, and which file alone may speak to a third-party library.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0
declare -A knows=(
	[base]="base"
	[store]="base store"
	[policy]="base store policy"
	[engine]="base store policy engine"
	[attest]="base store policy attest"
	[gateways]="base store policy engine attest gateways"
	[cli]="base store policy engine attest gateways cli"
)
# Headers of another folder that may be included: its door, and the contracts.
door='^(base/.*|([a-z]+)/\2\.h|policy/(value|claims|normal|schema)\.h|attest/(signer|token|dpop|prove|spiffe|sts|documents)\.h|store/(accounts|admin|changes|sealed|replay|documents)\.h|gateways/(signer|admin|agent|client|prover)\.h)$'
# Third-party header, and the files that may include it.
private=(
	'jansson\.h|base/json\.h'
	'microhttpd\.h|gateways/http(_answer)?\.c'
	'gnutls/.*|gateways/tls\.c'
	'curl/curl\.h|gateways/client\.c'
	'libfyaml\.h|gateways/yaml\.c'
	'sqlite3\.h|store/sqlite\.c'
	'libpq-fe\.h|store/postgres\.c'
	'pcre2\.h|policy/pattern\.c'
	'urcu.*\.h|base/swap\.c'
	'p11-kit/.*|attest/pkcs11\.c'
	'openssl/.*|attest/[a-z0-9_]+\.[ch]|base/digest\.c|gateways/client\.c'
)

refuse() { # FILE LINE WHY
	echo "$1:$2: error: $3 [layers]"
	bad=$((bad + 1))
}

check_own() { # FILE FROM LINE TARGET
	local to=${4%%/*}
	if [ "$4" = avow.h ] && [ "$2" != base ]; then return; fi
	if [ "$to" = "$4" ]; then
		refuse "$1" "$3" "include \`$4\` from the root, as folder/file.h"
	elif [ "$4" = policy/claims_make.h ]; then
		case $1 in
		attest/verify.c | policy/claims.c) ;;
		*) refuse "$1" "$3" "only attest/verify.c makes claims" ;;
		esac
	elif [[ " ${knows[$2]} " != *" $to "* ]]; then
		refuse "$1" "$3" "$2 may not know $to (\`$4\`)"
	elif [ "$to" != "$2" ] && [[ ! $4 =~ $door ]]; then
		refuse "$1" "$3" "\`$4\` is no door of $to"
	fi
}

check_third() { # FILE LINE HEADER
	local row header allowed
	for row in "${private[@]}"; do
		header=${row%%|*} allowed=${row#*|}
		if [[ $3 =~ ^$header$ ]] && [[ ! $1 =~ ^($allowed)$ ]]; then
			refuse "$1" "$2" "<$3> belongs to ${allowed//\\/} alone"
		fi
	done
}

check_first() { # FILE: its own header comes first, which proves that it stands alone
	local own=${1%.c}.h first
	if [ ! -e "$own" ]; then return; fi
	first=$(sed -n 's/^#include [<"]\([^>"]*\)[>"].*/\1/p;' "$1" | head -n 1)
	if [ "$first" != "$own" ]; then refuse "$1" 1 "include \`$own\` first"; fi
}

n=0
for folder in base store policy engine attest gateways cli; do
	for file in "$folder"/*.[ch]; do
		[ -e "$file" ] || continue
		n=$((n + 1))
		case $file in *.c) check_first "$file" ;; esac
		while IFS=: read -r line text; do
			target=$(sed 's/^#include *[<"]\([^>"]*\)[>"].*/\1/' <<<"$text")
			case $text in
			*'"'*) check_own "$file" "$folder" "$line" "$target" ;;
			*) check_third "$file" "$line" "$target" ;;
			esac
		done < <(grep -nE '^#include *[<"]' "$file")
	done
done
echo "layers: $n files, $bad refused"
[ "$bad" -eq 0 ]
