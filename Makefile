# `make` lists the targets. Each one makes the virtual environment it needs.

PYTHON ?= python3
VENV ?= .venv
DEMO_ARGS ?=
STORE ?= sqlite
PYTEST_ARGS ?=
FAULTS_ARGS ?=
INCIDENTS_ARGS ?=
BENCH_ARGS ?=
PEERS_VENV ?= .venv-peers
# The newest that runs: one of the peers needs 3.12.
PEERS_PYTHON ?= $(firstword $(foreach python,python3.13 python3.12 $(PYTHON),$(shell $(python) -c 'print("$(python)")' 2> /dev/null)))

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
CHECKED := src tests tools $(wildcard benchmarks)
DOCS := docs
RENDERED := metrics.md alerts/jobledger.yml
DASHBOARD := src/jobledger/cli/export/grafana.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check static bench bench-peers faults faults-long incidents docs fmt clean

help: ## list the targets
	@echo "make TARGET [PYTHON=python3.12] [VENV=$(VENV)]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.demo-$(STORE) ## run the demonstration; STORE=postgres brings a server, DEMO_ARGS='…' is passed on
	@$(PY) -m jobledger demo $(if $(filter postgres,$(STORE)),--postgres) $(DEMO_ARGS)

test: $(VENV)/.installed ## run the tests, without those marked slow; PYTEST_ARGS='…' is passed on
	$(PY) -m pytest -m "not slow" --numprocesses=auto --maxprocesses=4 $(PYTEST_ARGS)

check: static test ## everything a change must pass

static: $(VENV)/.installed ## format, lint, types, import arrows, generated docs
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy $(CHECKED)
	$(PY) -m pyright --pythonpath $(PY)
	$(VENV)/bin/lint-imports
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT \
	  && $(MAKE) --no-print-directory docs DOCS="$$fresh" DASHBOARD="$$fresh/dashboard" > /dev/null \
	  && for page in $(RENDERED); do diff -u "docs/$$page" "$$fresh/$$page" \
	    || { echo "docs/$$page is stale: run 'make docs'" >&2; exit 1; }; done \
	  && { diff -u "$(DASHBOARD)" "$$fresh/dashboard" || { echo "$(DASHBOARD) is stale: run 'make docs'" >&2; exit 1; }; }

bench: $(VENV)/.installed ## run the benchmarks and draw them into build/plots; STORE=postgres, BENCH_ARGS='…' is passed on
	@mkdir -p build
	$(PY) benchmarks/run.py --store $(STORE) --json build/bench-$(STORE).json $(BENCH_ARGS)
	@$(PY) benchmarks/plot.py build/bench-$(STORE).json --into build/plots

bench-peers: $(VENV)/.installed $(PEERS_VENV)/.installed ## measure other job systems beside jobledger; BENCH_ARGS='…' is passed on
	@mkdir -p build
	$(PY) benchmarks/peers/run.py --python $(PEERS_VENV)/bin/python --json build/bench-peers.json $(BENCH_ARGS)
	@$(PY) benchmarks/plot.py build/bench-peers.json --into build/plots

faults: $(VENV)/.installed ## break it in every way we know, half an hour; FAULTS_ARGS='…' is passed on
	$(PY) -m tests.faults $(FAULTS_ARGS)

faults-long: $(VENV)/.installed ## the same for hours: ten times as much, three times the kills
	$(PY) -m tests.faults --long $(FAULTS_ARGS)

incidents: $(VENV)/.installed ## break things before a real Prometheus, and see which alerts fire; INCIDENTS_ARGS='…' is passed on
	$(PY) -m tests.observability.incidents $(INCIDENTS_ARGS)

docs: $(VENV)/.installed ## render the generated pages, and the dashboard that ships in the package
	@mkdir -p $(sort $(dir $(addprefix $(DOCS)/,$(RENDERED))))
	$(PY) -m jobledger metrics --catalog --markdown > $(DOCS)/metrics.md.new
	$(PY) -m jobledger export alerts > $(DOCS)/alerts/jobledger.yml.new
	$(PY) -m tools.render_grafana > $(DASHBOARD).new
	@for page in $(addprefix $(DOCS)/,$(RENDERED)) $(DASHBOARD); do mv "$$page.new" "$$page"; done

fmt: $(VENV)/.installed ## format, and fix what the linter can fix
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

clean: ## remove what can be made again, .venv included
	rm -rf .venv .venv-peers build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf jobledger-demo* docs/*.new docs/*/*.new $(DASHBOARD).new
	find src tests tools $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp files say what is installed; a newer pyproject.toml installs again.
$(VENV)/.installed: pyproject.toml | $(PY)
	$(PIP) --editable '.[dev,cli,otel,web]'
	@touch $@ $(VENV)/.demo-sqlite $(VENV)/.demo-postgres

$(VENV)/.demo-sqlite: pyproject.toml | $(PY)
	$(PIP) --editable '.[cli]'
	@touch $@

$(VENV)/.demo-postgres: pyproject.toml | $(PY)
	$(PIP) --editable '.[cli,testing]'
	@touch $@

# The peers' libraries stay apart from those of jobledger.
$(PEERS_VENV)/.installed: pyproject.toml benchmarks/peers/requirements.txt benchmarks/peers/install.py
	$(PEERS_PYTHON) -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m benchmarks.peers.install
	@touch $@

$(PY):
	@command -v $(PYTHON) > /dev/null \
	  || { echo "There is no '$(PYTHON)' here: name a Python 3.11 or newer, as in make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "jobledger needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1):" \
	       "name another one, as in make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null \
	  || { echo "'$(PYTHON)' cannot make virtual environments (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
