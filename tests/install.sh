#!/bin/sh
# Installs into a directory, builds programs against what was installed - through pkg-config, through
# CMake, and by hand - and runs them; then uninstalls, and nothing is left.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/left_out.sh"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cd "$root"
fail() {
	echo "install: $*"
	exit 1
}
run() { make -s "$1" DESTDIR="$stage" PREFIX=/opt/s1 > "$stage/log" 2>&1 || { cat "$stage/log"; exit 1; }; rm "$stage/log"; }

run install
at=$stage/opt/s1
pc=$at/lib/pkgconfig/status1to1.pc
version=$(cat VERSION)
abi=$(sed -n 's/^#define STATUS1TO1_ABI_VERSION \([0-9]*\)u$/\1/p' include/status1to1.h)
doc=share/doc/status1to1
for file in include/status1to1.h lib/pkgconfig/status1to1.pc lib/cmake/status1to1/status1to1-config.cmake share/man/man3/status1to1.3 \
	share/man/man3/status1to1_open.3 share/man/man1/status1to1-rpc.1 share/status1to1/status1to1.supp $doc/LICENSE-MIT $doc/LICENSE-APACHEv2 $doc/THIRD-PARTY.md \
	$doc/README.md $doc/docs/c-api.md $doc/examples/c/poll/poll.c; do
	[ -f "$at/$file" ] || fail "not installed: $file"
done
[ "$(uname -s)" = Darwin ] || [ "$(readlink "$at/lib/libstatus1to1.so.$abi")" = "libstatus1to1.so.$abi.$version" ] ||
	fail "libstatus1to1.so.$abi points elsewhere"
for function in $(cat library/exports.txt); do
	[ "$(readlink "$at/share/man/man3/$function.3")" = status1to1.3 ] || fail "$function(3) is not there"
done
! grep -rn '@[A-Z_]*@' "$at/lib/pkgconfig" "$at/lib/cmake" || fail "a name was not filled in"

[ "$("$at/bin/status1to1-rpc" --version)" = "status1to1-rpc $version" ] || fail "status1to1-rpc has another version"

export LD_LIBRARY_PATH="$at/lib" DYLD_LIBRARY_PATH="$at/lib"
if command -v pkg-config > /dev/null; then
	found() { PKG_CONFIG_PATH="$at/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$stage" pkg-config "$@" status1to1; }
	[ "$(found --modversion)" = "$version" ] || fail "the .pc file has another version"
	flags=$(found --cflags --libs)
else
	# The two variables of the .pc file, filled in by hand.
	flags="-I$stage$(sed -n 's/^includedir=//p' "$pc") -L$stage$(sed -n 's/^libdir=//p' "$pc") -lstatus1to1"
fi
# shellcheck disable=SC2086 # flags are several words
${CC:-cc} -o "$stage/program" tests/c/header.c $flags
"$stage/program" || fail "the program built with pkg-config fails"
# The example finds json.h beside it.
# shellcheck disable=SC2086
${CC:-cc} -o "$stage/poll" "$at/$doc/examples/c/poll/poll.c" $flags
[ "$("$stage/poll" | wc -l)" -eq 2 ] || fail "the installed example fails"

cmake_build() { # version asked for
	mkdir -p "$stage/cmake"
	cp tests/c/header.c "$stage/cmake"
	cat > "$stage/cmake/CMakeLists.txt" <<- END
		cmake_minimum_required(VERSION 3.10)
		project(program C)
		find_package(status1to1 $1 REQUIRED)
		add_executable(program header.c)
		target_link_libraries(program status1to1::status1to1)
	END
	cmake -S "$stage/cmake" -B "$stage/cmake/build" -DCMAKE_PREFIX_PATH="$at" > "$stage/log" 2>&1 &&
		cmake --build "$stage/cmake/build" >> "$stage/log" 2>&1
}
if command -v cmake > /dev/null; then
	for wanted in "" "$version EXACT" "${version%%.*}.0"; do
		rm -rf "$stage/cmake"
		cmake_build "$wanted" || { cat "$stage/log"; fail "CMake does not find version \"$wanted\""; }
		"$stage/cmake/build/program" || fail "the program built with CMake fails"
	done
	rm -rf "$stage/cmake"
	! cmake_build 999.0 || fail "CMake took version $version for 999.0"
fi

run uninstall
left=$(find "$at" ! -type d)
[ -z "$left" ] || fail "left after make uninstall: $left"
[ ! -e "$at/$doc" ] || fail "its own directories are left"
command -v cmake > /dev/null || left_out install-test "there is no CMake"
command -v pkg-config > /dev/null || left_out install-test "there is no pkg-config"
echo "install: programs built through pkg-config and CMake run, and make uninstall leaves nothing"
