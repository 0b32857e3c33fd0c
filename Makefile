# loyalty: a points ledger in PostgreSQL
#
#   make, make install     build and install with PGXS; also from another
#                          directory: make -f /path/to/loyalty/Makefile
#   make demo, make test   everything, from a machine without PostgreSQL
#
# Add a file: C goes into a room of src/ and is found there; SQL into SQL_MODULES
# where its dependencies are above it; its test into REGRESS.

EXTENSION = loyalty

# The rooms of src/, the lowest first: a file includes headers of its own room and of
# lower ones (make check-rooms).  src/init.c is the door, src/loyalty.h the ground.
ROOMS = base points account config store tiers rules posting reads track

# SQL, concatenated in this order into loyalty--X.sql.
SQL_MODULES = base/schema base/kind base/key points/lots points/expiry points/points config/program \
	config/campaign config/allowed config/tier config/rule config/cap config/benefit store/member \
	account/account account/entry store/hold store/usage store/tally posting/receipt posting/verb posting/views \
	config/configure reads/simulate reads/reads reads/card reads/verify reads/sweep track/track reads/columns store/guard

# Tests of pg_regress: sql/<noun>.sql, in this order.
REGRESS = kind lots expiry award program member rule rule_errors campaign tier account entry hold receipt \
	request verbs undo transfer views reads verify sweep track tracking guard
REGRESS_OPTS = --load-extension=$(EXTENSION) --encoding=UTF8

# Isolation tests: test/isolation/specs/<promise>.spec; each makes the extension anew.
ISOLATION = two_spends_cannot_overspend hold_reserves_for_every_session \
	a_hold_ends_once repeatable_read_gets_40001 same_ref_twice_posts_once \
	transfer_both_ways_does_not_deadlock two_loads_do_not_deadlock \
	enroll_same_member_at_once sweep_skips_locked refund_and_spend_race \
	cancel_twice_gives_back_once limits_hold_for_two_sessions \
	freeze_stops_the_waiting_spend readers_do_not_wait \
	budget_holds_for_two_sessions times_cap_holds_for_two_sessions a_paused_campaign_stops pausing_waits_for_nobody \
	budget_repeatable_read_gets_40001 a_change_is_read_whole an_early_change_is_not_missed a_query_in_parallel_keeps_nothing a_changed_rule_is_seen a_waiting_purchase_keeps_its_program refund_and_purchase_lock_budgets_alike \
	two_changes_of_a_campaign_both_count
ISOLATION_OPTS = --inputdir=$(home)/test/isolation

# ---------------------------------------------------------------- the build

home := $(patsubst %/,%,$(dir $(abspath $(firstword $(MAKEFILE_LIST)))))
version := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(home)/$(EXTENSION).control)
built_sql = $(EXTENSION)--$(version).sql

MODULE_big = $(EXTENSION)
OBJS = src/init.o $(patsubst $(home)/%.c,%.o,$(sort $(foreach room,$(ROOMS),$(wildcard $(home)/src/$(room)/*.c))))
DATA_built = $(built_sql)
EXTRA_CLEAN = .build-flags

# ASSERTS=1 is the build that the tests run: Assert() works, no warning passes.
PG_CPPFLAGS = -I$(home)/src $(ROOMS:%=-I$(home)/src/%)
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
ifeq ($(ASSERTS),1)
PG_CPPFLAGS += -DUSE_ASSERT_CHECKING
PG_CFLAGS += -Werror
endif

# Bitcode would let the JIT inline our functions, which gains nothing here and
# doubles the time of a build.  Dependencies on headers are tracked by gcc.
override with_llvm := no
override autodepend := yes

# Debian keeps one pg_config for each major version; take that of 15 if it is there.
PG_CONFIG ?= $(firstword $(wildcard /usr/lib/postgresql/15/bin/pg_config) pg_config)
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifneq ($(wildcard $(PGXS)),)

include $(PGXS)

# Out of the tree, only sources are looked for in the tree, not what was built there.
ifneq ($(VPATH),)
VPATH :=
vpath %.c $(home)
vpath %.control $(home)
endif

all: check-versions check-ascii check-rooms

# A line for each file; V=1 shows the commands.
ifeq ($(V),)
.SILENT: $(OBJS) $(shlib) $(built_sql)
COMPILE.c = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),,$(info CC $(<:$(home)/%=%)))$(CC) $(CFLAGS) $(CPPFLAGS) -c
endif

$(OBJS): .build-flags

# Objects built with other flags are built again.  Out of the tree, the rooms are made here.
.build-flags: FORCE
	@$(MKDIR_P) $(ROOMS:%=src/%)
	@echo '$(CC) $(CFLAGS) $(CPPFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(CFLAGS) $(CPPFLAGS)' >$@

$(built_sql): $(SQL_MODULES:%=$(home)/src/%.sql) $(home)/Makefile $(home)/$(EXTENSION).control
	{ printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit'; \
	  for module in $(SQL_MODULES); do \
	    printf '\n-- src/%s.sql\n\n' $$module; \
	    cat '$(home)'/src/$$module.sql || exit 1; \
	  done; } >$@.tmp
	mv $@.tmp $@

distclean: clean-servers

else

all install installcheck clean:
	@echo 'The server headers of PostgreSQL are not installed: make setup (as root)' >&2
	@exit 1

endif

# One version in the control file, the changelog, META.json and the C source.
check-versions:
	@sh '$(home)'/test/setup/versions.sh '$(home)'

# Sources are ASCII: a database may have any encoding, and so may a reader's terminal.
check-ascii:
	@! LC_ALL=C grep -arn --include='*.[ch]' --include='*.sql' --include='*.control' '[^[:print:][:space:]]' '$(home)'/src '$(home)'/$(EXTENSION).control

# No file includes a header of a higher room.
check-rooms:
	@sh '$(home)'/test/setup/rooms.sh '$(home)'/src $(ROOMS)

FORCE:

# -------------------------------------------- from nothing: demo, test, bench
#
# These install what the machine lacks, so PGXS may be there only afterwards:
# each step is a make of its own.

# Where the orders of the demo come from: a csv or csv.xz file, or made up; and
# the rulebook that they are played under, test/demo/rulebook.sql for instance.
DATA =
RULES =

# The major version of PostgreSQL that make test runs on: 15, 17 or 18.
PG = 15

as_root = $(if $(filter 0,$(shell id -u)),,sudo)
# DATA is also a variable of PGXS, of files to install.
self = $(MAKE) --no-print-directory -f '$(home)'/Makefile DATA=

setup:
	'$(home)'/test/setup/install.sh build test node

demo:
	@test -z '$(DATA)' || test -r '$(DATA)' || { echo 'DATA=$(DATA): no such file' >&2; exit 1; }
	@test -z '$(RULES)' || test -r '$(RULES)' || { echo 'RULES=$(RULES): no such file' >&2; exit 1; }
	'$(home)'/test/setup/install.sh build test
	+$(self) -s all
	+$(as_root) $(self) -s install
	'$(home)'/test/setup/demo.sh '$(DATA)' '$(RULES)'

# PG=17 and PG=18: in a Debian root that has that major version (test/setup/root.sh).
test:
	'$(home)'/test/setup/install.sh build test node $(if $(filter-out 15,$(PG)),root)
ifeq ($(filter-out 15,$(PG)),)
	'$(home)'/test/run.sh $(SUITES)
else
	$(as_root) '$(home)'/test/setup/root.sh test $(PG) $(SUITES)
endif

bench:
	'$(home)'/test/setup/install.sh build test
	+$(self) -s all
	+$(as_root) $(self) -s install
	'$(home)'/test/setup/bench.sh $(BENCH_OPTS)

check-valgrind:
	'$(home)'/test/setup/install.sh build test valgrind
	'$(home)'/test/run.sh valgrind

# PG_SOURCE: a source tree of PostgreSQL 17 or later, for its pgindent.
format:
	@test -r '$(PG_SOURCE)/src/tools/pgindent/pgindent' || { echo 'make format PG_SOURCE=DIR: a source tree of PostgreSQL 17 or later' >&2; exit 1; }
	python3 '$(home)'/test/setup/format.py '$(PG_SOURCE)' '$(PG_CONFIG)'

# Stops the private servers of demo and tests, and removes them.
clean-servers:
	'$(home)'/test/setup/server.sh clean

# What run.sh needs to know of this file.
print-%:
	@echo '$($*)'

.PHONY: all check-versions check-ascii check-rooms FORCE setup demo test bench check-valgrind format \
	clean-servers
