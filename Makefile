# make run [DATA=path/to/five/folders] [ARGS="overrides"]   train, on the built-in sample without DATA
# make demo [ARGS="--model FILE"]                           the page that cuts people out, in the browser
# make report [DATA=path/to/five/folders] [ARGS="--html"]   the research report from notebooks/records
# make notebook                                             getting_started.ipynb, in the browser
# make docs                                                 the documentation, as pages in site/
# make test                                                 lint, types and fast-tests; test-slow is apart
# make setup | wheel | lock                                 each does all set-up that it needs
#
# Needs Python 3.11 or newer, with venv; another one than python3: make run PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Python compiles what is used, when it is used first. To compile all takes 40 s and 0.5 GB. Images of
# containers often switch that off, and each process would then compile torch again.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile
# A stamp of a finished installation is named by what was installed, so that an interrupted one is
# done again, and so is one whose lock has changed since. What trains is a part of the whole.
digest = $(shell cat $(1) pyproject.toml | cksum | tr ' ' -)
TRAINS := $(VENV)/trains-$(call digest,requirements-train.lock)
WHOLE := $(VENV)/whole-$(call digest,requirements-train.lock requirements.lock)

# Tests wait for processes that they start, so that one worker more than there are cores pays.
WORKERS := $(shell $(PYTHON) -c 'import os; print(min(8, (os.cpu_count() or 1) + 1))')

# The recipes read it from the environment, where spaces and quotes do no harm.
export DATA

.PHONY: setup run demo report docs notebook demo-runtime lint types test fast-tests test-slow wheel lock
.DEFAULT_GOAL := setup

setup: $(WHOLE)

$(TRAINS):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "humanseg needs Python 3.11 or newer, and $(PYTHON) is not: install one, or name it with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments: install python3-venv." >&2; exit 2; }
	rm -f $(VENV)/trains-* $(VENV)/whole-*
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements-train.lock
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

$(WHOLE): | $(TRAINS)
	$(PIP) --require-hashes -r requirements.lock
	touch $@

run: $(TRAINS)
	@if [ -z "$$DATA" ]; then DATA=sample; $(BIN)/humanseg sample sample; fi; \
	$(BIN)/humanseg train --data "$$DATA" $(ARGS)

demo: $(TRAINS)
	$(BIN)/humanseg demo $(ARGS)

report: setup
	PYTHONPATH=notebooks $(BIN)/python -m research $${DATA:+--data "$$DATA"} $(ARGS)

# JupyterLab comes from outside the locks: nothing else needs it.
notebook: setup
	$(BIN)/python -c 'import jupyterlab' 2>/dev/null || $(PIP) jupyterlab
	$(BIN)/python -m jupyterlab notebooks/getting_started.ipynb

# mkdocs warns of its own next version in a banner, which is of no use here.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# onnxruntime-web, by npm ci: an installed humanseg demo then needs neither npm nor a network.
demo-runtime: $(TRAINS)
	$(BIN)/python -c 'from humanseg.demo.runtime import ready_runtime; ready_runtime()'

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

# The types, which take one core, beside the tests.
test: lint
	@$(MAKE) --no-print-directory -j2 types fast-tests

# In the order of the files: those that take longest have few tests, and would come last.
fast-tests: setup
	$(BIN)/python -m pytest -n $(WORKERS) -p tests.schedule --no-loadscope-reorder \
	  -m "not slow and not gpu"

test-slow: setup
	$(BIN)/python -m pytest -m "slow or gpu"

wheel: setup demo-runtime
	$(BIN)/python -m build --wheel --no-isolation

# uv and npm are needed for this one: the locks are for every platform, and the smaller one pins what
# the larger one does.
UV_LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --group build \
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet pyproject.toml

lock:
	$(UV_LOCK) --all-extras -o requirements.lock
	$(UV_LOCK) --extra train -c requirements.lock -o requirements-train.lock
	npm install --prefix humanseg/demo/npm --package-lock-only --ignore-scripts \
	  --omit-lockfile-registry-resolved
