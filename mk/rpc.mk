# status1to1-rpc: the API as JSON-RPC over stdio.

RACE   += ./rpc

.PHONY: rpc install-rpc uninstall-rpc

ifdef BUILT
rpc:
else
rpc: ## the stdio server, build/status1to1-rpc
	@mkdir -p $(BUILD)
	$(GO) build -trimpath -tags $(TAGS) -ldflags "-s -w" -o $(BUILD)/status1to1-rpc ./rpc/status1to1-rpc
endif

build: rpc

install: install-rpc
install-rpc: rpc
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	install -m 755 $(BUILD)/status1to1-rpc $(DESTDIR)$(BINDIR)/status1to1-rpc
	install -m 644 docs/status1to1-rpc.1 $(DESTDIR)$(MANDIR)/man1/status1to1-rpc.1

uninstall: uninstall-rpc
uninstall-rpc:
	rm -f $(DESTDIR)$(BINDIR)/status1to1-rpc $(DESTDIR)$(MANDIR)/man1/status1to1-rpc.1
