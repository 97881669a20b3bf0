#!/bin/sh
# Runs make targets and says how long each took: steps.sh "build" "lint go-test" "python-test demo".
# The first argument runs alone. The targets of each other argument run one after the other, and these
# lists side by side: tests of real nodes mostly wait, and leave the processors to others meanwhile.
# What the first of these lists prints is seen at once; a step of another list is printed when it has
# ended. After a failure no further step begins.
set -u
make=${MAKE:-make}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
begin=$(date +%s)

step() { # target
	start=$(date +%s)
	"$make" --no-print-directory "$1"
	status=$?
	printf '%6d s  %s\n' "$(($(date +%s) - start))" "$1" >> "$work/table"
	if [ $status -ne 0 ]; then
		echo "$1" >> "$work/failed"
	fi
}

loudly() { # targets: what they print is seen at once
	for target in $1; do
		[ ! -e "$work/failed" ] || return
		echo "== $target"
		step "$target"
	done
}

quietly() { # targets, name of the list
	for target in $1; do
		[ ! -e "$work/failed" ] || return
		step "$target" > "$work/output$2" 2>&1
		echo "== $target (side by side)"
		cat "$work/output$2"
	done
}

loudly "$1"
shift
export BUILT=yes # the programs under test are not built again while they run
number=0
for list in "$@"; do
	number=$((number + 1))
	if [ $number -gt 1 ]; then
		quietly "$list" $number &
	fi
done
[ $# -eq 0 ] || loudly "$1"
wait
cat "$work/table"
printf '%6d s  altogether\n' "$(($(date +%s) - begin))"
if [ -e "$work/failed" ]; then
	echo "FAILED: $(cat "$work/failed")"
	exit 1
fi
