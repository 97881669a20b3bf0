#!/bin/sh
# Runs make targets one after the other, ends at the first that fails, and says how
# long each took: steps.sh lint go-test ...
set -u
make=${MAKE:-make}
begin=$(date +%s)
table=
for step in "$@"; do
	echo "== $step"
	start=$(date +%s)
	"$make" --no-print-directory "$step"
	status=$?
	table="$table$(printf '%6d s  %s' "$(($(date +%s) - start))" "$step")
"
	if [ $status -ne 0 ]; then
		printf '%s' "$table"
		echo "FAILED: $step"
		exit $status
	fi
done
printf '%s%6d s  altogether\n' "$table" "$(($(date +%s) - begin))"
