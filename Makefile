# sluice: build, test, install. `make help` lists the targets.

# ---- settings: override on the command line ----
CC       = gcc
# Sanitizers, e.g. SAN=address,undefined: objects go to a folder of their own.
SAN      =
# V=1 prints the commands.
V        =
prefix   = /usr/local
DESTDIR  =
CFLAGS   = -O2 -g
WARN     = -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wshadow \
           -Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-format-nonliteral -Wno-sign-compare \
           -Wno-missing-field-initializers
HARDEN   = -fstack-protector-strong -fno-strict-overflow -fno-delete-null-pointer-checks
FORTIFY  = $(if $(SAN),,-D_FORTIFY_SOURCE=2)
LINK     = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
# libcsv and libpg_query ship no .pc file.
LIBS     = -lzstd -lpcre2-8 -lcsv -l:libpg_query.a -lprotobuf-c -lpthread -lm -ldl

VERSION  = 0.1.0

comma   := ,
O       := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(filter clang%,$(CC)),/clang)
Q       := $(if $(V),,@)
# Asserts stay in every build (no NDEBUG): what follows a broken assumption could be wrong rows, and
# committed ones. SL_CHECKS also checks every batch, row by row.
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -DSL_CHECKS)
# _GNU_SOURCE also here, for a file whose first include is a system header.
ALLFLAGS = -D_GNU_SOURCE $(WARN) $(HARDEN) $(FORTIFY) $(CFLAGS) $(SANFLAGS) -fPIE -pthread -Ilib -MMD -MP \
           -DSL_VERSION='"$(VERSION)"'

# ---- sources: layers from the top down; a layer may include those after it ----
LAYERS  := io file flow op expr state kernel maintain log text ipc arrow base
SRC      = $(wildcard lib/$(1)/*.c)
OBJ      = $(patsubst %.c,$(O)/%.o,$(call SRC,$(1)))
ARCHIVES = $(foreach l,$(LAYERS),$(O)/lib/$(l).a)
CMD_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard cmd/*.c))
# The archives that tests of layer $(1) link: the layer itself and everything below it. The log's tests
# verify what they wrote.
BELOW    = $(shell echo '$(LAYERS)' | tr ' ' '\n' | sed -n '/^$(if $(filter log,$(1)),maintain,$(1))$$/,$$p')
UNIT_SRC := $(wildcard tests/unit/*/*.c)
UNIT    := $(patsubst tests/unit/%.c,$(O)/unit/%,$(UNIT_SRC))

.PHONY: all
all: $(O)/sluice

# What no source's time tells is kept as a file that is written when it is another than last time: the
# settings (but for WARN, which changes no object), and which sources a folder has.
define KEPT
ifneq ($$(file <$(1)),$(2))
.PHONY: $(1)
endif
$(1):
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(subst ','\'',$(2))' >$$@
endef
FLAGS   := $(strip $(CC) $(filter-out $(WARN),$(ALLFLAGS)) $(LINK) $(LIBS))
$(eval $(call KEPT,$(O)/flags,$(FLAGS)))
$(eval $(call KEPT,$(O)/cmd/sources,$(CMD_OBJ)))
$(foreach l,$(LAYERS),$(eval $(call KEPT,$(O)/lib/$(l)/sources,$(call OBJ,$(l)))))

$(O)/sluice: $(CMD_OBJ) $(ARCHIVES) $(O)/cmd/sources
	@echo "  LINK $@"
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LINK) -o $@ $(CMD_OBJ) $(ARCHIVES) $(LIBS)

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(ALLFLAGS) -c -o $@ $<

define LAYER_RULE
$(O)/lib/$(1).a: $(call OBJ,$(1)) $(O)/lib/$(1)/sources
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@.new && ar rcs $$@.new $(call OBJ,$(1)) && mv -f $$@.new $$@
$(O)/unit/$(1)/%: $(O)/tests/unit/$(1)/%.o $(foreach b,$(call BELOW,$(1)),$(O)/lib/$(b).a)
	@mkdir -p $$(@D)
	@echo "  LINK $$@"
	$$(Q)$$(CC) $$(CFLAGS) $$(SANFLAGS) $$(LINK) -o $$@ $$^ $$(LIBS)
# Builds the unit tests of one layer and all below it: make unit-arrow
.PHONY: unit-$(1)
unit-$(1): $(filter $(O)/unit/$(1)/%,$(UNIT))
endef
$(foreach l,$(LAYERS),$(eval $(call LAYER_RULE,$(l))))

.PRECIOUS: $(O)/tests/unit/%.o
.PHONY: unit
unit: $(UNIT)

# Every object, nothing linked: a second compiler's opinion (make CC=clang-14 objects).
.PHONY: objects
objects: $(CMD_OBJ) $(foreach l,$(LAYERS),$(call OBJ,$(l))) \
         $(patsubst tests/unit/%.c,$(O)/tests/unit/%.o,$(UNIT_SRC))

# gen writes the events that demo, bench and some tests read; measure times processes.
.PHONY: gen
gen: $(O)/gen $(O)/measure
$(O)/gen $(O)/measure: $(O)/%: $(O)/tests/bench/%.o
	@echo "  LINK $@"
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LINK) -o $@ $^

# ---- tests: see tests/check for what each level runs ----
# A folder's own checks: TAP programs called `check` (short) and `check-long`.
.PHONY: check check-long test lint
check:
	@tests/check SAN='$(SAN)'
check-long:
	@tests/check --long
# Some programs or bats files against this build: make test T='tests/bats/ingest.bats'
test: all gen
	@SLUICE='$(abspath $(O)/sluice)' tests/with-env tests/run $(T)
lint:
	@tests/lint/all

.PHONY: deps demo bench
deps:
	@tests/deps
demo: deps
	@$(MAKE) --no-print-directory -j"$$(nproc)" all gen
	@SLUICE='$(abspath $(O)/sluice)' GEN='$(abspath $(O)/gen)' tests/demo
bench: deps all gen
	@SLUICE='$(abspath $(O)/sluice)' GEN='$(abspath $(O)/gen)' tests/bench/run

# ---- install: the binary, its pages, completions ----
.PHONY: install uninstall
MAN1 = $(wildcard man/*.1)
MAN5 = $(wildcard man/*.5)
MAN7 = $(wildcard man/*.7)
install: all
	install -D -m 755 $(O)/sluice '$(DESTDIR)$(prefix)/bin/sluice'
	$(if $(MAN1),install -D -m 644 -t '$(DESTDIR)$(prefix)/share/man/man1' $(MAN1))
	$(if $(MAN5),install -D -m 644 -t '$(DESTDIR)$(prefix)/share/man/man5' $(MAN5))
	$(if $(MAN7),install -D -m 644 -t '$(DESTDIR)$(prefix)/share/man/man7' $(MAN7))
	$(if $(wildcard completions/sluice.bash),install -D -m 644 completions/sluice.bash \
	  '$(DESTDIR)$(prefix)/share/bash-completion/completions/sluice')
uninstall:
	rm -f '$(DESTDIR)$(prefix)/bin/sluice' \
	  $(foreach f,$(MAN1),'$(DESTDIR)$(prefix)/share/man/man1/$(notdir $(f))') \
	  $(foreach f,$(MAN5),'$(DESTDIR)$(prefix)/share/man/man5/$(notdir $(f))') \
	  $(foreach f,$(MAN7),'$(DESTDIR)$(prefix)/share/man/man7/$(notdir $(f))') \
	  '$(DESTDIR)$(prefix)/share/bash-completion/completions/sluice'

.PHONY: clean
clean:
	rm -rf build

.PHONY: help
help:
	@echo 'make            builds build/sluice                      (-j2, V=1, CC=clang-14, SAN=address,undefined)'
	@echo 'make demo       installs what is missing, builds, shows the main job on a million events'
	@echo 'make check      sets up, builds, runs every test and lint; ends with the totals'
	@echo '                (SAN=thread or another: all tests of that build, and nothing else)'
	@echo 'make check-long the same and the tests that take hours or gigabytes'
	@echo 'make test T=..  some unit programs or bats files against this build'
	@echo 'make lint       format, includes, banned functions, budgets, cppcheck, shellcheck'
	@echo 'make bench      times sluice beside DuckDB, Miller and mawk on 10 million events'
	@echo 'make deps       installs the Debian packages that building needs'
	@echo 'make install    DESTDIR= prefix=/usr/local; make uninstall takes it away again'
	@echo 'make unit-LAYER unit tests of one layer and all below it: $(LAYERS)'
	@echo 'make clean      removes build/'

-include $(shell find $(O)/cmd $(O)/lib $(O)/tests -name '*.d' 2>/dev/null)
