# One virtual environment, .venv, made here. Two commands matter: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-all check clean

demo: .venv/.runtime  ## set up and run the main job: cited answers, one lap, the page's address
	@$(BIN)/groundwork demo

PYTEST := $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: .venv/.tests  ## everything that needs no torch
	$(PYTEST)

test-all: .venv/.torch  ## everything
	$(PYTEST)

check: .venv/.torch  ## lint, types (of what trains, too), floors, documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_suite.py
	$(BIN)/python -m scripts.check_docs

clean:
	rm -rf .venv dist build

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "groundwork needs Python 3.11 or newer: make PYTHON=python3.11 demo")'
	$(PYTHON) -m venv .venv

.venv/.runtime: pyproject.toml | .venv/bin/python
	$(BIN)/pip install -q -e .
	@touch $@

.venv/.tests: pyproject.toml .venv/.runtime
	$(BIN)/pip install -q -e '.[test]'
	@touch $@

# torch by its exact version, before anything that asks for it: a later package must not draw in a build with CUDA.
# The base's weights come with it: tests block the network.
TORCH := torch==2.13.0
.venv/.torch: pyproject.toml .venv/.checks
	$(BIN)/pip install -q $(TORCH)
	@echo '$(TORCH)' > .venv/torch.txt
	$(BIN)/pip install -q -c .venv/torch.txt -e '.[test,check,tune,sentence-transformers]'
	$(BIN)/groundwork tune base
	@touch $@

.venv/.checks: pyproject.toml .venv/.tests
	$(BIN)/pip install -q -e '.[test,check]'
	@touch $@
