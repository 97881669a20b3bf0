#!/bin/sh
# The C side beside the ABI's own tests: c.sh BUILD. The header in the dialects it promises, the man
# page, and the small example.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
build=$1
warnings="-Wall -Wextra -pedantic -Werror -Iinclude"

for dialect in c99 c11 c17; do
	# shellcheck disable=SC2086 # flags are several words
	${CC:-cc} -std=$dialect $warnings -fsyntax-only tests/c/header.c
done
command -v "${CXX:-c++}" > /dev/null || left_out c-test "there is no C++ compiler"
for dialect in c++11 c++17 c++20; do
	# shellcheck disable=SC2086
	"${CXX:-c++}" -std=$dialect $warnings -fsyntax-only tests/c/header.cpp
done
echo "c: the header compiles in six dialects"

# shellcheck disable=SC2086
${CC:-cc} -std=c11 $warnings -O2 -o "$build/poll" examples/c/poll/poll.c -L"$build" -Wl,-rpath,"$PWD/$build" -lstatus1to1
said=$("$build/poll")
[ "$said" = "Bob reads: Hello, Bob!
Alice reads: Hello, Alice!" ] || { echo "c: the poll example said: $said"; exit 1; }
echo "c: the poll example runs"

command -v mandoc > /dev/null || left_out c-test "there is no mandoc"
said=$(mandoc -Tlint docs/status1to1.3) || { echo "$said"; exit 1; }
[ -z "$said" ] || { echo "$said"; exit 1; }
echo "c: the man page is clean"
