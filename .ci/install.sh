#!/bin/sh
# Installs what `make test` uses on CI's Debian beside the README's Go, C compiler, make and Python:
# in CI no part of the tests is left out. Steps that need modules of PyPI, npm or crates.io get them
# themselves, as pinned (tests/tools.sh).
set -eu
packages=""

need() { # program package...
	program=$1
	shift
	command -v "$program" > /dev/null || packages="$packages $*"
}

need valgrind valgrind
need qemu-aarch64 qemu-user libc6-arm64-cross
need dh debhelper
need dpkg-buildpackage dpkg-dev
need lintian lintian
need fakeroot fakeroot
need mandoc mandoc
need node nodejs npm
need pkg-config pkgconf
need cmake cmake
if [ -n "$packages" ]; then
	apt-get -o Acquire::Retries=5 update -qq
	# shellcheck disable=SC2086 # packages are several words
	DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 install -y -qq --no-install-recommends $packages
fi
command -v cargo > /dev/null || echo "there is no cargo: the tests will say so and fail"
