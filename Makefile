# Each target first makes .venv if it needs it; `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OFFLINE := not documents and not package and not live and not job and not stress
ON_ALL_CORES := -n auto --dist loadfile --no-loadscope-reorder

# Without compiled code, each worker and each program that a test starts compiles everything again: 40 s of the offline suite.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv spec generate regenerate regeneration-job api-diff next-version docs site check-migration check-generated demo lint types test test-all test-offline test-tools test-one coverage test-lowest mutation test-stress test-terminals test-web test-turns test-turns-fake test-paging test-live compat test-documents test-random test-package test-job soak dist bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(READY)  ## make a virtual environment in .venv with everything that the other targets need
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[generate]' --group dev
	@touch $@

spec: $(READY)  ## download /doc to openapi.json from OPENCODE_URL, or from opencode OPENCODE_VERSION of npm (default: the document's version)
	$(BIN)/python -m scripts.fetch_spec

generate: $(READY)  ## write the generated code again, offline; SPEC=<file> OUT=<folder> for another document
	$(BIN)/python -m scripts.generate $(if $(SPEC),--spec '$(subst ','\'',$(SPEC))') $(if $(OUT),--out '$(subst ','\'',$(OUT))')

regenerate: $(READY)  ## spec, generate and docs, then list the changes since the last commit; CHECK=1 fails if there are any
	$(BIN)/python -m scripts.regenerate

regeneration-job: $(READY)  ## regenerate from OPENCODE_URL or OPENCODE_VERSION, test, and write a patch; TESTS="tests/calls" for fewer tests
	$(BIN)/python -m scripts.regeneration_job

api-diff: $(READY)  ## list the changes since AGAINST=<git ref> (default: HEAD), without downloading anything
	$(BIN)/python -m scripts.changes $(if $(AGAINST),'$(AGAINST)')

next-version: $(READY)  ## print the version that the next release needs, with the reasons; AGAINST=<git ref> instead of the last tag, CHECK=1
	$(BIN)/python -m scripts.changes.next_version

docs: $(READY)  ## write the API reference of openapi.json to docs/api, in Chinese and English
	$(BIN)/python scripts/gen-opencode-api-docs.py openapi.json

site: $(READY) build/site-tools/.ready  ## build the documentation site in build/site/html, without warnings, and check its links
	$(BIN)/python -m scripts.site build/site-tools/bin/zensical

build/site-tools/.ready: pyproject.toml
	$(PYTHON) -m venv build/site-tools
	build/site-tools/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/site-tools/bin/python -m pip install --quiet --group docs
	@touch $@

check-migration: $(READY)  ## look up the names of docs/migration.md in the packages that it names, from npm and PyPI
	$(BIN)/python -m scripts.migration

check-generated: $(READY)  ## fail if the generated code or docs/api differ from the output of `make generate` and `make docs`
	$(BIN)/python -m scripts.generate --check
	$(BIN)/python scripts/gen-opencode-api-docs.py openapi.json --check

demo: $(READY)  ## show a turn of an agent on a real server with a scripted model: no key, no account
	$(BIN)/python -m scripts.demo

lint: $(READY)  ## check the handwritten code with ruff, the layers of the package, and the schema and safety of the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet --no-progress --persona auditor .github/workflows

types: $(READY)  ## run mypy --strict and pyright strict over all code, generated code included
	$(BIN)/mypy
	$(BIN)/basedpyright

test: test-offline  ## run the offline tests of the client: a minute

test-all: test-offline test-tools test-live  ## run all offline tests, and the live suite if npm is installed

test-offline: $(READY)  ## run the offline tests of the client, on all cores
	$(BIN)/pytest $(ON_ALL_CORES) -m 'not tools and $(OFFLINE)'

test-tools: $(READY)  ## run all other offline tests: the generator, the fake server, the command, the pages, the examples
	$(BIN)/pytest $(ON_ALL_CORES) -m 'tools and $(OFFLINE)'

test-one: $(READY)  ## run some tests in one process and show their output: T=tests/calls/test_client.py or T='tests/calls -k retry'
	$(BIN)/pytest --capture=no --verbose $(if $(T),$(T),$(error Name the tests: make test-one T=tests/calls/test_client.py))

coverage: $(READY)  ## run all offline tests and list the branches of the handwritten package that it does not reach; fails under 97 %
	$(BIN)/pytest $(ON_ALL_CORES) -m '$(OFFLINE)' --cov

test-lowest: pyproject.toml  ## run all offline tests with the oldest dependencies that pyproject.toml allows, in an environment of its own
	$(PYTHON) -m venv build/lowest
	build/lowest/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/lowest/bin/python -m pip install --quiet --editable '.[generate]' --group dev $$($(PYTHON) -m scripts.lowest)
	build/lowest/bin/python -m pytest $(ON_ALL_CORES) -m '$(OFFLINE)'

mutation: pyproject.toml  ## run mutation tests of four groups of modules, or of GROUP=frames; fails if the tests of a group kill under 80 %
	$(PYTHON) -m venv build/mutation
	build/mutation/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/mutation/bin/python -m pip install --quiet --editable '.[generate]' --group dev --group mutation
	build/mutation/bin/python -m scripts.mutation $(GROUP)

test-stress: $(READY)  ## run the tests with full sizes that the offline suite runs with small ones: crowds, interrupts, large bodies
	$(BIN)/pytest -n logical -m stress

test-web: $(READY)  ## use the page of examples/web in headless Chromium, if there is one; screenshots are in build/web; VERSION=1.18.33 on a real server
	$(BIN)/python -m tests.web_in_browser $(VERSION)

test-terminals: $(READY)  ## open and close 500 terminals over TLS beside three busy loops; COUNT=... for another number
	$(BIN)/python -m tests.terminals.under_load $(or $(COUNT),500)

test-turns: $(READY)  ## turns on real servers of five versions; VERSIONS="1.1.31" for others
	TURN_VERSIONS="$(or $(VERSIONS),1.1.31 1.3.2 1.14.48 1.15.13 1.18.33)" $(BIN)/pytest -n 3 --dist loadfile -m live tests/live/turns

test-turns-fake: $(READY)  ## turns on the fake server, in two versions; needs no npm
	TURN_FAKE=1 TURN_VERSIONS="$(or $(VERSIONS),1.3.2 1.18.33)" $(BIN)/pytest -n auto -m "live and not matrix" tests/live/turns

test-paging: $(READY)  ## lists of 250 messages and sessions, on real servers of five versions
	$(BIN)/pytest -m live tests/live/test_paging.py

test-live: $(READY)  ## run the live suite: real servers from npm
	$(BIN)/pytest -n 2 --dist loadfile -m "live and not matrix"

compat: $(READY)  ## test this client with servers of seven versions, or of VERSIONS="1.1.65 latest"; WRITE=1 writes the table
	$(BIN)/python -m tests.live.compat $(if $(WRITE),--write) $(VERSIONS)

test-documents: $(READY)  ## generate and type-check packages from all seven committed documents
	$(BIN)/pytest -n logical --dist loadgroup -m documents

test-random: $(READY)  ## 2,000 operations in random documents, and faults planted into the generator; SEED=1 repeats a run
	$(BIN)/python -m tests.random_documents

test-package: $(READY)  ## build the wheel and use it in a clean environment
	$(BIN)/pytest -n 2 --dist loadgroup -m package

test-job: $(READY)  ## run the regeneration job in a copy of this project, from an old state to newer servers
	$(BIN)/pytest -n 2 --dist loadfile -m job tests/job

soak: $(READY)  ## mixed work on a real server that is killed each minute, behind a proxy with faults; MINUTES=45, TASKS=100 ...
	$(BIN)/python -m tests.soak

dist: pyproject.toml  ## build sdist and wheel into dist/, and check both
	$(PYTHON) -m venv build/packaging
	build/packaging/bin/python -m pip install --quiet build twine check-wheel-contents
	rm -rf dist
	build/packaging/bin/python -m build --outdir dist .
	build/packaging/bin/twine check --strict dist/*
	build/packaging/bin/check-wheel-contents dist/*.whl

bench: $(READY)  ## measure speed and memory as ratios, in one run
	$(BIN)/python -m benchmarks

clean:  ## delete everything that the targets made, the virtual environment and downloaded servers too
	rm -rf $(VENV) .cache build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
