#!/bin/sh
# valgrind with library/status1to1.supp: valgrind.sh BUILD. The small example makes no mistake and
# loses nothing, and what valgrind says of a program that makes mistakes names every one of them.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
build=$1
command -v valgrind > /dev/null || left_out valgrind-test "there is no valgrind"
log=$(mktemp)
trap 'rm -f "$log" "$log.plain"' EXIT

compile() { # program source
	# Without optimization each mistake keeps its line. The compiler sees some of them too.
	${CC:-cc} -std=c11 -g -O0 -w -Iinclude -o "$build/$1" "$2" -L"$build" -Wl,-rpath,"$PWD/$build" -lstatus1to1
}
check() { # program: exit code 9 if valgrind found something
	valgrind -q --leak-check=full --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible \
		--num-callers=200 --error-exitcode=9 --suppressions=library/status1to1.supp "$build/$1" > "$log" 2>&1
}

compile valgrind_poll examples/c/poll/poll.c
check valgrind_poll || { cat "$log"; echo "valgrind: the poll example is not clean"; exit 1; }
grep -q 'Alice reads: Hello, Alice!' "$log" || { cat "$log"; echo "valgrind: the poll example did not run to its end"; exit 1; }

source=tests/c/valgrind_test.c
compile valgrind_test $source
status=0
check valgrind_test || status=$?
[ $status = 9 ] || { cat "$log"; echo "valgrind: the mistakes ended with $status"; exit 1; }
# A report is a paragraph. What is lost has no owner there: the frames between malloc and us are Go's.
sed 's/^==[0-9]*== *//' "$log" > "$log.plain"
for mistake in \
	'Invalid read of size 1|at read_what_was_freed' \
	'Invalid read of size 1|at strnlen' \
	'at strnlen|by pass_what_was_freed' \
	'Conditional jump or move depends on uninitialised value(s)|at decide_by_what_is_unset' \
	'Invalid free()|by free_twice' \
	'are definitely lost in loss record|at malloc'; do
	sed 's/^\(at\|by\) 0x[0-9A-F]*:/\1/' "$log.plain" | awk -v RS= -v kind="${mistake%%|*}" -v where="${mistake#*|}" \
		'index($0, kind) && index($0, where) { found = 1 } END { exit !found }' ||
		{ cat "$log"; echo "valgrind: it does not report: $mistake"; exit 1; }
done
echo "valgrind: the small example is clean, and each of 5 mistakes of a program is reported"
