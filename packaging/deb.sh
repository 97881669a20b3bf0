#!/bin/sh
# Makes the Debian packages, source and binary, in build/deb: deb.sh VERSION. The source package has
# the sources of all Go modules, so that it is built without a network. Go of Debian is not demanded:
# where its package is missing or too old, the Go of the PATH builds.
set -eu
cd "$(dirname "$0")/.."
version=$1
# The package's build is one of its own: what a surrounding make was told (BUILT=yes, -j) is not for it.
unset MAKEFLAGS MFLAGS MAKELEVEL BUILT
out=$PWD/build/deb
tree=$out/libstatus1to1-$version
go=${GO:-go}

found=$(sed -n '1s/^libstatus1to1 (\(.*\)-[0-9]*) .*/\1/p' packaging/debian/changelog)
[ "$found" = "$version" ] || { echo "packaging/debian/changelog is of version $found, the library of $version"; exit 1; }
rm -rf "$out"
mkdir -p "$tree"
git ls-files -z | grep -zv '^packaging/debian/' | tar -c --null -T - | tar -x -C "$tree"
(cd "$tree" && "$go" mod vendor)
# Compiled code that nothing here links (tag gowaku_no_rln): half a gigabyte.
rm -rf "$tree"/vendor/github.com/waku-org/go-zerokit-rln*/libs

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
tar -c -C "$out" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner "libstatus1to1-$version" |
	gzip -n > "$out/libstatus1to1_$version.orig.tar.gz"
cp -R packaging/debian "$tree/debian"

# What was compiled before need not be compiled again.
GOCACHE=$("$go" env GOCACHE)
export GOCACHE
cd "$tree"
missing=$(dpkg-checkbuilddeps 2>&1 | sed -n 's/.*Unmet build dependencies: //p')
case $missing in
"") checked= ;;
golang-any*) checked=-d && echo "deb: Debian's Go is not there; $("$go" version) builds" ;;
*) echo "deb: not installed: $missing" && exit 1 ;;
esac
dpkg-buildpackage -us -uc $checked
rm -rf "$tree"
