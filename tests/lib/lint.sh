#!/usr/bin/env bash
# lint.sh FLAGS FILE... - what a compiler does not say: greps that each hold a
# lesson, then cppcheck and clang-tidy. A line may carry `lint-ok: reason`.
set -u
cd "$(dirname "$0")/../.." || exit 1
read -ra flags <<<"$1"
shift
bad=0
folders="base store policy engine attest gateways cli"

# grep_for PATTERN REASON FOLDER... - code lines only: comments may say it.
grep_for() {
	local pattern=$1 reason=$2 hits
	shift 2
	hits=$(grep -nE --include='*.[ch]' -r -- "$pattern" "$@" |
		grep -vE 'lint-ok: |^[^:]*:[0-9]+:[[:space:]]*(/?\*|//)')
	if [ -n "$hits" ]; then
		echo "$hits"
		echo "  ^ $reason"
		bad=$((bad + 1))
	fi
}

word='(^|[^A-Za-z0-9_>.])'
grep_for "$word(strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strncpy|strncat) *\(" \
	"no bound, or no NUL: use struct buf, snprintf or memcpy" $folders
grep_for "$word(atoi|atol|atoll|atof|strtol|strtoul|strtoll|strtoull|scanf|sscanf) *\(" \
	"takes signs, spaces or junk: use str_to_u64" $folders
grep_for "$word(strtok|asctime|ctime|localtime|gmtime|setlocale|rand|random) *\(" \
	"hidden state, or not a secret: clock.h, timefmt.h, RAND_bytes" $folders
grep_for "${word}((malloc|realloc|reallocarray|strndup|asprintf) *\(|calloc *\([^1])" \
	"memory comes from an arena or a buf; only one object of _new is calloc(1, ..)" \
	store policy engine attest gateways
grep_for "${word}memcmp *\(" \
	"in attest/ a comparison that may stop early tells an attacker where: CRYPTO_memcmp" attest
grep_for '(if|while) \(!?(EVP|X509|CMS|PEM|BIO|RAND|RSA|EC|PKCS7)_[A-Za-z0-9_]+\(([^()]|\([^()]*\))*\)\)' \
	"OpenSSL: success is == 1 (-1 exists), or != NULL" $folders
grep_for "$word(exit|_exit|abort|quick_exit) *\(" \
	"below main() an error is returned" base store policy engine attest gateways
grep_for "$word(time|gettimeofday|clock_gettime) *\((NULL|&|CLOCK)" \
	"time is an input: base/clock.h" store policy engine attest gateways cli
grep_for '(^|[^A-Z])(TODO|FIXME|XXX)([^A-Z]|$)' "finish it, or let the program say so" $folders tests
grep_for "$word(pthread_rwlock|pthread_mutex)_lock *\(" \
	"the hot path takes no lock" policy

if [ "$#" -gt 0 ]; then
	echo "cppcheck"
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -I. --library=tests/lib/jansson.cfg \
		--enable=warning,portability,performance \
		--suppress=missingIncludeSystem --suppress=unusedStructMember \
		--suppress=preprocessorErrorDirective --suppress=internalAstError \
		"$@" || bad=$((bad + 1))
	echo "clang-tidy"
	# A few files at a time, on every processor; flags have no spaces.
	printf '%s\0' "$@" | FLAGS="${flags[*]}" xargs -0 -n 4 -P "$(nproc)" \
		sh -c 'clang-tidy --quiet "$@" -- -std=c17 -D_GNU_SOURCE -I. $FLAGS' \
		tidy 2>/dev/null ||
		bad=$((bad + 1))
fi
echo "lint: $bad kinds of finding"
[ "$bad" -eq 0 ]
