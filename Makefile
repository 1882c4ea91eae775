VENV := .venv
PYTHON := $(VENV)/bin/python

.PHONY: install test test-slow

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install -q -c constraints.txt -e '.[dev]'
	touch $@

test: install
	$(PYTHON) -m pytest

test-slow: install
	$(PYTHON) -m pytest -m slow
