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
