# Builds avow. `make help` lists the targets; MODE (release, debug, asan, tsan,
# cover, fuzz) and CC choose how, WERROR=1 makes warnings errors.
MODE ?= release
MODULES := base store policy engine attest gateways
ifeq ($(MODE),fuzz)
CC := clang
endif
B := $(if $(filter release,$(MODE)),build,build/$(MODE))
TESTDATA ?= ../shared
PREFIX ?= /usr/local
UNITDIR ?= /lib/systemd/system
FUZZ_SECONDS ?= 30
AVOW := $B/avow
export TESTDATA AVOW

# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1) $@")

# --- flags ------------------------------------------------------------------
comma := ,
# A flag only where this compiler knows it.
try = $(shell $(CC) $(1) -Werror -c -x c /dev/null -o /dev/null 2>/dev/null && echo $(1))
LIBS := jansson libssl libcrypto libmicrohttpd libfyaml sqlite3 libpq libpcre2-8 liburcu-bp
LIBS += gnutls libcurl p11-kit-1
system = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(1) 2>/dev/null))
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wvla -Walloca -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wwrite-strings -Wcast-qual -Wcast-align -Wpointer-arith -Wformat=2 \
	-Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference \
	-Wdouble-promotion -Werror=unused-result $(if $(WERROR),-Werror) \
	$(foreach f,-Wlogical-op -Wduplicated-cond -Wduplicated-branches \
	-Wjump-misses-init,$(call try,$(f)))
HARDEN = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(foreach f,\
	-fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -ftrivial-auto-var-init=zero,$(call try,$(f)))
# Below -O2 gcc's guesses about what is not set yet are mostly wrong.
QUIET := $(call try,-Wno-maybe-uninitialized) -Wno-null-dereference
SANITIZE := $(QUIET) -fno-omit-frame-pointer -fno-sanitize-recover=all
MODE_release = -O2 -g $(HARDEN)
MODE_debug = -O0 -g3
MODE_asan = -O1 -g -fsanitize=address,undefined $(SANITIZE) -DARENA_DEBUG
MODE_tsan = -O1 -g -fsanitize=thread $(SANITIZE)
MODE_cover = -O0 -g --coverage
MODE_fault = -O1 -g $(QUIET) -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc
MODE_fuzz = -O1 -g -fsanitize=fuzzer-no-link,address,undefined $(SANITIZE) -DARENA_DEBUG
ifeq ($(MODE_$(MODE)),)
$(error MODE is one of release, debug, asan, tsan, cover, fault, fuzz)
endif
MODE_FLAGS := $(MODE_$(MODE))
CALLS := $(foreach f,memset memcpy,$(call try,-m$f-strategy=libcall:-1:noalign))
MOVES := $(foreach f,memset memcpy,$(call \
	try,-m$f-strategy=unrolled_loop:512:noalign$(comma)libcall:-1:noalign))
WIDE := $(call try,-fno-split-wide-types)
ALL_CFLAGS := -std=c17 -D_GNU_SOURCE -I. $(call system,$(LIBS)) $(WARN) \
	$(MODE_FLAGS) $(CALLS) -fno-common -fvisibility=hidden -pthread $(CFLAGS)
# No clock of a host is right that says a time before the source's.
BUILT := $(if $(SOURCE_DATE_EPOCH),-DBUILD_TIME_S=$(SOURCE_DATE_EPOCH))
LIB_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -pthread -lm
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null)
LINK := $(MODE_FLAGS) -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(LDFLAGS)

# --- what there is ----------------------------------------------------------
LIB_SRC := $(sort $(wildcard $(MODULES:%=%/*.c)))
CLI_SRC := $(sort $(wildcard cli/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FAULT_SRC := $(sort $(filter-out tests/fault/wrap.c,$(wildcard tests/fault/*.c)))
HELP_SRC := $(sort $(wildcard tests/lib/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$B/obj/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$B/obj/%.o)
HELP_OBJ := $(HELP_SRC:%.c=$B/obj/%.o)
UNIT := $(UNIT_SRC:%.c=$B/%)
FUZZ := $(FUZZ_SRC:%.c=$B/%)
FAULT := $(FAULT_SRC:%.c=$B/%)
# Scripts that count as tests: each ends with `N passed, N failed, N skipped`.
E2E := $(sort $(wildcard tests/e2e/*.sh))
CONFORMANCE := $(sort $(wildcard tests/conformance/*.sh))
DIFFERENTIAL := $(wildcard tests/differential/*.sh)
FORMAT := $(sort $(wildcard $(MODULES:%=%/*.c) cli/*.c bench/*.c tests/*/*.c tests/*/*/*.c))
PROGRAM := $(if $(CLI_SRC),$B/avow)

.PHONY: all help deps demo test property vectors unit unit-programs e2e conformance \
	differential asan tsan fault fuzz \
	fuzz-smoke cover layers lint format format-check guard bench snapshots \
	install clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAM) $B/libavow.a $B/libavow.so ## build avow, libavow.a and libavow.so (the default)

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

# Rebuild everything when the compiler or its flags change.
$B/.flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS) $(BUILT)' | cmp -s - $@ || \
	    echo '$(CC) $(ALL_CFLAGS) $(BUILT)' >$@

$B/obj/%.o: %.c $B/.flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(PIC) -MMD -MP -c $< -o $@
$(LIB_OBJ): PIC := -fPIC
$B/obj/base/clock.o: PIC += $(BUILT)
# Structs are zeroed and copied by calls, small ones here by moves: `rep`, which
# gcc has for them, takes long to start. The halves of a product stay in
# registers: gcc 12 writes them to memory otherwise.
HOT := $(filter $B/obj/policy/index_%.o $B/obj/engine/decide.o,$(LIB_OBJ))
$(HOT): PIC += $(MOVES) $(WIDE)
$(CLI_OBJ) $(HELP_OBJ): PIC := -fPIE
$(HELP_OBJ): ALL_CFLAGS += $(call system,check)

$B/libavow.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^
$B/libavow.so: $(LIB_OBJ)
	$(call say,LD)
	$(Q)$(CC) $(LINK) -shared -Wl,-soname,libavow.so $^ $(LIB_LIBS) -o $@
$B/avow: $(CLI_OBJ) $B/libavow.a
	$(call say,LD)
	$(Q)$(CC) $(LINK) -pie $^ $(LIB_LIBS) -o $@

# --- tests ------------------------------------------------------------------
$(UNIT:$B/%=$B/obj/%.o): PIC := -fPIE
$(UNIT:$B/%=$B/obj/%.o): ALL_CFLAGS += $(call system,check)
$B/tests/unit/%: $B/obj/tests/unit/%.o $(HELP_OBJ) $B/libavow.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $< $(HELP_OBJ) $B/libavow.a $(LINK) -pie $(CHECK_LIBS) $(LIB_LIBS) -o $@

CONFORM_OBJ := $(patsubst %.c,$B/obj/%.o,$(wildcard tests/conformance/*.c))
CONFORM := $(if $(CONFORM_OBJ),$B/conformance)
$(CONFORM_OBJ): PIC := -fPIE
$B/conformance: $(CONFORM_OBJ) $B/libavow.a
	$(call say,LD)
	$(Q)$(CC) $(LINK) -pie $^ $(LIB_LIBS) -o $@

DIFFER_OBJ := $(patsubst %.c,$B/obj/%.o,$(wildcard tests/differential/*.c))
DIFFER := $(if $(DIFFER_OBJ),$B/differential)
$(DIFFER_OBJ): PIC := -fPIE
$B/differential: $(DIFFER_OBJ) $B/libavow.a
	$(call say,LD)
	$(Q)$(CC) $(LINK) -pie $^ $(LIB_LIBS) -o $@

VECTORS_OBJ := $(patsubst %.c,$B/obj/%.o,$(wildcard tests/vectors/*.c))
VECTORS := $(if $(VECTORS_OBJ),$B/vectors)
$(VECTORS_OBJ): PIC := -fPIE
$B/vectors: $(VECTORS_OBJ) $B/libavow.a
	$(call say,LD)
	$(Q)$(CC) $(LINK) -pie $^ $(LIB_LIBS) -o $@

PROPERTY_OBJ := $(patsubst %.c,$B/obj/%.o,$(wildcard tests/property/*.c))
PROPERTY := $(if $(PROPERTY_OBJ),$B/property)
$(PROPERTY_OBJ): PIC := -fPIE
$B/property: $(PROPERTY_OBJ) $B/obj/tests/lib/linear.o $B/obj/tests/conformance/cases.o $B/libavow.a
	$(call say,LD)
	$(Q)$(CC) $(LINK) -pie $^ $(LIB_LIBS) -o $@

unit-programs: $(UNIT)
unit: $(UNIT) ## the unit tests (tests/unit)
	@tests/run.sh $(UNIT)
e2e: all ## the tests of whole programs (tests/e2e)
	@tests/run.sh $(E2E)
conformance: $(CONFORM) ## against the published behaviour of others (tests/conformance), or CASES="…"
	@CONFORM=$(CONFORM) tests/conformance/run.sh --show
differential: $(DIFFER) ## generated cases against Cedar's own engine: SEED=…, COUNT=… requests
	@DIFFER=$(DIFFER) tests/differential/validation.sh --show
	@DIFFER=$(DIFFER) tests/differential/run.sh --show
vectors: $(VECTORS) ## published test vectors: WYCHEPROOF="FILE …" for other files of that project
	@VECTORS=$(VECTORS) tests/vectors/run.sh --show
test: deps ## build, and run all tests; the last line has the counts
	@$(MAKE) --no-print-directory all $(UNIT) $(CONFORM) $(DIFFER) $(PROPERTY) $(VECTORS)
	@tests/lib/servers.sh || echo "going on without them"
	@DIFFER=$(DIFFER) PROPERTY=$(PROPERTY) VECTORS=$(VECTORS) tests/run.sh $(UNIT) $(CONFORMANCE) \
	    $(DIFFERENTIAL) tests/property/run.sh tests/property/updates.sh tests/property/idle.sh tests/property/published.sh \
	    tests/property/widths.sh tests/vectors/run.sh $(E2E)
property: $(PROPERTY) ## random cases, rules against the text: COUNT=… decisions (1000000), SEED=…
	@PROPERTY=$(PROPERTY) tests/property/run.sh $(or $(COUNT),1000000) 3600 $(SEED)
asan: ## the unit tests under AddressSanitizer and UBSan
	@CK_FORK=no $(MAKE) --no-print-directory MODE=asan all unit
tsan: ## the unit tests under ThreadSanitizer
	@CK_FORK=no $(MAKE) --no-print-directory MODE=tsan all unit

deps: ## install what building and testing need
	@[ ! -x tests/lib/deps.sh ] || tests/lib/deps.sh
demo: deps ## a first look: an update, a place in the pool, a dry run, each proven
	@$(MAKE) --no-print-directory all
	@examples/demo.sh
BENCH := $(patsubst bench/%.c,$B/bench/%,$(wildcard bench/*.c))
$B/bench/%: bench/%.c $B/libavow.a $B/.flags
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(LINK) $< $B/libavow.a $(LIB_LIBS) -o $@
guard: all $(BENCH) ## instructions of decisions and of loading, against bench/guard.tsv
	@bench/guard.sh
bench: all $(BENCH) ## measure, against peers where there are some
	@bench/run.sh
snapshots: all ## write the golden files anew; look at the difference
	@tests/lib/snapshots.sh

# The allocations of our objects, and of no other's, go to tests/fault/wrap.c.
$B/libfault.a: $B/libavow.a
	$(call say,RENAME)
	$(Q)objcopy $(foreach f,malloc calloc realloc free \
	    sqlite3_step sqlite3_exec sqlite3_prepare_v2 sqlite3_prepare_v3 \
	    sqlite3_bind_int64 PQconnectStartParams PQconnectPoll PQsendQuery \
	    PQsendPrepare PQsendQueryPrepared PQconsumeInput PQflush \
	    PQgetResult RAND_bytes getrandom HMAC EVP_Digest EVP_DigestInit_ex \
	    EVP_DigestUpdate EVP_DigestFinal_ex EVP_DigestSignInit \
	    EVP_DigestSign EVP_DigestVerifyInit EVP_DigestVerify \
	    EVP_PKEY_verify EVP_PKEY_CTX_new \
	    EVP_PKEY_CTX_set_signature_md EVP_PKEY_fromdata d2i_PUBKEY \
	    EVP_KDF_derive EVP_EncryptInit_ex2 EVP_EncryptUpdate \
	    EVP_EncryptFinal_ex EVP_DecryptInit_ex2 EVP_DecryptUpdate \
	    EVP_DecryptFinal_ex,--redefine-sym $f=fault_$f) $< $@
$B/tests/fault/%: tests/fault/%.c $B/obj/tests/fault/wrap.o $(HELP_OBJ) $B/libfault.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(call system,check) -fPIE -MMD -MP -MF $@.d $< $(filter %.o,$^) \
	    $B/libfault.a $(LINK) -pie $(shell pkg-config --libs check) $(LIB_LIBS) -o $@
fault: ## fail the k-th allocation, for every k
ifeq ($(MODE),fault)
fault: $(FAULT)
	@CK_FORK=no tests/run.sh $(FAULT)
else
	@$(MAKE) --no-print-directory MODE=fault fault
endif

$B/tests/fuzz/%: tests/fuzz/%.c $B/libavow.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d $< $B/libavow.a $(LINK) $(LIB_LIBS) -o $@
fuzz: ## fuzz each target for FUZZ_SECONDS (30)
ifeq ($(MODE),fuzz)
fuzz: $(FUZZ)
	@tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ)
else
	@$(MAKE) --no-print-directory MODE=fuzz fuzz
endif
fuzz-smoke: ## fuzz each target for FUZZ_SECONDS, 30 if not said
	@$(MAKE) --no-print-directory MODE=fuzz fuzz
cover: ## which lines the unit tests reach
	@CK_FORK=no $(MAKE) --no-print-directory MODE=cover all unit
	@tests/lib/cover.sh build/cover $(MODULES)

# --- looking at the text ------------------------------------------------------
layers: ## who may include whom
	@tests/lib/layers.sh
lint: layers ## greps with reasons, do the fuzz targets compile, cppcheck, clang-tidy
	@$(CC) $(ALL_CFLAGS) -fsyntax-only $(FUZZ_SRC)
	@tests/lib/lint.sh '$(filter -I% -isystem /% -D%,$(ALL_CFLAGS))' $(LIB_SRC) $(CLI_SRC)
format: ## write the C files in the house's form
	@clang-format-14 -i $(FORMAT)
format-check: ## are they?
	@clang-format-14 --dry-run --Werror $(FORMAT)

install: all ## to DESTDIR and PREFIX (/usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include
	$(if $(PROGRAM),install $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/)
	install -m 644 $B/libavow.a $B/libavow.so $(DESTDIR)$(PREFIX)/lib/
	$(if $(wildcard avow.h),install -m 644 avow.h $(DESTDIR)$(PREFIX)/include/)
	$(foreach u,$(wildcard docs/*.service),install -D -m 644 $u $(DESTDIR)$(UNITDIR)/$(notdir $u) &&) true
clean: ## remove build/
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(HELP_OBJ:.o=.d) $(CONFORM_OBJ:.o=.d) $(PROPERTY_OBJ:.o=.d) $(DIFFER_OBJ:.o=.d) $(VECTORS_OBJ:.o=.d) $(UNIT:$B/%=$B/obj/%.d) $(FUZZ:=.d) $(FAULT:=.d)
