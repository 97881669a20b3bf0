#!/bin/sh
# Builds the Debian packages, has lintian look at them, installs them into an empty root, compiles
# the installed example against them, and removes them again. VERSION and ABI are the library's.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
# Compressing and lintian's look at all modules take two minutes.
[ "${CI:-}" = true ] || [ "${DEB:-}" = yes ] || left_out deb-test "it takes two minutes, so it runs in CI and with DEB=yes"
for tool in dpkg-buildpackage dh fakeroot lintian pkg-config; do
	command -v $tool > /dev/null || left_out deb-test "there is no $tool"
done
[ "$(dpkg --print-architecture)" = amd64 ] || [ "$(dpkg --print-architecture)" = arm64 ] || left_out deb-test "not tried on this processor"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
	echo "deb: $*"
	exit 1
}

sh packaging/deb.sh "$VERSION" > "$work/log" 2>&1 || { tail -40 "$work/log"; fail "the packages were not built"; }
cd build/deb
# The project has no mail address that is read, and no bug in Debian asks for the package.
lintian --fail-on error,warning --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog,initial-upload-closes-no-bugs \
	./*.changes || fail "lintian found something"

root=$work/root
mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info"
: > "$root/var/lib/dpkg/status"
# What they depend on is in this system, not in that root.
into() { fakeroot dpkg --root="$root" --log=/dev/null --force-depends --force-script-chrootless "$@" >> "$work/log" 2>&1 || { tail -20 "$work/log"; fail "dpkg $1"; }; }
into --install ./libstatus1to1-"${ABI}"_*.deb ./libstatus1to1-dev_*.deb ./status1to1-rpc_*.deb
SYSROOT=$root sh ../../packaging/debian/tests/smoke || fail "the installed library does not work"
into --purge status1to1-rpc libstatus1to1-dev "libstatus1to1-$ABI"
left=$(find "$root" ! -type d ! -path '*/var/lib/dpkg/*')
[ -z "$left" ] || fail "left after removal: $left"
echo "deb: the packages are built without a network, installed, used and removed"
