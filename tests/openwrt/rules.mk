# What of OpenWrt's build system the package's Makefile uses: `make installed DESTDIR=…` does what stands in Package/install.
INSTALL_DIR = install -d -m0755
INSTALL_BIN = install -m0755
INSTALL_CONF = install -m0600
INCLUDE_DIR = $(TOPDIR)

define RustBinPackage
endef

define BuildPackage
.PHONY: prepared installed
prepared:
	$$(Build/Prepare)
installed:
	$$(call Package/$(1)/install,$$(DESTDIR))
endef
