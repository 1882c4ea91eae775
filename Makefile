VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
# Both, so that the build's own setuptools is pinned too: older pips hand the first on to the environment in which they
# build, pip 26.2 and later only the second.
PINNED := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt

# Commands that the tests and the benchmarks start would compile sublearn anew each time.
unexport PYTHONDONTWRITEBYTECODE

# Tests in two processes of one thread each, a file's tests in one of them, for it may share what took long to make.
AT_ONCE := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: install chromium demo test test-slow check bench docs figures tables words replication notebook lab pins test-floors test-latest dist

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PINNED) $(PYTHON) -m pip install -q -e '.[dev,docs,endpoints,llm,serve]'
	touch $@

# What the tests of pages need, from Debian or Ubuntu, where it is not there: as root, or with sudo.
chromium:
	command -v chromium || command -v google-chrome || apt-get install -y chromium

demo: install
	$(BIN)/sublearn demo

test: install
	$(PYTHON) -m pytest $(AT_ONCE)

test-slow: install
	$(PINNED) $(PYTHON) -m pip install -q -e '.[dev,docs,endpoints,llm,ray,serve]'
	$(PYTHON) -m pytest -m slow

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(PYTHON) -m pytest $(AT_ONCE)

bench: install
	$(PINNED) $(PYTHON) -m pip install -q -e '.[dev,endpoints,llm,ray,serve]'
	$(PYTHON) -m benchmarks

# The notebook from its source, with its outputs and no times: about five minutes.
notebook: install
	$(PYTHON) tools/notebook.py

lab: install
	$(BIN)/jupyter lab examples/tutorial.ipynb

# The documentation site, in build/site: open its index.html. Nothing in it is loaded from elsewhere.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

figures: install
	$(PYTHON) docs/make_figures.py
	$(PYTHON) docs/make_screens.py

# The tables in docs/studies.md, from the commands that stand there; MNIST from SUBLEARN_DATA or downloaded.
tables: install
	$(PYTHON) docs/make_tables.py

# docs/words.md, from what pages say that words mean.
words: install
	$(PYTHON) docs/make_words.py

# The tables in docs/replication.md; MNIST from SUBLEARN_DATA or downloaded. Hours; it can be stopped and given again.
replication: install
	$(BIN)/sublearn replicate --precision medium --out runs/replication
	$(PYTHON) docs/make_replication.py runs/replication

# constraints.txt anew, from today's newest releases. torch moves by hand there: see tools/constraints.py.
pins:
	python3 -m venv --clear build/pins
	build/pins/bin/python tools/constraints.py pins

# The default tests in an environment of their own, at the floors of pyproject.toml and at today's newest releases. torch
# is the pinned one in both: of any other pip finds builds for CUDA alone, several GB of them.
test-floors: build/floors.txt
test-latest: build/latest.txt
test-floors test-latest: test-%:
	python3 -m venv --clear build/$*
	PIP_CONSTRAINT=build/$*.txt PIP_BUILD_CONSTRAINT=build/$*.txt build/$*/bin/python -m pip install -q -e '.[dev,docs,endpoints,llm,ray,serve,trackers]'
	build/$*/bin/python -m pytest $(AT_ONCE)

build/floors.txt: pyproject.toml constraints.txt tools/constraints.py
	mkdir -p build
	python3 tools/constraints.py floors > $@

build/latest.txt: constraints.txt
	mkdir -p build
	grep '^torch==' constraints.txt > $@

# The wheel and the source archive, in dist/.
dist: install
	rm -rf dist
	$(PINNED) $(PYTHON) -m build
