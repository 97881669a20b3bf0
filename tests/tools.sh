#!/bin/sh
# Prints the directory of a Python environment with the modules pinned in tests/tools/NAME.txt:
# tools.sh NAME. It is made at the first use, in build/tools. Exit code 2: PyPI cannot be reached.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
pinned=tests/tools/$1.txt
venv=$PWD/build/tools/$1
if ! cmp -s "$pinned" "$venv/installed"; then
	rm -rf "$venv"
	mkdir -p "$PWD/build/tools"
	log=$venv.log
	# PyPI may be slow now and then: pip tries again, longer than it does by itself.
	if ! { "${PYTHON:-python3}" -m venv "$venv" &&
		"$venv/bin/python" -m pip install -q --disable-pip-version-check --retries 10 --timeout 60 -r "$pinned"; } > "$log" 2>&1; then
		cat "$log" >&2
		if without_registry "$log"; then
			exit 2
		fi
		exit 1
	fi
	cp "$pinned" "$venv/installed"
fi
echo "$venv"
