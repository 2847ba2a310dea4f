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

O       := build$(if $(SAN),/san-$(subst $(empty) ,-,$(SAN)))$(if $(filter clang%,$(CC)),/clang)
Q       := $(if $(V),,@)
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
ALLFLAGS = $(WARN) $(HARDEN) $(FORTIFY) $(CFLAGS) $(SANFLAGS) -fPIE -pthread -Ilib -MMD -MP \
           -DSL_VERSION='"$(VERSION)"'

# ---- sources: layers from the top down; a layer may include those after it ----
LAYERS  := io flow op expr log text arrow base
SRC      = $(wildcard lib/$(1)/*.c)
OBJ      = $(patsubst %.c,$(O)/%.o,$(call SRC,$(1)))
ARCHIVES = $(foreach l,$(LAYERS),$(O)/lib/$(l).a)
CMD_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard cmd/*.c))
# The archives that tests of layer $(1) link: the layer itself and everything below it.
BELOW    = $(shell echo '$(LAYERS)' | tr ' ' '\n' | sed -n '/^$(1)$$/,$$p')
UNIT_SRC := $(wildcard tests/unit/*/*.c)
UNIT    := $(patsubst tests/unit/%.c,$(O)/unit/%,$(UNIT_SRC))

.PHONY: all
all: $(O)/sluice

$(O)/sluice: $(CMD_OBJ) $(ARCHIVES)
	@echo "  LINK $@"
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LINK) -o $@ $(CMD_OBJ) $(ARCHIVES) $(LIBS)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(ALLFLAGS) -c -o $@ $<

define LAYER_RULE
$(O)/lib/$(1).a: $(call OBJ,$(1))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
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

.PHONY: clean
clean:
	rm -rf build

-include $(shell find $(O) -name '*.d' 2>/dev/null)
