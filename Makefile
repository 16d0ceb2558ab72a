# make run [DATA=path/to/five/folders] [ARGS="overrides"]   train, on the built-in sample without DATA
# make demo [ARGS="--model FILE"]                           the page that cuts people out, in the browser
# make report [DATA=path/to/five/folders] [ARGS="--html"]   the research report from notebooks/records
# make test | test-slow | lint | wheel | setup | lock       each does all set-up that it needs
#
# Needs Python 3.11 or newer, with venv; another one than python3: make run PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The stamp of a finished installation is named by what was installed, so that an interrupted one
# is done again, and so is one whose lock has changed since.
STAMP := $(VENV)/installed-$(shell cat requirements.lock pyproject.toml | cksum | tr ' ' -)

# The recipes read it from the environment, where spaces and quotes do no harm.
export DATA

.PHONY: setup run demo report demo-runtime lint test test-slow wheel lock
.DEFAULT_GOAL := setup

setup: $(STAMP)

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "humanseg needs Python 3.11 or newer, and $(PYTHON) is not: install one, or name it with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments: install python3-venv." >&2; exit 2; }
	rm -f $(VENV)/installed-*
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	touch $@

run: setup
	@if [ -z "$$DATA" ]; then DATA=sample; $(BIN)/humanseg sample sample; fi; \
	quoted=$$(printf %s "$$DATA" | sed "s/'/\\\\'/g"); \
	$(BIN)/humanseg train "data.root='$$quoted'" $(ARGS)

demo: setup
	$(BIN)/humanseg demo $(ARGS)

report: setup
	PYTHONPATH=notebooks $(BIN)/python -m research $${DATA:+--data "$$DATA"} $(ARGS)

# onnxruntime-web, by npm ci: an installed humanseg demo then needs neither npm nor a network.
demo-runtime: setup
	$(BIN)/python -c 'from humanseg.demo import ready_runtime; ready_runtime()'

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile -m "not slow and not gpu"

test-slow: setup
	$(BIN)/python -m pytest -m "slow or gpu"

wheel: demo-runtime
	$(BIN)/python -m build --wheel --no-isolation

# uv and npm are needed for this one: the locks are for every platform.
lock:
	uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  --quiet pyproject.toml -o requirements.lock
	npm install --prefix humanseg/demo/npm --package-lock-only --ignore-scripts \
	  --omit-lockfile-registry-resolved
