#!/bin/sh
# Builds the wheel twice, which must give the same bytes, installs it into a fresh environment, and
# chats from there with no repository in sight: wheel.sh LIBRARY. Other versions of Python that are
# there chat from the unpacked wheel.
set -u
cd "$(dirname "$0")/.."
. tests/left_out.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=$(sh tests/tools.sh wheel)
case $? in
0) ;;
2) left_out wheel-test "PyPI cannot be reached" ;;
*) exit 1 ;;
esac
set -e
library=$(realpath "$1")
wheel=$("$tools/bin/python" -B bindings/python/wheel.py --library "$library" --out "$work")
again=$("$tools/bin/python" -B bindings/python/wheel.py --library "$library" --out "$work/again")
cmp "$wheel" "$again"
if [ "$(uname -s)" = Linux ]; then
	tag=$(basename "$wheel" .whl | sed 's/.*-none-//')
	"$tools/bin/auditwheel" show "$wheel" | tr '\n' ' ' | grep -q "is consistent with *the following platform tag: \"$tag\"" || {
		echo "auditwheel says otherwise than $tag:"
		"$tools/bin/auditwheel" show "$wheel"
		exit 1
	}
fi

python=${PYTHON:-python3}
"$python" -m venv --without-pip "$work/venv"
"$tools/bin/python" -m pip --python "$work/venv/bin/python" install -q --disable-pip-version-check --no-index "$wheel"
cp tests/python/wheel_chat.py VERSION "$work"
cd "$work"
unset STATUS1TO1_LIB PYTHONPATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH
venv/bin/python -I wheel_chat.py

"$python" -m zipfile -e "$wheel" "$work/unpacked"
for minor in 9 10 11 12 13 14; do
	if other=$(command -v "python3.$minor") && "$other" -c '' 2> "$work/log"; then
		PYTHONPATH=$work/unpacked "$other" -B wheel_chat.py unpacked
	fi
done
