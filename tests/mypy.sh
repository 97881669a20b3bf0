#!/bin/sh
# mypy --strict over the Python package, the small examples and tests/python/typed.py, which has
# mistakes that types must catch. So is the program in the package's README.
set -u
cd "$(dirname "$0")/.."
. tests/left_out.sh
tools=$(sh tests/tools.sh mypy)
case $? in
0) ;;
2) left_out mypy-test "PyPI cannot be reached" ;;
*) exit 1 ;;
esac
check() {
	"$tools/bin/python" -m mypy --config-file bindings/python/pyproject.toml --cache-dir build/mypy "$@" || exit 1
}
check -p status1to1
mkdir -p build
sed -n '/^```python$/,/^```$/{/^```python$/d;/^```$/q;p;}' bindings/python/README.md >build/readme_program.py
grep -q "client.messages.send" build/readme_program.py || { echo "no program was found in bindings/python/README.md" >&2; exit 1; }
check build/readme_program.py examples/python/echo_bot.py examples/python/asyncio_bot.py examples/python/folder_bridge.py tests/python/typed.py
