# make install and make uninstall. Every directory can be given; DESTDIR stands before each.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
DOCDIR     ?= $(DATADIR)/doc/status1to1
DESTDIR    ?=

WAITING += install-test

MAN3     := $(DESTDIR)$(MANDIR)/man3
CMAKEDIR := $(DESTDIR)$(LIBDIR)/cmake/status1to1
# status1to1_open(3) and the others are the one page.
MAN_LINKS := $(addsuffix .3,$(filter-out status1to1,$(shell cat library/exports.txt)))
# Those below DOCDIR, as in the repository, so that the links between them work.
DOCUMENTS := README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHEv2 THIRD-PARTY.md $(wildcard docs/*.md) \
	$(wildcard examples/c/*.c examples/c/*.h examples/c/poll/*.c)

# What a template says with @NAME@. The CMake file finds the directories from where it is itself.
FILL = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' -e 's|@VERSION@|$(VERSION)|g' \
	-e 's|@LIBDIR_BELOW@|$(patsubst $(PREFIX)/%,%,$(LIBDIR))|g' -e 's|@INCLUDEDIR_BELOW@|$(patsubst $(PREFIX)/%,%,$(INCLUDEDIR))|g' \
	-e 's|@LIB_ABI@|$(LIB_ABI)|g' -e 's|@SONAME@|$(if $(filter Darwin,$(OS)),@rpath/)$(LIB_ABI)|g'

.PHONY: install install-files uninstall install-test

install: build install-files ## library, header, man page, docs, to PREFIX (and DESTDIR)

install-files:
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(CMAKEDIR) $(DESTDIR)$(INCLUDEDIR) $(MAN3) $(DESTDIR)$(DATADIR)/status1to1
	install -m 755 $(BUILD)/$(LIB) $(DESTDIR)$(LIBDIR)/$(LIB_VERSION)
	ln -sf $(LIB_VERSION) $(DESTDIR)$(LIBDIR)/$(LIB_ABI)
	ln -sf $(LIB_ABI) $(DESTDIR)$(LIBDIR)/$(LIB)
	install -m 644 include/status1to1.h $(DESTDIR)$(INCLUDEDIR)/status1to1.h
	$(FILL) status1to1.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/status1to1.pc
	$(FILL) packaging/cmake/status1to1-config.cmake.in > $(CMAKEDIR)/status1to1-config.cmake
	$(FILL) packaging/cmake/status1to1-config-version.cmake.in > $(CMAKEDIR)/status1to1-config-version.cmake
	install -m 644 docs/status1to1.3 $(MAN3)/status1to1.3
	for page in $(MAN_LINKS); do ln -sf status1to1.3 $(MAN3)/$$page; done
	install -m 644 library/status1to1.supp $(DESTDIR)$(DATADIR)/status1to1/status1to1.supp
	for file in $(DOCUMENTS); do \
		install -d $(DESTDIR)$(DOCDIR)/$$(dirname $$file) && install -m 644 $$file $(DESTDIR)$(DOCDIR)/$$file || exit 1; done

uninstall: ## what make install has installed
	rm -f $(DESTDIR)$(LIBDIR)/$(LIB) $(DESTDIR)$(LIBDIR)/$(LIB_ABI) $(DESTDIR)$(LIBDIR)/$(LIB_VERSION) \
		$(DESTDIR)$(LIBDIR)/pkgconfig/status1to1.pc $(DESTDIR)$(INCLUDEDIR)/status1to1.h \
		$(MAN3)/status1to1.3 $(addprefix $(MAN3)/,$(MAN_LINKS))
	rm -rf $(CMAKEDIR) $(DESTDIR)$(DATADIR)/status1to1 $(DESTDIR)$(DOCDIR)

install-test: build
	@CC="$(CC)" sh tests/install.sh
