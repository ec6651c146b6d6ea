# Everything a person does with this checkout; `make` alone lists it.
# Settings may stand on the command line: make run PORT=8001 LUOTA_HOME=/srv/luota
.DEFAULT_GOAL := help
.PHONY: help run drill test check fix bench screenshots lock
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
PY := $(VENV)/bin/python
# The stamps carry the hash of their lock file: another lock is another stamp, the same one installs nothing.
RUN_STAMP := $(VENV)/.run-$(firstword $(shell cksum < requirements/run.txt))
DEV_STAMP := $(VENV)/.dev-$(firstword $(shell cksum < requirements/dev.txt))
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r
COMPILE := $(VENV)/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --universal \
	--python-version 3.11 --no-annotate --no-header pyproject.toml
AZURITE := $(VENV)/azurite/.at-$(firstword $(shell cksum < tests/azurite/package-lock.json))
TEST_HOME ?= .luota/test
TESTS ?= tests
WITH_ENGINES := env -u DATABASE_URL -u REDIS_URL $(PY) -m luota.embedded --home $(TEST_HOME) exec --throwaway --

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: $(RUN_STAMP) ## start everything and a living demo (PORT=8000 LUOTA_HOME=.luota)
	@$(PY) -m luota.run

drill: $(RUN_STAMP) ## one more restore drill while `make run` runs (BREAK=dump|encrypt|decrypt|restore|stale|silent)
	@$(PY) -m examples.restore_drill --demo $(or $(LUOTA_HOME),.luota)/demo.json $(addprefix --break ,$(BREAK))

test: $(DEV_STAMP) $(AZURITE) ## run all tests on the bundled engines (TESTS=path narrows)
	@eval "$$(.ci/chromium)"; $(WITH_ENGINES) $(PY) -m pytest -n logical --dist loadfile --no-loadscope-reorder $(TESTS)

check: $(DEV_STAMP) ## format, lint, types, import contracts, dependencies, migrations, templates
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/deptry .
	$(WITH_ENGINES) $(PY) manage.py makemigrations --check --dry-run
	$(VENV)/bin/djlint --lint --quiet templates

fix: $(DEV_STAMP) ## what ruff can repair by itself
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(DEV_STAMP) ## measure; the tables of bench/README.md
	@$(PY) -m bench

screenshots: $(DEV_STAMP) ## draw the pictures of README anew
	@eval "$$(.ci/chromium)"; $(PY) docs/screenshots.py

lock: $(DEV_STAMP) ## write the lock files from pyproject.toml
	$(COMPILE) -o requirements/run.txt
	$(COMPILE) --group dev -o requirements/dev.txt

$(RUN_STAMP): | $(PY)
	@echo "Installing what Luota needs ..."
	@$(INSTALL) requirements/run.txt
	@rm -f $(VENV)/.run-* && touch $@

$(DEV_STAMP): | $(PY)
	@echo "Installing what Luota and its tests need ..."
	@$(INSTALL) requirements/dev.txt
	@rm -f $(VENV)/.dev-* && touch $@

# Without npm, or without its registry, the tests of az:// say that they were skipped.
$(AZURITE): | $(PY)
	@mkdir -p $(VENV)/azurite && rm -f $(VENV)/azurite/.at-* && cp tests/azurite/package*.json $(VENV)/azurite/
	@if command -v npm >/dev/null; then echo "Installing a server of Azure's protocol for the tests ..."; \
		npm ci --silent --no-audit --no-fund --prefix $(VENV)/azurite >/dev/null 2>&1 || echo "npm could not."; fi
	@touch $@

$(PY):
	@test -n "$(PYTHON)" || { echo "luota: Python 3.11 or newer is missing: install python3 and python3-venv." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "luota: $(PYTHON) cannot make virtual environments: install python3-venv." >&2; exit 1; }
	@echo "Making the virtual environment with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear $(VENV)
