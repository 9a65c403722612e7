# `make` lists the targets. Each one makes the virtual environment it needs.

PYTHON ?= python3
VENV ?= .venv
DEMO_ARGS ?=
PYTEST_ARGS ?=

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
CHECKED := src tests $(wildcard benchmarks)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench docs fmt clean

help: ## list the targets
	@echo "make TARGET [PYTHON=python3.12] [VENV=$(VENV)]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.demo ## run the demonstration; DEMO_ARGS='…' is passed on
	@$(PY) -m jobledger demo $(DEMO_ARGS)

test: $(VENV)/.installed ## run the tests, without those marked slow; PYTEST_ARGS='…' is passed on
	$(PY) -m pytest -m "not slow" $(PYTEST_ARGS)

check: $(VENV)/.installed ## everything a change must pass: format, lint, types, import arrows, generated docs, tests
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy $(CHECKED)
	$(PY) -m pyright --pythonpath $(PY)
	$(VENV)/bin/lint-imports
	@fresh=$$(mktemp) && trap 'rm -f "$$fresh"' EXIT \
	  && $(PY) -m jobledger metrics --catalog --markdown > "$$fresh" \
	  && { diff -u docs/metrics.md "$$fresh" || { echo "docs/metrics.md is stale: run 'make docs'" >&2; exit 1; }; }
	$(MAKE) test

bench: $(VENV)/.installed ## run the benchmarks
	$(PY) benchmarks/run.py

docs: $(VENV)/.installed ## render the generated pages
	@mkdir -p docs
	$(PY) -m jobledger metrics --catalog --markdown > docs/metrics.md.new
	mv docs/metrics.md.new docs/metrics.md

fmt: $(VENV)/.installed ## format, and fix what the linter can fix
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

clean: ## remove what can be made again, .venv included
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf jobledger-demo* docs/*.new
	find src tests $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp files say what is installed; a newer pyproject.toml installs again.
$(VENV)/.installed: pyproject.toml | $(PY)
	$(PIP) --editable '.[dev,cli,web]'
	@touch $@ $(VENV)/.demo

$(VENV)/.demo: pyproject.toml | $(PY)
	$(PIP) --editable '.[cli]'
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
