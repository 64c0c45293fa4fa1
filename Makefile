# `make run` opens the club, `make test` proves it: both fetch what they need into var/ and nowhere else. `make server`
# proves what needs Debian's packages.
SHELL := /bin/sh
PYTHON ?= python3
VENV := var/venv
WORKERS ?= 2
BIN := $(VENV)/bin
NPM_CI = command -v npm >/dev/null || { echo "npm is needed (it comes with Node.js)" >&2; exit 1; }; \
	mkdir -p var/npm && cp package.json package-lock.json var/npm/ && \
	cd var/npm && npm ci --silent --no-audit --no-fund --ignore-scripts
export PYTHONPYCACHEPREFIX := $(CURDIR)/var/pycache
# Also where the shell forbids it: each process that compiles everything anew begins two seconds later.
export PYTHONDONTWRITEBYTECODE :=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run install test coverage server check mutations assets screenshots bench streams wheel clean
.DEFAULT_GOAL := run

run: $(VENV)/.installed assets
	@exec $(BIN)/python -m portal run

install: $(VENV)/.installed assets

test: $(VENV)/.installed-test var/npm/.installed-test
	@$(BIN)/python -m tests.support.chromium
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(OPTIONS) $(TESTS)

# The same, and which lines of the portal no test runs; a fifth slower.
coverage:
	@$(MAKE) test OPTIONS="--cov=portal --cov-report=term:skip-covered --cov-fail-under=95"

# What needs Debian's own programs, what is killed and started again, evenings at Zoom and Meet, and `make run` where nothing is
# installed; nothing of it is skipped.
server: $(VENV)/.installed-test var/npm/.installed-test
	@$(BIN)/python -m tests.server.tools
	@$(BIN)/python -m pytest -m server tests/server tests/faults tests/product tests/mail

check: $(VENV)/.installed-test var/npm/.installed-test
	@$(BIN)/ruff check portal tests migrations wsgi.py
	@$(BIN)/ruff format --check --quiet portal tests migrations wsgi.py
	@$(BIN)/mypy
	@$(BIN)/djlint --quiet --lint templates
	@var/npm/node_modules/.bin/biome check --error-on-warnings

mutations: $(VENV)/.installed-test var/npm/.installed-test
	@$(BIN)/python -m tests.support.mutations $(RULES)

screenshots: $(VENV)/.installed-test var/npm/.installed-test
	@$(BIN)/python -m tests.support.chromium
	@$(BIN)/python -m tests.support.screenshots

bench: $(VENV)/.installed-test var/npm/.installed-test
	@$(BIN)/python -m tests.bench.pages $(BENCH)
	@$(BIN)/python -m tests.bench.door
	@$(BIN)/python -m tests.bench.tricks

streams: $(VENV)/.installed-test var/npm/.installed-test
	@$(BIN)/python -m tests.bench.streams $(BENCH)

assets: var/npm/.installed

# What a server installs with pip, whole: migrations, templates and built files for browsers are in it. In var/dist.
wheel: $(VENV)/.installed assets
	@rm -rf portal/bundle/assets var/dist
	@ASSETS=portal/bundle/assets $(BIN)/portal assets
	@$(BIN)/python -m pip wheel -qq --no-deps --wheel-dir var/dist .
	@rm -rf portal/bundle
	@ls var/dist/*.whl

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@mkdir -p var
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(VENV)/bin/python
	@echo "Installing what the portal needs into $(VENV) …"
	@$(BIN)/python -m pip install -qq --editable '.[demo]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/bin/python
	@echo "Installing what the tests need into $(VENV) …"
	@$(BIN)/python -m pip install -qq --editable '.[demo,test]'
	@touch $@ $(VENV)/.installed

var/npm/.installed: package.json package-lock.json
	@$(NPM_CI) --omit=dev
	@touch $@

# With what the tests and the linter of scripts and styles need.
var/npm/.installed-test: package.json package-lock.json
	@$(NPM_CI)
	@touch $@ var/npm/.installed

clean:
	rm -rf var
