#!/bin/sh
# Runs make targets and says how long each took. `make test` calls it for each of the lists of
# targets that run side by side, then for the table of all: steps.sh TABLE loud|quiet target...,
# steps.sh TABLE end. What a loud list prints is seen at once, a step of a quiet one is printed when
# it has ended. After a failure no further step begins, in any list.
#
# With AGAIN=yes, as in CI, the other steps go on, and what failed is run once more at the end, with
# nothing beside it: a step that fails under load only does not throw away the rest, but is named.
set -u
make=${MAKE:-make}
table=$1
how=$2
shift 2

step() { # target
	start=$(date +%s)
	"$make" --no-print-directory "$1"
	status=$?
	printf '%6d s  %s\n' "$(($(date +%s) - start))" "$1" >> "$table"
	if [ $status -ne 0 ]; then
		echo "$1" >> "$table.$failures"
	fi
}
failures=failed
[ "${AGAIN:-}" != yes ] || failures=again

if [ "$how" = end ]; then
	if [ -e "$table.again" ]; then
		failures=failed
		for target in $(cat "$table.again"); do
			echo "== $target, which failed beside others, by itself"
			step "$target"
			grep -qx "$target" "$table.failed" 2> /dev/null || echo "UNSTABLE: $target failed at its first try: its cause has to be found"
		done
	fi
	cat "$table"
	printf '%6d s  altogether\n' "$(($(date +%s) - $(cat "$table.begin")))"
	if [ -e "$table.failed" ]; then
		echo "FAILED:" $(cat "$table.failed")
		exit 1
	fi
	exit 0
fi
for target in "$@"; do
	[ ! -e "$table.failed" ] || exit 1
	if [ "$how" = loud ]; then
		echo "== $target"
		step "$target"
	else
		step "$target" > "$table.$target" 2>&1
		echo "== $target (side by side)"
		cat "$table.$target"
	fi
done
[ ! -e "$table.failed" ]
