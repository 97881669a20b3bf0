# The conformance kit: transcripts replayed through a driver of each language (conformance/README.md),
# and faults that the kit has to find.
.PHONY: conformance-test bench-calls

BUSY += conformance-test

CONFORMANCE_C := $(BUILD)/conformance/c_driver

$(CONFORMANCE_C): conformance/drivers/c/driver.c examples/c/json.h include/status1to1.h | library
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CUSE) -o $@ $< -lstatus1to1 -lpthread

$(BUILD)/conformance/leaking_driver: conformance/tests/leaking_driver.c conformance/drivers/c/driver.c | library
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CUSE) -o $@ $< -lstatus1to1 -lpthread

conformance-test: build $(CONFORMANCE_C) $(BUILD)/conformance/leaking_driver
	@PYTHON="$(PYTHON)" STATUS1TO1_LIB=$(CURDIR)/$(BUILD)/$(LIB) sh tests/conformance.sh $(BUILD)/conformance

# What a program may do to its process while the library waits in it, and loading it without a header.
.PHONY: process-test
BUSY += process-test
process-test: build
	$(CC) $(CFLAGS) $(CUSE) -o $(BUILD)/process_test tests/c/process_test.c -lstatus1to1 -lpthread
	$(BUILD)/process_test
	$(CC) $(CFLAGS) $(CWARN) -o $(BUILD)/dlopen_test tests/c/dlopen_test.c $(LDL)
	$(BUILD)/dlopen_test $(CURDIR)/$(BUILD)/$(LIB)

bench-calls: build ## how long one call takes from each language, into build/bench-calls.json
	$(CC) $(CFLAGS) $(CUSE) -o $(BUILD)/bench_calls tests/bench/calls.c -lstatus1to1
	@sh tests/bench/calls.sh $(BUILD)
