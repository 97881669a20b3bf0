# The C side: the header and the man page are whole, and the small example runs.

BUSY += c-test

.PHONY: c-test
c-test: build
	@CC="$(CC)" CXX="$(CXX)" sh tests/c.sh $(BUILD)
