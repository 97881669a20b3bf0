#!/bin/sh
# Makes what is published, on one Linux machine: dist.sh OUT TARGET... (`make dist`). zig, from PyPI
# as pinned in tests/tools/dist.txt, is the C compiler and linker for all of them. The same sources,
# Go and tools give the same bytes, wherever they lie. Exit code 2: PyPI cannot be reached.
#
# In OUT, for each target: the archive with library, header and programs, the wheel, the payloads of
# the Rust and npm packages, a bill of materials; and SHA256SUMS. DIST_ONLY=library ends with the
# library itself, in OUT/stage.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
go=${GO:-go}

tools=$(sh tests/tools.sh dist)
zig=$("$tools/bin/python" -c 'import os, ziglang; print(os.path.dirname(ziglang.__file__))')/zig
# The time of the last commit stands for all times in what is made; without git, the first that a
# zip file can hold.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || echo 315532800)}
export SOURCE_DATE_EPOCH
umask 022

# What Go is told by the environment would otherwise be in the result.
unset CGO_CFLAGS CGO_CPPFLAGS CGO_LDFLAGS GOAMD64 GOARM64 GOEXPERIMENT
export GOFLAGS=-buildvcs=false CGO_ENABLED=1

# describe sets what is particular to a target. Linux programs are static, with musl, so that one
# runs on every Linux.
describe() {
	case $1 in
	linux-x86_64) GOARCH=amd64 cpu=x64 triple=x86_64-unknown-linux-gnu tag=manylinux2014_x86_64 ;;
	linux-aarch64) GOARCH=arm64 cpu=arm64 triple=aarch64-unknown-linux-gnu tag=manylinux2014_aarch64 ;;
	macos-x86_64) GOARCH=amd64 cpu=x64 triple=x86_64-apple-darwin tag=macosx_12_0_x86_64 ;;
	macos-arm64) GOARCH=arm64 cpu=arm64 triple=aarch64-apple-darwin tag=macosx_12_0_arm64 ;;
	*) echo "dist: there is no target $1" && exit 1 ;;
	esac
	case $1 in
	linux-*)
		GOOS=linux os=Linux soname=libstatus1to1.so.$ABI file=libstatus1to1.so.$ABI.$VERSION short=libstatus1to1.so
		library_cc="$zig cc -target ${1#linux-}-linux-gnu.2.17"
		library_link="-Wl,--strip-all -Wl,--version-script=$root/library/exports.map -Wl,-soname,$soname -Wl,-z,nodelete -Wl,-z,relro,-z,now"
		program_cc="$zig cc -target ${1#linux-}-linux-musl"
		program_link="-static -Wl,--strip-all"
		;;
	macos-*)
		GOOS=darwin os=Darwin soname=@rpath/libstatus1to1.$ABI.dylib file=libstatus1to1.$ABI.$VERSION.dylib short=libstatus1to1.dylib
		stubs="-L$root/packaging/macos -F$root/packaging/macos"
		library_cc="$tools/bin/python -B $root/packaging/macos/cc.py ${triple%%-*}-macos.12.0"
		library_link="$stubs -Wl,-install_name,$soname"
		program_cc=$library_cc
		program_link=$stubs
		;;
	esac
	export GOARCH GOOS
}

# The build ID would differ with the place of the sources, as the linker's arguments do.
ldflags="-s -w -buildid="

library() { # target
	CC=$library_cc "$go" build -buildmode=c-shared -trimpath -tags "$TAGS" \
		-ldflags "$ldflags -extldflags '$library_link'" -o "$stage/$short" ./library
	rm "$stage/libstatus1to1.h" # cgo's own
	"$inspect" -target "$1" -name "$soname" -exports library/exports.txt "$stage/$short"
}

program() { # target
	CC=$program_cc "$go" build -trimpath -tags "$TAGS,netgo,osusergo" \
		-ldflags "$ldflags -linkmode external -extldflags '$program_link'" -o "$stage/status1to1-rpc" ./rpc/status1to1-rpc
	"$inspect" -target "$1" "$stage/status1to1-rpc"
}

# pack makes OUT/NAME.tar.gz of a folder below the stage.
pack() { # name folder
	tar -c -C "$stage" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu "$2" |
		gzip -9n > "$out/$1.tar.gz"
}

archive() { # target
	name=libstatus1to1-$VERSION-$1
	${MAKE:-make} -s install-files BUILD="$stage" OS="$os" DESTDIR="$stage/install" PREFIX=/usr
	mv "$stage/install/usr" "$stage/$name"
	# Wherever the archive is unpacked, the .pc file finds what lies beside it.
	# shellcheck disable=SC2016 # pkg-config's variables
	sed -i -e 's|^prefix=.*|prefix=${pcfiledir}/../..|' -e 's|=/usr/|=${prefix}/|' "$stage/$name/lib/pkgconfig/status1to1.pc"
	install -d "$stage/$name/bin" "$stage/$name/share/man/man1"
	install -m 755 "$stage/status1to1-rpc" "$stage/$name/bin/status1to1-rpc"
	install -m 644 docs/status1to1-rpc.1 "$stage/$name/share/man/man1/status1to1-rpc.1"
	documents=$stage/$name/share/doc/status1to1
	"$tools/bin/python" -B packaging/licences.py "$stage/$short" "$documents/licences"
	install -m 644 "$out/$name.cdx.json" "$documents/sbom.cdx.json"
	pack "$name" "$name"
}

sbom() { # target
	"$sbom_tool" bin -json -noserial -notimestamp -licenses -version "v$VERSION" \
		-output "$out/libstatus1to1-$VERSION-$1.cdx.json" "$stage/$short" > "$stage/sbom.log" 2>&1 || { cat "$stage/sbom.log"; exit 1; }
	"$tools/bin/python" -B packaging/check_sbom.py "$out/libstatus1to1-$VERSION-$1.cdx.json" "$stage/$short"
}

# rust_payload has what build.rs of status1to1-sys looks for in native/TRIPLE.
rust_payload() { # target
	install -d "$stage/native/$triple"
	install -m 755 "$stage/$short" "$stage/native/$triple/$short"
	ln -sf "$short" "$stage/native/$triple/${soname#@rpath/}"
	pack "status1to1-sys-$VERSION-$triple" native
}

# The tools run here, so they are built before the target is set.
inspect=$out/stage/inspect
sbom_tool=$out/stage/cyclonedx-gomod
mkdir -p "$out/stage"
CGO_ENABLED=0 "$go" build -o "$inspect" ./internal/inspect
[ "${DIST_ONLY:-}" = library ] ||
	CGO_ENABLED=0 "$go" build -C packaging/sbom -trimpath -o "$sbom_tool" github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

for target in "$@"; do
	describe "$target"
	stage=$out/stage/$target
	rm -rf "$stage"
	mkdir -p "$stage"
	library "$target"
	[ "${DIST_ONLY:-}" != library ] || continue
	program "$target"
	sbom "$target"
	archive "$target"
	"${PYTHON:-python3}" -B bindings/python/wheel.py --library "$stage/$short" --tag "$tag" --out "$out"
	"${PYTHON:-python3}" -B bindings/node/pack.py --binary "$stage/status1to1-rpc" --os "$GOOS" --cpu "$cpu" --out "$out"
	rust_payload "$target"
	echo "dist: $target is made"
done
if [ "${DIST_ONLY:-}" != library ]; then
	"${PYTHON:-python3}" -B bindings/node/pack.py --out "$out"
	cd "$out"
	find . -maxdepth 1 -type f ! -name SHA256SUMS | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum > SHA256SUMS
fi
