# outdial: an outbound dialer inside the PBX. `make help` says what can be made.

VERSION := $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
CARGO ?= cargo
target := $(if $(CARGO_TARGET_DIR),$(abspath $(CARGO_TARGET_DIR)),$(CURDIR)/target)
release := $(target)/release
# ASTERISK=16 or 22: the module for that version, in the root of it that setup makes. Not given: for
# this machine's, or for 22.
ASTERISK ?=
module_build := $(target)/asterisk-module$(ASTERISK:%=-%)

# For install and uninstall.
prefix ?= /usr
bindir ?= $(prefix)/bin
libdir ?= $(prefix)/lib
includedir ?= $(prefix)/include
unitdir ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d

# Asterisk's headers: this machine's where it has them, else those of the root that setup makes. Where
# a version is asked for, those of its root, with its C library: that may be older than this machine's.
ifneq ($(ASTERISK),)
SYSROOT := $(shell ASTERISK='$(ASTERISK)' scripts/asterisk-root --print)
ASTERISK_INCLUDE := $(SYSROOT)/include
endif
ASTERISK_INCLUDE ?= $(firstword $(foreach d,$(prefix)/include /usr/include /usr/local/include .cache/asterisk-22/include,$(if $(wildcard $(d)/asterisk.h),$(abspath $(d)))))
module_make = $(MAKE) --no-print-directory -C asterisk-module BUILD=$(module_build) OUTDIAL_LIB=$(release) \
	$(if $(ASTERISK_INCLUDE),ASTERISK_INCLUDE=$(ASTERISK_INCLUDE)) $(if $(SYSROOT),SYSROOT=$(SYSROOT)) \
	$(if $(ASTERISK),ASTERISK_MAJOR=$(ASTERISK)) prefix=$(prefix)

.DEFAULT_GOAL := all
.PHONY: help setup all library sidecar module install uninstall demo test sanitize bench bench-answer bench-pacing soak soak-pbx long-run clean

help:
	@echo 'make            build liboutdial.so, res_outdial.so, outdial and outdial-sim-pbx'
	@echo 'make setup      install what is missing, and an Asterisk 22 to test with (Debian, root)'
	@echo 'make ASTERISK=16   the same with the module for Asterisk 16 (scripts/asterisk-root 16 first)'
	@echo 'make install    put them in place; DESTDIR and prefix (/usr) as usual'
	@echo 'make uninstall  take them away again; configuration and data stay'
	@echo 'make demo       dial 500 leads from a real Asterisk to 10 agents; EXIT=1: then stop'
	@echo 'make demo PBX=freeswitch   the same with FreeSWITCH, where one is installed (FREESWITCH_PREFIX)'
	@echo 'make demo PBX=sim   the same with a simulated PBX: no Asterisk, no SIPp, nobody is called'
	@echo 'make test       everything that CI checks'
	@echo 'make sanitize   the engine under ThreadSanitizer, the module under AddressSanitizer'
	@echo 'make bench      measure; results in target/bench'
	@echo 'make bench-answer   from the answer to the agent: the audio at the callee, beside a plain Dial()'
	@echo 'make bench-pacing   talk share and abandon rate of each mode, on a model of PBX and callees'
	@echo 'make soak       SEEDS=1000 random shifts in which everything goes wrong, against an oracle'
	@echo 'make soak-pbx   10,000 calls through a real Asterisk with agents who come, pause, vanish; result in target/bench'
	@echo 'make long-run   50 calls per second for 10 minutes; result in target/bench'
	@echo 'make clean      remove what was built'

setup:
	@scripts/setup

all: library module

# One run of cargo for all: it shares the machine's cores better.
library:
	$(CARGO) build --release -p outdial -p outdial-sidecar -p outdial-sim-pbx
	@ln -sfn liboutdial.so $(release)/liboutdial.so.$(VERSION)

module: library
	@$(module_make) all

# Each file is written beside its place and renamed: a running PBX keeps the old one, whole.
define put
install -d $(DESTDIR)$(dir $(3))
install -m $(1) $(2) $(DESTDIR)$(dir $(3)).$(notdir $(3)).new
mv -f $(DESTDIR)$(dir $(3)).$(notdir $(3)).new $(DESTDIR)$(3)
endef

install: all
	$(call put,0755,$(release)/liboutdial.so,$(libdir)/liboutdial.so.$(VERSION))
	ln -sfn liboutdial.so.$(VERSION) $(DESTDIR)$(libdir)/liboutdial.so
	$(call put,0644,include/outdial.h,$(includedir)/outdial.h)
	$(call put,0755,$(release)/outdial,$(bindir)/outdial)
	$(call put,0755,$(release)/outdial-sim-pbx,$(bindir)/outdial-sim-pbx)
	sed 's|@bindir@|$(bindir)|' packaging/outdial.service >$(target)/outdial.service
	$(call put,0644,$(target)/outdial.service,$(unitdir)/outdial.service)
	$(call put,0644,packaging/sysusers.conf,$(sysusersdir)/outdial.conf)
	$(call put,0644,packaging/tmpfiles.conf,$(tmpfilesdir)/outdial.conf)
	$(module_make) install
	@test -n '$(DESTDIR)' || scripts/after-install

uninstall:
	rm -f $(DESTDIR)$(libdir)/liboutdial.so.$(VERSION) $(DESTDIR)$(libdir)/liboutdial.so
	rm -f $(DESTDIR)$(includedir)/outdial.h $(DESTDIR)$(bindir)/outdial $(DESTDIR)$(bindir)/outdial-sim-pbx
	rm -f $(DESTDIR)$(unitdir)/outdial.service
	rm -f $(DESTDIR)$(sysusersdir)/outdial.conf $(DESTDIR)$(tmpfilesdir)/outdial.conf
	$(module_make) uninstall
	@test -n '$(DESTDIR)' || echo 'Left in place: /var/lib/outdial, /etc/outdial, outdial.conf of Asterisk, user outdial'

# asterisk, freeswitch, or sim: a simulated PBX, which needs neither and no SIPp.
PBX ?= asterisk
demo:
	@case '$(PBX)' in asterisk|freeswitch|sim) ;; *) echo 'PBX=$(PBX): asterisk, freeswitch or sim' >&2; exit 1;; esac
	@scripts/setup $(if $(filter sim,$(PBX)),--without-pbx,$(if $(filter freeswitch,$(PBX)),--freeswitch))
	@$(MAKE) --no-print-directory -s $(if $(filter asterisk,$(PBX)),all,library)
	@$(CARGO) build -q --release -p outdial-harness --bin demo
	@OUTDIAL_PREBUILT=1 PBX=$(PBX) $(release)/demo

test: setup
	@scripts/test

sanitize: setup
	@scripts/thread-sanitizer
	@scripts/address-sanitizer

bench: setup
	@$(MAKE) --no-print-directory -s all
	@$(CARGO) build -q --release -p outdial-harness --bins
	@$(CARGO) bench -q -p outdial-engine --bench speed
	@OUTDIAL_PREBUILT=1 $(release)/bare_loop
	@OUTDIAL_PREBUILT=1 $(release)/answer_to_agent

bench-answer: setup
	@$(MAKE) --no-print-directory -s all
	@$(CARGO) build -q --release -p outdial-harness --bin answer_to_agent
	@OUTDIAL_PREBUILT=1 $(release)/answer_to_agent

bench-pacing:
	@$(CARGO) build -q --release -p outdial-sim
	@$(release)/bench_pacing

SEEDS ?= 1000
soak:
	@$(CARGO) build -q --release -p outdial-sim
	@$(release)/soak --seeds $(SEEDS)

soak-pbx: setup
	@$(MAKE) --no-print-directory -s all
	@$(CARGO) build -q --release -p outdial-harness --bin soak_pbx
	@OUTDIAL_PREBUILT=1 $(release)/soak_pbx

long-run: setup
	@$(MAKE) --no-print-directory -s all
	@$(CARGO) build -q --release -p outdial-harness --bins
	@OUTDIAL_PREBUILT=1 $(release)/long_run

clean:
	$(CARGO) clean
	rm -rf $(module_build)
