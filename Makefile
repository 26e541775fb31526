# One word for each thing a person does. `make install` is part of all of them.

PYTHON ?= python3
BIN := .venv/bin
UI_SOURCES := $(shell find ui -type f -not -path '*/node_modules/*' -not -name schema.d.ts 2>/dev/null)
# Arguments for run, bench and test: make test ARGS="-k journal"
ARGS ?=

.PHONY: install ui api-types screenshots run demo test check bench bench-sdk bench-cancel bench-decode bench-recorder bench-page fuzz soak lock clean

install: .venv/installed

.venv/installed: requirements-dev.lock pyproject.toml hatch_build.py
	@echo "Installing into .venv (a few minutes the first time) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "This needs Python 3.11 or newer; name one with PYTHON=… behind make." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The page. Node comes from the system, or from PyPI where there is none.
ui: src/streamgauge/ui/index.html

ui/node_modules/installed: ui/package-lock.json scripts/node | .venv/installed
	@echo "Installing what builds the page …"
	@cd ui && ../scripts/node npm ci --no-audit --no-fund --loglevel=error
	@touch $@

src/streamgauge/ui/index.html: $(UI_SOURCES) ui/node_modules/installed
	@echo "Building the page …"
	@cd ui && ../scripts/node npm run --silent build
	@touch $@

# What the page knows of the API; to be renewed, and committed, after a change of the API.
api-types: install
	$(BIN)/python scripts/openapi

# Pictures of every view, in both themes, from a running demo.
screenshots: install ui
	@scripts/chromium
	$(BIN)/python scripts/screenshots

run: install ui
	$(BIN)/streamgauge serve $(ARGS)

demo: install ui
	@$(BIN)/streamgauge demo $(ARGS)

# Real browsers, servers and kills, on a machine that may be busy: what fails is tried once more,
# and the summary names it (RERUN). Failing twice is a failure. A worker that has nothing left takes
# from the other's end (worksteal): until then files stay whole, and what their tests share is
# started once.
test: install ui
	@$(BIN)/python tests/clients/environments.py > /dev/null
	@scripts/chromium
	$(BIN)/python -m pytest -n 2 --dist worksteal --reruns 1 $(ARGS)

check: install ui
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -p no:randomly tests/test_imports.py
	$(BIN)/python scripts/openapi --check || { echo 'The API has changed: run make api-types' >&2; exit 1; }
	cd ui && ../scripts/node npm run --silent typecheck
	cd ui && ../scripts/node npm run --silent lint
	cd ui && ../scripts/node npm run --silent test

bench: install
	$(BIN)/python bench/run.py $(ARGS)

bench-sdk: install
	$(BIN)/python bench/sdk.py $(ARGS)

bench-decode: install
	$(BIN)/python bench/decode.py $(ARGS)

bench-recorder: install
	$(BIN)/python bench/recorder.py $(ARGS)

bench-page: install ui
	$(BIN)/python bench/page.py $(ARGS)

# Longer than the suite does: FUZZ examples of each target (make fuzz FUZZ=1000000).
FUZZ ?= 20000
fuzz: install
	STREAMGAUGE_FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/wire/test_fuzz.py --timeout 36000 $(ARGS)

bench-cancel: install
	$(BIN)/python bench/cancel.py $(ARGS)

soak: install ui
	$(BIN)/python -m pytest -m soak --timeout 7200 $(ARGS)

# No address and no path in it: it must install from anywhere.
lock: | .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL $(BIN)/uv pip compile pyproject.toml \
		--extra dev --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
		--no-header --quiet -o requirements-dev.lock

clean:
	rm -rf .venv .venv-* ui/node_modules tests/clients/node/node_modules \
		examples/nextjs-after/node_modules examples/nextjs-after/.next src/streamgauge/ui bench/bin build dist
