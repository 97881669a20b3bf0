# The C side: the header and the man page are whole, the small example runs, and is clean to valgrind.

BUSY += c-test valgrind-test

.PHONY: c-test valgrind-test
c-test: build
	@CC="$(CC)" CXX="$(CXX)" sh tests/c.sh $(BUILD)

# 15 s, nearly all of it in the emulated processor.
valgrind-test: build
	@CC="$(CC)" sh tests/valgrind.sh $(BUILD)

# The packages take two minutes: only CI (or DEB=yes) makes them in the tests.
BUSY += deb-test

.PHONY: deb deb-test
deb: ## Debian packages, source and binary, into build/deb
	@GO="$(GO)" sh packaging/deb.sh $(VERSION)

deb-test:
	@GO="$(GO)" VERSION=$(VERSION) ABI=$(ABI) sh tests/deb.sh
