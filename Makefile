# make run    everything on this machine, from nothing        make test   the same set-up, then every test
# make setup  the installing alone                            make bench  the benchmarks
SHELL := /bin/bash
.DEFAULT_GOAL := run
.PHONY: setup run test bench lint pins clean

# Tested with 3.11; 3.12 and 3.13 resolve. A newer python3 is tried only where there is none of these.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$name && exit; done; \
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo python3)
VENV := .venv/bin/python
ARGS ?=

define installed
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed and none was found: install it, or name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) config/local/install.py $(1)
endef

setup:
	$(call installed)
	@$(VENV) -m config.local profile

run: setup
	@exec $(VENV) -m config.local run

test:
	$(call installed,--with-tests)
	@exec $(VENV) -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile $(ARGS)

bench:
	$(call installed,--with-tests)
	@exec $(VENV) -m config.local bench $(ARGS)

lint:
	$(call installed,--with-tests)
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/lint-imports

# After a dependency in pyproject.toml changed
pins:
	$(call installed,--with-tests)
	@$(VENV) -m config.local.pins

# Never .data: it holds what people entered
clean:
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks test-results
	find . -name __pycache__ -type d -not -path './.data/*' -prune -exec rm -rf {} +
