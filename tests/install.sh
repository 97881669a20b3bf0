#!/bin/sh
# Installs into a directory, builds a program against what was installed, through
# pkg-config if there is one, and runs it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cd "$root"
make -s install DESTDIR="$stage" PREFIX=/opt/s1 > "$stage/log" 2>&1 || { cat "$stage/log"; exit 1; }

lib=$stage/opt/s1/lib
pc=$lib/pkgconfig/status1to1.pc
version=$(cat VERSION)
for file in "$lib/libstatus1to1.so.1.$version" "$stage/opt/s1/include/status1to1.h" "$pc"; do
	[ -f "$file" ] || [ "$(uname -s)" = Darwin ] || { echo "not installed: $file"; exit 1; }
done
[ "$(uname -s)" = Darwin ] || [ "$(readlink "$lib/libstatus1to1.so.1")" = "libstatus1to1.so.1.$version" ] || { echo "libstatus1to1.so.1 points elsewhere"; exit 1; }
for file in bin/status1to1-rpc share/man/man1/status1to1-rpc.1; do
	[ -f "$stage/opt/s1/$file" ] || { echo "not installed: $file"; exit 1; }
done
[ "$("$stage/opt/s1/bin/status1to1-rpc" --version)" = "status1to1-rpc $version" ] || { echo "status1to1-rpc has another version"; exit 1; }
[ "$(find "$stage/opt" -type f | wc -l)" -eq 5 ] || { echo "other files were installed:"; find "$stage/opt" -type f; exit 1; }

if command -v pkg-config > /dev/null; then
	export PKG_CONFIG_PATH="$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$stage"
	[ "$(pkg-config --modversion status1to1)" = "$version" ] || { echo "the .pc file has another version"; exit 1; }
	flags=$(pkg-config --cflags --libs status1to1)
else
	# The two variables of the .pc file, filled in by hand.
	flags="-I$stage$(sed -n 's/^includedir=//p' "$pc") -L$stage$(sed -n 's/^libdir=//p' "$pc") -lstatus1to1"
fi
# shellcheck disable=SC2086 # flags are several words
${CC:-cc} -o "$stage/program" tests/c/header.c $flags
LD_LIBRARY_PATH=$lib DYLD_LIBRARY_PATH=$lib "$stage/program"
echo "install: a program built against the installed library runs"
