# Sourced by the scripts of test steps.
#
# left_out STEP WHY: a part of the tests cannot run here. It says so and the step ends; in CI, where
# nothing may be missing, it fails.
left_out() {
	echo "$1: left out: $2"
	[ "${CI:-}" != true ] || exit 1
	exit 0
}

# without_registry LOG: whether a client of a package registry failed for want of a network.
without_registry() {
	grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|Temporary failure in name resolution|Could not resolve|No route to host|Network is unreachable' "$1"
}
