#!/bin/sh
# What `make dist` makes: tests/dist.sh TARGETS. The library for aarch64 is built, inspected, and runs
# the C programs in an emulator. In CI everything is built, a second time from another folder with
# the same result, and the engine compiles for Windows and macOS.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
root=$PWD
targets=$1
arm=linux-aarch64
out=build/dist-test
sysroot=/usr/aarch64-linux-gnu # of libc6-arm64-cross
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ "$(uname -s)" = Linux ] || left_out dist-test "only Linux builds for all systems"
tools=$(sh tests/tools.sh dist) || {
	[ $? -eq 2 ] || exit 1
	left_out dist-test "PyPI cannot be reached"
}
zig=$("$tools/bin/python" -c 'import os, ziglang; print(os.path.dirname(ziglang.__file__))')/zig

rm -rf $out
if [ "${CI:-}" = true ]; then
	# shellcheck disable=SC2086 # targets are several words
	sh packaging/dist.sh $out $targets
else
	DIST_ONLY=library sh packaging/dist.sh $out $arm
fi
library=$out/stage/$arm/libstatus1to1.so

# A check that finds nothing wrong must be able to.
inspect() { "$out/stage/inspect" -target "$1" -name "$2" -exports "$3" "$library" > /dev/null 2>&1; }
grep -v _free library/exports.txt > "$work/fewer"
inspect $arm "libstatus1to1.so.$ABI" library/exports.txt || { echo "dist: the library itself was refused"; exit 1; }
! inspect $arm libstatus1to1.so.99 library/exports.txt || { echo "dist: another soname was accepted"; exit 1; }
! inspect linux-x86_64 "libstatus1to1.so.$ABI" library/exports.txt || { echo "dist: another processor was accepted"; exit 1; }
! inspect $arm "libstatus1to1.so.$ABI" "$work/fewer" || { echo "dist: a function too many was accepted"; exit 1; }

# emulated compiles a C program for aarch64 and runs it.
emulated() { # name source flag...
	name=$1
	shift
	"$zig" cc -target aarch64-linux-gnu.2.17 -std=c11 -O1 -Iinclude -o "$work/$name" "$@" -L"$out/stage/$arm" -lstatus1to1 -lpthread
	LD_LIBRARY_PATH=$work STATUS1TO1_CALLS=2000 qemu-aarch64 -L $sysroot "$work/$name"
}
if command -v qemu-aarch64 > /dev/null && [ -d $sysroot ]; then
	ln -s "$root/$library" "$work/libstatus1to1.so.$ABI"
	emulated abi_test tests/c/abi_test.c
	emulated poll examples/c/poll/poll.c
else
	left_out dist-test "there is no qemu-aarch64, or no C library for it: the library was built but not run"
fi
[ "${CI:-}" = true ] || exit 0

emulated stress_test tests/c/stress_test.c
said=$(echo '{"jsonrpc":"2.0","id":1,"method":"info"}' | qemu-aarch64 "$out/stage/$arm/status1to1-rpc")
echo "$said" | grep -q '"arch":"arm64"' || { echo "dist: status1to1-rpc said: $said"; exit 1; }
(cd $out && sha256sum --quiet -c SHA256SUMS)
echo "dist: the checksums are right"

# All that is C, or is compiled against it, is built anew: its compiler has another path. One target
# shows it, and costs minutes of processor time.
mkdir "$work/elsewhere"
git ls-files -z | tar -c --null -T - | tar -x -C "$work/elsewhere"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
(cd "$work/elsewhere" && mkdir -p build && ln -s "$root/build/tools" build/tools && sh packaging/dist.sh "$work/second" $arm)
! grep -vxF -f $out/SHA256SUMS "$work/second/SHA256SUMS" || { echo "dist: a second build is different: the files above"; exit 1; }
echo "dist: a second build in another folder is the same, byte for byte"

GOOS=windows GOARCH=amd64 CGO_ENABLED=1 CC="$zig cc -target x86_64-windows-gnu" $GO vet -tags "$TAGS" ./chat/... ./store/...
GOOS=darwin GOARCH=arm64 CGO_ENABLED=1 CC="$tools/bin/python -B $root/packaging/macos/cc.py aarch64-macos.12.0" $GO vet -tags "$TAGS" ./chat/... ./store/...
echo "dist: the engine compiles for Windows and macOS"
