# Podium: what people type. Every target first installs what it needs into .venv.
#
#   make demo       two simulated nodes from nothing to one start, report in ./report
#   make demo-two-qubit    two coupled qubits from nothing to a benchmarked CZ, report in ./report
#   make demo-link  two nodes and a quantum link, from nothing to a pair, report in ./report
#   make cold       a simulated fridge from 300 K to base, its compressor trips, it recovers
#   make test       everything CI runs: make check, then the tests
#   make test-all   the exhaustive cases as well; builds wheel and sdist, and installs the wheel
#   make check      format, lint, types, which room imports which
#   make chaos      faults against the start protocol; its last line is JSON
#   make mutants    breaks what decides, one small change at a time; names what no test notices
#   make fuzz N=20000    every parser gets so many wrong texts; names those that fall over
#   make nodes      the story of ten nodes on twins; its last line is JSON with what it costs
#   make reproduce  published experiments with links, held against what comes out here
#   make seeds SEEDS=0:40    40 hidden worlds brought up: pulls and sigmas into ./seeds
#   make repeats SEEDS=0:3   3 worlds brought up twenty times each: scatter into ./repeats
#   make bench      the benchmarks, as ratios
#   make docs       the pages as a site with search, in build/site
#   make test-stacks    other people's stacks, unmodified, find worlds on the twins
#   make test-clients   older and newer releases of the vendors' clients, on twins with the
#                       firmware that they want
#   make test-laboneq   LabOne Q judges the twin of an SHFQC; it brings a part whose licence
#                       is the vendor's own, so this is no part of make test
#
#   make test PYTEST_ARGS="tests/control -x"    hands words on to pytest
#   make test ORDER=7 WORKERS=4                 modules and tests in another order, on four workers
#   make demo CONTROLLER=zi                     one node on an SHFQC of Zurich Instruments
#   make demo-link CONTROLLER=mixed             a Qblox cluster linked with an SHFQC
#   make demo DEMO_ARGS="--seed 7"              hands words on to podium demo
#   make chaos SEED=7 FAULTS=1000 LIVE=0 TWINS=0 MIXED=0    other faults, fewer, no processes
#   make mutants MUTANTS="drift/ --jobs 1"      only those whose names hold that, one by one
#   make nodes NODES=4                          the story of four, with a fifth that joins
#   make seeds SEEDS=0:40 JOBS=8 SEEDS_ARGS="--node-only"   eight at a time, podium demo's options
#   make seeds SEEDS=0:40 DASK=tcp://10.0.0.1:8786          on the workers of a Dask scheduler
#   make bench BENCH_ARGS="--without demo"      leaves a part of the benchmarks out
#   make demo PYTHON=/opt/python3.12/bin/python3.12    uses this Python

VENV ?= .venv
REFEREES := .venv-referees
QIBOLAB := 0.2.17
QBLOX_SCHEDULER := 1.0.1
LABONEQ := 26.7.0
LABONE := 1.1.0
# Other people's stacks that are run on the twins, each in an environment of its own.
STACKS ?= qcodes qblox-scheduler quantify-scheduler qibocal q1pulse qililab sequence dynamiqs
NEEDS_qcodes := qcodes==0.58.0 qblox-instruments==1.4.1 scipy
NEEDS_qblox-scheduler := qblox-scheduler==$(QBLOX_SCHEDULER)
NEEDS_quantify-scheduler := quantify-scheduler==0.28.1 quantify-core==0.9.1 qblox-instruments==1.4.1
# What qibolab's driver imports and does not ask for: qblox-instruments and lark.
NEEDS_qibocal := qibocal==0.2.6 qibolab==0.2.17 qblox-instruments==1.4.1 lark==1.3.1
# q1pulse 1.3.0 is written in the syntax of Python 3.12, and for qblox-instruments before 1.4.
NEEDS_q1pulse := q1pulse==1.3.0 qblox-instruments==1.3.0 scipy
PYTHON_q1pulse ?= $(call first_that_runs,python3.12 python3.13 python3.14 \
	$(wildcard $(HOME)/.pyenv/versions/3.1[234]*/bin/python))
# SeQUeNCe 1.3 wants Python 3.12 as well; netqasm's SDK stands beside it.
NEEDS_sequence := sequence==1.3.1 netqasm==2.3.0
PYTHON_sequence ?= $(PYTHON_q1pulse)
# Releases of the vendor's client; the oldest one wants qcodes as it was.
QBLOX_CLIENTS ?= 0.17.0 0.17.1 1.0.3 1.1.1 1.2.2 1.3.1 1.4.1
$(foreach one,$(QBLOX_CLIENTS),$(eval \
	NEEDS_qblox-instruments-$(one) := qblox-instruments==$(one) scipy \
	$(if $(filter 0.%,$(one)),qcodes==0.49.0)))
# Versions of clients that the twins serve, each in an environment of its own: the last of each
# quarter of two years.
ZHINST_CORES ?= 24.10.65175 25.1.0.834 25.4.1.17 25.7.0.507 25.10.1.4 26.1.3.9 26.4.1.6 26.7.2.5
$(foreach one,$(ZHINST_CORES),$(eval NEEDS_zhinst-core-$(one) := zhinst-core==$(one)))
NEEDS_qililab := qililab==0.33.3 scipy
# Nothing of it clashes with ours; JAX, SciPy and all else that it wants are 0.9 GB.
NEEDS_dynamiqs := dynamiqs==0.3.7
REPORT ?= report
PYTEST_ARGS ?=
ORDER ?=
WORKERS ?= 4
DEMO_ARGS ?=
SITE_ARGS ?=
SEED ?= 1
FAULTS ?= 20000
LIVE ?= 200
TWINS ?= 60
MIXED ?= 60
MUTANTS ?=
N ?= 20000
FUZZ_ARGS ?=
NODES ?= 10
BENCH_ARGS ?=
SEEDS ?= 0:40
JOBS ?= 1
DASK ?=
SEEDS_ARGS ?=
SEEDS_OUT ?= seeds
REPEATS_OUT ?= repeats
REPRODUCTIONS ?= optical teleported_cnot kurpiers2018 magnard2020 skew leung2019 remote_gates storz2023
MACHINE_CODE ?= kurpiers2018 magnard2020
REPRODUCE_ARGS ?=

# The first Python there is, the tested one preferred.
first_that_runs = $(firstword $(foreach name,$(1),\
	$(shell $(name) -c '' 2>/dev/null && command -v $(name))))
PYTHON ?= $(call first_that_runs,python3.11 python3.12 python3.13 python3)

bin := $(VENV)/bin
installed := $(VENV)/installed.stamp
installed_for_tests := $(VENV)/installed-for-tests.stamp
what_decides := pyproject.toml constraints.txt
warm_up := $(bin)/python -m podium.sim_instruments.servers.warm_up
install := $(bin)/python -m pip install --constraint constraints.txt --editable

# As pip does for what it installs: each process would compile our sources anew where Python is told
# not to write byte code (PYTHONDONTWRITEBYTECODE), as containers often have it.
byte_code = $(bin)/python -m compileall -q control drivers firmware_interfaces sim_instruments

# QCoDeS requires pyarrow, 171 MB, and never imports it (docs/decisions/0031): pip cannot leave it
# out, but this environment is ours.
without_pyarrow = $(bin)/python -m pip uninstall --quiet --yes pyarrow

# The tests, then the line that names what did not run for want of something (a browser ...).
# First those that mind nobody, side by side; then those that keep a deadline of the wall or load all processors.
# What pytest makes of assertions is kept as byte code: making it takes 10 s of each process.
# The few that fail run once more by themselves (tests/benches/second_try.py): those that pass then are named.
not_run := $(VENV)/not-run.txt
failed := $(VENV)/failed
note = -o cache_dir=$(abspath $(failed))
define pytest
	rm -f $(not_run); echo 'pytest $(1) $(PYTEST_ARGS)'; \
	PYTHONDONTWRITEBYTECODE= PODIUM_NOT_RUN=$(not_run) \
		$(bin)/python -m pytest $(1) $(PYTEST_ARGS) || { \
			code=$$?; test $$code -le $$status || status=$$code; }; \
	if test -s $(not_run); then cat $(not_run); fi
endef
# A file is one item there: a worker that is free takes the next (tests/benches/file_collection.py).
by_file = --by-file --dist=load --maxschedchunk=1 -o console_output_style=classic
side_by_side = -n $(WORKERS) $(by_file)
# Those that keep a deadline wait for half of their time: two of them do not disturb each other.
two_files = -n 2 $(by_file)
shuffled = $(if $(ORDER),--random-order-bucket=module --random-order-seed=$(ORDER))
define tests
	status=0; \
	if test -n '$(PYTEST_ARGS)'; then $(call pytest,-m "$(1)"); exit $$status; fi; \
	rm -rf $(failed); \
	$(call pytest,-m "$(1)" $(note) --alone=never $(side_by_side) $(shuffled) --durations=20); \
	$(call pytest,-m "$(1)" $(note) --alone=only $(two_files) $(shuffled) --durations=20); \
	if test $$status -eq 1; then $(bin)/python -m tests.benches.second_try $(failed) -m "$(1)" && status=0; fi; \
	exit $$status
endef

# One peer in an environment of its own: what they require clashes.
define peer
	test -e $(REFEREES)-$(1)/$(2).stamp || { \
		echo "Installing $(1) $(2) into $(REFEREES)-$(1), to measure against."; \
		rm -rf $(REFEREES)-$(1); \
		$(bin)/python -m venv $(REFEREES)-$(1) && \
		$(REFEREES)-$(1)/bin/python -m pip install --quiet "$(1)==$(2)" && \
		touch $(REFEREES)-$(1)/$(2).stamp || \
		{ rm -rf $(REFEREES)-$(1); echo "$(1) $(2) cannot be installed here."; }; }
endef

# An environment of its own for a stack, made anew when what it needs has changed.
define stack
	test "$$(cat $(REFEREES)-$(1)/needs 2>/dev/null)" = "$(NEEDS_$(1))" || { \
		echo "Installing $(NEEDS_$(1)) into $(REFEREES)-$(1)."; \
		rm -rf $(REFEREES)-$(1); \
		$(if $(filter undefined,$(origin PYTHON_$(1))),$(bin)/python,$(PYTHON_$(1))) \
			-m venv $(REFEREES)-$(1) && \
		$(REFEREES)-$(1)/bin/python -m pip install --quiet $(NEEDS_$(1)) && \
		echo "$(NEEDS_$(1))" > $(REFEREES)-$(1)/needs || \
		{ rm -rf $(REFEREES)-$(1); echo "$(1) cannot be installed here."; exit 1; }; };
endef

LINK_OF_mixed = --facility examples/linked/facility_mixed.yaml
GATES_OF_zi = --facility examples/two_qubit/facility_zi.yaml
DEMO_OF_zi = --node-only --facility examples/first_light_zi/facility.yaml

.PHONY: help docs demo demo-two-qubit demo-link seeds repeats reproduce test test-all kernels test-laboneq test-stacks test-clients check chaos mutants fuzz nodes bench referees
.DEFAULT_GOAL := help

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

demo: $(installed)
	$(bin)/podium demo --report $(REPORT) $(DEMO_OF_$(CONTROLLER)) $(DEMO_ARGS)

demo-two-qubit: $(installed)
	$(bin)/podium demo --two-qubit --report $(REPORT) $(GATES_OF_$(CONTROLLER)) $(DEMO_ARGS)

demo-link: $(installed)
	$(bin)/podium demo --link --report $(REPORT) $(LINK_OF_$(CONTROLLER)) $(DEMO_ARGS)

cold: $(installed)
	$(bin)/podium demo --cold --report $(REPORT) $(DEMO_ARGS)

campaign = $(bin)/podium campaign $(1) --seeds $(SEEDS) --out $(2) \
	$(if $(DASK),--dask $(DASK),--jobs $(JOBS)) -- $(SEEDS_ARGS)

seeds: $(if $(DASK),$(installed_for_tests),$(installed))
	$(call campaign,bring-up,$(SEEDS_OUT))

repeats: $(if $(DASK),$(installed_for_tests),$(installed))
	$(call campaign,repeatability,$(REPEATS_OUT))

test: check kernels
	@$(call tests,not slow)

test-all: export PODIUM_THOROUGH = 1
test-all: check kernels
	@$(call tests,(slow or not slow))

# Those of sources that have changed: else four workers, and each twin that they start, compile the
# same ones at the same time.
kernels: $(installed_for_tests)
	$(warm_up)

test-laboneq: $(installed_for_tests)
	@$(call peer,laboneq,$(LABONEQ))
	PODIUM_LABONEQ=$(abspath $(REFEREES)-laboneq/bin/python) \
		$(bin)/python -m pytest tests/referees/judge_laboneq.py $(PYTEST_ARGS)

test-stacks: $(installed_for_tests)
	@$(foreach one,$(STACKS),$(call stack,$(one)))
	$(bin)/python -m pytest $(foreach one,$(STACKS),tests/referees/stacks/judge_$(subst -,_,$(one)).py) \
		-rA --tb=short $(PYTEST_ARGS)

test-clients: $(installed_for_tests)
	@$(foreach one,$(QBLOX_CLIENTS),$(call stack,qblox-instruments-$(one)))
	@$(foreach one,$(ZHINST_CORES),$(call stack,zhinst-core-$(one)))
	ZHINST_CORES="$(ZHINST_CORES)" $(bin)/python -m pytest \
		tests/referees/clients/judge_qblox.py tests/referees/clients/judge_zhinst_core.py \
		-rA --tb=short $(PYTEST_ARGS)

check: $(installed_for_tests)
	$(bin)/ruff format --check
	$(bin)/ruff check
	$(bin)/mypy
	$(bin)/lint-imports

chaos: $(installed)
	@$(bin)/python -m tests.chaos --seed $(SEED) --faults $(FAULTS) --live $(LIVE) --twins $(TWINS) \
		--mixed $(MIXED)

mutants: $(installed_for_tests)
	@$(bin)/python -m tests.mutants $(MUTANTS)

fuzz: $(installed_for_tests)
	@$(bin)/python -m tests.hostile --count $(N) --seed $(SEED) $(FUZZ_ARGS)

reproduce: $(installed)
	@status=0; for name in $(REPRODUCTIONS); do \
		$(bin)/podium reproduce $$name $(REPRODUCE_ARGS) || status=1; done; \
	for name in $(MACHINE_CODE); do \
		$(bin)/podium reproduce $$name --machine-code $(REPRODUCE_ARGS) || status=1; done; \
	exit $$status

nodes: $(installed_for_tests)
	@$(bin)/python -m tests.many_nodes --nodes $(NODES)

# One thread of linear algebra: more of them get in each other's way on matrices of nine.
bench: $(installed_for_tests) | referees
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(bin)/python benches/run.py $(BENCH_ARGS)

# Strict: a link or an anchor that leads nowhere is an error. SITE_ARGS=... goes on to mkdocs build.
docs: | $(bin)/pip
	@test -x $(bin)/mkdocs || $(install) ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(bin)/mkdocs build $(SITE_ARGS)
	@echo "$(bin)/python -m http.server --bind 127.0.0.1 --directory build/site    shows it, with search"

# Peers with requirements of their own. Without them the benches say so and go on.
referees:
	@test -e $(REFEREES)/qibolab.stamp || { \
		echo "Installing qibolab $(QIBOLAB) into $(REFEREES), to measure against."; \
		rm -rf $(REFEREES); \
		$(bin)/python -m venv $(REFEREES) && \
		$(REFEREES)/bin/python -m pip install --quiet "qibolab[emulator]==$(QIBOLAB)" && \
		touch $(REFEREES)/qibolab.stamp || \
		{ rm -rf $(REFEREES); echo "qibolab $(QIBOLAB) cannot be installed here."; }; }
	@$(call peer,qblox-scheduler,$(QBLOX_SCHEDULER))
	@$(call peer,laboneq,$(LABONEQ))
	@$(call peer,labone,$(LABONE))
	@($(call stack,dynamiqs)) || true

$(installed): $(what_decides) | $(bin)/pip
	@echo "Installing Podium into $(VENV): about 0.9 GB, a minute or two on a good line."
	$(install) ".[all]"
	$(without_pyarrow)
	$(byte_code)
	$(warm_up)
	@touch $@

$(installed_for_tests): $(what_decides) | $(bin)/pip
	@echo "Installing Podium and what its tests need into $(VENV): about 1.5 GB."
	$(install) ".[all,test]"
	$(without_pyarrow)
	$(byte_code)
	$(warm_up)
	@touch $@ $(installed)

$(bin)/pip:
	@test -n "$(PYTHON)" || { \
		echo "No Python found. Podium needs Python 3.11 or later." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is too old. Podium needs Python 3.11 or later:" >&2; \
		echo "install one, or name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: venv or ensurepip is missing." >&2; \
		echo "On Debian and Ubuntu: sudo apt install python3-venv (or python3.11-venv)." >&2; \
		exit 1; }
	"$(PYTHON)" -m venv $(VENV)
