#!/bin/sh
# Builds the library of tests into build/test - the C side under AddressSanitizer
# where the compiler has one, and with a method that panics on demand - and runs the
# C programs against it. `make asan-test` sets the environment.
set -eu
cd "$(dirname "$0")/.."
out=build/test
mkdir -p $out
log=$(mktemp)
trap 'rm -f "$log"' EXIT

sanitize=
echo 'int main(void) { return 0; }' > $out/probe.c
if $CC -fsanitize=address -o $out/probe $out/probe.c > /dev/null 2>&1 && $out/probe 2> /dev/null; then
	sanitize="-fsanitize=address -fno-omit-frame-pointer"
	TAGS="$TAGS,status1to1_asan"
else
	echo "asan: $CC has no AddressSanitizer that works here: the C side is tested without it"
fi

$GO build -buildmode=c-shared -trimpath -tags "$TAGS,status1to1_test" -ldflags "-extldflags '$LINK'" -o "$out/$LIB" ./library
rm -f $out/libstatus1to1.h
ln -sf "$LIB" "$out/$LIB_ABI"
compile() {
	# shellcheck disable=SC2086
	$CC -std=c11 -Wall -Wextra -pedantic -Werror -O1 -g $sanitize -DTEST_LIBRARY -Iinclude "tests/c/$1.c" -o "$out/$1" \
		-L$out -Wl,-rpath,"$PWD/$out" -lstatus1to1 -lpthread
}

# A quarantine of freed memory would look like growth.
options=quarantine_size_mb=1
if [ -n "$sanitize" ]; then
	compile asan_test
	for what in use shim; do
		if ASAN_OPTIONS=$options:detect_leaks=0 $out/asan_test $what > "$log" 2>&1 || ! grep -q 'ERROR: AddressSanitizer' "$log"; then
			cat "$log"
			echo "asan: it did not find the fault \"$what\""
			exit 1
		fi
	done
	# The leak detector needs ptrace, which some containers refuse.
	if ASAN_OPTIONS=$options $out/asan_test leak > "$log" 2>&1; then
		options=$options:detect_leaks=0
		echo "asan: lost strings are not found here, only bad accesses"
	elif ! grep -q 'detected memory leaks' "$log"; then
		options=$options:detect_leaks=0
		echo "asan: leaks cannot be looked for here, only bad accesses"
	fi
fi
export ASAN_OPTIONS=$options
for program in abi_test panic_test stress_test; do
	compile $program
	# Instrumented code is slow: the full number of calls is stress-test's.
	STATUS1TO1_CALLS=${STATUS1TO1_CALLS:-100000} $out/$program
done

# The chat program, against the library of tests: a session typed in, and what a script runs.
# shellcheck disable=SC2086
$CC -std=c11 -Wall -Wextra -pedantic -Werror -O1 -g $sanitize -Iinclude examples/c/*.c -o $out/chat \
	-L$out -Wl,-rpath,"$PWD/$out" -lstatus1to1 -ldl
STATUS1TO1_CHAT="$PWD/$out/chat" STATUS1TO1_LIB="$PWD/build/$LIB" sh -c 'cd tests/python &&
	'"${PYTHON:-python3}"' -B -m unittest test_examples test_terminal test_pictures.Shown test_cards.Shown test_moving'
