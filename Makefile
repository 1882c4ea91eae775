VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python

.PHONY: install demo test test-slow check bench figures notebook

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install -q -c constraints.txt -e '.[dev,llm]'
	touch $@

demo: install
	$(BIN)/sublearn demo

test: install
	$(PYTHON) -m pytest

test-slow: install
	$(PYTHON) -m pip install -q -c constraints.txt -e '.[dev,llm,ray]'
	$(PYTHON) -m pytest -m slow

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(PYTHON) -m pytest

bench: install
	$(PYTHON) -m pip install -q -c constraints.txt -e '.[dev,llm,ray]'
	$(PYTHON) -m benchmarks

notebook: install
	$(BIN)/jupytext --to notebook examples/tutorial.py

figures: install
	$(PYTHON) docs/make_figures.py
